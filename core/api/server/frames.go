package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
)

const (
	// maxFrame bounds a frame's content. The collector writes frames of 1 MiB,
	// of 9 where a line is as long.
	maxFrame = 16 << 20
	// maxPacked bounds it as stored: what cannot be compressed gets a little longer.
	maxPacked = maxFrame + maxFrame>>8
	maxBlock  = 128 << 10 // RFC 8878, section 3.1.1.2.4
	readAhead = 32 << 10
)

// frames unpacks an object's content, frame by frame.
type frames struct {
	from   *lender
	in     *bufio.Reader
	packed []byte // the present frame, as stored
	size   int    // of its content
	loan   *loan  // nil: it is not unpacked
	rested bool
}

func newFrames(from *lender, object io.Reader) *frames {
	return &frames{from: from, in: bufio.NewReaderSize(object, readAhead)}
}

// next goes on to the next frame; io.EOF behind the last.
func (f *frames) next() error {
	f.close()
	for {
		head, err := f.in.Peek(zstd.HeaderMaxSize)
		switch {
		case len(head) == 0 && errors.Is(err, io.EOF):
			return io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return fmt.Errorf("read object: %w", err)
		}
		var h zstd.Header
		if err := h.Decode(head); err != nil {
			return fmt.Errorf("%w: %w", errNotSealed, err)
		}
		if !h.Skippable {
			return f.read(h)
		}
		if _, err := io.CopyN(io.Discard, f.in, int64(h.HeaderSize)+int64(h.SkippableSize)); err != nil { // the seek table
			return cutShort(err)
		}
	}
}

// read collects a frame by its block headers: RFC 8878, section 3.1.1.2.
func (f *frames) read(h zstd.Header) error {
	f.packed, f.size = f.packed[:0], maxFrame
	if h.HasFCS {
		if h.FrameContentSize > maxFrame {
			return fmt.Errorf("%w: a frame holds %d bytes", errNotSealed, h.FrameContentSize)
		}
		f.size = int(h.FrameContentSize)
	}
	if _, err := f.take(h.HeaderSize); err != nil {
		return err
	}
	for last := false; !last; {
		b, err := f.take(3)
		if err != nil {
			return err
		}
		block := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
		last = block&1 == 1
		size := int(block >> 3)
		if block>>1&3 == 1 { // RLE: one byte stands for all
			size = 1
		}
		if size > maxBlock {
			return fmt.Errorf("%w: a block has %d bytes", errNotSealed, size)
		}
		if _, err := f.take(size); err != nil {
			return err
		}
	}
	if h.HasCheckSum {
		if _, err := f.take(4); err != nil {
			return err
		}
	}
	return nil
}

// take reads n bytes into the frame and returns them.
func (f *frames) take(n int) ([]byte, error) {
	at := len(f.packed)
	if at+n > maxPacked {
		return nil, fmt.Errorf("%w: a frame is longer than %d bytes", errNotSealed, maxPacked)
	}
	f.packed = slices.Grow(f.packed, n)[:at+n]
	if _, err := io.ReadFull(f.in, f.packed[at:]); err != nil {
		return nil, cutShort(err)
	}
	return f.packed[at:], nil
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends within a frame", errNotSealed)
	}
	return fmt.Errorf("read object: %w", err)
}

// content is that of the present frame, valid until rest. It is unpacked again
// where its memory was lent to another meanwhile.
func (f *frames) content() ([]byte, error) {
	if f.loan != nil && f.rested {
		f.rested = false
		if !f.from.resume(f.loan) {
			f.loan = nil
		}
	}
	if f.loan == nil {
		f.loan = f.from.take(f.size)
		b := f.loan.b
		if cap(b) < f.size {
			b = make([]byte, 0, max(f.size, frameRoom))
		}
		var err error
		if f.loan.b, err = f.from.dec.DecodeAll(f.packed, b); err != nil {
			return nil, fmt.Errorf("%w: %w", errNotSealed, err)
		}
	}
	return f.loan.b, nil
}

// rest is called before who reads the content waits for anything.
func (f *frames) rest() {
	if f.loan != nil && !f.rested {
		f.rested = true
		f.from.rest(f.loan)
	}
}

// close gives back what the present frame has taken.
func (f *frames) close() {
	f.from.give(f.loan)
	f.loan, f.rested = nil, false
}
