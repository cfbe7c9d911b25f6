package s3

import (
	"github.com/fabriziosalmi/rainlogs/sdk"
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Plugin returns the plugin's declaration.
func Plugin() sdk.Plugin {
	return sdk.Plugin{
		Name:    "s3",
		Version: "1.0.0",
		Schema:  schema(),
		Storage: func(v config.Values) (storage.Storage, error) { return Open(fromValues(v)) },
	}
}

func schema() config.Schema {
	return config.Schema{
		{Name: "endpoint", Kind: config.String, Required: true, Endpoint: true, Help: "URL of the store: https://s3.example.eu"},
		{Name: "region", Kind: config.String, Required: true, Help: "region that requests are signed for"},
		{Name: "bucket", Kind: config.String, Required: true, Help: "bucket that holds the objects; it must exist"},
		{Name: "prefix", Kind: config.String, Help: "what all keys begin with, before a slash: archives/one"},
		{Name: "path_style", Kind: config.Bool, Default: "true", Help: "the bucket in the path of URLs; false: in the host's name"},
		{Name: "access_key_id", Kind: config.String, Secret: true, Help: "access key"},
		{Name: "secret_access_key", Kind: config.String, Secret: true, Help: "secret key"},
		{Name: "session_token", Kind: config.String, Secret: true, Help: "token of temporary keys"},
		{Name: "credentials_file", Kind: config.String, Help: "shared credentials file, instead of keys; it is read again every few minutes"},
		{Name: "profile", Kind: config.String, Default: "default", Help: "profile in the credentials file"},
		{Name: "role_arn", Kind: config.String, Help: "role to assume by web identity, instead of keys"},
		{Name: "web_identity_token_file", Kind: config.String, Help: "file with the token of the web identity"},
		{Name: "sts_endpoint", Kind: config.String, Help: "URL that exchanges the token for keys; default: the endpoint"},
		{Name: "lock", Kind: config.String, Default: "none", Help: "Object Lock of objects that are to be retained: none, governance or compliance"},
		{Name: "storage_class", Kind: config.String, Help: "storage class of new objects; default: the store's"},
		{Name: "part_size", Kind: config.Int, Default: "16", Help: "MiB of a part; larger objects are uploaded in parts"},
		{Name: "concurrency", Kind: config.Int, Default: "4", Help: "parts that are uploaded at the same time"},
		{Name: "ca_file", Kind: config.String, Help: "PEM file of the authorities to trust, instead of the system's"},
		{Name: "allow_http", Kind: config.Bool, Help: "allow an http:// endpoint that is not this machine's"},
	}
}

func fromValues(v config.Values) Config {
	return Config{
		Endpoint: v["endpoint"], AllowHTTP: v.Bool("allow_http"), CAFile: v["ca_file"],
		Region: v["region"], Bucket: v["bucket"], Prefix: v["prefix"], PathStyle: v.Bool("path_style"),
		Credentials: Credentials{
			AccessKeyID: v["access_key_id"], SecretAccessKey: v["secret_access_key"], SessionToken: v["session_token"],
			File: v["credentials_file"], Profile: v["profile"],
			RoleARN: v["role_arn"], TokenFile: v["web_identity_token_file"], STSEndpoint: v["sts_endpoint"],
		},
		Lock: Lock(v["lock"]), StorageClass: v["storage_class"],
		PartSize: v.Int("part_size") << 20, Concurrency: int(v.Int("concurrency")),
	}
}
