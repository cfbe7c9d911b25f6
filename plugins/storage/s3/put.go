package s3

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // S3 asks for it where it takes no better checksum
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Names in an object's metadata.
const (
	metaSHA256 = "sha256"
	metaPut    = "rainlogs-put"
)

const contentType = "application/octet-stream"

// upload is one Put on its way.
type upload struct {
	s    *Store
	req  storage.PutRequest
	mark string // of this Put, in the object's metadata
	caps conditions

	etag        string // of what is replaced
	conditional bool   // the store itself keeps rivals apart
}

// Put writes an object: see the package comment for how.
func (s *Store) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	if err := s.begin(ctx, req.Key); err != nil {
		return storage.Info{}, fmt.Errorf("put: %w", err)
	}
	u := &upload{s: s, req: req, mark: s.cfg.NewID()}
	if err := u.run(ctx, body); err != nil {
		return storage.Info{}, fmt.Errorf("put %s: %w", req.Key, err)
	}
	s.recent.wrote(req.Key)
	return storage.Info{Key: req.Key, Size: req.Size, Modified: s.cfg.Now().UTC().Truncate(time.Second)}, nil
}

func (u *upload) run(ctx context.Context, body io.Reader) (err error) {
	if u.req.Size < 0 || len(u.req.SHA256) != hex.EncodedLen(sha256.Size) {
		return fmt.Errorf("%w: no length or no SHA-256 promised", storage.ErrCorrupt)
	}
	if u.caps, err = u.s.conditions(ctx); err != nil {
		return err
	}
	if u.retainUntil() != nil {
		if err := u.s.lockable(ctx); err != nil {
			return err
		}
	}
	if u.req.Size <= u.s.cfg.PartSize {
		return u.small(ctx, body)
	}
	return u.large(ctx, body)
}

// small sends a body in one request.
func (u *upload) small(ctx context.Context, body io.Reader) error {
	if err := u.s.budget.Acquire(ctx, u.req.Size); err != nil {
		return err
	}
	defer u.s.budget.Release(u.req.Size)
	content := make([]byte, u.req.Size)
	in := newInput(ctx, body, u.req)
	if err := in.fill(content); err != nil {
		return err
	}
	if err := in.end(); err != nil {
		return err
	}
	u.conditional = u.caps.absent
	if u.req.Replaces != "" {
		u.conditional = u.caps.match
	}
	return u.commit(ctx, func(ctx context.Context) error { return u.putObject(ctx, content) })
}

func (u *upload) putObject(ctx context.Context, content []byte) error {
	s := u.s
	in := &s3.PutObjectInput{
		Bucket: &s.bucket, Key: s.key(u.req.Key), Body: bytes.NewReader(content), ContentLength: &u.req.Size,
		ContentType: aws.String(contentType), Metadata: u.metadata(), StorageClass: types.StorageClass(s.cfg.StorageClass),
	}
	// One of them is demanded with a lock.
	if u.caps.checksum {
		in.ChecksumSHA256 = base64Digest(u.req.SHA256)
	} else {
		in.ContentMD5 = md5Of(content)
	}
	if until := u.retainUntil(); until != nil {
		in.ObjectLockMode, in.ObjectLockRetainUntilDate = s.lockMode(), until
	}
	if u.conditional {
		in.IfNoneMatch, in.IfMatch = u.ifNoneMatch(), u.ifMatch()
	}
	_, err := s.api.PutObject(ctx, in, payload(u.req.SHA256, u.caps.checksum))
	return err
}

func (u *upload) metadata() map[string]string {
	return map[string]string{metaSHA256: u.req.SHA256, metaPut: u.mark}
}

func (u *upload) ifNoneMatch() *string {
	if u.req.Replaces != "" {
		return nil
	}
	return aws.String("*")
}

func (u *upload) ifMatch() *string {
	if u.req.Replaces == "" {
		return nil
	}
	return &u.etag
}

// retainUntil returns the date of the lock that the object gets, if any. It
// has whole seconds, which must not be fewer.
func (u *upload) retainUntil() *time.Time {
	if u.s.cfg.Lock == LockNone || u.req.RetainUntil.IsZero() {
		return nil
	}
	until := u.req.RetainUntil.UTC().Truncate(time.Second)
	if until.Before(u.req.RetainUntil) {
		until = until.Add(time.Second)
	}
	return &until
}

func (s *Store) lockMode() types.ObjectLockMode {
	if s.cfg.Lock == LockGovernance {
		return types.ObjectLockModeGovernance
	}
	return types.ObjectLockModeCompliance
}

// unsigned stands in a signature for a payload that is not part of it.
const unsigned = "UNSIGNED-PAYLOAD"

// payload signs a request with the digest of its payload, which is known
// already: the SDK need not compute it. Where the digest is in a header that
// the server compares with the bytes, the signature covers that, and the
// server need not compute it twice.
func payload(sum string, checksum bool) func(*s3.Options) {
	if checksum {
		sum = unsigned
	}
	return s3.WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("RainLogsPayloadHash", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			return next.HandleInitialize(v4.SetPayloadHash(ctx, sum), in)
		}), middleware.Before)
	})
}

