package s3

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Lock is the mode of Object Lock that objects to be retained get.
type Lock string

// The modes. Governance can be lifted by whoever has that right, compliance
// by nobody.
const (
	LockNone       Lock = "none"
	LockGovernance Lock = "governance"
	LockCompliance Lock = "compliance"
)

// Config says where the objects are and how they are written.
type Config struct {
	Endpoint  string // https://host[:port]
	AllowHTTP bool   // http to other machines, too
	CAFile    string

	Region, Bucket string
	Prefix         string // "" or a key's form; keys follow after a slash
	PathStyle      bool

	Credentials  Credentials
	Lock         Lock
	StorageClass string
	PartSize     int64 // bytes
	Concurrency  int

	Log   *slog.Logger
	Now   func() time.Time
	NewID func() string // a mark that no other Put has

	// limits are shorter in tests.
	limits limits
}

// limits bound what a store may take.
type limits struct {
	attempts int           // of one request
	backoff  time.Duration // at most, between two of them
	answer   time.Duration // from a request's last byte to its answer's header
	slowest  int64         // bytes of a request's body in a second
	stall    time.Duration // that a body may take for its next progressBytes
	settle   time.Duration // first wait for what should be visible
	recent   time.Duration // how long a 404 after a write is not believed
	parts    int64         // of an upload; stores allow 1,000 at least (Scaleway), S3 10,000
	page     int32         // objects of a listing's answer
}

func defaultLimits() limits {
	return limits{
		attempts: 5, backoff: 10 * time.Second, answer: 5 * time.Minute, slowest: 64 << 10, stall: time.Minute,
		settle: 200 * time.Millisecond, recent: 30 * time.Second, parts: 1000, page: 1000,
	}
}

const (
	minPart = 5 << 20 // S3's, of all parts but the last
	maxPart = 1 << 30
)

func (c Config) withDefaults() Config {
	if c.Lock == "" {
		c.Lock = LockNone
	}
	if c.PartSize == 0 {
		c.PartSize = 16 << 20
	}
	if c.Concurrency == 0 {
		c.Concurrency = 4
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = rand.Text
	}
	if c.limits == (limits{}) {
		c.limits = defaultLimits()
	}
	return c
}

var (
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	// and nothing else: the SDK takes an ARN in its place as another endpoint.
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	regionName = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
	className  = regexp.MustCompile(`^[A-Za-z0-9_-]{0,64}$`)
)

func (c Config) validate() error {
	if err := c.checkURL("endpoint", c.Endpoint); err != nil {
		return err
	}
	if c.Credentials.STSEndpoint != "" {
		if err := c.checkURL("sts_endpoint", c.Credentials.STSEndpoint); err != nil {
			return err
		}
	}
	switch {
	case !regionName.MatchString(c.Region):
		return fmt.Errorf("region %q: want letters, digits and hyphens", c.Region)
	case !bucketName.MatchString(c.Bucket):
		return fmt.Errorf("bucket %q: want 3 to 63 of a-z, 0-9, '.' and '-'", c.Bucket)
	case c.Prefix != "" && !storage.ValidKey(c.Prefix):
		return fmt.Errorf("prefix %q: want the form of a key, without a slash at its ends", c.Prefix)
	case !className.MatchString(c.StorageClass):
		return fmt.Errorf("storage_class %q: not a name", c.StorageClass)
	case c.PartSize < minPart || c.PartSize > maxPart:
		return fmt.Errorf("part_size %d MiB: want 5 to 1024", c.PartSize>>20)
	case c.Concurrency < 1 || c.Concurrency > 64:
		return fmt.Errorf("concurrency %d: want 1 to 64", c.Concurrency)
	}
	switch c.Lock {
	case LockNone, LockGovernance, LockCompliance:
	default:
		return fmt.Errorf("lock %q: want none, governance or compliance", c.Lock)
	}
	return c.Credentials.validate()
}

// checkURL demands an address without anything secret in it, and encryption
// to all but this machine.
func (c Config) checkURL(setting, raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%s: want https://HOST[:PORT]", setting)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return fmt.Errorf("%s: want https://HOST[:PORT] and nothing more", setting)
	case u.Scheme == "http" && !c.AllowHTTP && !isLoopback(u.Hostname()):
		return fmt.Errorf("%s %s: http sends evidence and keys' signatures in the clear: use https, or set allow_http", setting, raw)
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Credentials are of one kind: keys, a shared file, or a web identity.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	File, Profile                              string
	RoleARN, TokenFile, STSEndpoint            string
}

func (c Credentials) validate() error {
	keys := c.AccessKeyID != "" || c.SecretAccessKey != "" || c.SessionToken != ""
	role := c.RoleARN != "" || c.TokenFile != ""
	kinds := 0
	for _, set := range []bool{keys, role, c.File != ""} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		return errors.New("no credentials: set access_key_id and secret_access_key, credentials_file, or role_arn and web_identity_token_file")
	case kinds > 1:
		return errors.New("credentials of more than one kind: set keys, credentials_file, or role_arn and web_identity_token_file")
	case keys && (c.AccessKeyID == "" || c.SecretAccessKey == ""):
		return errors.New("access_key_id and secret_access_key belong together")
	case role && (c.RoleARN == "" || c.TokenFile == ""):
		return errors.New("role_arn and web_identity_token_file belong together")
	}
	return nil
}
