package logpull

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// body is an answer's stream of records. It looks at the beginning and passes
// everything on.
type body struct {
	x        *exchange
	encoding source.Encoding
	in       *bufio.Reader
	begun    bool
	err      error
	closed   atomic.Bool
	whole    atomic.Bool
	at       time.Time // of the last byte
}

func newBody(x *exchange, encoding source.Encoding) *body {
	return &body{x: x, encoding: encoding, in: bufio.NewReaderSize(x, maxErrorBody)}
}

// Read passes the bytes on. An error stays.
func (b *body) Read(p []byte) (int, error) {
	if b.err == nil {
		b.err = b.ended()
	}
	if b.err == nil && !b.begun {
		b.begun = true
		b.err = b.inspect()
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.in.Read(p)
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		b.at = time.Now().UTC()
		b.whole.Store(true)
	}
	b.err = err
	return n, err
}

// ended says whether the stream is over for its reader: bytes that happen to be
// here already must then not look like an end.
func (b *body) ended() error {
	err := b.x.caller.Err()
	if err == nil && b.closed.Load() {
		err = &source.Error{Op: "pull", Class: source.ClassBug, Err: errDone}
	}
	if err != nil {
		b.x.end(err)
	}
	return err
}

// inspect finds failures that come as 200 before a byte is passed on.
func (b *body) inspect() error {
	head, err := b.in.Peek(maxErrorBody)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil // what is here is passed on, then Read says it again
	}
	whole := err != nil
	if b.encoding == source.Gzip {
		var unpacked bool
		head, unpacked = gunzipHead(head)
		whole = whole && unpacked
	}
	head = bytes.TrimLeft(head, " \t\r\n")
	switch {
	case len(head) == 0, strings.HasPrefix(string(head), failureLine):
		return nil // an empty window, or what the host looks for itself
	case head[0] != '{':
		return b.refuse(head, "the answer is no record", "look for a proxy or a login page on the way to Cloudflare")
	}
	if _, refused := parseWrapper(head); refused && whole {
		return b.refuse(head, "a refusal that came as HTTP 200", hintToken)
	}
	return nil
}

// refuse is ClassRetry: of a refusal that claims success it is not known
// whether it lasts, and if it does the next one will have a status of its own.
func (b *body) refuse(head []byte, what, hint string) error {
	err := &source.Error{Op: "pull", Class: source.ClassRetry, Hint: hint, Msg: what + " (HTTP 200: " + b.x.s.describe(head) + ")"}
	b.x.end(err)
	return err
}

// Close ends the stream. It may be called at any time, more than once.
func (b *body) Close() error {
	b.closed.Store(true)
	return b.x.Close()
}

// Trailer says that the window is complete, once the body is at its end: what
// was once read with success is the same on every later read
// (developers.cloudflare.com/logs/logpull/additional-details/).
func (b *body) Trailer() (source.Trailer, error) {
	if !b.whole.Load() {
		return source.Trailer{}, &source.Error{Op: "pull", Class: source.ClassBug, Msg: "trailer asked for before the body's end"}
	}
	return source.Trailer{Lines: -1, Complete: true, RetrievedAt: b.at}, nil
}
