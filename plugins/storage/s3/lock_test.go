package s3

import (
	"bytes"
	"errors"
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

// TestLockedEvidenceStays: with the collector's own keys, by the plugin and
// past it, sent in one piece and in parts.
func TestLockedEvidenceStays(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	collector := server.User(t)
	raw := server.Client(collector)
	for name, size := range map[string]int{"one piece": 1000, "parts": minPart + 1} {
		for _, mode := range []Lock{LockGovernance, LockCompliance} {
			t.Run(name+"/"+string(mode), func(t *testing.T) {
				t.Parallel()
				bucket := server.BucketOf(t, s3test.Locked, collector)
				c := settings(server.URL(), bucket, collector)
				c.Lock = mode
				s := open(t, c)
				content := noise(9, size)
				req := request("a/b", content)
				req.RetainUntil = time.Now().Add(48*time.Hour + 300*time.Millisecond)
				if _, err := s.Put(t.Context(), req, bytes.NewReader(content)); err != nil {
					t.Fatal(err)
				}
				head, err := raw.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: aws.String("a/b")})
				if err != nil {
					t.Fatal(err)
				}
				if until := aws.ToTime(head.ObjectLockRetainUntilDate); until.Before(req.RetainUntil) || until.After(req.RetainUntil.Add(time.Second)) ||
					!strings.EqualFold(string(head.ObjectLockMode), string(mode)) {
					t.Errorf("locked %s until %s", head.ObjectLockMode, until)
				}
				err = s.Delete(t.Context(), "a/b")
				if !errors.Is(err, storage.ErrLocked) || !strings.Contains(err.Error(), "until 20") {
					t.Errorf("delete: %v", err)
				}
				if err := put(t.Context(), s, "a/b", []byte("x")); !errors.Is(err, storage.ErrExists) {
					t.Errorf("overwrite: %v", err)
				}
				attackLocked(t, raw, bucket, "a/b", head.VersionId)
				if sum, err := s.digest(t.Context(), "a/b", head.VersionId, ""); err != nil || sum != req.SHA256 {
					t.Errorf("the locked version has SHA-256 %s, want %s: %v", sum, req.SHA256, err)
				}
				wantFirst(t, s, "a/b", content)
				s.recent.forget("a/b") // as in the process of an expiry
				err = s.Delete(t.Context(), "a/b")
				if !errors.Is(err, storage.ErrLocked) || !strings.Contains(err.Error(), "until 20") {
					t.Errorf("delete what is covered: %v", err)
				}
				if until, err := s.LockedUntil(t.Context(), "a/b"); err != nil || until.Before(req.RetainUntil.Truncate(time.Second)) {
					t.Errorf("what is covered is locked until %s, %v", until, err)
				}
				if err := s.Uncover(t.Context(), "a/b", req.SHA256); err != nil {
					t.Errorf("uncover: %v", err)
				}
				wantContent(t, s, "a/b", content)
				if versions, err := s.versions(t.Context(), "a/b"); err != nil || len(versions) != 1 || aws.ToString(versions[0].id) != aws.ToString(head.VersionId) {
					t.Errorf("left are %d versions: %v", len(versions), err)
				}
				if err := s.Delete(t.Context(), "a/b"); !errors.Is(err, storage.ErrLocked) {
					t.Errorf("delete what was uncovered: %v", err)
				}
			})
		}
	}
}

// attackLocked tries what keys that may write can try.
func attackLocked(t *testing.T, raw *s3.Client, bucket, key string, version *string) {
	t.Helper()
	ctx := t.Context()
	soon := aws.Time(time.Now().Add(time.Minute))
	for name, try := range map[string]func() error{
		"delete the version": func() error {
			_, err := raw.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key, VersionId: version})
			return err
		},
		"shorten the lock": func() error {
			_, err := raw.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{
				Bucket: &bucket, Key: &key, VersionId: version,
				Retention: &types.ObjectLockRetention{Mode: types.ObjectLockRetentionModeGovernance, RetainUntilDate: soon},
			})
			return err
		},
	} {
		if err := try(); answerOf(err).status != http.StatusForbidden {
			t.Errorf("%s: %v, want 403", name, err)
		}
	}
	// These do not touch the version, but hide it: S3 has to take them, unless a
	// bucket policy refuses.
	if _, err := raw.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("forged")}); err != nil {
		t.Errorf("overwrite without a condition: %v", err)
	}
	if _, err := raw.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
		t.Errorf("delete without a version: %v", err)
	}
	if _, err := raw.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key}); answerOf(err).status != http.StatusNotFound {
		t.Errorf("what is marked as deleted: %v", err)
	}
}

