package s3

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// List yields the objects page by page.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		err := s.list(ctx, prefix, after, func(i storage.Info) bool { return yield(i, nil) })
		if err != nil {
			yield(storage.Info{}, fmt.Errorf("list: %w", err))
		}
	}
}

func (s *Store) list(ctx context.Context, prefix, after string, yield func(storage.Info) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !begins(prefix) { // no key does: the store need not be asked
		return nil
	}
	if err := s.reach(ctx); err != nil {
		return err
	}
	in := &s3.ListObjectsV2Input{
		Bucket: &s.bucket, Prefix: s.key(prefix),
		EncodingType: types.EncodingTypeUrl, // foreign keys may not fit XML
		MaxKeys:      &s.cfg.limits.page,
	}
	if after != "" && begins(after) { // else the store is not bothered with it
		in.StartAfter = s.key(after)
	}
	order := &order{after: after, prefix: prefix}
	for {
		page, err := s.api.ListObjectsV2(ctx, in)
		if err != nil {
			return s.classify(ctx, err)
		}
		more, err := s.page(ctx, page, order, yield)
		if err != nil || !more {
			return err
		}
		next := aws.ToString(page.NextContinuationToken)
		if next == "" || next == aws.ToString(in.ContinuationToken) {
			return fmt.Errorf("%w: the store does not say where its listing goes on", storage.ErrUnavailable)
		}
		in.ContinuationToken = &next
	}
}

// page yields what is ours of a page, and says whether there are more pages.
func (s *Store) page(ctx context.Context, page *s3.ListObjectsV2Output, order *order, yield func(storage.Info) bool) (bool, error) {
	for _, o := range page.Contents {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		name := aws.ToString(o.Key)
		if page.EncodingType == types.EncodingTypeUrl {
			decoded, err := url.QueryUnescape(name)
			if err != nil {
				return false, fmt.Errorf("the store lists a key in a coding that is not its own: %.80q", name)
			}
			name = decoded
		}
		key, ours := strings.CutPrefix(name, s.prefix)
		if !ours || !storage.ValidKey(key) || !strings.HasPrefix(key, order.prefix) {
			continue
		}
		switch fresh, err := order.take(key); {
		case err != nil:
			return false, err
		case fresh && !yield(storage.Info{Key: key, Size: aws.ToInt64(o.Size), Modified: utc(o.LastModified)}):
			return false, nil
		}
	}
	return aws.ToBool(page.IsTruncated), nil
}

// order holds a listing to what it promises.
type order struct {
	prefix, after, last string
}

// take reports whether a key is beyond the start: a store may not know StartAfter.
func (o *order) take(key string) (bool, error) {
	if o.last != "" && key <= o.last {
		return false, errors.New("the store does not list keys in ascending order")
	}
	o.last = key
	return key > o.after, nil
}

// begins reports whether a key can begin with prefix.
func begins(prefix string) bool {
	return prefix == "" || storage.ValidKey(prefix) || storage.ValidKey(prefix+"x")
}
