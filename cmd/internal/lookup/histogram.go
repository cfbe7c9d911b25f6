package lookup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/tally"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

// steps are the lengths of buckets: those that people count in.
var steps = []time.Duration{
	time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 20 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 8 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 48 * time.Hour, 4 * 24 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour, 28 * 24 * time.Hour, 56 * 24 * time.Hour,
}

// grid is a range in buckets, whose edges are whole steps since the epoch.
type grid struct {
	from, to time.Time
	start    int64 // nanoseconds, the first edge; not after from
	step     time.Duration
	n        int
}

// newGrid parts a range into at most n buckets of the shortest step that does.
func newGrid(from, to time.Time, n int) grid {
	g := grid{from: from, to: to}
	for _, g.step = range steps {
		g.start = floor(from.UnixNano(), int64(g.step))
		g.n = int((to.UnixNano()-g.start-1)/int64(g.step)) + 1
		if g.n <= n {
			break
		}
	}
	g.n = max(1, min(g.n, n))
	return g
}

// floor is the last whole step at or before a time, before the epoch too.
func floor(at, step int64) int64 {
	return at - (at%step+step)%step
}

// edge is where a bucket begins, the range's own bounds at both ends.
func (g grid) edge(i int) time.Time {
	switch at := time.Unix(0, g.start+int64(i)*int64(g.step)).UTC(); {
	case at.Before(g.from):
		return g.from
	case at.After(g.to):
		return g.to
	default:
		return at
	}
}

// Histogram counts a view's records over time.
func (l *Lookup) Histogram(ctx context.Context, v inquiry.View, n int) (investigate.Histogram, error) {
	done, err := l.enter()
	if err != nil {
		return investigate.Histogram{}, err
	}
	defer done()
	s, err := l.scope(ctx, v)
	if err != nil {
		return investigate.Histogram{}, err
	}
	h := investigate.Histogram{}
	if h.From, h.To = s.bounds(); !h.From.Before(h.To) {
		h.Evidence = "nothing is sealed of this range"
		return h, nil
	}
	l.rememberCells(n)
	g := newGrid(h.From, h.To, max(1, n))
	h.Step, h.Buckets = g.step, make([]investigate.Bucket, g.n)
	h.From, h.To = time.Unix(0, g.start).UTC(), time.Unix(0, g.start+int64(g.n)*int64(g.step)).UTC()
	if !l.sealed(s, g, &h) {
		if err := l.counted(ctx, s, g, &h); err != nil {
			return investigate.Histogram{}, err
		}
	}
	l.stand(s, g, &h)
	return h, nil
}

// sealed fills in the counts that entries have sealed, if these are exact.
func (l *Lookup) sealed(s *scope, g grid, h *investigate.Histogram) bool {
	if len(s.view.Filters) > 0 || g.step < time.Minute || l.anyDamaged(s) {
		return false
	}
	edges := make([]time.Time, g.n+1)
	for i := range edges {
		edges[i] = g.edge(i)
	}
	buckets, err := tally.Between(s.chains, edges)
	if err != nil {
		return false
	}
	total := tally.Total(s.chains, s.whole()).Lines
	if !total.Exact() {
		return false
	}
	h.Total = total.Min
	for i, b := range buckets {
		if !b.Exact || b.Unsplit.Max > 0 {
			return false
		}
		for class, n := range b.Classes {
			h.Buckets[i].Counts[digitOf[class]] = n.Min
		}
	}
	return true
}

// digitOf is the first digit of a class's statuses.
var digitOf = [evidence.Classes]int{
	evidence.Class1xx: 1, evidence.Class2xx: 2, evidence.Class3xx: 3, evidence.Class4xx: 4, evidence.Class5xx: 5, evidence.ClassOther: 0,
}

func (l *Lookup) anyDamaged(s *scope) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.damaged {
		for _, c := range s.chains {
			if c.ID.Zone == p.zone {
				return true
			}
		}
	}
	return false
}

// counted asks for the counts.
func (l *Lookup) counted(ctx context.Context, s *scope, g grid, h *investigate.Histogram) error {
	t, err := l.tally(ctx, s, g)
	if err != nil {
		return err
	}
	h.Total, h.Buckets = t.total, slices.Clone(t.buckets)
	return nil
}

// stand says what stands behind a histogram.
func (l *Lookup) stand(s *scope, g grid, h *investigate.Histogram) {
	r := s.whole()
	coverage, _ := dataset.Cover(s.chains, r, dataset.DefaultTail)
	h.Complete = coverage.Complete
	var end time.Time // of what is sealed
	for _, c := range s.chains {
		for _, span := range dataset.Ledger(c.ID, c.Entries, r, 0) {
			if span.State != dataset.Missing && span.End.After(end) {
				end = span.End
			}
		}
	}
	damaged := l.damagedIn(s)
	for _, c := range s.chains {
		for _, span := range dataset.Ledger(c.ID, c.Entries, r, 0) {
			state := stateOf[span.State]
			if span.State == dataset.Missing && !span.Start.Before(end) {
				state = investigate.Pending
			}
			if damaged[place{span.Zone, span.Seq}] != nil {
				state = investigate.Gap
			}
			mark(h, g, span, state)
		}
	}
	if len(damaged) > 0 {
		h.Complete = false
	}
	h.Evidence = s.words(coverage, damaged)
}

