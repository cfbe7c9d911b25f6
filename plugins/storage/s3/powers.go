package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/fabriziosalmi/rainlogs/sdk/probe"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

var (
	_ storage.Locker = (*Store)(nil)
	_ storage.Prober = (*Store)(nil)
)

// LockedUntil tells the lock of an object's present version, and its legal
// hold; of its first version, if the present one covers that.
func (s *Store) LockedUntil(ctx context.Context, key string) (time.Time, error) {
	if err := s.begin(ctx, key); err != nil {
		return time.Time{}, fmt.Errorf("locked until: %w", err)
	}
	var until time.Time
	err := s.believing(ctx, key, func() (err error) {
		_, until, err = s.lockOf(ctx, key, nil)
		return err
	})
	if err == nil && until.IsZero() && s.cfg.Lock != LockNone || errors.Is(err, storage.ErrNotFound) {
		if first, firstErr := s.first(ctx, key); firstErr == nil && first.id != nil {
			_, until, err = s.lockOf(ctx, key, first.id)
		}
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("lock of %s: %w", key, err)
	}
	return until.Truncate(time.Second), nil
}

// Probe asks the store what it honours, and tries.
func (s *Store) Probe(ctx context.Context) ([]probe.Check, error) {
	if err := s.reach(ctx); err != nil {
		return []probe.Check{{ //nolint:nilerr // the check tells
			Name: "access", Status: probe.Fail, Detail: err.Error(),
			Remedy: "look at endpoint, region, bucket and keys in the store's settings",
		}}, nil
	}
	checks := []probe.Check{{Name: "access", Status: probe.OK, Value: "true", Detail: fmt.Sprintf("bucket %s answers", s.bucket)}}
	c, err := s.conditions(ctx)
	if err != nil {
		return append(checks, probe.Check{ //nolint:nilerr // the check tells
			Name: "conditional_put", Status: probe.Fail, Detail: err.Error(), Remedy: "the keys need the right to put, read and delete objects",
		}), nil
	}
	return append(checks, conditional(c), checksum(c), s.versioning(ctx), s.locking(ctx), s.clock()), nil
}

func conditional(c conditions) probe.Check {
	if c.absent && c.match {
		return probe.Check{Name: "conditional_put", Status: probe.OK, Value: "true", Detail: "a second write of the same key was refused"}
	}
	return probe.Check{
		Name: "conditional_put", Status: probe.Warn, Value: "false",
		Detail: "the store does not refuse a second write: an object is looked for before and after it is written, and a fork is found but not prevented",
		Remedy: "let one collector alone write to this archive, or take a store that honours If-None-Match",
	}
}

func checksum(c conditions) probe.Check {
	if c.checksum {
		return probe.Check{Name: "checksum", Status: probe.OK, Value: "sha256", Detail: "bytes with a wrong SHA-256 were refused"}
	}
	return probe.Check{Name: "checksum", Status: probe.OK, Value: "signature", Detail: "the bytes' SHA-256 stands in the requests' signatures"}
}

func (s *Store) versioning(ctx context.Context) probe.Check {
	out, err := s.api.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &s.bucket})
	switch {
	case err != nil:
		return probe.Check{Name: "versioning", Status: probe.Unknown, Detail: "the store does not say: " + s.classify(ctx, err).Error()}
	case out.Status == types.BucketVersioningStatusEnabled:
		return probe.Check{Name: "versioning", Status: probe.OK, Value: "true", Detail: "what is overwritten or deleted past RainLogs is kept as a version"}
	}
	return probe.Check{Name: "versioning", Status: probe.OK, Value: "false", Detail: "the bucket keeps no versions"}
}

// locking tries to delete what was locked. The object of an earlier try serves
// as long as its lock lasts, so that there is one of them at a time.
func (s *Store) locking(ctx context.Context) probe.Check {
	check := probe.Check{Name: "lock", Value: string(LockNone)}
	if s.cfg.Lock == LockNone {
		check.Status = probe.Warn
		check.Detail = "nothing is locked: whoever has the keys can delete evidence, which is found out and not prevented"
		check.Remedy = "make a bucket with Object Lock, and set lock: compliance"
		return check
	}
	check.Value = string(s.cfg.Lock)
	err := s.lockable(ctx)
	if err == nil {
		err = s.tryLock(ctx)
	}
	if err != nil {
		check.Status, check.Detail, check.Remedy = probe.Fail, err.Error(), "do not rely on this store's lock; look at the bucket's settings, or take another"
		return check
	}
	check.Status, check.Detail = probe.OK, "a locked object could not be deleted with these keys"
	return check
}

// lockKey is no key of ours, as probeKey.
const lockKey = probeKey + "-lock"

// lockFor is the shortest lock that providers take.
const lockFor = 25 * time.Hour

func (s *Store) tryLock(ctx context.Context) error {
	head, err := s.head(ctx, lockKey)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	if err != nil || aws.ToTime(head.ObjectLockRetainUntilDate).Before(s.cfg.Now().Add(time.Hour)) {
		content := []byte(probeText)
		_, err := s.api.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &s.bucket, Key: s.key(lockKey), Body: bytes.NewReader(content), ContentLength: aws.Int64(int64(len(content))),
			ContentType: aws.String("text/plain"), ContentMD5: md5Of(content), // demanded with a lock
			ObjectLockMode:            s.lockMode(),
			ObjectLockRetainUntilDate: aws.Time(s.cfg.Now().Add(lockFor).UTC()),
		})
		if err != nil {
			return fmt.Errorf("put a locked object: %w", s.classify(ctx, err))
		}
		if head, err = s.head(ctx, lockKey); err != nil {
			return err
		}
	}
	if head.ObjectLockRetainUntilDate == nil {
		return errors.New("the store took a locked object, and does not say that it is locked")
	}
	_, err = s.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: s.key(lockKey), VersionId: head.VersionId})
	if err == nil {
		return errors.New("the store deleted an object that was locked")
	}
	if a := answerOf(err); a.status == http.StatusForbidden || a.status == http.StatusConflict || errors.Is(s.classify(ctx, err), storage.ErrLocked) {
		return nil
	}
	return fmt.Errorf("delete a locked object: %w", s.classify(ctx, err))
}

// clock compares this machine's clock with the Date of the store's last answer.
func (s *Store) clock() probe.Check {
	skew, ok := s.transport.skew()
	switch {
	case !ok:
		return probe.Check{Name: "clock", Status: probe.Unknown, Detail: "the store does not say what time it is"}
	case skew.Abs() >= 5*time.Second:
		return probe.Check{
			Name: "clock", Status: probe.Warn, Value: skew.Round(time.Second).String(),
			Detail: "this machine's clock is not that of the store", Remedy: "set the clock (chrony, systemd-timesyncd): a store refuses requests that are 15 minutes off",
		}
	}
	return probe.Check{Name: "clock", Status: probe.OK, Value: skew.Round(time.Second).String(), Detail: "this machine's clock is that of the store"}
}
