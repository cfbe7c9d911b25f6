package jsonline

import (
	"bytes"
	"errors"
)

// The reasons why a line is not a record.
var (
	ErrNotObject = errors.New("line is not a JSON object")
	ErrCutShort  = errors.New("line is a JSON object that is cut short")
	ErrMalformed = errors.New("line is malformed JSON")
)

// Scanner finds the wanted members of one line after another. It is not safe
// for concurrent use.
//
// The lines of an object nearly always have the same members in the same
// order, so that the scanner remembers the last line's shape and compares
// before it looks up.
type Scanner struct {
	index  map[string]int // name to position in the values; notWanted for other known names
	values [][]byte
	shape  []member
	// Unknown is called with each member's name that is in no column. It is
	// called once a shape, not once a line. It may be nil.
	Unknown func(name string)
}

type member struct {
	name     string
	position int
}

const notWanted = -1

// NewScanner returns a scanner whose Scan yields the values of names in their order.
// The names of known are expected and not wanted.
func NewScanner(names, known []string) *Scanner {
	s := &Scanner{index: make(map[string]int, len(known)), values: make([][]byte, len(names))}
	for _, name := range known {
		s.index[name] = notWanted
	}
	for i, name := range names {
		s.index[name] = i
	}
	return s
}

// Scan returns the raw JSON value of each wanted member, nil where the line
// has none. On an error those before the fault are set. The slices alias line
// and are valid until the next call.
func (s *Scanner) Scan(line []byte) ([][]byte, error) {
	clear(s.values)
	return s.values, s.scan(line)
}

func (s *Scanner) scan(line []byte) error {
	i := skipSpace(line, 0)
	if i == len(line) || line[i] != '{' {
		return ErrNotObject
	}
	i = skipSpace(line, i+1)
	if i < len(line) && line[i] == '}' {
		return atEnd(line, i+1)
	}
	for nth := 0; ; nth++ {
		nameEnd, err := skipString(line, i)
		if err != nil {
			return err
		}
		name := line[i+1 : nameEnd-1]
		i = skipSpace(line, nameEnd)
		if i == len(line) {
			return ErrCutShort
		}
		if line[i] != ':' {
			return ErrMalformed
		}
		start := skipSpace(line, i+1)
		end, err := skipValue(line, start)
		if err != nil {
			return err
		}
		if p := s.position(nth, name); p >= 0 && s.values[p] == nil {
			s.values[p] = line[start:end:end]
		}
		i = skipSpace(line, end)
		switch {
		case i == len(line):
			return ErrCutShort
		case line[i] == '}':
			return atEnd(line, i+1)
		case line[i] != ',':
			return ErrMalformed
		}
		i = skipSpace(line, i+1)
	}
}

// position returns where the nth member of a line belongs.
func (s *Scanner) position(nth int, name []byte) int {
	if nth < len(s.shape) && s.shape[nth].name == string(name) {
		return s.shape[nth].position
	}
	p, ok := s.index[string(name)]
	if !ok {
		p = notWanted
		if s.Unknown != nil {
			s.Unknown(string(name))
		}
	}
	switch {
	case nth < len(s.shape):
		s.shape[nth] = member{string(name), p}
	case nth < maxShape:
		s.shape = append(s.shape, member{string(name), p})
	}
	return p
}

// maxShape bounds what a hostile line can make the scanner remember.
const maxShape = 1 << 10

func atEnd(line []byte, i int) error {
	if skipSpace(line, i) != len(line) {
		return ErrMalformed
	}
	return nil
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// skipString returns the offset behind the string that begins at i.
func skipString(b []byte, i int) (int, error) {
	if i >= len(b) {
		return 0, ErrCutShort
	}
	if b[i] != '"' {
		return 0, ErrMalformed
	}
	for j := i + 1; ; {
		n := bytes.IndexByte(b[j:], '"')
		if n < 0 {
			return 0, ErrCutShort
		}
		j += n
		backslashes := 0
		for k := j - 1; k > i && b[k] == '\\'; k-- {
			backslashes++
		}
		j++
		if backslashes%2 == 0 {
			return j, nil
		}
	}
}

// skipValue returns the offset behind the value that begins at i.
func skipValue(b []byte, i int) (int, error) {
	if i >= len(b) {
		return 0, ErrCutShort
	}
	switch c := b[i]; {
	case c == '"':
		return skipString(b, i)
	case c == '{' || c == '[':
		return skipNested(b, i)
	case c == '-' || c >= '0' && c <= '9' || c == 't' || c == 'f' || c == 'n':
		for i < len(b) && isScalarByte(b[i]) {
			i++
		}
		return i, nil
	default:
		return 0, ErrMalformed
	}
}

func isScalarByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E'
}

func skipNested(b []byte, i int) (int, error) {
	for depth := 0; i < len(b); {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1, nil
			}
		case '"':
			end, err := skipString(b, i)
			if err != nil {
				return 0, err
			}
			i = end
			continue
		}
		i++
	}
	return 0, ErrCutShort
}
