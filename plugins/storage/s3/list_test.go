package s3

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func list(t *testing.T, s *Store, prefix, after string) (keys []string, err error) {
	t.Helper()
	for info, err := range s.List(t.Context(), prefix, after) {
		if err != nil {
			return keys, err
		}
		keys = append(keys, info.Key)
	}
	return keys, nil
}

// TestListPages of seven, in a bucket with other things in it.
func TestListPages(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	bucket := server.Bucket(t, s3test.Versioned)
	c := settings(server.URL(), bucket, server.Root)
	c.Prefix, c.limits.page = "ours", 7
	s, raw := open(t, c), server.Client(server.Root)
	foreign := []string{"a", "oursnot/x", "ours/.hidden", "ours/k/with space", "ours/k/plus+", "ours/k/é", "ours/k/a&b", "z"}
	for _, key := range foreign {
		if _, err := raw.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")}); err != nil {
			t.Logf("this server does not take %q: %v", key, err)
		}
	}
	var want []string
	for i := range 30 {
		key := fmt.Sprintf("k/%02d", i)
		mustPut(t, s, key, nil)
		want = append(want, key)
	}
	for after, want := range map[string][]string{"": want, "k/06": want[7:], "k/29": nil, "\x00": want, "k/0 ": want} {
		if have, err := list(t, s, "k/", after); err != nil || !slices.Equal(have, want) {
			t.Errorf("after %q: %q, %v", after, have, err)
		}
	}
	if have, err := list(t, s, "", ""); err != nil || !slices.Equal(have, want) {
		t.Errorf("all: %q, %v", have, err)
	}
}

// TestListLies: a listing that breaks its promises is an error, not an archive
// with something missing.
func TestListLies(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	for name, test := range map[string]struct {
		body string
		want string // of the error; "" for none
		keys []string
	}{
		"honest":         {page(false, "", "a", "b"), "", []string{"a", "b"}},
		"other order":    {page(false, "", "b", "a"), "ascending", []string{"b"}},
		"twice":          {page(false, "", "a", "a"), "ascending", []string{"a"}},
		"no way on":      {page(true, "", "a"), "goes on", []string{"a"}},
		"in a circle":    {page(true, "token", "a"), "ascending", []string{"a"}},
		"empty for ever": {page(true, "token"), "goes on", nil},
		"other prefix":   {page(false, "", "a", "zzz/../x", "/b"), "", []string{"a"}},
		"cut":            {page(false, "", "a")[:60], "unavailable", nil},
		"not XML":        {"<html><p>", "unavailable", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s3test.NewProxy(t, server)
			s := open(t, settings(p.URL(), server.Bucket(t, s3test.Plain), server.Root))
			if err := s.reach(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.Order(s3test.Op("ListObjectsV2"), -1, func(w http.ResponseWriter, _ *http.Request, _ *s3test.Proxy) {
				_, _ = w.Write([]byte(test.body))
			})
			keys, err := list(t, s, "", "")
			if !slices.Equal(keys, test.keys) || (test.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%q, %v, want %q, %q", keys, err, test.keys, test.want)
			}
			if err != nil && errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%v", err)
			}
		})
	}
}

func page(truncated bool, token string, keys ...string) string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, `<?xml version="1.0"?><ListBucketResult><IsTruncated>%t</IsTruncated><NextContinuationToken>%s</NextContinuationToken>`, truncated, token)
	for _, k := range keys {
		_, _ = fmt.Fprintf(&b, `<Contents><Key>%s</Key><Size>1</Size><LastModified>2026-11-25T00:00:00.000Z</LastModified></Contents>`, k)
	}
	return b.String() + `</ListBucketResult>`
}

// TestListManyKeys streams a listing of RAINLOGS_S3_KEYS keys (100,000 is what
// counts) in bounded memory, from a server that makes them up.
func TestListManyKeys(t *testing.T) {
	t.Parallel()
	total := 20_000
	if n, err := strconv.Atoi(os.Getenv("RAINLOGS_S3_KEYS")); err == nil {
		total = n
	}
	server := s3test.Shared(t)
	p := s3test.NewProxy(t, server)
	p.Order(s3test.Op("ListObjectsV2"), -1, func(w http.ResponseWriter, r *http.Request, _ *s3test.Proxy) {
		from, _ := strconv.Atoi(r.URL.Query().Get("continuation-token")) // absent at first
		to := min(from+1000, total)
		keys := make([]string, 0, 1000)
		for i := from; i < to; i++ {
			keys = append(keys, fmt.Sprintf("zone/2026/11/%09d.ndjson.zst", i))
		}
		_, _ = w.Write([]byte(page(to < total, strconv.Itoa(to), keys...)))
	})
	s := open(t, settings(p.URL(), server.Bucket(t, s3test.Plain), server.Root))
	start, seen := time.Now(), 0
	var first time.Duration
	for _, err := range s.List(t.Context(), "zone/", "") {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 1 {
			first = time.Since(start)
		}
	}
	if seen != total {
		t.Errorf("%d keys, want %d", seen, total)
	}
	if have := p.Seen("ListObjectsV2"); have > total/1000+2 {
		t.Errorf("%d requests", have)
	}
	t.Logf("%d keys in %s, the first after %s", seen, time.Since(start).Round(time.Millisecond), first.Round(time.Millisecond))
}

// TestListRealKeys streams a listing of RAINLOGS_S3_KEYS objects that the
// server has on its disk.
func TestListRealKeys(t *testing.T) {
	t.Parallel()
	total := 1500
	if n, err := strconv.Atoi(os.Getenv("RAINLOGS_S3_KEYS")); err == nil {
		total = n
	}
	server := s3test.Shared(t)
	bucket := server.Bucket(t, s3test.Plain)
	const perFolder = 1000
	for i := range total {
		folder := server.Folder(bucket, "zone", fmt.Sprintf("%04d", i/perFolder))
		if i%perFolder == 0 {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%04d.ndjson.zst", i%perFolder)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, settings(server.URL(), bucket, server.Root))
	start, seen, last := time.Now(), 0, ""
	var first time.Duration
	for info, err := range s.List(t.Context(), "zone/", "") {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 1 {
			first = time.Since(start)
		}
		if info.Key <= last {
			t.Fatalf("%s behind %s", info.Key, last)
		}
		last = info.Key
	}
	if seen != total {
		t.Errorf("%d keys, want %d", seen, total)
	}
	t.Logf("%d real keys in %s, the first after %s", seen, time.Since(start).Round(time.Millisecond), first.Round(time.Millisecond))
}
