package evidence

import (
	"bytes"
	"unicode/utf8"
)

// maxPlainDepth bounds the recursion of the fast check.
const maxPlainDepth = 16

// plainCanonical reports whether b is certainly in RFC 8785 form, by one walk
// without allocation. It knows only what entries are made of: objects whose
// names are plain ASCII in ascending order, arrays, strings without escapes,
// integers below 10^15 and the three literals. False means "not known", never
// "not canonical": remakeCanonical then decides. That true is never said of
// other bytes is held by FuzzCanonical.
func plainCanonical(b []byte) bool {
	rest, ok := plainValue(b, 0)
	return ok && len(rest) == 0 && utf8.Valid(b)
}

func plainValue(b []byte, depth int) ([]byte, bool) {
	if len(b) == 0 || depth > maxPlainDepth {
		return nil, false
	}
	switch b[0] {
	case '{':
		return plainObject(b[1:], depth)
	case '[':
		return plainArray(b[1:], depth)
	case '"':
		_, rest, ok := plainString(b[1:])
		return rest, ok
	case 't':
		return bytes.CutPrefix(b, []byte("true"))
	case 'f':
		return bytes.CutPrefix(b, []byte("false"))
	case 'n':
		return bytes.CutPrefix(b, []byte("null"))
	}
	return plainInteger(b)
}

// plainObject walks what follows an opening brace. RFC 8785 sorts names by
// their UTF-16 units, which for ASCII is the order of the bytes; strictly
// ascending also means that no name stands twice.
func plainObject(b []byte, depth int) ([]byte, bool) {
	if len(b) > 0 && b[0] == '}' {
		return b[1:], true
	}
	var last []byte
	for first := true; ; first = false {
		if len(b) == 0 || b[0] != '"' {
			return nil, false
		}
		name, rest, ok := plainString(b[1:])
		if !ok || !ascii(name) || !first && bytes.Compare(last, name) >= 0 || len(rest) == 0 || rest[0] != ':' {
			return nil, false
		}
		last = name
		if b, ok = plainValue(rest[1:], depth+1); !ok || len(b) == 0 {
			return nil, false
		}
		if b[0] == '}' {
			return b[1:], true
		}
		if b[0] != ',' {
			return nil, false
		}
		b = b[1:]
	}
}

// plainArray walks what follows an opening bracket.
func plainArray(b []byte, depth int) ([]byte, bool) {
	if len(b) > 0 && b[0] == ']' {
		return b[1:], true
	}
	for {
		var ok bool
		if b, ok = plainValue(b, depth+1); !ok || len(b) == 0 {
			return nil, false
		}
		if b[0] == ']' {
			return b[1:], true
		}
		if b[0] != ',' {
			return nil, false
		}
		b = b[1:]
	}
}

// plainString cuts a string at its closing quote. A backslash or a control
// character is left to the slow check.
func plainString(b []byte) (text, rest []byte, ok bool) {
	for i, c := range b {
		if c == '"' {
			return b[:i], b[i+1:], true
		}
		if c == '\\' || c < ' ' {
			return nil, nil, false
		}
	}
	return nil, nil, false
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// plainInteger cuts an integer of at most 15 digits, which a float64 holds exactly
// and ECMAScript prints without an exponent.
func plainInteger(b []byte) ([]byte, bool) {
	digits := b
	if len(b) > 0 && b[0] == '-' {
		digits = b[1:]
	}
	n := 0
	for n < len(digits) && digits[n] >= '0' && digits[n] <= '9' {
		n++
	}
	if n == 0 || n > 15 || digits[0] == '0' && (n > 1 || len(digits) != len(b)) {
		return nil, false // nothing, too long, a leading zero, or -0
	}
	return digits[n:], true
}
