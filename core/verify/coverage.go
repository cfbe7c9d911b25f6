package verify

import (
	"iter"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// State is what a stretch of receive time is, as the chain tells it.
type State string

// The states of coverage.
const (
	Collected   State = "collected"
	Empty       State = "empty" // collected, and nothing was there
	Gap         State = "gap"   // sealed as never to be had
	Missing     State = "missing"
	Overlapping State = "overlapping" // covered by more than one window
	Expired     State = "expired"
)

// Segment is a stretch of one state. Segments tile the range asked for.
type Segment struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	State   State     `json:"state"`
	Reason  string    `json:"reason,omitempty"` // of a gap
	Windows int       `json:"windows"`          // that begin here; of overlapping ones, how many meet
	Lines   int64     `json:"lines"`            // of these windows, whole
}

// span is one window of a chain.
type span struct {
	seq        int64
	start, end int64 // Unix seconds
	lines      int64
	bytes      int64 // stored
	state      State
	reason     string
	due        bool // its object is among those asked for
}

// newSpan reads the window of a log or gap entry.
func newSpan(e *evidence.Entry, seq int64) span {
	s := span{seq: seq, start: e.Window.Start.Unix(), end: e.Window.End.Unix()}
	switch {
	case e.Kind == evidence.KindGap:
		s.state, s.reason = Gap, e.Gap.Reason
	case e.Object == nil:
		s.state = Empty
	default:
		s.state, s.bytes = Collected, e.Object.Bytes
	}
	if e.Content != nil {
		s.lines = e.Content.Lines
	}
	return s
}

// Coverage tells how the windows of a chain's entries tile [from, to). A zero
// bound is that of the windows.
func Coverage(entries iter.Seq[*evidence.Entry], from, to time.Time) []Segment {
	var spans []span
	var expired bitset
	for e := range entries {
		switch e.Kind {
		case evidence.KindLog, evidence.KindGap:
			spans = append(spans, newSpan(e, e.Seq))
		case evidence.KindExpiry:
			for _, s := range e.Expiry.Seqs {
				if s >= 0 && s < e.Seq {
					expired.set(s)
				}
			}
		}
	}
	for i := range spans {
		if expired.has(spans[i].seq) {
			spans[i].state = Expired
		}
	}
	return segments(spans, from, to)
}

// segments sweeps over the spans' starts and ends. Between two of these
// nothing changes; how many windows are open there says what the stretch is.
func segments(spans []span, from, to time.Time) []Segment {
	slices.SortFunc(spans, func(a, b span) int {
		if a.start != b.start {
			return int(max(-1, min(1, a.start-b.start)))
		}
		return int(max(-1, min(1, a.seq-b.seq)))
	})
	ends := make([]int32, len(spans))
	for i := range ends {
		ends[i] = int32(i)
	}
	slices.SortFunc(ends, func(a, b int32) int { return int(max(-1, min(1, spans[a].end-spans[b].end))) })
	first, last, ok := bounds(spans, ends, from, to)
	if !ok {
		return []Segment{}
	}
	sw := sweep{spans: spans}
	opened, closed := 0, 0
	for at := first; at < last; {
		for ; opened < len(spans) && spans[opened].start <= at; opened++ {
			sw.open, sw.sum = sw.open+1, sw.sum+opened
		}
		for ; closed < len(ends) && spans[ends[closed]].end <= at; closed++ {
			sw.open, sw.sum = sw.open-1, sw.sum-int(ends[closed])
		}
		next := last
		if opened < len(spans) {
			next = min(next, spans[opened].start)
		}
		if closed < len(ends) {
			next = min(next, spans[ends[closed]].end)
		}
		sw.add(at, next)
		at = next
	}
	return sw.out
}

// bounds are the range asked for in Unix seconds, or else the windows' own.
func bounds(spans []span, ends []int32, from, to time.Time) (first, last int64, ok bool) {
	if len(spans) == 0 && (from.IsZero() || to.IsZero()) {
		return 0, 0, false
	}
	if first = from.Unix(); from.IsZero() {
		first = spans[0].start
	}
	if last = to.Unix(); to.IsZero() {
		last = spans[ends[len(ends)-1]].end
	} else if to.Nanosecond() > 0 {
		last++
	}
	return first, last, first < last
}

// sweep collects segments.
type sweep struct {
	spans []span
	open  int // windows open now
	sum   int // of their indexes: where one is open, its index
	seen  bitset
	out   []Segment
}

func (s *sweep) add(from, to int64) {
	seg := Segment{From: time.Unix(from, 0).UTC(), To: time.Unix(to, 0).UTC(), State: Missing}
	switch {
	case s.open > 1:
		seg.State, seg.Windows = Overlapping, s.open
	case s.open == 1:
		w := &s.spans[s.sum]
		seg.State, seg.Reason = w.state, w.reason
		if !s.seen.has(int64(s.sum)) {
			s.seen.set(int64(s.sum))
			seg.Windows, seg.Lines = 1, w.lines
		}
	}
	n := len(s.out) - 1
	if n < 0 || s.out[n].State != seg.State || s.out[n].Reason != seg.Reason {
		s.out = append(s.out, seg)
		return
	}
	prev := &s.out[n]
	prev.To, prev.Lines = seg.To, prev.Lines+seg.Lines
	if seg.State == Overlapping {
		prev.Windows = max(prev.Windows, seg.Windows)
	} else {
		prev.Windows += seg.Windows
	}
}

// Complete reports whether every instant was collected, once. Of nothing
// collected that is not said.
func Complete(segments []Segment) bool {
	for _, s := range segments {
		if s.State != Collected && s.State != Empty && s.State != Expired {
			return false
		}
	}
	return len(segments) > 0
}
