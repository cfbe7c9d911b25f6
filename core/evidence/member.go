package evidence

import (
	"bytes"
	"strconv"
	"time"
)

// member finds one top-level member of a JSON object on a line, without
// parsing the rest. Lines are untrusted: a name inside a string or a nested
// object must not be taken for the member. Quotes in a JSON string are escaped, so
// that the quoted name followed by a colon can only be a member's name; what
// remains to be known is its depth.
type member struct{ quoted []byte }

func newMember(name string) member { return member{[]byte(strconv.Quote(name))} }

// find returns the member's value from its first byte to the end of the line,
// or nil.
func (m member) find(line []byte) []byte {
	w := walker{line: line}
	for from := 0; ; {
		i := bytes.Index(line[from:], m.quoted)
		if i < 0 {
			return nil
		}
		i += from
		from = i + len(m.quoted)
		rest := trimSpace(line[from:])
		if len(rest) == 0 || rest[0] != ':' || !w.topLevelAt(i) {
			continue
		}
		return trimSpace(rest[1:])
	}
}

// walker follows a line's strings and containers, once and forward only: a
// hostile line with a thousand nested members of the name sought costs no
// more than one walk.
type walker struct {
	line  []byte
	pos   int
	depth int
}

// topLevelAt reports whether the byte at i, not before earlier calls' i, begins a token
// directly inside the line's outermost object.
func (w *walker) topLevelAt(i int) bool {
	for w.pos < i {
		switch w.line[w.pos] {
		case '{', '[':
			w.depth++
		case '}', ']':
			w.depth--
		case '"':
			end := stringEnd(w.line[w.pos+1:])
			if end < 0 {
				w.pos = len(w.line)
				return false
			}
			w.pos += 1 + end
		}
		w.pos++
	}
	return w.pos == i && w.depth == 1
}

// stringEnd returns the offset of the quote that ends a string, or -1.
func stringEnd(b []byte) int {
	for off := 0; ; {
		i := bytes.IndexByte(b[off:], '"')
		if i < 0 {
			return -1
		}
		i += off
		backslashes := 0
		for j := i - 1; j >= 0 && b[j] == '\\'; j-- {
			backslashes++
		}
		if backslashes%2 == 0 {
			return i
		}
		off = i + 1
	}
}

func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// scalar cuts a value's scalar text, without quotes; nil for anything else.
func scalar(value []byte) []byte {
	if len(value) == 0 {
		return nil
	}
	if value[0] == '"' {
		end := stringEnd(value[1:])
		if end < 0 {
			return nil
		}
		return value[1 : 1+end]
	}
	end := bytes.IndexAny(value, ",} \t\r")
	if end < 0 {
		return nil // a value without an end: the line is cut short
	}
	return value[:end]
}

// parseInt reads a decimal without going through a float: 19 digits do not
// survive one.
func parseInt(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, n >= 0 // 19 digits can pass the greatest int64
}

// eventTime reads a timestamp in one of the forms of source.TimeFormat.
// The result is in nanoseconds since the epoch.
func eventTime(value []byte, format string) (int64, bool) {
	text := scalar(value)
	switch format {
	case "unixnano":
		return parseInt(text)
	case "unix":
		n, ok := parseInt(text)
		return n * int64(time.Second), ok && n <= maxUnixSeconds
	case "rfc3339":
		t, err := time.Parse(time.RFC3339Nano, string(text))
		if err != nil || t.Unix() < 0 || t.Unix() > maxUnixSeconds {
			return 0, false
		}
		return t.UnixNano(), true
	}
	return 0, false
}

// maxUnixSeconds keeps nanoseconds within an int64 (the year 2262).
const maxUnixSeconds = (1<<63 - 1) / int64(time.Second)
