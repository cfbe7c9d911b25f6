package logpulltest

import (
	"encoding/binary"
	"encoding/hex"
	"iter"
	"strconv"
	"time"
)

// Ticks is a steady beat of small records, cheap enough for tests with a
// thousand zones. Serve them with TickFields.
type Ticks struct {
	Seed  uint64
	Every time.Duration // between two records, by receive time; whole seconds
	// Quiet hours of the day, by their number, have no records.
	Quiet map[int]bool
}

var _ Records = Ticks{}

// TickFields are what a zone served with Ticks offers.
func TickFields() []Field {
	var out []Field
	for _, f := range LogpullFields() {
		switch f.Name {
		case "EdgeStartTimestamp", "EdgeResponseStatus", "RayID":
			out = append(out, f)
		}
	}
	return out
}

// Window yields one record for each whole multiple of Every.
func (t Ticks) Window(start, end time.Time, p Projection) iter.Seq2[time.Time, []byte] {
	return func(yield func(time.Time, []byte) bool) {
		var line []byte
		at := start.Truncate(t.Every)
		if at.Before(start) {
			at = at.Add(t.Every)
		}
		for ; at.Before(end); at = at.Add(t.Every) {
			if t.Quiet[at.UTC().Hour()] {
				continue
			}
			line = t.append(line[:0], at, p)
			if !yield(at, line) {
				return
			}
		}
	}
}

// Ray yields nothing: a beat is not looked for by its rays.
func (t Ticks) Ray(string, Projection) iter.Seq2[time.Time, []byte] {
	return func(func(time.Time, []byte) bool) {}
}

func (t Ticks) append(b []byte, received time.Time, p Projection) []byte {
	h := hashOf(t.Seed, uint64(received.Unix()))
	b = append(b, '{')
	for i, name := range p.Fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, name), ':')
		switch name {
		case "EdgeStartTimestamp":
			b = p.Timestamps.appendTime(b, received.Add(-3*time.Minute).UnixNano()+int64(h%uint64(time.Minute)))
		case "EdgeResponseStatus":
			b = strconv.AppendInt(b, int64(200+100*(h%4)), 10)
		case "RayID":
			var ray [8]byte
			binary.BigEndian.PutUint64(ray[:], h)
			b = strconv.AppendQuote(b, hex.EncodeToString(ray[:]))
		default:
			b = append(b, "null"...)
		}
	}
	return append(b, '}')
}
