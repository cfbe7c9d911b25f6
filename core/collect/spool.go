package collect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	seekable "github.com/SaveTheRbtz/zstd-seekable-format-go/pkg"
	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

const (
	// frameSize is where a zstd frame is cut, at the next line end: large
	// enough for the ratio, small enough to read one line out of a window.
	frameSize = 1 << 20
	// maxFrame cuts a frame within a line, so that a line without end cannot fill the memory.
	maxFrame = 8 << 20
	readSize = 512 << 10
	minRead  = 64 << 10
)

// spooled is a window's content on local disk, measured.
type spooled struct {
	path    string
	bytes   int64           // stored
	sha256  evidence.Digest // of the stored bytes
	content evidence.Content
	trailer source.Trailer
}

// spoolLimits bound what one window may bring.
type spoolLimits struct {
	maxContent int64
}

// errTooLarge is a window whose content passes the limit.
var errTooLarge = errors.New("window holds more than the spool takes")

// spool drains a stream into a file: decompress, hash and count, compress,
// hash again, in one pass and constant memory. On success the file is durable.
// On error there is no file.
func (p *press) spool(ctx context.Context, path string, st *source.Stream, d source.Dataset, lim spoolLimits) (*spooled, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create spool file: %w", err)
	}
	s, err := p.drain(ctx, f, st, d, lim)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = os.Remove(path) // the window is pulled again; a leftover is swept at the next start
		return nil, err
	}
	s.path = path
	return s, nil
}

// meterOf is how a stream of a dataset is measured.
func meterOf(d source.Dataset, st *source.Stream) evidence.MeterConfig {
	return evidence.MeterConfig{TimeField: d.TimeField, ClassField: d.ClassField, Timestamps: string(st.Timestamps)}
}

func (p *press) drain(ctx context.Context, f *os.File, st *source.Stream, d source.Dataset, lim spoolLimits) (*spooled, error) {
	meter := evidence.NewMeter(meterOf(d, st))
	tail := tailCheck{failures: st.FailureLines}
	out := &storedWriter{w: f, hash: sha256.New()}
	if err := p.through(ctx, out, st, meter, &tail, lim); err != nil {
		return nil, err
	}
	s := &spooled{bytes: out.n}
	var err error
	if s.trailer, err = st.Trailer(); err != nil {
		return nil, fmt.Errorf("read trailer: %w", err)
	}
	if err := tail.check(meter.LastLine()); err != nil {
		return nil, err
	}
	s.content = meter.Content()
	if want := s.trailer.Lines; want >= 0 && want != s.content.Lines {
		return nil, splitError("the source announced %d lines and sent %d", want, s.content.Lines)
	}
	out.hash.Sum(s.sha256[:0])
	return s, nil
}

// decode unpacks a stream's encoding. A cut or damaged encoding is an error
// of Read.
func (d *desk) decode(body io.Reader, enc source.Encoding) (io.Reader, func(), error) {
	switch enc {
	case source.Identity:
		return body, func() {}, nil
	case source.Gzip:
		// An empty window may come without even a gzip header.
		d.in.Reset(body)
		if _, err := d.in.Peek(1); errors.Is(err, io.EOF) {
			return d.in, func() {}, nil
		}
		if err := d.gunzip.Reset(d.in); err != nil {
			return nil, nil, streamError(err)
		}
		return &d.gunzip, func() {}, nil
	case source.Zstd:
		zr, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
		if err != nil {
			return nil, nil, fmt.Errorf("open zstd stream: %w", err)
		}
		return zr, zr.Close, nil
	}
	return nil, nil, &source.Error{Op: "pull", Class: source.ClassBug, Msg: fmt.Sprintf("source sends unknown encoding %.40q", enc)}
}

// streamError classes an error met while reading a stream: what the source
// itself classed stays; a cut or damaged encoding may well be a window too
// heavy for the producer.
func streamError(err error) error {
	var classed *source.Error
	if errors.As(err, &classed) {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, kgzip.ErrHeader) || errors.Is(err, kgzip.ErrChecksum) {
		return &source.Error{Op: "pull", Class: source.ClassSplit, Msg: "the stream is cut short or damaged", Err: err}
	}
	return fmt.Errorf("read stream: %w", err)
}

func splitError(format string, args ...any) error {
	return &source.Error{Op: "pull", Class: source.ClassSplit, Msg: fmt.Sprintf(format, args...)}
}

// tailCheck looks at how a stream ends: HTTP 200 is not success.
type tailCheck struct {
	failures []string
	last     byte // last byte that is not white space
}

func (t *tailCheck) see(p []byte) {
	if p = bytes.TrimRight(p, " \t\r\n"); len(p) > 0 {
		t.last = p[len(p)-1]
	}
}

func (t *tailCheck) check(lastLine []byte) error {
	line := string(bytes.TrimSpace(lastLine))
	for _, f := range t.failures {
		if line == f {
			return splitError("the stream ended in %q", f)
		}
	}
	if t.last != 0 && t.last != '}' {
		return splitError("the last record is not whole")
	}
	return nil
}

// storedWriter hashes and counts what goes into the file.
type storedWriter struct {
	w    io.Writer
	hash hash.Hash
	n    int64
}

func (s *storedWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	_, _ = s.hash.Write(p[:n]) // a hash never fails
	s.n += int64(n)
	return n, err //nolint:wrapcheck // wrapped by drain
}

// frameWriter cuts a byte stream into zstd frames at line ends and ends it
// with the seek table of the seekable format.
type frameWriter struct {
	w   *seekable.Writer
	buf []byte
}

// space returns where the next bytes are to be read into, so that they need
// not be copied.
func (f *frameWriter) space() []byte {
	if cap(f.buf)-len(f.buf) < minRead { // a line longer than the buffer: up to maxFrame
		f.buf = append(make([]byte, 0, 2*cap(f.buf)), f.buf...)
	}
	return f.buf[len(f.buf):min(cap(f.buf), len(f.buf)+readSize)]
}

// filled takes n bytes that were read into space.
func (f *frameWriter) filled(n int) error {
	f.buf = f.buf[:len(f.buf)+n]
	if len(f.buf) < frameSize {
		return nil
	}
	cut := bytes.LastIndexByte(f.buf, '\n') + 1
	if cut == 0 {
		if len(f.buf) < maxFrame {
			return nil
		}
		cut = len(f.buf)
	}
	return f.flush(cut)
}

func (f *frameWriter) flush(n int) error {
	if n == 0 {
		return nil
	}
	if _, err := f.w.Write(f.buf[:n]); err != nil {
		return err //nolint:wrapcheck // wrapped by drain
	}
	f.buf = f.buf[:copy(f.buf, f.buf[n:])]
	return nil
}

func (f *frameWriter) close() error {
	if err := f.flush(len(f.buf)); err != nil {
		return err
	}
	return f.w.Close() //nolint:wrapcheck // wrapped by drain
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
