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
	head, err := s.headVersion(ctx, key, id)
	if err != nil {
		return ""
	}
	if head.ObjectLockLegalHoldStatus == types.ObjectLockLegalHoldStatusOn {
		return "under legal hold"
	}
	mode, until := string(head.ObjectLockMode), head.ObjectLockRetainUntilDate
	if until == nil { // some servers say it of the present version alone
		if mode, until = s.retention(ctx, key, id); until == nil {
			return ""
		}
	}
	if !until.After(s.cfg.Now()) {
		return ""
	}
	return fmt.Sprintf("%s until %s", mode, until.UTC().Format(time.RFC3339))
}

func (s *Store) retention(ctx context.Context, key string, id *string) (mode string, until *time.Time) {
	out, err := s.api.GetObjectRetention(ctx, &s3.GetObjectRetentionInput{Bucket: &s.bucket, Key: s.key(key), VersionId: id})
	if err != nil || out.Retention == nil {
		return "", nil
	}
	return string(out.Retention.Mode), out.Retention.RetainUntilDate
}
