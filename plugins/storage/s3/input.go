package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// input reads a body once, until its context ends, and holds it to what the
// request promises.
type input struct {
	ctx  context.Context // of the Put that reads
	body io.Reader
	req  storage.PutRequest
	sum  hash.Hash
}

func newInput(ctx context.Context, body io.Reader, req storage.PutRequest) *input {
	return &input{ctx: ctx, body: body, req: req, sum: sha256.New()}
}

// Read reads until the context ends, and hashes while the bytes are at hand.
func (i *input) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, context.Cause(i.ctx)
	}
	n, err := i.body.Read(p)
	_, _ = i.sum.Write(p[:n]) // never fails: hash.Hash
	return n, err
}

// fill reads all of p.
func (i *input) fill(p []byte) error {
	_, err := io.ReadFull(i, p)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), err == io.ErrUnexpectedEOF: //nolint:errorlint // ReadFull's own; a body's wrapped one is an error of the body
		return fmt.Errorf("%w: %d bytes promised, fewer came", storage.ErrCorrupt, i.req.Size)
	}
	return fmt.Errorf("read body: %w", err)
}

// end demands that nothing follows and that all was what was promised.
func (i *input) end() error {
	switch n, err := io.ReadFull(i, make([]byte, 1)); {
	case n > 0:
		return fmt.Errorf("%w: %d bytes promised, more came", storage.ErrCorrupt, i.req.Size)
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("read body: %w", err)
	case hex.EncodeToString(i.sum.Sum(nil)) != i.req.SHA256:
		return fmt.Errorf("%w: other SHA-256 than promised", storage.ErrCorrupt)
	}
	return i.ctx.Err()
}
