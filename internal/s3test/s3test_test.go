package s3test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

func TestMain(m *testing.M) { Main(m) }

// through returns a client whose requests go through the proxy.
func through(p *Proxy) *s3.Client {
	direct := p.server.Client(p.server.Root)
	return s3.New(direct.Options(), func(o *s3.Options) { o.BaseEndpoint = aws.String(p.URL()) })
}

func put(t *testing.T, c *s3.Client, bucket, key string, body []byte) error {
	t.Helper()
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)})
	return err
}

func get(ctx context.Context, c *s3.Client, bucket, key string) ([]byte, error) {
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(out.Body)
	return b, errors.Join(err, out.Body.Close())
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// TestKindsOfBuckets: the server's versions and locks are what tests rely on.
func TestKindsOfBuckets(t *testing.T) {
	t.Parallel()
	s := Shared(t)
	owner := s.User(t)
	c := s.Client(owner)
	for _, kind := range []Kind{Plain, Versioned, Locked} {
		bucket := s.BucketOf(t, kind, owner)
		key := aws.String("a/b")
		in := &s3.PutObjectInput{Bucket: &bucket, Key: key, Body: strings.NewReader("one")}
		if kind == Locked {
			in.ObjectLockMode = types.ObjectLockModeCompliance
			in.ObjectLockRetainUntilDate = aws.Time(time.Now().Add(time.Hour))
		}
		first, err := c.PutObject(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if (first.VersionId != nil) != (kind != Plain) {
			t.Errorf("kind %d: version %v", kind, first.VersionId)
		}
		_, err = c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: key, VersionId: first.VersionId})
		if (kind == Locked) != (code(err) == "AccessDenied") {
			t.Errorf("kind %d: delete: %v", kind, err)
		}
		if _, err := s.Client(s.User(t)).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket}); code(err) != "AccessDenied" {
			t.Errorf("kind %d: another user lists: %v", kind, err)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := Shared(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<14)
	stored := func(t *testing.T, bucket string) bool {
		b, err := get(t.Context(), s.Client(s.Root), bucket, "k")
		return err == nil && bytes.Equal(b, content)
	}
	tests := []struct {
		name   string
		fault  Fault
		op     string
		commit bool                     // what was asked is done
		ok     func([]byte, error) bool // of what the client got
	}{
		{"reset request", ResetRequest(1000), "PutObject", false, nil},
		{"reset after commit", ResetAfterCommit(), "PutObject", true, nil},
		{"error after commit", ErrorAfterCommit(), "PutObject", true, func(_ []byte, err error) bool { return code(err) == "InternalError" }},
		{"slow down", SlowDown("1"), "PutObject", false, func(_ []byte, err error) bool { return code(err) == "SlowDown" }},
		{"without a header", Without("If-None-Match"), "PutObject", true, func(_ []byte, err error) bool { return err == nil }},
		{"reset response", ResetResponse(1000), "GetObject", true, func(_ []byte, err error) bool { return err != nil }},
		{"truncate", Truncate(1000), "GetObject", true, func(b []byte, err error) bool {
			return len(b) == 1000 && errors.Is(err, io.ErrUnexpectedEOF)
		}},
		{"shorten", Shorten(1000), "GetObject", true, func(b []byte, err error) bool { return len(b) == 1000 && err == nil }},
		{"corrupt", Corrupt(70_000), "GetObject", true, func(b []byte, err error) bool {
			return err == nil && len(b) == len(content) && !bytes.Equal(b, content)
		}},
		{"drip", Drip(20 * time.Millisecond), "GetObject", true, func(b []byte, err error) bool { return len(b) < 1000 && err != nil }},
		{"stall", Stall(), "GetObject", true, func(_ []byte, err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := NewProxy(t, s)
			bucket := s.Bucket(t, Plain)
			rule := p.Order(Op(test.op), 1, test.fault)
			err := put(t, through(p), bucket, "k", content)
			ctx, cancel := context.WithCancel(t.Context())
			if test.name == "drip" || test.name == "stall" { // what never ends, the client leaves
				ctx, cancel = context.WithTimeout(t.Context(), 2*time.Second)
			}
			defer cancel()
			var b []byte
			if test.op == "GetObject" {
				b, err = get(ctx, through(p), bucket, "k")
			}
			if rule.Hits() != 1 || p.Seen(test.op) == 0 {
				t.Errorf("struck %d times", rule.Hits())
			}
			if test.ok == nil && (err == nil || code(err) != "") || test.ok != nil && !test.ok(b, err) {
				t.Errorf("%d bytes, %v", len(b), err)
			}
			if have := stored(t, bucket); have != test.commit {
				t.Errorf("stored: %v, want %v", have, test.commit)
			}
		})
	}
}

func TestLag(t *testing.T) {
	t.Parallel()
	s := Shared(t)
	p := NewProxy(t, s)
	bucket := s.Bucket(t, Plain)
	p.Order(func(*http.Request) bool { return true }, -1, Lag(2))
	if err := put(t, through(p), bucket, "k", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		_, err := get(t.Context(), through(p), bucket, "k")
		if (code(err) == "NoSuchKey") != (i < 2) {
			t.Errorf("get %d: %v", i, err)
		}
	}
}

// TestEndsAndLeavesNothing: neither process nor folder.
func TestEndsAndLeavesNothing(t *testing.T) { //nolint:tparallel // see below
	t.Parallel()
	var dir string
	var done <-chan error
	t.Run("Use", func(t *testing.T) { //nolint:paralleltest // what follows looks at what it left
		s := New(t)
		dir, done = s.dir, s.done
		if err := put(t, s.Client(s.Root), s.Bucket(t, Plain), "k", nil); err != nil {
			t.Error(err)
		}
	})
	if dir == "" {
		t.Skip("no server here")
	}
	select {
	case <-done:
	default:
		t.Error("the server lives on")
	}
	if left, _ := filepath.Glob(dir); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestAbsentProgramIsSaid with what to do about it.
func TestAbsentProgramIsSaid(t *testing.T) {
	t.Setenv(programEnv, filepath.Join(t.TempDir(), "nothing"))
	if _, err := locate(); err == nil || !strings.Contains(err.Error(), programEnv) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	t.Setenv(programEnv, "")
	t.Chdir(t.TempDir())
	if _, err := locate(); err == nil || !strings.Contains(err.Error(), "make test") {
		t.Errorf("%v", err)
	}
}
