package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// resumes is how often in a row a body that broke is asked for again without
// having brought progressBytes.
const resumes = 3

// Get opens an object.
func (s *Store) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := s.begin(ctx, key); err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	if offset < 0 {
		return nil, fmt.Errorf("get %s: negative offset %d", key, offset)
	}
	r := s.reader(ctx, key, offset, length)
	if err := s.believing(ctx, key, r.open); err != nil {
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	return r, nil
}

func (s *Store) reader(ctx context.Context, key string, offset, length int64) *reader {
	r := &reader{s: s, ctx: ctx, key: key, at: offset, end: math.MaxInt64}
	if length >= 0 && length < math.MaxInt64-offset {
		r.end = offset + length
	}
	if offset == 0 && length < 0 {
		r.sum = sha256.New()
	}
	return r
}

// reader is a range of an object.
type reader struct {
	s       *Store
	ctx     context.Context // of the Get that made it
	key     string
	version *string // nil is the present one
	at, end int64   // of the object; end is known exactly once it is open
	etag    string
	body    io.ReadCloser
	failed  int   // opens in a row that brought little
	since   int64 // where the last of them began

	sum    hash.Hash // of a whole object; nil for a part of one
	sha256 string    // what it should be
}

// open asks for the object from r.at on.
func (r *reader) open() error {
	in := &s3.GetObjectInput{Bucket: &r.s.bucket, Key: r.s.key(r.key), VersionId: r.version}
	switch {
	case r.at == r.end: // nothing is wanted, but that there is an object
		_, err := r.s.headVersion(r.ctx, r.key, r.version)
		r.body = http.NoBody
		return err
	case r.end < math.MaxInt64:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", r.at, r.end-1))
	case r.at > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", r.at))
	}
	if r.etag != "" {
		in.IfMatch = &r.etag
	}
	out, err := r.s.api.GetObject(r.ctx, in)
	if a := answerOf(err); a.rangeBeyond() {
		r.end, r.body = r.at, http.NoBody
		return nil
	} else if a.refused() {
		return fmt.Errorf("%w: the object was replaced while it was read", storage.ErrUnavailable)
	}
	if err != nil {
		return r.s.classify(r.ctx, err)
	}
	if r.end, err = r.extent(out, in.Range != nil); err != nil {
		_ = out.Body.Close() // nothing of it is used
		return err
	}
	r.body, r.etag, r.since = out.Body, aws.ToString(out.ETag), r.at
	r.sha256 = out.Metadata[metaSHA256]
	return nil
}

// extent returns where in the object the answer ends.
func (r *reader) extent(out *s3.GetObjectOutput, ranged bool) (int64, error) {
	if !ranged {
		if out.ContentLength == nil {
			return 0, fmt.Errorf("%w: the store does not say how long the object is", storage.ErrUnavailable)
		}
		return *out.ContentLength, nil
	}
	var first, last, total int64
	if _, err := fmt.Sscanf(aws.ToString(out.ContentRange), "bytes %d-%d/%d", &first, &last, &total); err != nil {
		return 0, fmt.Errorf("the store does not say which range it sends")
	}
	if want := min(r.end, total); first != r.at || last+1 != want {
		return 0, fmt.Errorf("%w: bytes %d to %d were asked for, %d to %d of %d come", storage.ErrUnavailable, r.at, want-1, first, last, total)
	}
	return last + 1, nil
}

// Read reads on where a body has broken off.
func (r *reader) Read(p []byte) (int, error) {
	for {
		if err := r.ctx.Err(); err != nil {
			return 0, err
		}
		if r.at == r.end {
			return 0, r.finish()
		}
		n, err := r.body.Read(p[:min(int64(len(p)), r.end-r.at)])
		r.at += int64(n)
		if r.sum != nil {
			_, _ = r.sum.Write(p[:n]) // never fails: hash.Hash
		}
		if r.at-r.since >= progressBytes {
			r.failed = 0
		}
		if n > 0 || len(p) == 0 {
			return n, nil // an error comes again
		}
		if err == nil {
			continue
		}
		if err := r.resume(err); err != nil {
			return 0, err
		}
	}
}

func (r *reader) resume(cause error) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if errors.Is(cause, io.EOF) {
		cause = io.ErrUnexpectedEOF
	}
	if r.failed++; r.failed > resumes || r.etag == "" {
		text := r.s.keys.clean(cause.Error())
		if errors.Is(cause, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: read object at byte %d: %w", storage.ErrUnavailable, r.at, io.ErrUnexpectedEOF)
		}
		return fmt.Errorf("%w: read object at byte %d: %s", storage.ErrUnavailable, r.at, text)
	}
	_ = r.body.Close() // it is broken
	r.body = http.NoBody
	if err := wait(r.ctx, r.s.cfg.limits.settle); err != nil {
		return err
	}
	return r.open()
}

// finish compares a whole object with its digest.
func (r *reader) finish() error {
	if r.sum == nil || len(r.sha256) != hex.EncodedLen(sha256.Size) {
		return io.EOF
	}
	have := hex.EncodeToString(r.sum.Sum(nil))
	if have == r.sha256 {
		return io.EOF
	}
	again, err := r.s.digest(r.ctx, r.key, r.version, r.etag)
	switch {
	case err != nil:
		return err
	case again == r.sha256:
		return fmt.Errorf("%w: bytes were changed on their way", storage.ErrUnavailable)
	}
	return fmt.Errorf("%w: SHA-256 is %s, was %s when it was put", storage.ErrCorrupt, have, r.sha256)
}

// digest reads an object to learn its SHA-256.
func (s *Store) digest(ctx context.Context, key string, version *string, etag string) (string, error) {
	r := &reader{s: s, ctx: ctx, key: key, version: version, end: math.MaxInt64, etag: etag}
	if err := r.open(); err != nil {
		return "", err
	}
	sum := sha256.New()
	_, err := io.Copy(sum, r)
	if err = errors.Join(err, r.Close()); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Close ends the reading.
func (r *reader) Close() error {
	if err := r.body.Close(); err != nil && !strings.Contains(err.Error(), "closed") && r.at == r.end {
		return fmt.Errorf("%w: end reading", storage.ErrUnavailable)
	}
	return nil
}
