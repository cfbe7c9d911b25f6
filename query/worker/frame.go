package worker

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"sync"
)

// frameType is the first byte of a frame; its length follows in four.
type frameType byte

const (
	frameAsk      frameType = iota + 1 // to the worker: asked
	frameCancel                        // to the worker: the number of the question, 8 bytes
	frameProgress                      // from the worker: Progress
	frameAsking                        // from the worker: the dataset is open, the SQL's time runs
	frameHead                          // from the worker: head
	frameRows                          // from the worker: a piece of the stream of cells
	frameEnd                           // from the worker: ending
)

const (
	maxFrame  = 4 << 20   // bytes of a payload; SQL has at most 1 MiB
	rowsFrame = 256 << 10 // bytes of rows sent together
)

// errFrame: bytes that are no frame. The stream is of no use from there on.
var errFrame = errors.New("malformed frame")

// frameWriter writes frames. It is safe for concurrent use.
type frameWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (f *frameWriter) write(t frameType, payload []byte) error {
	if len(payload) > maxFrame {
		return fmt.Errorf("a frame of %d bytes is more than %d", len(payload), maxFrame)
	}
	frame := binary.BigEndian.AppendUint32(append(make([]byte, 0, 5+len(payload)), byte(t)), uint32(len(payload)))
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.w.Write(append(frame, payload...)); err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	return nil
}

// message writes a value as a frame.
func (f *frameWriter) message(t frameType, v any) error {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	return f.write(t, b.Bytes())
}

// frameReader reads frames.
type frameReader struct {
	r   io.Reader
	buf []byte
}

// read returns the next frame; the payload is valid until the next call. At
// the end between two frames the error is io.EOF.
func (f *frameReader) read() (frameType, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(f.r, head[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, nil, fmt.Errorf("%w: cut short", errFrame)
		}
		return 0, nil, err
	}
	t, size := frameType(head[0]), binary.BigEndian.Uint32(head[1:])
	if t < frameAsk || t > frameEnd || size > maxFrame {
		return 0, nil, fmt.Errorf("%w: type %d, %d bytes", errFrame, t, size)
	}
	if int(size) > cap(f.buf) {
		f.buf = make([]byte, size)
	}
	f.buf = f.buf[:size]
	if _, err := io.ReadFull(f.r, f.buf); err != nil {
		return 0, nil, fmt.Errorf("%w: cut short: %w", errFrame, err)
	}
	return t, f.buf, nil
}

// decode reads a payload that message has written.
func decode(payload []byte, v any) error {
	if err := gob.NewDecoder(bytes.NewReader(payload)).Decode(v); err != nil {
		return fmt.Errorf("%w: %w", errFrame, err)
	}
	return nil
}
