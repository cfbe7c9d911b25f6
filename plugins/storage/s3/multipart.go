package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const (
	abortTimeout = 30 * time.Second
	mostParts    = 10_000 // https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
)

// large sends a body in parts, which become an object when all are known to be
// the ones that were promised.
func (u *upload) large(ctx context.Context, body io.Reader) error {
	size, err := u.s.partSize(u.req.Size)
	if err != nil {
		return err
	}
	honoured, err := u.s.conditionsOfParts(ctx)
	if err != nil {
		return err
	}
	u.caps.checksum = honoured.checksum
	u.conditional = honoured.absent && u.caps.absent
	if u.req.Replaces != "" { // who honours one on parts, and both elsewhere, honours both
		u.conditional = honoured.absent && u.caps.match
	}
	// Refuse early what can only be refused late: it spares the upload.
	if err := u.early(ctx); err != nil {
		return err
	}
	id, err := u.create(ctx)
	if err != nil {
		return u.s.classify(ctx, err)
	}
	parts, err := u.sendParts(ctx, id, size, body)
	if err == nil {
		err = u.commit(ctx, func(ctx context.Context) error { return u.complete(ctx, id, parts) })
	}
	if err != nil {
		u.s.abort(ctx, u.req.Key, id)
	}
	return err
}

func (u *upload) early(ctx context.Context) error {
	_, err := u.s.head(ctx, u.req.Key)
	switch {
	case err == nil && u.req.Replaces == "":
		return storage.ErrExists
	case errors.Is(err, storage.ErrNotFound) && u.req.Replaces != "":
		return storage.ErrChanged
	case errors.Is(err, storage.ErrNotFound):
		return nil
	}
	return err
}

// partSize returns how large an object's parts are: as set, or larger where
// there would be too many, up to half of the memory for all.
func (s *Store) partSize(object int64) (int64, error) {
	size, half := s.cfg.PartSize, int64(s.cfg.Concurrency+1)*s.cfg.PartSize/2
	if least := (object + s.cfg.limits.parts - 1) / s.cfg.limits.parts; least > size {
		size = max(size, min(least, half))
	}
	if (object+size-1)/size > mostParts {
		return 0, fmt.Errorf("object of %d bytes needs more than %d parts: raise part_size", object, mostParts)
	}
	return size, nil
}

func (u *upload) create(ctx context.Context) (id *string, err error) {
	s := u.s
	in := &s3.CreateMultipartUploadInput{
		Bucket: &s.bucket, Key: s.key(u.req.Key), ContentType: aws.String(contentType),
		Metadata: u.metadata(), StorageClass: types.StorageClass(s.cfg.StorageClass),
	}
	if u.caps.checksum {
		in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256
	}
	if until := u.retainUntil(); until != nil {
		in.ObjectLockMode, in.ObjectLockRetainUntilDate = s.lockMode(), until
	}
	out, err := s.api.CreateMultipartUpload(ctx, in)
	if err != nil {
		return nil, err
	}
	if aws.ToString(out.UploadId) == "" {
		return nil, errors.New("the store began an upload without a name")
	}
	return out.UploadId, nil
}

// sendParts reads the body and uploads it, several parts at a time. When it
// returns no request is under way.
func (u *upload) sendParts(ctx context.Context, id *string, size int64, body io.Reader) ([]types.CompletedPart, error) {
	parts := make([]types.CompletedPart, (u.req.Size+size-1)/size)
	stoppable, stop := context.WithCancel(ctx)
	defer stop()
	group, gctx := errgroup.WithContext(stoppable)
	in, mem := newInput(gctx, body, u.req), newMemory(u.s.budget, size)
	read := func() error {
		for n := range parts {
			whole, err := mem.take(gctx)
			if err != nil {
				return err
			}
			release := func() { mem.give(whole) }
			buf := whole[:min(size, u.req.Size-int64(n)*size)]
			if err := in.fill(buf); err != nil {
				release()
				return err
			}
			group.Go(func() error {
				defer release()
				var err error
				parts[n], err = u.sendPart(gctx, id, int32(n+1), buf)
				return err
			})
		}
		return in.end()
	}
	readErr := read()
	if first := readErr != nil && gctx.Err() == nil; first {
		stop()
		_ = group.Wait() // what was stopped
		return nil, readErr
	}
	// Reading may have failed because sending did.
	if err := group.Wait(); err != nil {
		readErr = err
	}
	if err := ctx.Err(); err != nil {
		readErr = err
	}
	return parts, readErr
}

// memory is what one upload's parts are held in, of the budget for all. Its
// buffers are used again, and given back with the upload.
type memory struct {
	budget *semaphore.Weighted
	size   int64
	free   chan []byte
}

func newMemory(budget *semaphore.Weighted, size int64) *memory {
	const most = 65 // parts at the same time, and the one that is read
	return &memory{budget: budget, size: size, free: make(chan []byte, most)}
}

// take returns a part's buffer, when there is memory for one.
func (m *memory) take(ctx context.Context) ([]byte, error) {
	if err := m.budget.Acquire(ctx, m.size); err != nil {
		return nil, context.Cause(ctx)
	}
	select {
	case buf := <-m.free:
		return buf, nil
	default:
		return make([]byte, m.size), nil
	}
}

func (m *memory) give(buf []byte) {
	m.free <- buf // never full: the budget holds fewer
	m.budget.Release(m.size)
}

func (u *upload) sendPart(ctx context.Context, id *string, n int32, content []byte) (types.CompletedPart, error) {
	sum := sha256.Sum256(content)
	in := &s3.UploadPartInput{
		Bucket: &u.s.bucket, Key: u.s.key(u.req.Key), UploadId: id, PartNumber: &n,
		Body: bytes.NewReader(content), ContentLength: aws.Int64(int64(len(content))),
	}
	if u.caps.checksum {
		in.ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(sum[:]))
	} else {
		in.ContentMD5 = md5Of(content)
	}
	out, err := u.s.api.UploadPart(ctx, in, payload(hex.EncodeToString(sum[:]), u.caps.checksum), func(o *s3.Options) {
		o.ContinueHeaderThresholdBytes = -1 // a part is not refused for what it says beforehand
	})
	if err != nil {
		return types.CompletedPart{}, fmt.Errorf("upload part %d: %w", n, u.s.classify(ctx, err))
	}
	return types.CompletedPart{PartNumber: &n, ETag: out.ETag, ChecksumSHA256: in.ChecksumSHA256}, nil
}

func (u *upload) complete(ctx context.Context, id *string, parts []types.CompletedPart) error {
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &u.s.bucket, Key: u.s.key(u.req.Key), UploadId: id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}
	if u.conditional {
		in.IfNoneMatch, in.IfMatch = u.ifNoneMatch(), u.ifMatch()
	}
	_, err := u.s.api.CompleteMultipartUpload(ctx, in)
	return err
}

// abort gives up an upload, even one whose caller has gone. A part that the
// server was still taking may outlive it, so it goes on until there is no
// upload (https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html).
// What it cannot remove is invisible, and left to the bucket's own rule.
func (s *Store) abort(ctx context.Context, key string, id *string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	var err error
	for pause, n := s.cfg.limits.settle, 1; n <= looks && ctx.Err() == nil; n, pause = n+1, 2*pause {
		_, err = s.api.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: s.key(key), UploadId: id})
		if answerOf(err).status == http.StatusNotFound {
			return
		}
		_ = wait(ctx, pause) // the loop looks at the context
	}
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "parts of an upload are left in the bucket", "key", key, "error", s.classify(ctx, err))
	}
}
