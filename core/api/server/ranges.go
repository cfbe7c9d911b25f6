package server

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// section is a part of a representation, in bytes.
type section struct{ from, size int64 }

// everything is all of a representation, however long.
var everything = section{size: math.MaxInt64}

// errRange: nothing of the representation is in the range.
var errRange = errors.New("range cannot be satisfied")

// etag is the strong validator of bytes with a digest.
func etag(d evidence.Digest) string { return `"sha256-` + d.String() + `"` }

// sectionOf reads a Range header by RFC 9110, 14.2. One of another unit, of
// several ranges or in another form is passed over, as one whose If-Range does
// not name the present bytes is: then part is false, and all is sent.
func sectionOf(header, ifRange, etag string, size int64) (s section, part bool, err error) {
	all := section{size: size}
	unit, spec, ok := strings.Cut(header, "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(unit), "bytes") || strings.Contains(spec, ",") || ifRange != "" && strings.TrimSpace(ifRange) != etag {
		return all, false, nil
	}
	first, last, ok := strings.Cut(strings.TrimSpace(spec), "-")
	from, fromOK := position(first)
	to, toOK := position(last)
	switch {
	case !ok || !fromOK && first != "" || !toOK && last != "" || !fromOK && !toOK || fromOK && toOK && from > to:
		return all, false, nil
	case !fromOK: // the last bytes
		from, to = max(0, size-to), size-1
	case !toOK:
		to = size - 1
	}
	if to = min(to, size-1); from > to {
		return section{}, false, errRange
	}
	return section{from, to - from + 1}, true, nil
}

// position reads digits; one that no int64 holds is behind every end.
func position(s string) (int64, bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return math.MaxInt64 - 1, true
	}
	return n, err == nil
}

// contentRange is the header of a part.
func contentRange(s section, size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", s.from, s.from+s.size-1, size)
}
