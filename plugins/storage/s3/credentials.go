package s3

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// fileFresh is how long the keys of a shared file are used before it is read
// again: they may be rotated.
const fileFresh = 5 * time.Minute

// provider returns what signs requests. Nothing but what is set is asked: not
// the environment, not the metadata service of a cloud's machines.
func (c Config) provider(client aws.HTTPClient) aws.CredentialsProvider {
	switch own := c.Credentials; {
	case own.AccessKeyID != "":
		return credentials.NewStaticCredentialsProvider(own.AccessKeyID, own.SecretAccessKey, own.SessionToken)
	case own.File != "":
		return aws.NewCredentialsCache(aws.CredentialsProviderFunc(c.fromFile))
	default:
		endpoint := own.STSEndpoint
		if endpoint == "" {
			endpoint = c.Endpoint
		}
		issuer := sts.New(sts.Options{BaseEndpoint: &endpoint, Region: c.Region, HTTPClient: client})
		return aws.NewCredentialsCache(stscreds.NewWebIdentityRoleProvider(issuer, own.RoleARN, stscreds.IdentityTokenFile(own.TokenFile)))
	}
}

func (c Config) fromFile(ctx context.Context) (aws.Credentials, error) {
	file, profile := c.Credentials.File, c.Credentials.Profile
	if profile == "" {
		profile = config.DefaultSharedConfigProfile
	}
	shared, err := config.LoadSharedConfigProfile(ctx, profile, func(o *config.LoadSharedConfigOptions) {
		o.CredentialsFiles, o.ConfigFiles = []string{file}, []string{}
	})
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("read profile %q of %s: %w", profile, file, err)
	}
	keys := shared.Credentials
	if !keys.HasKeys() {
		return aws.Credentials{}, fmt.Errorf("profile %q of %s has no keys", profile, file)
	}
	keys.CanExpire, keys.Expires = true, c.Now().Add(fileFresh)
	return keys, nil
}

// redactor remembers which keys are in use and takes them out of texts: a
// server may repeat in its message what it was sent.
type redactor struct {
	from aws.CredentialsProvider

	mu      sync.Mutex
	secrets []string
}

// Retrieve returns the keys.
func (r *redactor) Retrieve(ctx context.Context) (aws.Credentials, error) {
	keys, err := r.from.Retrieve(ctx)
	if err != nil {
		return keys, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets = r.secrets[:0]
	for _, s := range []string{keys.SecretAccessKey, keys.SessionToken, keys.AccessKeyID} {
		if s != "" {
			r.secrets = append(r.secrets, s)
		}
	}
	return keys, nil
}

func (r *redactor) clean(text string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.secrets {
		text = strings.ReplaceAll(text, s, "[redacted]")
	}
	return text
}

var _ aws.HTTPClient = (*http.Client)(nil)
