package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	sentinels := []error{
		storage.ErrNotFound, storage.ErrExists, storage.ErrChanged, storage.ErrLocked, storage.ErrPermission,
		storage.ErrUnavailable, storage.ErrCorrupt, storage.ErrFull, storage.ErrInvalidKey,
	}
	tests := []struct {
		status        int
		code, message string
		want          error // nil: none of the port's
	}{
		{404, "NoSuchKey", "None.", storage.ErrNotFound},
		{404, "NoSuchBucket", "None.", storage.ErrPermission},
		{403, "AccessDenied", "Access Denied.", storage.ErrPermission},
		{403, "InvalidAccessKeyId", "Unknown.", storage.ErrPermission},
		{403, "SignatureDoesNotMatch", "Other.", storage.ErrPermission},
		{403, "RequestTimeTooSkewed", "Late.", storage.ErrPermission},
		{401, "Unauthorized", "Who?", storage.ErrPermission},
		{400, "ExpiredToken", "Old.", storage.ErrPermission},
		{403, "AccessDenied", "Access Denied because object protected by object lock.", storage.ErrLocked},
		{403, "AccessDenied", "Object is WORM protected and cannot be overwritten", storage.ErrLocked},
		{400, "ObjectLocked", "Locked.", storage.ErrLocked},
		{507, "InsufficientStorage", "Full.", storage.ErrFull},
		{403, "QuotaExceeded", "Full.", storage.ErrFull},
		{507, "XMinioStorageFull", "Full.", storage.ErrFull},
		{503, "SlowDown", "Slow.", storage.ErrUnavailable},
		{503, "ServiceUnavailable", "Down.", storage.ErrUnavailable},
		{500, "InternalError", "Oops.", storage.ErrUnavailable},
		{502, "", "", storage.ErrUnavailable},
		{429, "TooManyRequests", "Slow.", storage.ErrUnavailable},
		{408, "RequestTimeout", "Slow.", storage.ErrUnavailable},
		{400, "RequestTimeout", "Slow.", storage.ErrUnavailable},
		{400, "BadDigest", "Changed.", storage.ErrUnavailable},
		{400, "AuthorizationHeaderMalformed", "The region is wrong.", nil},
		{301, "PermanentRedirect", "Elsewhere.", nil},
		{307, "TemporaryRedirect", "Elsewhere.", nil},
		{501, "NotImplemented", "What?", nil},
		{400, "InvalidRequest", "What?", nil},
	}
	for _, test := range tests {
		t.Run(test.code+test.message, func(t *testing.T) {
			t.Parallel()
			p := s3test.NewProxy(t, server)
			s := open(t, settings(p.URL(), server.Bucket(t, s3test.Plain), server.Root))
			if err := s.reach(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.Order(s3test.Op("GetObject"), -1, s3test.Refuse(test.status, test.code, test.message))
			_, err := get(t.Context(), s, "k")
			for _, sentinel := range sentinels {
				if errors.Is(err, sentinel) != errors.Is(test.want, sentinel) {
					t.Errorf("%v is %v, want %v", err, sentinel, test.want)
				}
			}
			if err == nil || !strings.Contains(err.Error(), test.code) {
				t.Errorf("%v, want the store's code", err)
			}
		})
	}
}

