package s3

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

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
	hidden := errors.Is(err, storage.ErrNotFound)
	if err != nil && !hidden {
		return err
	}
	versions, versionsErr := s.versions(ctx, key)
	switch {
	case hidden && (errors.Is(versionsErr, storage.ErrPermission) || !slices.ContainsFunc(versions, version.isObject)):
		return err // there is none, or none that can be seen
	case versionsErr != nil:
		return versionsErr
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

// versions returns a key's versions, the oldest first, and behind them the
// marks of deletions; or none where the bucket has never kept any. Their order is
// that of the listing: stores do not agree with themselves on times.
func (s *Store) versions(ctx context.Context, key string) ([]version, error) {
	keeps, err := s.keepsVersions(ctx)
	if err != nil || !keeps {
		return nil, err
	}
	var all, marks []version
	for p, err := range s.states(ctx, key) {
		if err != nil {
			return nil, err
		}
		all, marks = append(all, p.versions...), append(marks, p.marks...)
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
	mode, until, err := s.lockOf(ctx, key, id)
	switch {
	case err != nil:
		return ""
	case until.Equal(storage.LockedForEver):
		return mode
	case until.After(s.cfg.Now()):
		return fmt.Sprintf("%s until %s", mode, until.Format(time.RFC3339))
	}
	return ""
}

// lockOf tells a version's lock: its mode, and its end or the zero time.
func (s *Store) lockOf(ctx context.Context, key string, id *string) (mode string, until time.Time, err error) {
	head, err := s.headVersion(ctx, key, id)
	switch {
	case err != nil:
		return "", until, err
	case head.ObjectLockLegalHoldStatus == types.ObjectLockLegalHoldStatusOn:
		return "under legal hold", storage.LockedForEver, nil
	case head.ObjectLockRetainUntilDate != nil:
		return string(head.ObjectLockMode), head.ObjectLockRetainUntilDate.UTC(), nil
	case id == nil:
		return "", until, nil
	}
	// Some servers say it with the present version alone, and if asked.
	out, err := s.api.GetObjectRetention(ctx, &s3.GetObjectRetentionInput{Bucket: &s.bucket, Key: s.key(key), VersionId: id})
	if err != nil || out.Retention == nil || out.Retention.RetainUntilDate == nil {
		return "", until, nil //nolint:nilerr // there is none, or it is not told
	}
	return string(out.Retention.Mode), out.Retention.RetainUntilDate.UTC(), nil
}
