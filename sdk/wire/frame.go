package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

// part is one message of a payload stream after its header.
type part struct {
	frame  []byte
	digest *pb.Digest // set on the trailer
}

// body reads a payload stream: the other side's frames as an io.Reader that
// ends with io.EOF only when the trailer fits what was read and the stream
// ended behind it. It is compared bare: an error that wraps io.EOF is an error.
type body struct {
	next     func() (part, error) // io.EOF at the end of the stream
	most     int64                // bytes, -1 = no bound
	mismatch error                // what a wrong trailer is

	hash hash.Hash
	n    int64
	rest []byte
	err  error
}

func newBody(most int64, mismatch error, next func() (part, error)) *body {
	return &body{next: next, most: most, mismatch: mismatch, hash: sha256.New()}
}

func (b *body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(b.rest) == 0 {
		if b.err == nil {
			b.err = b.advance()
		}
		if b.err != nil {
			return 0, b.err
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
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
	if len(m.frame) == 0 || len(m.frame) > MaxFrame {
		return fmt.Errorf("%w: frame of %d bytes, 1 to %d allowed", ErrProtocol, len(m.frame), MaxFrame)
	}
	if b.most >= 0 && int64(len(m.frame)) > b.most-b.n {
		return fmt.Errorf("%w: stream of more than %d bytes", ErrProtocol, b.most)
	}
	b.hash.Write(m.frame)
	b.n += int64(len(m.frame))
	b.rest = m.frame
	return nil
}

func (b *body) finish(d *pb.Digest) error {
	if d.GetLength() != b.n {
		return fmt.Errorf("%w: trailer says %d bytes, %d came", b.mismatch, d.GetLength(), b.n)
	}
	if d.GetSha256() != hex.EncodeToString(b.hash.Sum(nil)) {
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
func sendFrames(r io.Reader, send func(frame []byte) error) (*pb.Digest, error) {
	buf := make([]byte, MaxFrame)
	sum := sha256.New()
	var length int64
	for empty := 0; ; {
		n, err := r.Read(buf)
		if n > 0 {
			empty = 0
			sum.Write(buf[:n])
			length += int64(n)
			if sendErr := send(buf[:n]); sendErr != nil {
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