// base64Digest is how S3 writes a digest; ours are lower-case hex.
func base64Digest(sum string) *string {
	raw, err := hex.DecodeString(sum)
	if err != nil {
		return nil // then it does not match the body's either, which is found before
	}
	return aws.String(base64.StdEncoding.EncodeToString(raw))
}

func md5Of(content []byte) *string {
	sum := md5.Sum(content) //nolint:gosec // see the import
	return aws.String(base64.StdEncoding.EncodeToString(sum[:]))
}

// commit makes the object visible by send, and finds out what became of it if
// the answer leaves that open.
func (u *upload) commit(ctx context.Context, send func(context.Context) error) error {
	release := func() {}
	if !u.conditional {
		var err error
		if release, err = u.s.held.hold(ctx, u.req.Key); err != nil {
			return err
		}
	}
	defer release()
	if err := u.target(ctx); err != nil {
		return err
	}
	for pause, n := u.s.cfg.limits.settle, 1; ; n, pause = n+1, 2*pause {
		err := send(ctx)
		if err == nil && u.conditional {
			return nil
		}
		done, err := u.settle(ctx, err)
		if done || n == looks {
			return err
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}

// target looks at what is there before: what is to be replaced, and, where the
// store has no conditional writes, whether there is anything.
func (u *upload) target(ctx context.Context) error {
	if u.conditional && u.req.Replaces == "" {
		return nil
	}
	head, err := u.s.head(ctx, u.req.Key)
	switch {
	case errors.Is(err, storage.ErrNotFound) && u.req.Replaces == "":
		return nil
	case errors.Is(err, storage.ErrNotFound):
		return fmt.Errorf("%w: there is none", storage.ErrChanged)
	case err != nil:
		return err
	case u.req.Replaces == "":
		return storage.ErrExists
	}
	if u.etag = aws.ToString(head.ETag); u.etag == "" {
		return errors.New("the store has no ETags: nothing can be replaced")
	}
	sum, ok := head.Metadata[metaSHA256]
	if !ok { // written by another program
		if sum, err = u.s.digest(ctx, u.req.Key, nil, u.etag); err != nil {
			return fmt.Errorf("read what is to be replaced: %w", err)
		}
	}
	if sum != u.req.Replaces {
		return storage.ErrChanged
	}
	return nil
}

// settle finds out whether the object is there after a request that was
// refused, lost, or made without a condition (cause is nil then). It is done
// unless the request is to be repeated.
func (u *upload) settle(ctx context.Context, cause error) (done bool, err error) {
	a, class := answerOf(cause), u.s.classify(ctx, cause)
	lost := errors.Is(class, storage.ErrUnavailable)
	against := a.refused() || a.conflict() || u.req.Replaces != "" && a.notFound()
	if cause != nil && !lost && !against {
		return true, class
	}
	taken := storage.ErrExists
	if u.req.Replaces != "" {
		taken = storage.ErrChanged
	}
	head, err := u.look(ctx)
	switch {
	case err == nil && head.Metadata[metaPut] == u.mark:
		return true, nil
	case err == nil && (u.req.Replaces == "" || aws.ToString(head.ETag) != u.etag):
		return true, taken // a refusal may come as a reset: the server did not want the body
	case lost:
		return true, class
	case errors.Is(err, storage.ErrNotFound):
		return u.unseen(cause, a)
	case err != nil && a.refused():
		return true, taken
	case err != nil:
		return true, err
	case a.refused():
		return true, taken
	case cause == nil:
		return true, fmt.Errorf("%w: the store does not show what was written", storage.ErrUnavailable)
	}
	return false, fmt.Errorf("%w: another write is under way", storage.ErrUnavailable)
}

// unseen judges a request after which there is no object.
func (u *upload) unseen(cause error, a answer) (done bool, err error) {
	switch {
	case cause == nil:
		return true, fmt.Errorf("%w: the store does not show what was written", storage.ErrUnavailable)
	case u.req.Replaces != "" && !a.conflict():
		return true, storage.ErrChanged
	}
	// A rival's write was under way (409: S3 says to try again), or what
	// refused ours is gone.
	return false, fmt.Errorf("%w: the store refuses the write and shows no object", storage.ErrUnavailable)
}

// look asks for the object until the store shows one, for a while.
func (u *upload) look(ctx context.Context) (*s3.HeadObjectOutput, error) {
	for pause, n := u.s.cfg.limits.settle, 1; ; n, pause = n+1, 2*pause {
		head, err := u.s.head(ctx, u.req.Key)
		if !errors.Is(err, storage.ErrNotFound) || n == looks {
			return head, err
		}
		if err := wait(ctx, pause); err != nil {
			return nil, err
		}
	}
}
