package s3

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Delete removes an object, and all its versions where the bucket keeps them.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.begin(ctx, key); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if err := s.remove(ctx, key); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	s.recent.forget(key)
	return nil
}

func (s *Store) remove(ctx context.Context, key string) error {
	// S3 says of what never was that it is deleted.
	err := s.believing(ctx, key, func() error {
		_, err := s.head(ctx, key)
		return err
	})
	if err != nil {
		return err
	}
	versions, err := s.versions(ctx, key)
	if err != nil {
		return err
	}
	if len(versions) == 0 { // the store knows none, and has one of each object
		return s.removeVersion(ctx, key, nil)
	}
	for _, v := range versions {
		if err := s.removeVersion(ctx, key, v.id); err != nil {
			return err
		}
	}
	return nil
}

// version is one state of a key that the bucket remembers, or the mark of its
// deletion.
type version struct{ id *string }

// versions returns a key's versions, the oldest first, and behind them the
// marks of deletions; or none where the bucket has never kept any. Their order is
// that of the listing: stores do not agree with themselves on times.
func (s *Store) versions(ctx context.Context, key string) ([]version, error) {
	status, err := s.api.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &s.bucket})
	switch a := answerOf(err); {
	case err == nil && status.Status == "", err != nil && (a.unsupported() || a.status == 404):
		return nil, nil
	case err != nil && !errors.Is(s.classify(ctx, err), storage.ErrPermission):
		return nil, s.classify(ctx, err)
	}
	// Without the right to ask for the status, the listing tells.
	var all, marks []version
	in := &s3.ListObjectVersionsInput{Bucket: &s.bucket, Prefix: s.key(key)}
	for {
		page, err := s.api.ListObjectVersions(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list versions: %w", s.classify(ctx, err))
		}
		for _, v := range page.Versions {
			if aws.ToString(v.Key) == *in.Prefix {
				all = append(all, version{v.VersionId})
			}
		}
		for _, m := range page.DeleteMarkers {
			if aws.ToString(m.Key) == *in.Prefix {
				marks = append(marks, version{m.VersionId})
			}
		}
		next := aws.ToString(page.NextKeyMarker)
		if !aws.ToBool(page.IsTruncated) || next != *in.Prefix {
			break // longer keys follow
		}
		in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
	}
	slices.Reverse(all) // they come newest first
	return append(all, marks...), nil
}

func (s *Store) removeVersion(ctx context.Context, key string, id *string) error {
	_, err := s.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: s.key(key), VersionId: id})
	if err == nil || answerOf(err).notFound() {
		return nil
	}
	class := s.classify(ctx, err)
	if !errors.Is(class, storage.ErrLocked) && !errors.Is(class, storage.ErrPermission) {
		return class
	}
	if until := s.lockedUntil(ctx, key, id); until != "" {
		return fmt.Errorf("%w: %s", storage.ErrLocked, until)
	}
	return class
}

// lockedUntil says what keeps a version from being deleted, or "" if it cannot
// be seen: servers refuse for a lock as they do for a missing right.
func (s *Store) lockedUntil(ctx context.Context, key string, id *string) string {
	head, err := s.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: s.key(key), VersionId: id})
	switch {
	case err != nil:
		return ""
	case head.ObjectLockLegalHoldStatus == types.ObjectLockLegalHoldStatusOn:
		return "under legal hold"
	case head.ObjectLockRetainUntilDate != nil && head.ObjectLockRetainUntilDate.After(s.cfg.Now()):
		return fmt.Sprintf("%s until %s", head.ObjectLockMode, head.ObjectLockRetainUntilDate.UTC().Format(time.RFC3339))
	}
	return ""
}
