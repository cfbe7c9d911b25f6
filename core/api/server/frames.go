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

// frames unpacks an object's content, frame by frame. Of an object that can be read
// at any place, nothing is kept as it is stored: a client that dawdles costs no memory.
type frames struct {
	from   *lender
	object *summed
	at     io.ReaderAt   // nil: the object comes once
	in     *bufio.Reader // where it does
	begin  int64         // with at: of the present frame
	head   zstd.Header   // with at: its own
	length int           // with at: as stored; 0: not known yet
	packed []byte        // the present frame, as stored; with at: while it is unpacked
	size   int           // of its content
	exact  bool          // no less either
	loan   *loan         // nil: it is not unpacked
	rested bool
}

func newFrames(from *lender, object *summed) *frames {
	f := &frames{from: from, object: object}
	if f.at, _ = object.in.(io.ReaderAt); f.at == nil {
		f.in = bufio.NewReaderSize(object, readAhead)
	}
	return f
}

// next goes on to the next frame; io.EOF behind the last. The content of the
// present one must have been asked for.
func (f *frames) next() error {
	f.close()
	f.begin += int64(f.length)
	f.packed, f.length, f.exact = f.packed[:0], 0, false
	for {
		head, err := f.peek()
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
			return f.found(h)
		}
		if err := f.skip(int64(h.HeaderSize) + int64(h.SkippableSize)); err != nil { // the seek table
			return err
		}
	}
}

func (f *frames) peek() ([]byte, error) {
	if f.at == nil {
		return f.in.Peek(zstd.HeaderMaxSize) //nolint:wrapcheck // next wraps
	}
	head := make([]byte, zstd.HeaderMaxSize)
	n, err := f.at.ReadAt(head, f.begin)
	return head[:n], err //nolint:wrapcheck // next wraps
}

func (f *frames) skip(n int64) error {
	in := io.Reader(f.in)
	if f.at != nil {
		in = io.TeeReader(io.NewSectionReader(f.at, f.begin, n), f.object)
		f.begin += n
	}
	if _, err := io.CopyN(io.Discard, in, n); err != nil {
		return cutShort(err)
	}
	return nil
}

// found makes a frame the present one.
func (f *frames) found(h zstd.Header) error {
	f.size = maxFrame
	if h.HasFCS {
		if h.FrameContentSize > maxFrame {
			return fmt.Errorf("%w: a frame holds %d bytes", errNotSealed, h.FrameContentSize)
		}
		f.size = int(h.FrameContentSize)
	}
	if f.at != nil {
		f.head = h
		return nil // content reads it
	}
	return f.read(h)
}

// read collects a frame by its block headers: RFC 8878, section 3.1.1.2.
func (f *frames) read(h zstd.Header) error {
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
	if f.loan != nil {
		return f.loan.b, nil
	}
	f.loan = f.from.take(f.size)
	unpack := f.unpack
	if f.at != nil {
		unpack = f.unpackThere
	}
	if err := unpack(); err != nil {
		return nil, err
	}
	if n := len(f.loan.b); f.exact && n != f.size {
		return nil, fmt.Errorf("%w: a frame has changed", errNotSealed)
	}
	f.size, f.exact = len(f.loan.b), true
	return f.loan.b, nil
}

func (f *frames) unpack() error {
	b := f.loan.b
	if cap(b) < f.size {
		b = make([]byte, 0, max(f.size, frameRoom))
	}
	var err error
	if f.loan.b, err = f.from.dec.DecodeAll(f.packed, b); err != nil {
		return fmt.Errorf("%w: %w", errNotSealed, err)
	}
	return nil
}

// unpackThere reads the frame where it stands, with what is lent for that long.
func (f *frames) unpackThere() error {
	t := <-f.from.turns
	f.in, f.packed = t.in, t.packed[:0]
	defer func() {
		t.in.Reset(nil)
		if t.packed = f.packed; cap(t.packed) > kept {
			t.packed = nil
		}
		f.in, f.packed = nil, nil
		f.from.turns <- t
	}()
	if f.length > 0 { // again
		f.packed = slices.Grow(f.packed, f.length)[:f.length]
		if _, err := f.at.ReadAt(f.packed, f.begin); err != nil {
			return cutShort(err)
		}
		return f.unpack()
	}
	f.in.Reset(io.NewSectionReader(f.at, f.begin, maxPacked))
	if err := f.read(f.head); err != nil {
		return err
	}
	f.length = len(f.packed)
	if err := f.object.add(f.packed); err != nil {
		return err
	}
	return f.unpack()
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
