package s3

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/sdk/probe"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func TestLockedUntil(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	collector := server.User(t)
	bucket := server.BucketOf(t, s3test.Locked, collector)
	c := settings(server.URL(), bucket, collector)
	c.Lock = LockCompliance
	s := open(t, c)
	content := noise(3, 100)
	req := request("a/locked", content)
	req.RetainUntil = time.Now().Add(48 * time.Hour)
	if _, err := s.Put(t.Context(), req, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "a/free", content)
	if until, err := s.LockedUntil(t.Context(), "a/locked"); err != nil || until.Before(req.RetainUntil.Truncate(time.Second)) || until.After(req.RetainUntil.Add(time.Second)) {
		t.Errorf("until %s, %v", until, err)
	}
	if until, err := s.LockedUntil(t.Context(), "a/free"); err != nil || !until.IsZero() {
		t.Errorf("free: until %s, %v", until, err)
	}
	_, err := server.Client(server.Root).PutObjectLegalHold(t.Context(), &s3.PutObjectLegalHoldInput{
		Bucket: &bucket, Key: aws.String("a/free"), LegalHold: &types.ObjectLockLegalHold{Status: types.ObjectLockLegalHoldStatusOn},
	})
	if err != nil {
		t.Fatal(err)
	}
	if until, err := s.LockedUntil(t.Context(), "a/free"); err != nil || !until.Equal(storage.LockedForEver) {
		t.Errorf("held: until %s, %v", until, err)
	}
	if _, err := s.LockedUntil(t.Context(), "a/none"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("none: %v", err)
	}
}

func TestProbeTells(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	collector := server.User(t)
	for name, tc := range map[string]struct {
		kind   s3test.Kind
		lock   Lock
		change func(c *Config)
		want   map[string]probe.Status
		value  string // of lock
	}{
		"plain":                  {s3test.Plain, LockNone, nil, map[string]probe.Status{"access": probe.OK, "conditional_put": probe.OK, "checksum": probe.OK, "lock": probe.Warn, "clock": probe.OK}, "none"},
		"locked":                 {s3test.Locked, LockCompliance, nil, map[string]probe.Status{"access": probe.OK, "versioning": probe.OK, "lock": probe.OK}, "compliance"},
		"a bucket without locks": {s3test.Plain, LockGovernance, nil, map[string]probe.Status{"access": probe.OK, "lock": probe.Fail}, "governance"},
		"no such bucket":         {s3test.Plain, LockNone, func(c *Config) { c.Bucket = "nowhere" }, map[string]probe.Status{"access": probe.Fail}, ""},
		"a slow clock":           {s3test.Plain, LockNone, func(c *Config) { c.Now = func() time.Time { return time.Now().Add(-time.Minute) } }, map[string]probe.Status{"clock": probe.Warn}, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := settings(server.URL(), server.BucketOf(t, tc.kind, collector), collector)
			c.Lock = tc.lock
			if tc.change != nil {
				tc.change(&c)
			}
			s := open(t, c)
			for range 2 { // again: what the first has left does not disturb
				checks, err := s.Probe(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				got := map[string]probe.Check{}
				for _, k := range checks {
					got[k.Name] = k
					if (k.Status == probe.Fail || k.Status == probe.Warn) && k.Remedy == "" {
						t.Errorf("no remedy: %+v", k)
					}
				}
				for name, status := range tc.want {
					if got[name].Status != status {
						t.Errorf("%s: %+v, want %s", name, got[name], status)
					}
				}
				if got["lock"].Value != tc.value {
					t.Errorf("lock: %+v", got["lock"])
				}
			}
			if tc.want["access"] == probe.Fail {
				return
			}
			for info, err := range s.List(t.Context(), "", "") {
				t.Errorf("left behind: %s, %v", info.Key, err)
			}
		})
	}
}
