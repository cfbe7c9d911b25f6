package logpulltest

import (
	"iter"
	"strconv"
	"time"
)

// TimeForm is a value of the "timestamps" parameter.
type TimeForm string

// The forms that Logpull knows. RFC3339 has whole seconds only: the forms with
// fractions belong to Logpush.
const (
	UnixNano TimeForm = "unixnano"
	Unix     TimeForm = "unix"
	RFC3339  TimeForm = "rfc3339"
)

// Projection says how a record is to be written: which members, in which
// order, with times in which form.
type Projection struct {
	Fields     []string // none gives {}
	Timestamps TimeForm // "" is UnixNano
}

// Records is where an Emulator's lines come from. Implementations MUST be safe
// for concurrent use and MUST give the same records for the same window each
// time they are asked: that is what Logpull promises of a closed window.
type Records interface {
	// Window yields the records received in [start, end) in ascending order of
	// receive time, each as one JSON object without a line end. The bytes are
	// the caller's only until the next step.
	Window(start, end time.Time, p Projection) iter.Seq2[time.Time, []byte]

	// Ray yields the records with this RayID: none, one or several, since a
	// RayID is not unique.
	Ray(ray string, p Projection) iter.Seq2[time.Time, []byte]
}

// appendTime writes a time as Logpull does in this form.
func (f TimeForm) appendTime(b []byte, ns int64) []byte {
	switch f {
	case Unix:
		return strconv.AppendInt(b, floorDiv(ns, int64(time.Second)), 10)
	case RFC3339:
		b = append(b, '"')
		b = time.Unix(floorDiv(ns, int64(time.Second)), 0).UTC().AppendFormat(b, time.RFC3339)
		return append(b, '"')
	default:
		return strconv.AppendInt(b, ns, 10)
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

const hexDigits = "0123456789abcdef"

// appendString writes s as a JSON string. Bytes of 0x80 and above are passed
// on: what comes in here is valid UTF-8.
func appendString[S string | []byte](b []byte, s S) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c != 0x7f {
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		from = i + 1
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

func appendHex64(b []byte, v uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, hexDigits[v>>shift&15])
	}
	return b
}
