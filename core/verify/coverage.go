package verify

import (
	"sort"
	"time"
)

// State is what a stretch of receive time is, as the chain tells it.
type State string

// The states of coverage.
const (
	Collected   State = "collected"
	Empty       State = "empty" // collected, and nothing was there
	Gap         State = "gap"   // sealed as never to be had
	Missing     State = "missing"
	Overlapping State = "overlapping"
	Expired     State = "expired"
)

// Segment is a stretch of neighbouring windows of one state.
type Segment struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	State   State     `json:"state"`
	Reason  string    `json:"reason,omitempty"` // of a gap
	Windows int       `json:"windows"`
	Lines   int64     `json:"lines"`
}

// Span is one window of a chain for Coverage.
type Span struct {
	Seq        int64
	Start, End time.Time
	State      State
	Reason     string
	Lines      int64
}

// Coverage parts [from, to) into segments. A zero bound is that of the spans.
// Spans need not be sorted; they are afterwards.
func Coverage(spans []Span, from, to time.Time) []Segment {
	sort.Slice(spans, func(i, j int) bool {
		if !spans[i].Start.Equal(spans[j].Start) {
			return spans[i].Start.Before(spans[j].Start)
		}
		return spans[i].Seq < spans[j].Seq
	})
	if from.IsZero() && len(spans) > 0 {
		from = spans[0].Start
	}
	if to.IsZero() {
		for _, s := range spans {
			if s.End.After(to) {
				to = s.End
			}
		}
	}
	var out []Segment
	add := func(s Segment) {
		if n := len(out) - 1; n >= 0 && out[n].State == s.State && out[n].Reason == s.Reason && out[n].To.Equal(s.From) {
			out[n].To, out[n].Windows, out[n].Lines = s.To, out[n].Windows+s.Windows, out[n].Lines+s.Lines
			return
		}
		out = append(out, s)
	}
	at := from
	for _, s := range spans {
		if !s.End.After(from) || !s.Start.Before(to) {
			continue
		}
		if s.Start.After(at) {
			add(Segment{From: at, To: s.Start, State: Missing})
		}
		start, end := later(s.Start, from), earlier(s.End, to)
		if start.Before(at) {
			add(Segment{From: start, To: earlier(end, at), State: Overlapping, Windows: 1})
			if !end.After(at) {
				continue
			}
			start = at
		}
		add(Segment{From: start, To: end, State: s.State, Reason: s.Reason, Windows: 1, Lines: s.Lines})
		at = end
	}
	if at.Before(to) {
		add(Segment{From: at, To: to, State: Missing})
	}
	return out
}

// Complete reports whether every instant was collected, once.
func Complete(segments []Segment) bool {
	for _, s := range segments {
		if s.State != Collected && s.State != Empty && s.State != Expired {
			return false
		}
	}
	return true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
