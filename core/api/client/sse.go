package client

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// maxEvent bounds one server-sent event: a report of ten thousand findings has
// some five megabytes.
const maxEvent = 16 << 20

// sent is a server-sent event (HTML, 9.2). Ids and retry times are passed over:
// the API has none.
type sent struct {
	event string
	data  string
}

// events reads a stream of events to its end. An event that the end cuts off is
// none, by 9.2.6.
func events(r io.Reader) iter.Seq2[sent, error] {
	return func(yield func(sent, error) bool) {
		lines := liner{in: bufio.NewReader(r)}
		var e reading
		for first := true; ; first = false {
			line, err := lines.next(maxEvent - e.size)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(sent{}, fmt.Errorf("read events: %w", err))
				return
			}
			if first {
				line = strings.TrimPrefix(line, "\ufeff")
			}
			if line != "" {
				e.take(line)
				continue
			}
			if done, ok := e.end(); ok && !yield(done, nil) {
				return
			}
		}
	}
}

// reading is an event of which not all has come.
type reading struct {
	event string
	data  []string
	size  int
}

func (e *reading) take(line string) {
	e.size += len(line) + 1
	field, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch field {
	case "event":
		e.event = value
	case "data":
		e.data = append(e.data, value)
	}
}

// end returns the event that an empty line ends; ok is false if it has no data.
func (e *reading) end() (done sent, ok bool) {
	done, ok = sent{event: e.event, data: strings.Join(e.data, "\n")}, e.data != nil
	*e = reading{}
	return done, ok
}

// liner reads lines that end by LF, CR LF or CR.
type liner struct {
	in *bufio.Reader
	cr bool // the line before ended by one: a LF that follows belongs to it
}

// next returns a line without its end; io.EOF if it has none.
func (l *liner) next(most int) (string, error) {
	var line []byte
	for {
		b, err := l.in.ReadByte()
		if err != nil {
			return "", err //nolint:wrapcheck // io.EOF is meant by itself
		}
		after := l.cr
		l.cr = b == '\r'
		switch {
		case b == '\n' && after:
		case b == '\r' || b == '\n':
			return string(line), nil
		case len(line) >= most:
			return "", ErrTooLarge
		default:
			line = append(line, b)
		}
	}
}
