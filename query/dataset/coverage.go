package dataset

import (
	"math"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// DefaultTail is how long after an event its line is waited for.
const DefaultTail = 15 * time.Minute

// State says what became of a part of the time.
type State string

// The states. Collected and Empty are complete, the others are not.
const (
	Collected State = "collected"
	Empty     State = "empty"   // collected, without a line
	Partial   State = "partial" // the source did not claim to have given all
	Gap       State = "gap"     // sealed as never to be collected
	Missing   State = "missing" // nothing is sealed: not yet, or never
	Expired   State = "expired" // removed by the retention policy
	Damaged   State = "damaged" // sealed, but the object is not what was sealed
)

// Complete reports whether a state leaves no doubt about silence.
func (s State) Complete() bool { return s == Collected || s == Empty }

// Span is a window, or a part of the time, and its state.
type Span struct {
	Zone   string    `json:"zone"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	State  State     `json:"state"`
	Reason string    `json:"reason,omitempty"` // of a gap
	Seq    int64     `json:"seq"`              // the entry's; -1 for missing
	Lines  int64     `json:"lines"`
}

// Coverage says whether the windows that could hold a range's events were collected.
type Coverage struct {
	From       time.Time `json:"from,omitzero"` // of the receive time that matters
	To         time.Time `json:"to,omitzero"`
	Complete   bool      `json:"complete"`
	Windows    int       `json:"windows"`              // sealed windows that were looked at
	Incomplete []Span    `json:"incomplete,omitempty"` // ascending; cut at MaxIncomplete
	More       int       `json:"more,omitempty"`       // how many were cut
}

// MaxIncomplete bounds the list in a provenance; the windows view has all.
const MaxIncomplete = 100

// Ledger returns the sealed windows of one chain that meet [from, to+tail),
// and the missing parts between, ascending. An open bound is the chain's own
// first or last window. It knows the chain alone: no window is damaged.
func Ledger(id evidence.ChainID, entries []*evidence.Entry, r Range, tail time.Duration) []Span {
	from, to := r.seconds(tail)
	gone := expired(entries)
	var spans []Span
	for _, e := range entries {
		if e.Window == nil || e.Kind != evidence.KindLog && e.Kind != evidence.KindGap ||
			e.Window.Start.Unix() >= to || e.Window.End.Unix() <= from {
			continue
		}
		spans = append(spans, span(e, gone[e.Seq]))
	}
	slices.SortStableFunc(spans, func(a, b Span) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return a.End.Compare(b.End)
	})
	return withMissing(id, spans, from, to)
}

func span(e *evidence.Entry, gone bool) Span {
	s := Span{Zone: e.Zone, Start: e.Window.Start, End: e.Window.End, Seq: e.Seq, State: Collected}
	if e.Kind == evidence.KindGap {
		s.State, s.Reason = Gap, e.Gap.Reason
		return s
	}
	s.Lines = e.Content.Lines
	switch {
	case gone && e.Object != nil:
		s.State = Expired
	case !e.Source.Complete:
		s.State = Partial
	case e.Object == nil:
		s.State = Empty
	}
	return s
}

// withMissing puts a span wherever no window tiles the time.
func withMissing(id evidence.ChainID, spans []Span, from, to int64) []Span {
	at := from
	var out []Span
	missing := func(until int64) {
		if at < until && at != math.MinInt64 && until != math.MaxInt64 {
			out = append(out, Span{Zone: id.Zone, State: Missing, Seq: -1,
				Start: time.Unix(at, 0).UTC(), End: time.Unix(until, 0).UTC()})
		}
	}
	for _, s := range spans {
		missing(s.Start.Unix())
		out = append(out, s)
		at = max(at, s.End.Unix())
	}
	missing(to)
	return out
}
