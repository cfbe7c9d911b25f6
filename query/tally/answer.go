package tally

import (
	"math"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// Options say what is asked.
type Options struct {
	Range    dataset.Range
	Step     Step           // "" = Auto
	Location *time.Location // of the buckets' edges; nil = UTC
	Tail     time.Duration  // 0 = dataset.DefaultTail
}

// Answer is the totals and the histogram of a range, and what they stand on.
type Answer struct {
	Range    dataset.Range             `json:"range"`
	Totals   Totals                    `json:"totals"`
	Step     Step                      `json:"step,omitempty"`
	Buckets  []Bucket                  `json:"buckets"`
	Outside  Bound                     `json:"outside"` // lines with an event time far from any window, in no bucket; only of an open range
	Chains   []dataset.ChainProvenance `json:"chains"`
	Coverage dataset.Coverage          `json:"coverage"`
	Objects  int                       `json:"objects_opened"` // none
}

// Ask answers from the entries of verified chains alone.
func Ask(chains []dataset.Chain, o Options) (*Answer, error) {
	if o.Tail == 0 {
		o.Tail = dataset.DefaultTail
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Step == "" {
		o.Step = Auto
	}
	a := &Answer{Range: o.Range, Buckets: []Bucket{}, Chains: []dataset.ChainProvenance{}}
	a.Coverage, _ = dataset.Cover(chains, o.Range, o.Tail)
	for _, c := range chains {
		a.Chains = append(a.Chains, dataset.ChainProvenance{Zone: c.ID.Zone, Dataset: c.ID.Dataset, Head: c.Head})
	}
	closed, ok := closeRange(chains, o.Range, o.Tail)
	if !ok {
		a.count(chains, nil, interval{math.MaxInt64, math.MinInt64})
		return a, nil
	}
	a.Step = o.Step.fit(closed.From, closed.To)
	h, err := parted(closed, a.Step, o.Location)
	if err != nil {
		return nil, err
	}
	a.count(chains, h, h.whole)
	a.Buckets = h.finish()
	a.trim(o.Range)
	// Where the question left an end open, a bucket there is not covered all the same.
	_, doubts := dataset.Cover(chains, closed, o.Tail)
	for i := range a.Buckets {
		b := &a.Buckets[i]
		b.Covered = !doubts.Meet(b.Start, b.End.Add(o.Tail))
	}
	return a, nil
}

// count passes over the entries once.
func (a *Answer) count(chains []dataset.Chain, h *spread, inside interval) {
	for s := range sealed(chains, a.Range) {
		a.Totals.count(&s)
		if h != nil {
			h.count(&s)
		}
		if s.asked != inside {
			a.countOutside(&s, inside)
		}
	}
}

// closeRange gives an open range the ends of its windows: an event is received
// after it happened. A line with a time far from them, which anyone can send,
// would else make a histogram of centuries.
func closeRange(chains []dataset.Chain, r dataset.Range, tail time.Duration) (dataset.Range, bool) {
	var first, last time.Time
	for _, c := range chains {
		for _, e := range c.Entries {
			if e.Window == nil || e.Kind != evidence.KindLog && e.Kind != evidence.KindGap {
				continue
			}
			if first.IsZero() || e.Window.Start.Before(first) {
				first = e.Window.Start
			}
			if e.Window.End.After(last) {
				last = e.Window.End
			}
		}
	}
	if r.From.IsZero() && !first.IsZero() {
		r.From = first.Add(-tail)
	}
	if r.To.IsZero() {
		r.To = last
	}
	return r, !r.From.IsZero() && r.From.Before(r.To)
}

// trim drops empty buckets at the ends that the question left open.
func (a *Answer) trim(asked dataset.Range) {
	empty := func(b Bucket) bool { return b.Lines.Max == 0 }
	if asked.From.IsZero() {
		if i := slices.IndexFunc(a.Buckets, func(b Bucket) bool { return !empty(b) }); i >= 0 {
			a.Buckets = a.Buckets[i:]
		}
	}
	for asked.To.IsZero() && len(a.Buckets) > 1 && empty(a.Buckets[len(a.Buckets)-1]) {
		a.Buckets = a.Buckets[:len(a.Buckets)-1]
	}
}

// countOutside counts what an open range holds beyond the histogram.
func (a *Answer) countOutside(s *sealedLines, inside interval) {
	if s.expired || s.tally != nil && s.whole.at.within(inside) {
		return
	}
	for _, p := range append(s.parts(), s.vague) {
		if !p.at.meets(s.asked) || p.at.within(inside) {
			continue
		}
		var c Counts
		c.add(p.classes, p.lines, p.classes != nil && p.at.within(s.asked) && !p.at.meets(inside))
		a.Outside.Min, a.Outside.Max = a.Outside.Min+c.Lines.Min, a.Outside.Max+c.Lines.Max
	}
}