var stateOf = map[dataset.State]investigate.State{
	dataset.Collected: investigate.Collected, dataset.Empty: investigate.Collected, dataset.Partial: investigate.Pending,
	dataset.Expired: investigate.Expired, dataset.Gap: investigate.Gap, dataset.Missing: investigate.Gap, dataset.Damaged: investigate.Gap,
}

// mark gives the buckets that a span meets its state, where theirs is better.
func mark(h *investigate.Histogram, g grid, span dataset.Span, state investigate.State) {
	if state == investigate.Collected {
		return
	}
	first := max(0, (span.Start.UnixNano()-g.start)/int64(g.step))
	for i := first; i < int64(g.n) && g.start+i*int64(g.step) < span.End.UnixNano(); i++ {
		h.Buckets[i].State = max(h.Buckets[i].State, state)
	}
}

// damagedIn are the damaged objects that a view would need.
func (l *Lookup) damagedIn(s *scope) map[place]*dataset.DamageError {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[place]*dataset.DamageError{}
	for _, c := range s.chains {
		for _, e := range dataset.Select(c.Entries, s.whole()) {
			if d := l.damaged[place{e.Zone, e.Seq}]; d != nil {
				out[place{e.Zone, e.Seq}] = d
			}
		}
	}
	return out
}

// words say what a view's answers stand on.
func (s *scope) words(c dataset.Coverage, damaged map[place]*dataset.DamageError) string {
	var parts []string
	for _, d := range damaged {
		parts = append(parts, fmt.Sprintf("%d damaged left out: entry %d, %s", len(damaged), d.Seq, d.Key))
		break
	}
	switch doubts := len(c.Incomplete) + c.More; {
	case c.Complete:
		parts = append(parts, fmt.Sprintf("complete: %d windows", c.Windows))
	case doubts == 0:
		parts = append(parts, "no window is sealed")
	case s.onlyBeyond(c):
		parts = append(parts, s.beyond())
	default:
		first := c.Incomplete[0]
		text := fmt.Sprintf("%d windows, %d in doubt: %s %s–%s", c.Windows, doubts, first.State,
			first.Start.UTC().Format("01-02 15:04"), first.End.UTC().Format("01-02 15:04"))
		if first.Reason != "" {
			text += " (" + first.Reason + ")"
		}
		parts = append(parts, text)
	}
	entries, pinned := int64(0), true
	for _, c := range s.chains {
		entries += c.Head.Size
		pinned = pinned && c.Head.Pinned
	}
	trust := "key not pinned"
	if pinned {
		trust = "key pinned"
	}
	return strings.Join(append(parts, fmt.Sprintf("%d entries verified, %s", entries, trust)), " · ")
}

// sealedFrom is from when to when the scope's chains all have windows.
func (s *scope) sealedFrom() (from, to time.Time) {
	for _, c := range s.chains {
		var first, last time.Time
		for _, e := range c.Entries {
			if e.Window == nil || e.Kind != evidence.KindLog {
				continue
			}
			if first.IsZero() || e.Window.Start.Before(first) {
				first = e.Window.Start
			}
			last = later(last, e.Window.End)
		}
		from = later(from, first)
		if to.IsZero() || last.Before(to) {
			to = last
		}
	}
	return from.UTC(), to.UTC()
}

// beyond says what of the range nothing can be known of yet, or any more: what comes before the first window, and
// what is so late that lines of it may be received after the last one.
func (s *scope) beyond() string {
	const layout = "01-02 15:04"
	from, to := s.sealedFrom()
	var parts []string
	if s.view.From.IsZero() || s.view.From.Before(from) {
		parts = append(parts, "nothing was collected before "+from.Format(layout))
	}
	if last := to.Add(-dataset.DefaultTail); s.view.To.IsZero() || s.view.To.After(last) {
		parts = append(parts, "lines may still come from "+last.Format(layout)+" on")
	}
	return strings.Join(parts, ", ")
}

// onlyBeyond reports whether all that is in doubt lies before the first window
// or behind the last: not collected yet, or from before collection began.
func (s *scope) onlyBeyond(c dataset.Coverage) bool {
	from, to := s.sealedFrom()
	if c.More > 0 || !from.Before(to) {
		return false
	}
	for _, span := range c.Incomplete {
		if span.State != dataset.Missing || span.End.After(from) && span.Start.Before(to) {
			return false
		}
	}
	return true
}

func integer(v any) int64 {
	n, _ := v.(int64)
	return n
}
