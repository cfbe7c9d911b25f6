package ledger

import (
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Milli writes a time in Unix milliseconds, and none as 0.
func Milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// FromMilli is Milli's inverse.
func FromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Seconds widens [from, to) to whole seconds: windows are made of those, so the
// same ones overlap it.
func Seconds(from, to time.Time) (fromS, toS int64) {
	return from.Unix(), Ceil(to)
}

// Ceil is the first whole second at or after t.
func Ceil(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

// Span is the window between two instants in Unix seconds.
func Span(startS, endS int64) evidence.Window {
	return evidence.Window{Start: time.Unix(startS, 0).UTC(), End: time.Unix(endS, 0).UTC()}
}
