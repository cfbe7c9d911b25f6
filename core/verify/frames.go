package verify

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
)

const (
	frameMagic    = 0xFD2FB528 // RFC 8878, section 3.1.1
	seekTableSkip = 0x184D2A5E // the seekable format's skippable frame
	seekTableEnd  = 0x8F92EAB1
	maxFrameBytes = 64 << 20 // stored or content bytes of one frame
	maxFrames     = 1 << 20  // of one object; they hold some MiB of content each
)

// errFrames is an object that is not exactly frames and a seek table.
var errFrames = errors.New("object is not in the archive's seekable zstd form")

func framesError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errFrames, fmt.Sprintf(format, args...))
}

// frameInfo is what the seek table must say of a frame.
type frameInfo struct {
	stored, content uint32
	checksum        uint32 // the frame's own: the low half of its content's XXH64
	checksummed     bool
}

// frameReader takes an object apart, frame by frame, and hands their contents
// on: plain frames, one seek table that agrees with them, and nothing else.
type frameReader struct {
	in     *bufio.Reader
	dec    *zstd.Decoder
	frame  []byte
	out    []byte
	frames []frameInfo
}

func newFrameReader(dec *zstd.Decoder) *frameReader {
	return &frameReader{in: bufio.NewReaderSize(nil, 256<<10), dec: dec}
}

// copyTo reads an object to its end and writes its content to w. Where the
// content passes what was sealed by more than a frame, the rest is not unpacked:
// a few bytes can stand for terabytes.
func (f *frameReader) copyTo(w io.Writer, object io.Reader, sealed int64) error {
	f.in.Reset(object)
	f.frames = f.frames[:0]
	var content int64
	for {
		var magic [4]byte
		if _, err := io.ReadFull(f.in, magic[:]); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return framesError("it ends without a seek table")
			}
			return fmt.Errorf("read object: %w", err)
		}
		switch m := binary.LittleEndian.Uint32(magic[:]); {
		case m == frameMagic:
			if len(f.frames) == maxFrames {
				return framesError("it has more than %d frames", maxFrames)
			}
			if content > sealed {
				return framesError("it holds more than the %d bytes of content that were sealed", sealed)
			}
			if err := f.readFrame(magic); err != nil {
				return err
			}
			content += int64(len(f.out))
			if _, err := w.Write(f.out); err != nil {
				return err //nolint:wrapcheck // a meter's, which never fails
			}
		case m == seekTableSkip:
			return f.readSeekTable()
		case m&^0xF == 0x184D2A50:
			return framesError("it holds a skippable frame %08x", m)
		default:
			return framesError("frame %d begins with %08x", len(f.frames), m)
		}
	}
}

// readFrame collects one frame by its block headers and decodes it.
func (f *frameReader) readFrame(magic [4]byte) error {
	f.frame = append(f.frame[:0], magic[:]...)
	// The header's length follows from its descriptor: RFC 8878, section 3.1.1.1.
	descriptor, err := f.take(1)
	if err != nil {
		return err
	}
	flags := descriptor[0]
	if _, err := f.take(headerRest(flags)); err != nil {
		return err
	}
	for last := false; !last; {
		h, err := f.take(3)
		if err != nil {
			return err
		}
		block := uint32(h[0]) | uint32(h[1])<<8 | uint32(h[2])<<16
		last = block&1 == 1
		size := int(block >> 3)
		if kind := block >> 1 & 3; kind == 1 { // RLE: one byte stands for all
			size = 1
		} else if kind == 3 {
			return framesError("frame %d has a reserved block", len(f.frames))
		}
		if _, err := f.take(size); err != nil {
			return err
		}
	}
	info := frameInfo{checksummed: flags&4 != 0}
	if info.checksummed {
		sum, err := f.take(4)
		if err != nil {
			return err
		}
		info.checksum = binary.LittleEndian.Uint32(sum)
	}
	if f.out, err = f.dec.DecodeAll(f.frame, f.out[:0]); err != nil {
		return framesError("frame %d: %v", len(f.frames), err)
	}
	info.stored, info.content = uint32(len(f.frame)), uint32(len(f.out))
	f.frames = append(f.frames, info)
	return nil
}

func headerRest(descriptor byte) int {
	n := 0
	single := descriptor&0x20 != 0
	if !single {
		n++ // window descriptor
	}
	n += [4]int{0, 1, 2, 4}[descriptor&3] // dictionary id
	switch descriptor >> 6 {
	case 0:
		if single {
			n++
		}
	case 1:
		n += 2
	case 2:
		n += 4
	case 3:
		n += 8
	}
	return n
}

// take reads n bytes into the frame and returns them.
func (f *frameReader) take(n int) ([]byte, error) {
	at := len(f.frame)
	if at+n > maxFrameBytes {
		return nil, framesError("frame %d is longer than %d bytes", len(f.frames), maxFrameBytes)
	}
	f.frame = slices.Grow(f.frame, n)[:at+n]
	if _, err := io.ReadFull(f.in, f.frame[at:]); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, framesError("it ends inside frame %d", len(f.frames))
		}
		return nil, fmt.Errorf("read object: %w", err)
	}
	return f.frame[at:], nil
}

// readSeekTable checks the table against the frames, and that nothing follows.
func (f *frameReader) readSeekTable() error {
	var size [4]byte
	if _, err := io.ReadFull(f.in, size[:]); err != nil {
		return framesError("its seek table is cut short")
	}
	n := int64(binary.LittleEndian.Uint32(size[:]))
	if n > int64(len(f.frames))*12+9 || n < 9 {
		return framesError("its seek table has %d bytes for %d frames", n, len(f.frames))
	}
	table := make([]byte, n)
	if _, err := io.ReadFull(f.in, table); err != nil {
		return framesError("its seek table is cut short")
	}
	footer := table[n-9:]
	entry := 8
	if footer[4]&0x80 != 0 { // with checksums
		entry = 12
	}
	if binary.LittleEndian.Uint32(footer[5:]) != seekTableEnd || footer[4]&^0x80 != 0 ||
		int(binary.LittleEndian.Uint32(footer)) != len(f.frames) || n != int64(len(f.frames)*entry+9) {
		return framesError("its seek table does not fit its %d frames", len(f.frames))
	}
	for i, frame := range f.frames {
		b := table[i*entry:]
		if binary.LittleEndian.Uint32(b) != frame.stored || binary.LittleEndian.Uint32(b[4:]) != frame.content {
			return framesError("its seek table is wrong about frame %d", i)
		}
		if entry == 12 && frame.checksummed && binary.LittleEndian.Uint32(b[8:]) != frame.checksum {
			return framesError("its seek table has another checksum for frame %d", i)
		}
	}
	if _, err := f.in.ReadByte(); !errors.Is(err, io.EOF) {
		return framesError("there are bytes behind its seek table")
	}
	return nil
}
