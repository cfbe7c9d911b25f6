package evidence

import (
	"bytes"
	"encoding/hex"
	"time"
	"unicode/utf8"
)

// decodePlain reads an entry that is plainly canonical, form and members in one
// walk: a chain of years has a million entries, and the general decoder takes
// most of the time of verifying it. Like plainCanonical it knows only
// what such entries are made of, the kinds log and gap without their rare members, and
// false means "not known". That whatever it takes is canonical, and read as the
// general decoder reads it, is held by FuzzDecodePlain.
func decodePlain(b []byte) (*Entry, bool) {
	if !utf8.Valid(b) {
		return nil, false
	}
	r, e := plainReader{b: b}, new(Entry)
	r.object(func(name []byte) { r.entry(e, name) })
	return e, !r.failed && r.at == len(b)
}

// plainReader walks plain JSON. Once it has failed it stays so.
type plainReader struct {
	b      []byte
	at     int
	failed bool
}

func (r *plainReader) fail() { r.at, r.failed = len(r.b), true }

// advance goes on behind what was cut from the front of the rest.
func (r *plainReader) advance(rest []byte, ok bool) {
	if !ok {
		r.fail()
		return
	}
	r.at = len(r.b) - len(rest)
}

// next cuts one byte if it is c.
func (r *plainReader) next(c byte) bool {
	if r.at == len(r.b) || r.b[r.at] != c {
		return false
	}
	r.at++
	return true
}

// object reads an object; member has to read the value behind the name.
func (r *plainReader) object(member func(name []byte)) {
	if !r.next('{') {
		r.fail()
		return
	}
	if r.next('}') {
		return
	}
	var last []byte
	for first := true; !r.failed; first = false {
		name := r.bytes()
		if !first && bytes.Compare(last, name) >= 0 || !ascii(name) || !r.next(':') {
			break
		}
		last = name
		member(name)
		if r.next(',') {
			continue
		}
		if r.next('}') {
			return
		}
		break
	}
	r.fail()
}

// array reads an array; element has to read its i-th value.
func (r *plainReader) array(element func(i int)) {
	if !r.next('[') {
		r.fail()
		return
	}
	if r.next(']') {
		return
	}
	for i := 0; !r.failed; i++ {
		element(i)
		if r.next(',') {
			continue
		}
		if r.next(']') {
			return
		}
		break
	}
	r.fail()
}

// skip passes over the value of a member that this version does not know.
func (r *plainReader) skip() { r.advance(plainValue(r.b[r.at:], 1)) }

func (r *plainReader) bytes() []byte {
	if !r.next('"') {
		r.fail()
		return nil
	}
	text, rest, ok := plainString(r.b[r.at:])
	r.advance(rest, ok)
	return text
}

func (r *plainReader) text() string { return string(r.bytes()) }

// int reads what plainInteger takes, in one walk: tallies are made of integers.
func (r *plainReader) int() (n int64) {
	at := r.at
	negative := at < len(r.b) && r.b[at] == '-'
	if negative {
		at++
	}
	from := at
	for ; at < len(r.b) && r.b[at] >= '0' && r.b[at] <= '9'; at++ {
		n = n*10 + int64(r.b[at]-'0') // wraps in what is refused below
	}
	if digits := at - from; digits == 0 || digits > 15 || r.b[from] == '0' && (digits > 1 || negative) {
		r.fail() // nothing, too long, a leading zero, or -0
		return 0
	}
	r.at = at
	if negative {
		return -n
	}
	return n
}

// decimal is the value of at most 15 digits.
func decimal(digits []byte) (n int64) {
	for _, c := range digits {
		n = n*10 + int64(c-'0')
	}
	return n
}

func (r *plainReader) bool() bool {
	from := r.at
	r.skip()
	switch string(r.b[from:r.at]) {
	case "true":
		return true
	case "false":
	default:
		r.fail()
	}
	return false
}

func (r *plainReader) digest() (d Digest) {
	text := r.bytes()
	if len(text) != hex.EncodedLen(len(d)) {
		r.fail()
		return d
	}
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			r.fail()
			return d
		}
	}
	_, _ = hex.Decode(d[:], text) // every digit was looked at
	return d
}

func (r *plainReader) time() time.Time {
	t, ok := plainTime(r.bytes())
	if !ok {
		r.fail()
	}
	return t
}

// plainTime reads a time in the form that parseTime takes, or says no.
func plainTime(b []byte) (time.Time, bool) {
	const form = "0000-00-00T00:00:00" // digits stand where zeros do
	if len(b) <= len(form) || b[len(b)-1] != 'Z' {
		return time.Time{}, false
	}
	for i, c := range []byte(form) {
		if c == '0' && (b[i] < '0' || b[i] > '9') || c != '0' && b[i] != c {
			return time.Time{}, false
		}
	}
	nanos, ok := plainFraction(b[len(form) : len(b)-1])
	number := func(from, to int) int { return int(decimal(b[from:to])) }
	month, day, hour, minute, second := number(5, 7), number(8, 10), number(11, 13), number(14, 16), number(17, 19)
	if !ok || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(number(0, 4), time.Month(month), day, hour, minute, second, nanos, time.UTC)
	return t, t.Day() == day // not, say, 30 February
}

// plainFraction reads nothing, or a point and at most nine digits of which the last is not 0.
func plainFraction(b []byte) (nanos int, ok bool) {
	if len(b) == 0 {
		return 0, true
	}
	if len(b) < 2 || len(b) > 10 || b[0] != '.' || b[len(b)-1] == '0' {
		return 0, false
	}
	for i := 1; i < 10; i++ {
		nanos *= 10
		if i < len(b) {
			if b[i] < '0' || b[i] > '9' {
				return 0, false
			}
			nanos += int(b[i] - '0')
		}
	}
	return nanos, true
}
