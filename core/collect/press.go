package collect

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	seekable "github.com/SaveTheRbtz/zstd-seekable-format-go/pkg"
	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// maxTurns bounds the encoders, each of which keeps 8 MiB.
const maxTurns = 8

// press is where windows are unpacked, hashed and compressed, no more of them at
// a time than there are cores: more would be no faster, and each of them keeps a
// processor of Go's from all else.
type press struct {
	turns chan struct{} // has as many as are at it
	enc   *zstd.Encoder // theirs: made anew for every window, it would be most of the garbage
	desks sync.Pool     // of *desk: 2 MiB each
}

// desk is what one window needs for as long as it is read.
type desk struct {
	in     *bufio.Reader
	gunzip kgzip.Reader
	buf    []byte
}

func newPress() (*press, error) {
	cores := min(runtime.NumCPU(), runtime.GOMAXPROCS(0), maxTurns)
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(cores))
	if err != nil {
		return nil, fmt.Errorf("open zstd encoder: %w", err)
	}
	return &press{turns: make(chan struct{}, cores), enc: enc}, nil
}

func (p *press) desk() *desk {
	if d, ok := p.desks.Get().(*desk); ok {
		return d
	}
	return &desk{in: bufio.NewReaderSize(nil, readSize), buf: make([]byte, 0, frameSize+readSize)}
}

// through reads a stream to its end, and writes it compressed. Who waits for the source
// gives its turn to others.
func (p *press) through(ctx context.Context, out io.Writer, st *source.Stream, meter *evidence.Meter, tail *tailCheck, lim spoolLimits) error {
	d := p.desk()
	defer p.desks.Put(d)
	p.turns <- struct{}{}
	defer func() { <-p.turns }()
	plain, release, err := d.decode(patient{st.Body, p.turns}, st.Encoding)
	if err != nil {
		return err
	}
	defer release()
	w, err := seekable.NewWriter(out, p.enc)
	if err != nil {
		return fmt.Errorf("open seekable writer: %w", err)
	}
	frames := &frameWriter{w: w, buf: d.buf[:0]}
	for {
		buf := frames.space()
		n, readErr := plain.Read(buf)
		if n > 0 {
			_, _ = meter.Write(buf[:n]) // a meter takes everything
			tail.see(buf[:n])
			if err := frames.filled(n); err != nil {
				return fmt.Errorf("write spool file: %w", err)
			}
			if meter.Bytes() > lim.maxContent {
				return fmt.Errorf("%w (%d bytes)", errTooLarge, lim.maxContent)
			}
		}
		if errors.Is(readErr, io.EOF) {
			break
		}
		if readErr != nil {
			return streamError(readErr)
		}
		if err := ctx.Err(); err != nil {
			return err //nolint:wrapcheck // the caller's own cancellation
		}
	}
	if err := frames.close(); err != nil {
		return fmt.Errorf("write spool file: %w", err)
	}
	return nil
}

// patient gives its turn away for as long as it waits for a source.
type patient struct {
	body  io.Reader
	turns chan struct{}
}

func (p patient) Read(b []byte) (int, error) {
	<-p.turns
	defer func() { p.turns <- struct{}{} }()
	return p.body.Read(b) //nolint:wrapcheck // io.Reader's own
}
