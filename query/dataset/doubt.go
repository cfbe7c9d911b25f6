package dataset

import (
	"slices"
	"time"
)

// Doubts are the stretches of receive time that some zone leaves in doubt,
// ascending and apart from one another.
type Doubts struct {
	stretches []stretch
	nothing   bool // there is no window at all
}

type stretch struct{ from, to time.Time }

// Meet reports whether a part of [from, to) is in doubt.
func (d Doubts) Meet(from, to time.Time) bool {
	i, _ := slices.BinarySearchFunc(d.stretches, from, func(s stretch, at time.Time) int {
		if s.to.After(at) {
			return 1
		}
		return -1
	})
	return d.nothing || i < len(d.stretches) && d.stretches[i].from.Before(to)
}

// Cover says whether the windows of chains that could hold a range's events
// were collected, as the entries alone tell, and which stretches are in doubt.
func Cover(chains []Chain, r Range, tail time.Duration) (Coverage, Doubts) {
	ledgers := make([][]Span, len(chains))
	for i, c := range chains {
		ledgers[i] = Ledger(c.ID, c.Entries, r, tail)
	}
	return judge(ledgers, r, tail)
}

// judge is Cover over the chains' ledgers. What one zone lacks no window of
// another makes good.
func judge(ledgers [][]Span, r Range, tail time.Duration) (Coverage, Doubts) {
	c := Coverage{From: r.From}
	if !r.To.IsZero() {
		c.To = r.To.Add(tail)
	}
	var doubts []stretch
	// Without a single window an open range has nothing to be complete about.
	nothing := len(ledgers) == 0
	for _, spans := range ledgers {
		nothing = nothing || len(spans) == 0
		var good []stretch
		for _, s := range spans {
			if s.State != Missing {
				c.Windows++
			}
			if s.State.Complete() {
				good = append(good, stretch{s.Start, s.End})
			}
		}
		// A part that another window has collected is not in doubt, whatever was sealed beside it.
		good = union(good)
		for _, s := range spans {
			if !s.State.Complete() && !inOne(good, s) {
				c.Incomplete = append(c.Incomplete, s)
				doubts = append(doubts, stretch{s.Start, s.End})
			}
		}
	}
	slices.SortStableFunc(c.Incomplete, func(a, b Span) int { return a.Start.Compare(b.Start) })
	c.Complete = len(c.Incomplete) == 0 && !nothing
	if len(c.Incomplete) > MaxIncomplete {
		c.More = len(c.Incomplete) - MaxIncomplete
		c.Incomplete = c.Incomplete[:MaxIncomplete]
	}
	return c, Doubts{union(doubts), nothing}
}

// union joins stretches that meet.
func union(in []stretch) (out []stretch) {
	slices.SortFunc(in, func(a, b stretch) int { return a.from.Compare(b.from) })
	for _, s := range in {
		n := len(out) - 1
		if n < 0 || s.from.After(out[n].to) {
			out = append(out, s)
		} else if s.to.After(out[n].to) {
			out[n].to = s.to
		}
	}
	return out
}

// inOne reports whether a span is within one of the stretches of a union.
func inOne(union []stretch, s Span) bool {
	i, found := slices.BinarySearchFunc(union, s.Start, func(u stretch, at time.Time) int { return u.from.Compare(at) })
	if !found {
		i--
	}
	return i >= 0 && !union[i].to.Before(s.End)
}