// TestUnreachable stores may be there again.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + l.Addr().String()
	_ = l.Close()
	for name, endpoint := range map[string]string{"refused": gone, "no such host": "https://s3.nothing.invalid"} {
		s := open(t, settings(endpoint, "bucket", s3test.Key{ID: "id", Secret: "secret"}))
		if _, err := s.Stat(t.Context(), "k"); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoBucket(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	s := open(t, settings(server.URL(), "nobody-made-this", server.Root))
	for name, err := range map[string]error{
		"put": put(t.Context(), s, "k", nil), "stat": func() error { _, err := s.Stat(t.Context(), "k"); return err }(),
		"delete": s.Delete(t.Context(), "k"),
	} {
		if !errors.Is(err, storage.ErrPermission) || !strings.Contains(err.Error(), `no bucket "nobody-made-this"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNoSecretIsTold, not even when the server repeats what it was sent.
func TestNoSecretIsTold(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	p := s3test.NewProxy(t, server)
	const token = "t0ken-that-must-never-be-seen"
	c := settings(p.URL(), server.Bucket(t, s3test.Plain), server.Root)
	c.Credentials.SessionToken = token
	s := open(t, c)
	p.Order(func(r *http.Request) bool { return true }, -1, func(w http.ResponseWriter, r *http.Request, p *s3test.Proxy) {
		s3test.Refuse(403, "Reflected", r.Header.Get("Authorization")+" "+r.Header.Get("X-Amz-Security-Token")+" "+server.Root.Secret)(w, r, p)
	})
	_, err := s.Stat(t.Context(), "k")
	if err == nil || !strings.Contains(err.Error(), "[redacted]") {
		t.Fatalf("%v", err)
	}
	for _, secret := range []string{server.Root.ID, server.Root.Secret, token} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%v has a secret in it", err)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	good := config.Values{
		"endpoint": "https://s3.example.eu", "region": "eu-1", "bucket": "evidence", "access_key_id": "id", "secret_access_key": "s3cret",
	}
	with := func(pairs ...string) config.Values {
		v := config.Values{}
		for name, value := range good {
			v[name] = value
		}
		for i := 0; i < len(pairs); i += 2 {
			v[pairs[i]] = pairs[i+1]
		}
		return v
	}
	tests := []struct {
		name   string
		values config.Values
		want   string // part of the error; "" for none
	}{
		{"as documented", good, ""},
		{"all", with("prefix", "a/b", "path_style", "false", "lock", "governance", "part_size", "64", "concurrency", "8", "storage_class", "COLD"), ""},
		{"this machine", with("endpoint", "http://127.0.0.1:9000"), ""},
		{"this machine, by name", with("endpoint", "http://localhost:9000/"), ""},
		{"http", with("endpoint", "http://s3.example.eu"), "allow_http"},
		{"http, allowed", with("endpoint", "http://s3.example.eu", "allow_http", "true"), ""},
		{"no scheme", with("endpoint", "s3.example.eu"), "https://HOST"},
		{"password in the URL", with("endpoint", "https://a:hunter2@s3.example.eu"), "nothing more"},
		{"path in the URL", with("endpoint", "https://s3.example.eu/bucket"), "nothing more"},
		{"bucket is an ARN", with("bucket", "arn:aws:s3:us-east-1:1:accesspoint/x"), "bucket"},
		{"bucket climbs", with("bucket", "../other"), "bucket"},
		{"prefix with a slash", with("prefix", "a/"), "prefix"},
		{"hidden prefix", with("prefix", ".a"), "prefix"},
		{"lock", with("lock", "forever"), "lock"},
		{"part_size", with("part_size", "4"), "part_size"},
		{"concurrency", with("concurrency", "65"), "concurrency"},
		{"no keys", with("access_key_id", "", "secret_access_key", ""), "no credentials"},
		{"half of the keys", with("secret_access_key", ""), "belong together"},
		{"two kinds", with("credentials_file", "/x"), "more than one kind"},
		{"half of a role", with("access_key_id", "", "secret_access_key", "", "role_arn", "arn:x"), "belong together"},
		{"sts in the clear", with("sts_endpoint", "http://sts.example.eu"), "allow_http"},
		{"no such CA", with("ca_file", "/nothing"), "ca_file"},
	}
	for _, test := range tests {
		p := Plugin()
		values, err := p.Schema.Check(test.values)
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.Storage(values)
		switch {
		case test.want == "" && err != nil, test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		case err == nil:
			_ = s.(io.Closer).Close()
		case strings.Contains(err.Error(), "hunter2"), strings.Contains(err.Error(), "s3cret"):
			t.Errorf("%s: %v has a secret in it", test.name, err)
		}
	}
	if err := Plugin().Validate(); err != nil {
		t.Error(err)
	}
}

// TestCredentialsFile is read again: keys are rotated.
func TestCredentialsFile(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	file := filepath.Join(t.TempDir(), "credentials")
	write := func(key s3test.Key) {
		text := "[default]\naws_access_key_id = x\naws_secret_access_key = y\n[archive]\naws_access_key_id = " + key.ID + "\naws_secret_access_key = " + key.Secret + "\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := settings(server.URL(), server.Bucket(t, s3test.Plain), server.Root)
	c.Credentials = Credentials{File: file, Profile: "archive"}
	now := time.Now()
	c.Now = func() time.Time { return now.Add(-time.Hour) } // what is read has expired
	s := open(t, c)
	if _, err := s.Stat(t.Context(), "k"); errors.Is(err, storage.ErrNotFound) || err == nil {
		t.Errorf("without a file: %v", err)
	}
	write(s3test.Key{ID: "wrong", Secret: "wrong"})
	if _, err := s.Stat(t.Context(), "k"); !errors.Is(err, storage.ErrPermission) {
		t.Errorf("with wrong keys: %v", err)
	}
	write(server.Root)
	mustPut(t, s, "k", []byte("x"))
}

// TestWebIdentity exchanges a token for keys at the endpoint that is set.
func TestWebIdentity(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("a-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("Action") != "AssumeRoleWithWebIdentity" || r.FormValue("WebIdentityToken") != "a-token" || r.FormValue("RoleArn") != "arn:role" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
			<AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken></SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
			</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, server.Root.ID, server.Root.Secret)
	}))
	t.Cleanup(sts.Close)
	c := settings(server.URL(), server.Bucket(t, s3test.Plain), server.Root)
	c.Credentials = Credentials{RoleARN: "arn:role", TokenFile: file, STSEndpoint: sts.URL}
	mustPut(t, open(t, c), "k", []byte("x"))
}

// TestContextEnds: what was called off says so, and nothing else.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	p := s3test.NewProxy(t, server)
	s := open(t, settings(p.URL(), server.Bucket(t, s3test.Plain), server.Root))
	mustPut(t, s, "k", []byte("x"))
	p.Order(s3test.Op("HeadObject", "GetObject", "PutObject"), -1, s3test.Stall())
	for name, call := range map[string]func(context.Context) error{
		"stat": func(ctx context.Context) error { _, err := s.Stat(ctx, "k"); return err },
		"get":  func(ctx context.Context) error { _, err := get(ctx, s, "k"); return err },
		"put":  func(ctx context.Context) error { return put(ctx, s, "l", []byte("x")) },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}
