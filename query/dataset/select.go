package dataset

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Range is a half-open interval [From, To) of event time. A zero bound is open.
type Range struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// nanos returns the bounds in nanoseconds since the epoch.
func (r Range) nanos() (from, to int64) {
	return boundNanos(r.From, math.MinInt64), boundNanos(r.To, math.MaxInt64)
}

// boundNanos keeps times that nanoseconds cannot hold (before 1678, after 2262) at the ends.
func boundNanos(t time.Time, open int64) int64 {
	switch {
	case t.IsZero():
		return open
	case t.Unix() <= math.MinInt64/int64(time.Second):
		return math.MinInt64
	case t.Unix() >= math.MaxInt64/int64(time.Second):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// window returns the bounds in seconds since the epoch, widened to whole ones.
func (r Range) seconds(tail time.Duration) (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	if !r.From.IsZero() {
		from = r.From.Unix()
	}
	if !r.To.IsZero() {
		end := r.To.Add(tail)
		to = end.Unix()
		if end.Nanosecond() > 0 {
			to++
		}
	}
	return from, to
}

// Select returns the log entries whose objects may hold records of a range:
// those whose sealed event times meet it, and those with untimed lines
// whose window meets it. Entries without an object and expired ones are left
// out. The order is by window, then zone, then seq: the order of reading.
func Select(entries []*evidence.Entry, r Range) []*evidence.Entry {
	gone := expired(entries)
	m := newMeeting(r)
	var out []*evidence.Entry
	for _, e := range entries {
		if e.Kind == evidence.KindLog && e.Object != nil && m.with(e) && !gone[e.Seq] {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, byWindow)
	return out
}

func byWindow(a, b *evidence.Entry) int {
	return cmp.Or(
		a.Window.Start.Compare(b.Window.Start), a.Window.End.Compare(b.Window.End),
		cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Seq, b.Seq))
}

// expired returns the seqs whose objects the retention policy removed.
func expired(entries []*evidence.Entry) map[int64]bool {
	gone := map[int64]bool{}
	for _, e := range entries {
		if e.Kind != evidence.KindExpiry {
			continue
		}
		for _, seq := range e.Expiry.Seqs {
			gone[seq] = true
		}
	}
	return gone
}

// meeting is a range with its bounds computed once for many entries.
type meeting struct{ from, to, fromSecond, toSecond int64 }

func newMeeting(r Range) (m meeting) {
	m.from, m.to = r.nanos()
	m.fromSecond, m.toSecond = r.seconds(0)
	return m
}

func (m meeting) with(e *evidence.Entry) bool {
	c := e.Content
	if c.FirstEvent != nil && c.LastEvent != nil && c.FirstEvent.UnixNano() < m.to && c.LastEvent.UnixNano() >= m.from {
		return true
	}
	return m.withWindow(e) && hasUntimed(c)
}

func (m meeting) withWindow(e *evidence.Entry) bool {
	return e.Window.Start.Unix() < m.toSecond && e.Window.End.Unix() > m.fromSecond
}

// hasUntimed reports whether some lines have no event time. A content without
// a tally does not say, and is taken to have some.
func hasUntimed(c *evidence.Content) bool {
	if c.Tally == nil || c.FirstEvent == nil {
		return c.Lines > 0
	}
	return c.Tally.Untimed != [evidence.Classes]int64{}
}
