package s3

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/semaphore"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Store is a storage in a bucket. Several processes may have the same one open.
type Store struct {
	cfg              Config
	endpoint, bucket string
	prefix           string // "" or with its slash

	api       *s3.Client
	transport *transport
	keys      *redactor

	budget *semaphore.Weighted // bytes of bodies in memory
	held   held
	recent recent

	asking  *semaphore.Weighted // of 1: held while the store is asked about itself, guards the following
	reached bool                // the bucket has answered
	probed  *conditions
	inParts *conditions // of uploads in parts; match is not asked for
	locks   bool        // the bucket has Object Lock, or does not tell
}

var (
	_ storage.Storage = (*Store)(nil)
	_ io.Closer       = (*Store)(nil)
)

// Open checks the settings. The store itself is first asked when it is used:
// one that cannot be reached now may be there when it is needed.
func Open(c Config) (*Store, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	t, err := newTransport(c)
	if err != nil {
		return nil, err
	}
	keys := &redactor{from: c.provider(t)}
	s := &Store{
		cfg: c, endpoint: c.Endpoint, bucket: c.Bucket, transport: t, keys: keys,
		budget: semaphore.NewWeighted(int64(c.Concurrency+1) * c.PartSize),
		asking: semaphore.NewWeighted(1),
		recent: recent{now: c.Now, trust: c.limits.recent},
	}
	if c.Prefix != "" {
		s.prefix = c.Prefix + "/"
	}
	s.api = s3.New(s3.Options{
		BaseEndpoint: aws.String(c.Endpoint), Region: c.Region, UsePathStyle: c.PathStyle,
		Credentials: keys, HTTPClient: t, Retryer: newRetryer(c.limits), AppID: "rainlogs",
		// Checksums that nobody asked for travel behind the body, in a coding
		// that many servers do not know. Ours are in the header.
		RequestChecksumCalculation:                aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation:                aws.ResponseChecksumValidationWhenRequired,
		DisableLogOutputChecksumValidationSkipped: true,
		DisableMultiRegionAccessPoints:            true,
		DisableS3ExpressSessionAuth:               aws.Bool(true),
	})
	return s, nil
}

// Close lets go of idle connections.
func (s *Store) Close() error {
	s.transport.close()
	return nil
}

// key returns the name of an object in the bucket.
func (s *Store) key(key string) *string { return aws.String(s.prefix + key) }

// begin refuses a call that is over before it starts, and invalid keys. The
// first call finds out whether the bucket is there at all: HEAD, which says
// 404 for an object, says the same for a bucket.
func (s *Store) begin(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !storage.ValidKey(key) {
		return fmt.Errorf("%w: %.80q", storage.ErrInvalidKey, key)
	}
	return s.reach(ctx)
}

func (s *Store) reach(ctx context.Context) error {
	if err := s.asking.Acquire(ctx, 1); err != nil {
		return err
	}
	defer s.asking.Release(1)
	if s.reached {
		return nil
	}
	_, err := s.api.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: aws.String(s.prefix), MaxKeys: aws.Int32(1)})
	if err != nil {
		return s.classify(ctx, err)
	}
	s.reached = true
	return nil
}

// Stat describes an object.
func (s *Store) Stat(ctx context.Context, key string) (storage.Info, error) {
	if err := s.begin(ctx, key); err != nil {
		return storage.Info{}, fmt.Errorf("stat: %w", err)
	}
	var info storage.Info
	err := s.believing(ctx, key, func() error {
		head, err := s.head(ctx, key)
		if err != nil {
			return err
		}
		info = storage.Info{Key: key, Size: aws.ToInt64(head.ContentLength), Modified: utc(head.LastModified)}
		return nil
	})
	if err != nil {
		return storage.Info{}, fmt.Errorf("stat %s: %w", key, err)
	}
	return info, nil
}

func (s *Store) head(ctx context.Context, key string) (*s3.HeadObjectOutput, error) {
	return s.headVersion(ctx, key, nil)
}

func (s *Store) headVersion(ctx context.Context, key string, version *string) (*s3.HeadObjectOutput, error) {
	head, err := s.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: s.key(key), VersionId: version})
	if err != nil {
		return nil, s.classify(ctx, err)
	}
	return head, nil
}

// utc is a time to the second: HEAD knows no less, whatever a listing says.
func utc(t *time.Time) time.Time { return aws.ToTime(t).UTC().Truncate(time.Second) }

// wait passes time unless the context ends first.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
