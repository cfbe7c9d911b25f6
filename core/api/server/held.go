package server

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const (
	// chunk is written within chunkTime, or the client is too slow to be served.
	chunk     = 64 << 10
	chunkTime = 30 * time.Second
)

// errNotSealed: the bytes that came are not those that were sealed.
var errNotSealed = errors.New("object is not what was sealed")

// held keeps the last bytes of an answer back until what they are of has been
// seen whole. Only flush waits for the client.
type held struct {
	w    io.Writer
	buf  []byte
	skip int64 // bytes that are not sent, before those that are
	left int64 // bytes to send yet
}

func newHeld(w io.Writer, part section) *held {
	return &held{w: w, buf: make([]byte, 0, chunk), skip: part.from, left: part.size}
}

// take takes as much of b as there is room for, and says how much. Bytes before
// and behind the part take no room.
func (h *held) take(b []byte) (n int) {
	n = int(min(h.skip, int64(len(b))))
	h.skip -= int64(n)
	m := int(min(h.left, int64(len(b)-n), int64(chunk-len(h.buf))))
	h.buf = append(h.buf, b[n:n+m]...)
	h.left -= int64(m)
	if h.left == 0 {
		return len(b)
	}
	return n + m
}

// flush sends what is held.
func (h *held) flush() error {
	if len(h.buf) == 0 {
		return nil
	}
	if _, err := h.w.Write(h.buf); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if h.buf = h.buf[:0]; cap(h.buf) > 2*chunk { // a long line was in it
		h.buf = make([]byte, 0, chunk)
	}
	return nil
}

// put takes all of b, and waits for the client as it must.
func (h *held) put(b []byte) error {
	for {
		n := h.take(b)
		if b = b[n:]; len(b) == 0 {
			return nil
		}
		if err := h.flush(); err != nil {
			return err
		}
	}
}

// summed measures what is read through it, and stops where there is too much.
type summed struct {
	in   io.Reader
	hash hash.Hash
	n    int64
	most int64
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	if sumErr := s.add(p[:n]); sumErr != nil {
		return n, sumErr
	}
	return n, err //nolint:wrapcheck // io.Reader's own
}

func (s *summed) add(b []byte) error {
	s.n += int64(len(b))
	_, _ = s.hash.Write(b) // a hash never fails
	if s.n > s.most {
		return fmt.Errorf("%w: it has more than %d bytes", errNotSealed, s.most)
	}
	return nil
}

// Write is for what is read from elsewhere.
func (s *summed) Write(p []byte) (int, error) { return len(p), s.add(p) }

func (s *summed) is(n int64, sum evidence.Digest) error {
	if got := evidence.Digest(s.hash.Sum(nil)); s.n != n || got != sum {
		return fmt.Errorf("%w: it has %d bytes with SHA-256 %s, sealed were %d with %s", errNotSealed, s.n, got, n, sum)
	}
	return nil
}

// patient gives a client some time for each chunk, and no more. The answer begins
// with its first byte: until then it can become another.
type patient struct {
	ctx    context.Context //nolint:containedctx // io.Writer has no parameter for it
	w      http.ResponseWriter
	rc     *http.ResponseController
	status int
	begun  bool
}

func newPatient(ctx context.Context, w http.ResponseWriter, status int) *patient {
	return &patient{ctx: ctx, w: w, rc: http.NewResponseController(w), status: status}
}

func (p *patient) begin() {
	if !p.begun {
		p.begun = true
		p.w.WriteHeader(p.status)
	}
}

func (p *patient) Write(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	if err := p.wait(); err != nil {
		return 0, err
	}
	p.begin()
	return p.w.Write(b) //nolint:wrapcheck // io.Writer's own
}

// wait gives the client its time from now on. What net/http itself writes behind
// the last byte needs it too, where nothing was to be sent for long.
func (p *patient) wait() error {
	if err := p.rc.SetWriteDeadline(time.Now().Add(chunkTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("set deadline: %w", err)
	}
	return nil
}

// broken ends an answer that is not whole: as a problem where nothing of it was
// sent yet, else by a connection that is cut off. A body that ends well would be a lie.
func (s *Server) broken(out *patient, q *request, r *http.Request, err error) {
	s.cfg.Log.WarnContext(out.ctx, "download is not whole", "request", q.id, "error", err)
	if out.begun || out.ctx.Err() != nil {
		panic(http.ErrAbortHandler)
	}
	for _, name := range []string{
		"Accept-Ranges", "Content-Disposition", "Content-Encoding", "Content-Length", "Content-Range", "Etag", "Repr-Digest", "Trailer", "X-Content-Sha256",
	} {
		out.w.Header().Del(name)
	}
	if out.wait() != nil {
		panic(http.ErrAbortHandler)
	}
	switch {
	case errors.Is(err, errNotSealed):
		err = errors.Join(api.NewProblem(http.StatusBadGateway, api.CodeDamaged, "the archive holds an object that is not what was sealed: verify it"), err)
	case errors.Is(err, storage.ErrUnavailable):
		err = fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
	}
	s.refuse(out.w, q, r, err)
}

func reprDigest(d evidence.Digest) string {
	return "sha-256=:" + base64.StdEncoding.EncodeToString(d[:]) + ":"
}
