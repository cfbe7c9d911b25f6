package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func getFirst(ctx context.Context, s *Store, key string) ([]byte, error) {
	r, err := s.GetFirst(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

func wantFirst(t *testing.T, s *Store, key string, content []byte) {
	t.Helper()
	have, err := getFirst(t.Context(), s, key)
	if err != nil || !bytes.Equal(have, content) {
		t.Errorf("first version of %s: %d bytes, %v, want %d", key, len(have), err, len(content))
	}
}

// cover puts something over a key past the plugin: "put" a newer version,
// "delete" a mark.
func cover(t *testing.T, raw *s3.Client, bucket, key string, how ...string) {
	t.Helper()
	for i, h := range how {
		var err error
		if h == "put" {
			_, err = raw.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(fmt.Sprint("forged ", i))})
		} else {
			_, err = raw.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestUncover whatever covers it, on pages of three.
func TestUncover(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	for name, how := range map[string][]string{
		"nothing":        nil,
		"a version":      {"put"},
		"a mark":         {"delete"},
		"marks":          {"delete", "delete"},
		"a mark in it":   {"put", "delete", "put"},
		"more than once": {"put", "put", "delete", "put", "put", "put", "put", "delete", "put", "put", "delete"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket := server.Bucket(t, s3test.Versioned)
			c := settings(server.URL(), bucket, server.Root)
			c.Prefix, c.limits.page = "ours", 3
			s, raw := open(t, c), server.Client(server.Root)
			content := noise(5, 300_000)
			mustPut(t, s, "a/b", content)
			for _, alike := range []string{"a/b.more", "a/b0", "a/b+&\u00e9"} {
				cover(t, raw, bucket, "ours/"+alike, "put", "put")
			}
			cover(t, raw, bucket, "ours/a/b", how...)
			wantFirst(t, s, "a/b", content)
			if err := s.Uncover(t.Context(), "a/b", request("a/b", nil).SHA256); !errors.Is(err, storage.ErrChanged) {
				t.Errorf("uncover other bytes: %v", err)
			}
			if v, _ := s.versions(t.Context(), "a/b"); len(v) != 1+len(how) {
				t.Errorf("%d versions and marks, want %d", len(v), 1+len(how))
			}
			if err := s.Uncover(t.Context(), "a/b", request("a/b", content).SHA256); err != nil {
				t.Fatal(err)
			}
			wantContent(t, s, "a/b", content)
			left, _ := remains(t, server, bucket)
			if left["ours/a/b"] != 1 || left["ours/a/b.more"] != 2 || left["ours/a/b0"] != 2 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// TestUncoverWhatIsLockedOver: a cover with a lock of its own stays, and with
// it whatever lies over it; the sealed bytes can be read all the same.
func TestUncoverWhatIsLockedOver(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	collector := server.User(t)
	bucket := server.BucketOf(t, s3test.Locked, collector)
	raw := server.Client(collector)
	c := settings(server.URL(), bucket, collector)
	c.Lock = LockCompliance
	s := open(t, c)
	content := noise(6, 1000)
	req := request("k", content)
	req.RetainUntil = time.Now().Add(48 * time.Hour)
	if _, err := s.Put(t.Context(), req, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(72 * time.Hour).UTC()
	_, err := raw.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &bucket, Key: aws.String("k"), Body: strings.NewReader("forged"),
		ObjectLockMode: types.ObjectLockModeCompliance, ObjectLockRetainUntilDate: &until,
	})
	if err != nil {
		t.Fatal(err)
	}
	cover(t, raw, bucket, "k", "delete")
	err = s.Uncover(t.Context(), "k", req.SHA256)
	if !errors.Is(err, storage.ErrLocked) || !strings.Contains(err.Error(), "until "+until.Format("2006-01-02")) {
		t.Errorf("uncover: %v", err)
	}
	wantFirst(t, s, "k", content)
	if v, err := s.versions(t.Context(), "k"); err != nil || len(v) != 3 {
		t.Errorf("%d versions and marks, %v, want 3", len(v), err)
	}
}

// TestVersionsOfOtherStores: what keeps no versions, or says so, or lists
// without end.
func TestVersionsOfOtherStores(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	content := []byte("one")
	more := func(mark string) s3test.Fault {
		return func(w http.ResponseWriter, _ *http.Request, _ *s3test.Proxy) {
			_, _ = fmt.Fprintf(w, `<?xml version="1.0"?><ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>`+
				`<NextVersionIdMarker>%s</NextVersionIdMarker></ListVersionsResult>`, mark)
		}
	}
	for name, test := range map[string]struct {
		kind  s3test.Kind
		op    string
		fault s3test.Fault
		want  error
	}{
		"plain":                              {s3test.Plain, "", nil, nil},
		"plain, no versioning known":         {s3test.Plain, "GetBucketVersioning", s3test.Refuse(501, "NotImplemented", "No."), nil},
		"versioned, status may not be asked": {s3test.Versioned, "GetBucketVersioning", s3test.Refuse(403, "AccessDenied", "No."), nil},
		"versions may not be listed":         {s3test.Versioned, "ListObjectVersions", s3test.Refuse(403, "AccessDenied", "No."), storage.ErrPermission},
		"a listing that does not go on":      {s3test.Versioned, "ListObjectVersions", more(""), storage.ErrUnavailable},
		"a listing in a circle":              {s3test.Versioned, "ListObjectVersions", more("v"), storage.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s3test.NewProxy(t, server)
			s := open(t, settings(p.URL(), server.Bucket(t, test.kind), server.Root))
			mustPut(t, s, "k", content)
			if test.op != "" {
				p.Order(s3test.Op(test.op), -1, test.fault)
			}
			if have, err := getFirst(t.Context(), s, "k"); !errors.Is(err, test.want) || err == nil && !bytes.Equal(have, content) {
				t.Errorf("first: %q, %v, want %v", have, err, test.want)
			}
			if err := s.Uncover(t.Context(), "k", request("k", content).SHA256); !errors.Is(err, test.want) {
				t.Errorf("uncover: %v, want %v", err, test.want)
			}
			wantContent(t, s, "k", content)
		})
	}
}

// TestUncoverEndsWhereNothingGoes: a store that says that it has removed what
// it still lists is not asked for ever.
func TestUncoverEndsWhereNothingGoes(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	p := s3test.NewProxy(t, server)
	bucket := server.Bucket(t, s3test.Versioned)
	s := open(t, settings(p.URL(), bucket, server.Root))
	mustPut(t, s, "k", []byte("one"))
	cover(t, server.Client(server.Root), bucket, "k", "put")
	p.Order(s3test.Op("DeleteObject"), -1, func(w http.ResponseWriter, _ *http.Request, _ *s3test.Proxy) {
		w.WriteHeader(http.StatusNoContent)
	})
	if err := s.Uncover(t.Context(), "k", request("k", []byte("one")).SHA256); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("uncover: %v", err)
	}
}
