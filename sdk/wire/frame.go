package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"google.golang.org/grpc/mem"

	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

// part is one message of a payload stream after its header.
type part struct {
	frame  *mem.Reader // nil: none
	digest *pb.Digest  // set on the trailer
}

// partOf is a message's part: what came as a frame, or was decoded.
func partOf(in *incoming, frame []byte, digest *pb.Digest) part {
	if in.frame == nil && frame != nil {
		in.frame = mem.BufferSlice{mem.SliceBuffer(frame)}.Reader()
	}
	return part{frame: in.frame, digest: digest}
}

// body reads a payload stream: the other side's frames as an io.Reader that
// ends with io.EOF only when the trailer fits what was read and the stream
// ended behind it. It is compared bare: an error that wraps io.EOF is an error.
type body struct {
	next     func() (part, error) // io.EOF at the end of the stream
	most     int64                // bytes, -1 = no bound
	mismatch error                // what a wrong trailer is

	// promised is what the trailer must say, where the reader compares the bytes
	// with that itself; nil: they are hashed here.
	promised *pb.Digest

	hash hash.Hash
	n    int64
	rest *mem.Reader
	err  error
}

func newBody(most int64, mismatch error, next func() (part, error)) *body {
	return &body{next: next, most: most, mismatch: mismatch, hash: sha256.New()}
}

func (b *body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for b.rest == nil || b.rest.Remaining() == 0 {
		if b.err == nil {
			b.err = b.advance()
		}
		if b.err != nil {
			return 0, b.err
		}
	}
	n, err := b.rest.Read(p)
	if b.promised == nil {
		b.hash.Write(p[:n])
	}
	return n, err //nolint:wrapcheck // none: something remains
}

// advance takes one message: a frame into rest, or the end.
func (b *body) advance() error {
	m, err := b.next()
	if err == io.EOF { //nolint:errorlint // only the bare io.EOF is the end
		return fmt.Errorf("%w: stream ends without a trailer", ErrProtocol)
	}
	if err != nil {
		return err
	}
	if m.digest != nil {
		return b.finish(m.digest)
	}
	size := 0
	if m.frame != nil {
		size = m.frame.Remaining()
	}
	if size == 0 || size > MaxFrame {
		return fmt.Errorf("%w: frame of %d bytes, 1 to %d allowed", ErrProtocol, size, MaxFrame)
	}
	if b.most >= 0 && int64(size) > b.most-b.n {
		return fmt.Errorf("%w: stream of more than %d bytes", ErrProtocol, b.most)
	}
	b.n += int64(size)
	b.rest = m.frame
	return nil
}

func (b *body) finish(d *pb.Digest) error {
	if d.GetLength() != b.n {
		return fmt.Errorf("%w: trailer says %d bytes, %d came", b.mismatch, d.GetLength(), b.n)
	}
	want := &pb.Digest{Length: b.n, Sha256: hex.EncodeToString(b.hash.Sum(nil))}
	if b.promised != nil {
		want = b.promised
	}
	if d.GetLength() != want.GetLength() {
		return fmt.Errorf("%w: trailer says %d bytes, %d were promised", b.mismatch, d.GetLength(), want.GetLength())
	}
	if d.GetSha256() != want.GetSha256() {
		return fmt.Errorf("%w: trailer has another SHA-256", b.mismatch)
	}
	_, err := b.next()
	if err == nil {
		return fmt.Errorf("%w: message behind the trailer", ErrProtocol)
	}
	return err // io.EOF, if all is well
}

// sendFrames copies r into frames and returns the digest for the trailer. A
// read error ends it as such; a send error is wrapped in sendError so that
// the caller can ask the stream for the reason.
func sendFrames(r io.Reader, send func(frame *outFrame) error) (*pb.Digest, error) {
	pool, sum := newFramePool(), sha256.New()
	buf := pool.Get(MaxFrame)
	var length int64
	for empty := 0; ; {
		n, err := r.Read(*buf)
		if n > 0 {
			empty = 0
			sum.Write((*buf)[:n])
			length += int64(n)
			data := buf
			if mem.IsBelowBufferPoolingThreshold(n) { // gRPC would not give it back
				small := bytes.Clone((*buf)[:n])
				data = &small
			} else {
				*data = (*data)[:n]
				buf = pool.Get(MaxFrame)
			}
			if sendErr := send(newOutFrame(data, pool)); sendErr != nil {
				return nil, &sendError{sendErr}
			}
		} else if empty++; err == nil && empty > 100 {
			return nil, io.ErrNoProgress
		}
		if err == io.EOF {
			return &pb.Digest{Length: length, Sha256: hex.EncodeToString(sum.Sum(nil))}, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// sendError marks a failure of the stream, not of what was to be sent.
type sendError struct{ err error }

func (e *sendError) Error() string { return "send frame: " + e.err.Error() }
func (e *sendError) Unwrap() error { return e.err }
