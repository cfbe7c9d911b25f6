// Rainlogs-storage-sftp keeps objects on an SFTP server, such as a Hetzner
// Storage Box or any machine with OpenSSH.
//
// It is written as a third party would write it: it imports nothing of
// RainLogs but the sdk. README.md says what it asks of a server.
package main

import (
	"github.com/fabriziosalmi/rainlogs/sdk"
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func main() { sdk.Serve(plugin()) }

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "sftp", Version: "0.1.0",
		Schema: config.Schema{
			{Name: "host", Kind: config.String, Required: true, Help: "name or address of the server"},
			{Name: "port", Kind: config.Int, Default: "22", Help: "port of its SSH service"},
			{Name: "user", Kind: config.String, Required: true, Help: "user to log in as"},
			{Name: "path", Kind: config.String, Required: true, Help: "folder that holds the objects; it must be there"},
			{Name: "known_hosts", Kind: config.String, Required: true, Help: "file with the server's host key, as ssh-keyscan writes it; no other key is accepted"},
			{Name: "private_key", Kind: config.String, Secret: true, Help: "private key in OpenSSH's or PEM form: file:PATH"},
			{Name: "passphrase", Kind: config.String, Secret: true, Help: "of the private key"},
			{Name: "agent", Kind: config.String, Help: "socket of an SSH agent that holds the key instead"},
			{Name: "unsynced", Kind: config.Bool, Help: "accept a server that cannot say when bytes are durable (no fsync@openssh.com)"},
		},
		Storage: func(v config.Values) (storage.Storage, error) { return open(v) },
	}
}

func open(v config.Values) (*Store, error) {
	d, err := newDialer(v)
	if err != nil {
		return nil, err
	}
	return newStore(v["path"], v.Bool("unsynced"), d.dial), nil
}
