package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

var _ storage.Versioner = (*Store)(nil)

// GetFirst opens the oldest version that the bucket has of a key.
func (s *Store) GetFirst(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := s.begin(ctx, key); err != nil {
		return nil, fmt.Errorf("get first: %w", err)
	}
	if offset < 0 {
		return nil, fmt.Errorf("get first %s: negative offset %d", key, offset)
	}
	first, err := s.first(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("get first %s: %w", key, err)
	}
	r := s.reader(ctx, key, offset, length)
	r.version = first.id
	if err := r.open(); err != nil {
		return nil, fmt.Errorf("get first %s: %w", key, err)
	}
	return r, nil
}

// Uncover removes every other version of a key, and the marks of its deletion.
func (s *Store) Uncover(ctx context.Context, key, sha256 string) error {
	if err := s.begin(ctx, key); err != nil {
		return fmt.Errorf("uncover: %w", err)
	}
	if err := s.uncover(ctx, key, sha256); err != nil {
		return fmt.Errorf("uncover %s: %w", key, err)
	}
	return nil
}

func (s *Store) uncover(ctx context.Context, key, sha256 string) error {
	first, err := s.first(ctx, key)
	if err != nil {
		return err
	}
	have, err := s.digest(ctx, key, first.id, "")
	switch {
	case err != nil:
		return err
	case have != sha256:
		return fmt.Errorf("%w: the first version has SHA-256 %s, want %.64q", storage.ErrChanged, have, sha256)
	case first.id == nil:
		return nil // the bucket has one of each object
	}
	last := ""
	for {
		covers, err := s.covers(ctx, key, first)
		if err != nil || len(covers) == 0 {
			return err
		}
		id := aws.ToString(covers[0].id)
		if id == last {
			return fmt.Errorf("%w: the store still lists version %.80q, which it has removed", storage.ErrUnavailable, id)
		}
		last = id
		for _, v := range covers {
			if err := s.removeVersion(ctx, key, v.id); err != nil {
				return err
			}
		}
	}
}

// covers returns what lies over a key's first version, as much of it as is on
// the first page of the listing: versions before marks, so that a version that
// a mark hides is not shown on the way.
func (s *Store) covers(ctx context.Context, key string, first version) ([]version, error) {
	for p, err := range s.states(ctx, key) {
		if err != nil {
			return nil, err
		}
		slices.Reverse(p.versions) // they come newest first
		isFirst := func(v version) bool { return aws.ToString(v.id) == aws.ToString(first.id) }
		return slices.DeleteFunc(append(p.versions, p.marks...), isFirst), nil
	}
	return nil, nil
}

// first finds the oldest version of a key; its id is nil where the bucket
// keeps one of each object.
func (s *Store) first(ctx context.Context, key string) (version, error) {
	keeps, err := s.keepsVersions(ctx)
	if err != nil {
		return version{}, err
	}
	var first version
	if keeps {
		for p, err := range s.states(ctx, key) {
			if err != nil {
				return version{}, err
			}
			if n := len(p.versions); n > 0 {
				first = p.versions[n-1]
			}
		}
	}
	if first.id != nil {
		return first, nil
	}
	_, err = s.head(ctx, key)
	return first, err
}

// keepsVersions reports whether the bucket has ever kept versions. Without the
// right to ask, the listing tells.
func (s *Store) keepsVersions(ctx context.Context) (bool, error) {
	status, err := s.api.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &s.bucket})
	switch a := answerOf(err); {
	case err == nil:
		return status.Status != "", nil
	case a.unsupported() || a.status == 404:
		return false, nil
	}
	if err := s.classify(ctx, err); !errors.Is(err, storage.ErrPermission) {
		return false, err
	}
	return true, nil
}

// version is one state of a key that the bucket remembers, or the mark of its
// deletion.
type version struct {
	id   *string
	mark bool
}

func (v version) isObject() bool { return !v.mark }

// statePage is a page of them, the newest first.
type statePage struct{ versions, marks []version }

// states yields what the bucket remembers of a key page by page. Whoever may
// write can write a key a million times.
func (s *Store) states(ctx context.Context, key string) iter.Seq2[statePage, error] {
	return func(yield func(statePage, error) bool) {
		in := &s3.ListObjectVersionsInput{
			Bucket: &s.bucket, Prefix: s.key(key), MaxKeys: &s.cfg.limits.page,
			EncodingType: types.EncodingTypeUrl, // foreign keys that begin alike may not fit XML
		}
		for {
			out, err := s.api.ListObjectVersions(ctx, in)
			if err != nil {
				yield(statePage{}, fmt.Errorf("list versions: %w", s.classify(ctx, err)))
				return
			}
			same := func(name *string) bool { return isKey(*in.Prefix, name, out.EncodingType) }
			if !yield(pageOf(out, same), nil) {
				return
			}
			if !aws.ToBool(out.IsTruncated) || !same(out.NextKeyMarker) {
				return // longer keys follow
			}
			if aws.ToString(out.NextVersionIdMarker) == aws.ToString(in.VersionIdMarker) {
				yield(statePage{}, fmt.Errorf("%w: the store does not say where its listing of versions goes on", storage.ErrUnavailable))
				return
			}
			in.KeyMarker, in.VersionIdMarker = in.Prefix, out.NextVersionIdMarker
		}
	}
}

// pageOf takes what is of the very key.
func pageOf(out *s3.ListObjectVersionsOutput, same func(*string) bool) statePage {
	var p statePage
	for _, v := range out.Versions {
		if same(v.Key) {
			p.versions = append(p.versions, version{id: v.VersionId})
		}
	}
	for _, m := range out.DeleteMarkers {
		if same(m.Key) {
			p.marks = append(p.marks, version{id: m.VersionId, mark: true})
		}
	}
	return p
}

// isKey compares a name of a listing, in the listing's coding, with a key.
func isKey(key string, name *string, coding types.EncodingType) bool {
	if coding != types.EncodingTypeUrl {
		return aws.ToString(name) == key
	}
	decoded, err := url.QueryUnescape(aws.ToString(name))
	return err == nil && decoded == key // one that cannot be decoded is not ours
}
