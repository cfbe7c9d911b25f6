package jsonline

import (
	"bytes"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// IsNull reports whether a raw value is null.
func IsNull(v []byte) bool { return string(v) == "null" }

// Int reads a number or a string of decimal digits, exactly; a fraction or an
// exponent is not an int.
func Int(v []byte) (int64, bool) {
	v = unquoted(v)
	if len(v) == 0 || len(v) > 20 || v[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	return n, err == nil
}

// Float reads a number or a string that holds one. Infinities and NaN are not numbers.
func Float(v []byte) (float64, bool) {
	v = unquoted(v)
	if len(v) == 0 || len(v) > 400 || v[0] != '-' && (v[0] < '0' || v[0] > '9') {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// Bool reads true or false.
func Bool(v []byte) (value, ok bool) {
	switch string(unquoted(v)) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// unquoted cuts the quotes of a string, without undoing escapes.
func unquoted(v []byte) []byte {
	if len(v) >= 2 && v[0] == '"' {
		return v[1 : len(v)-1]
	}
	return v
}

// maxUnixSeconds keeps nanoseconds within an int64 (the year 2262).
const maxUnixSeconds = math.MaxInt64 / int64(time.Second)

// Time reads a timestamp in one of Logpull's forms ("unixnano", "unix",
// "rfc3339") as nanoseconds since the epoch. It accepts what evidence.Meter
// accepts and nothing else: a query prunes on the bounds that the meter
// sealed, so that the two must agree on each value.
func Time(v []byte, format string) (int64, bool) {
	text := unquoted(v)
	switch format {
	case "unixnano":
		return digits(text)
	case "unix":
		n, ok := digits(text)
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

func digits(b []byte) (int64, bool) {
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

// Plain returns a string's value, or any other value's JSON text, if it can be
// taken from the line as it stands: nothing escaped, valid UTF-8. The result aliases v.
func Plain(v []byte) ([]byte, bool) {
	if len(v) >= 2 && v[0] == '"' {
		v = v[1 : len(v)-1]
		if bytes.IndexByte(v, '\\') >= 0 {
			return nil, false
		}
	}
	return v, utf8.Valid(v)
}

// AppendText appends to dst what Plain would return, with escapes undone and
// anything that is not UTF-8 as U+FFFD. An escape that JSON does not have
// leaves the string as it stands.
func AppendText(dst, v []byte) []byte {
	if text, ok := Plain(v); ok {
		return append(dst, text...)
	}
	v = bytes.ToValidUTF8(v, []byte("\uFFFD"))
	if v[0] != '"' {
		return append(dst, v...)
	}
	n := len(dst)
	dst, err := jsontext.AppendUnquote(dst, v)
	if err != nil {
		dst = append(dst[:n], v[1:len(v)-1]...)
	}
	return dst
}

// Elements parts an array into the raw values of its elements, appended to
// dst. It is false for anything but a well-formed array.
func Elements(dst [][]byte, v []byte) ([][]byte, bool) {
	if len(v) < 2 || v[0] != '[' {
		return dst, false
	}
	i := skipSpace(v, 1)
	if v[i] == ']' {
		return dst, i+1 == len(v)
	}
	for {
		end, err := skipValue(v, i)
		if err != nil {
			return dst, false
		}
		dst = append(dst, v[i:end:end])
		if i = skipSpace(v, end); i == len(v) {
			return dst, false
		}
		switch v[i] {
		case ',':
			i = skipSpace(v, i+1)
		case ']':
			return dst, i+1 == len(v)
		default:
			return dst, false
		}
	}
}

// Valid reports whether a raw value is well-formed JSON throughout.
func Valid(v []byte) bool { return jsontext.Value(v).IsValid(jsontext.AllowDuplicateNames(true)) }
