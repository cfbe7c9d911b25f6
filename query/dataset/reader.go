package dataset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

const (
	readSize  = 256 << 10
	maxWindow = 128 << 20 // of a zstd frame: what zstd itself accepts unasked
)

// Line is one record as stored.
type Line struct {
	Number int64  // 1-based in its object
	Offset int64  // of its first byte in the object's decompressed content
	Text   []byte // without its line feed; valid until the next line
}

// Reader reads the lines of one object after another, each checked before. It is not safe
// for concurrent use.
type Reader struct {
	ctx    context.Context // of the current object
	object *Object
	src    *checkedReader
	zstd   *zstd.Decoder
	buf    []byte // buf[at:end] is decompressed and not yet given out
	at     int
	end    int
	eof    bool
	line   int64
	offset int64 // of buf[at]
}

// NewReader returns a reader without an object. The caller must Close it.
func NewReader() *Reader { return &Reader{} }

// Reset begins to read an object's lines, checking it first if nobody has.
func (r *Reader) Reset(ctx context.Context, o *Object) error {
	r.closeFile()
	checked, err := o.check(ctx)
	if err != nil {
		return err
	}
	f, err := os.Open(checked.path)
	if err != nil {
		return fmt.Errorf("open object %s of entry %d: %w", o.Entry.Object.Key, o.Entry.Seq, err)
	}
	src := &checkedReader{file: f, entry: o.Entry, sums: checked.sums}
	if r.zstd == nil {
		r.zstd, err = zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	} else {
		err = r.zstd.Reset(src)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open zstd decoder: %w", err), f.Close())
	}
	if r.buf == nil {
		r.buf = make([]byte, readSize)
	}
	r.ctx, r.object, r.src = ctx, o, src
	r.at, r.end, r.eof, r.line, r.offset = 0, 0, false, 0, 0
	return nil
}

// Next returns the next line, io.EOF behind the last. A *DamageError says
// that the content is not what was sealed.
func (r *Reader) Next() (Line, error) {
	for searched := r.at; ; {
		if i := bytes.IndexByte(r.buf[searched:r.end], '\n'); i >= 0 {
			return r.take(searched+i, 1), nil
		}
		if r.eof {
			if r.at == r.end {
				return Line{}, r.finish()
			}
			return r.take(r.end, 0), nil
		}
		pending := r.end - r.at
		if err := r.fill(); err != nil {
			return Line{}, err
		}
		searched = r.at + pending
	}
}

// take gives out buf[at:end] and skips what ends it.
func (r *Reader) take(end, skip int) Line {
	r.line++
	l := Line{r.line, r.offset, r.buf[r.at:end:end]}
	r.offset += int64(end + skip - r.at)
	r.at = end + skip
	return l
}

// fill reads more, moving or growing the buffer first where it is full.
func (r *Reader) fill() error {
	if err := r.ctx.Err(); err != nil {
		return fmt.Errorf("read object %s: %w", r.object.Entry.Object.Key, err)
	}
	if r.at > 0 {
		r.end = copy(r.buf, r.buf[r.at:r.end])
		r.at = 0
	}
	if r.end == len(r.buf) {
		// A line may be as long as the content, whose length is sealed.
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	n, err := r.zstd.Read(r.buf[r.end:])
	r.end += n
	sealed := r.object.Entry.Content.Bytes
	if read := r.offset + int64(r.end); read > sealed {
		return damage(r.object.Entry, fmt.Sprintf("content is longer than the %d bytes sealed", sealed))
	}
	switch {
	case err == nil:
		return nil
	case r.src.err != nil:
		return r.src.err // not what the decoder makes of it
	case errors.Is(err, io.EOF):
		r.eof = true
		return nil
	}
	return damage(r.object.Entry, "cannot be decompressed: "+err.Error())
}

// finish compares the whole with what was sealed.
func (r *Reader) finish() error {
	c := r.object.Entry.Content
	if r.offset != c.Bytes || r.line != c.Lines {
		return damage(r.object.Entry, fmt.Sprintf("content has %d bytes in %d lines, sealed were %d in %d",
			r.offset, r.line, c.Bytes, c.Lines))
	}
	return io.EOF
}

// Close frees the reader. It is idempotent.
func (r *Reader) Close() {
	r.closeFile()
	if r.zstd != nil {
		r.zstd.Close()
		r.zstd = nil
	}
}

func (r *Reader) closeFile() {
	if r.src != nil {
		_ = r.src.file.Close() // only read from
		r.src = nil
	}
}

// checkedReader gives out an object's bytes chunk by chunk, each compared
// with its digest from the check of the whole.
type checkedReader struct {
	file  *os.File
	entry *evidence.Entry
	sums  []evidence.Digest // of each chunk
	chunk []byte
	rest  []byte
	next  int
	err   error // what ended it, but the end
}

func (c *checkedReader) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		if c.next == len(c.sums) {
			return 0, io.EOF
		}
		if c.err = c.load(); c.err != nil {
			return 0, c.err
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *checkedReader) load() error {
	size := min(chunkSize, c.entry.Object.Bytes-int64(c.next)*chunkSize)
	if int64(cap(c.chunk)) < size {
		c.chunk = make([]byte, size)
	}
	c.chunk = c.chunk[:size]
	_, err := io.ReadFull(c.file, c.chunk)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read object %s: %w", c.entry.Object.Key, err)
	}
	if err != nil || evidence.Digest(sha256.Sum256(c.chunk)) != c.sums[c.next] {
		return damage(c.entry, "was changed after it was checked")
	}
	c.rest = c.chunk
	c.next++
	return nil
}