// TestLegalHold keeps an object without a date.
func TestLegalHold(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	bucket := server.Bucket(t, s3test.Locked)
	s := open(t, settings(server.URL(), bucket, server.Root))
	mustPut(t, s, "k", []byte("x"))
	hold := func(status types.ObjectLockLegalHoldStatus) {
		_, err := s.api.PutObjectLegalHold(t.Context(), &s3.PutObjectLegalHoldInput{
			Bucket: &bucket, Key: aws.String("k"), LegalHold: &types.ObjectLockLegalHold{Status: status},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	hold(types.ObjectLockLegalHoldStatusOn)
	if err := s.Delete(t.Context(), "k"); !errors.Is(err, storage.ErrLocked) || !strings.Contains(err.Error(), "legal hold") {
		t.Errorf("delete: %v", err)
	}
	wantContent(t, s, "k", []byte("x"))
	hold(types.ObjectLockLegalHoldStatusOff)
	if err := s.Delete(t.Context(), "k"); err != nil {
		t.Errorf("delete: %v", err)
	}
	if versions, _ := remains(t, server, bucket); len(versions) != 0 {
		t.Errorf("left: %v", versions)
	}
}

// TestLockWithoutTheBucketsConsent: a lock that the store cannot give is an
// error, and nothing is written without it.
func TestLockWithoutTheBucketsConsent(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	c := settings(server.URL(), server.Bucket(t, s3test.Plain), server.Root)
	c.Lock = LockCompliance
	s := open(t, c)
	req := request("k", []byte("x"))
	req.RetainUntil = time.Now().Add(time.Hour)
	if _, err := s.Put(t.Context(), req, strings.NewReader("x")); err == nil || errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("put: %v", err)
	}
	if _, err := s.Stat(t.Context(), "k"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("stat: %v", err)
	}
}

// TestDeleteMeansGone: every version, and what marks it deleted; nothing of
// keys that begin alike.
func TestDeleteMeansGone(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	for name, test := range map[string]struct {
		kind   s3test.Kind
		refuse string // an operation that the keys may not do, or the store does not know
		status int
		left   int // versions of the key
	}{
		"plain":                              {s3test.Plain, "", 0, 0},
		"versioned":                          {s3test.Versioned, "", 0, 0},
		"plain, no versioning known":         {s3test.Plain, "GetBucketVersioning", 501, 0},
		"versioned, status may not be asked": {s3test.Versioned, "GetBucketVersioning", 403, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s3test.NewProxy(t, server)
			bucket := server.Bucket(t, test.kind)
			s := open(t, settings(p.URL(), bucket, server.Root))
			raw := server.Client(server.Root)
			p.Order(s3test.Op(test.refuse), -1, s3test.Refuse(test.status, "AccessDenied", "No."))
			mustPut(t, s, "a/b", []byte("one"))
			mustPut(t, s, "a/b.more", []byte("alike"))
			if _, err := raw.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: aws.String("a/b")}); err != nil {
				t.Fatal(err)
			}
			s.recent.forget("a/b") // else it is waited for
			want := error(nil)
			if test.kind == s3test.Plain {
				want = storage.ErrNotFound
			}
			if err := s.Delete(t.Context(), "a/b"); !errors.Is(err, want) {
				t.Errorf("delete of what is hidden: %v, want %v", err, want)
			}
			if versions, _ := remains(t, server, bucket); versions["a/b"] != 0 {
				t.Errorf("what was hidden is left: %v", versions)
			}
			for _, text := range []string{"two", "three"} {
				if _, err := raw.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("a/b"), Body: strings.NewReader(text)}); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Delete(t.Context(), "a/b"); err != nil {
				t.Error(err)
			}
			if versions, _ := remains(t, server, bucket); versions["a/b"] != test.left || versions["a/b.more"] != 1 {
				t.Errorf("left: %v", versions)
			}
		})
	}
}
