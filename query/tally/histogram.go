package tally

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// Bucket is a stretch of event time, [Start, End).
type Bucket struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	Counts
	Exact bool `json:"exact"`
	// Covered says that every window which could hold the bucket's events was collected and is there.
	Covered bool `json:"covered"`
}

// spread counts lines over buckets. Those that are certain of one bucket are in
// it; those that may be in any of several are in differences between neighbours,
// so that a line costs the same however many they are.
type spread struct {
	edges   []int64  // nanoseconds; bucket i ends before edge i+1
	whole   interval // of the edges
	last    int      // the bucket used last: neighbours in a tally are neighbours in time
	buckets []Bucket
	more    []Counts // Max alone, of bucket i less bucket i-1
}

func newSpread(edges []time.Time) *spread {
	s := &spread{buckets: make([]Bucket, len(edges)-1), more: make([]Counts, len(edges))}
	for i, e := range edges {
		s.edges = append(s.edges, nanos(e))
		if i > 0 {
			s.buckets[i-1].Start, s.buckets[i-1].End = edges[i-1].UTC(), e.UTC()
		}
	}
	s.whole = interval{s.edges[0], max(s.edges[len(s.edges)-1], math.MinInt64+1) - 1}
	return s
}

// count counts an entry's lines that have an event time.
func (s *spread) count(l *sealedLines) {
	if l.expired {
		return
	}
	if l.tally != nil && len(l.tally.Rows) > 0 {
		if at := l.whole.at; at.within(s.whole) && s.index(at.from) == s.index(at.to) {
			s.add(l.whole, true)
		} else if at.meets(s.whole) {
			for _, p := range l.parts() {
				s.add(p, true)
			}
		}
	}
	if l.vague.lines > 0 {
		s.add(l.vague, false) // a line of it may have no event time
	}
}

// add counts a part, of which certain says that all its lines are in its interval.
func (s *spread) add(p part, certain bool) {
	if !p.at.meets(s.whole) {
		return
	}
	first, last := s.index(max(p.at.from, s.whole.from)), s.index(min(p.at.to, s.whole.to))
	if first == last {
		s.buckets[first].add(p.classes, p.lines, certain && p.at.within(s.whole))
		return
	}
	s.more[first].add(p.classes, p.lines, false)
	less := Counts{}
	less.add(p.classes, p.lines, false)
	less.negate()
	s.more[last+1].join(&less)
}

func (c *Counts) negate() {
	c.Lines.Max, c.Unsplit.Max = -c.Lines.Max, -c.Unsplit.Max
	for class := range c.Classes {
		c.Classes[class].Max = -c.Classes[class].Max
	}
}

// index is the bucket of a time within the edges.
func (s *spread) index(at int64) int {
	if at >= s.edges[s.last] && at < s.edges[s.last+1] {
		return s.last
	}
	i, found := slices.BinarySearch(s.edges, at)
	if !found {
		i--
	}
	s.last = min(i, len(s.buckets)-1)
	return s.last
}

func (s *spread) finish() []Bucket {
	var running Counts
	for i := range s.buckets {
		running.join(&s.more[i])
		s.buckets[i].join(&running)
		s.buckets[i].Exact = s.buckets[i].Counts.Exact()
	}
	return s.buckets
}

// parted is a histogram of a closed range in which nothing was counted yet.
func parted(r dataset.Range, step Step, loc *time.Location) (*spread, error) {
	if r.From.IsZero() || r.To.IsZero() || nanos(r.From) >= nanos(r.To) {
		return nil, fmt.Errorf("histogram of %v to %v: it has to have two ends, between 1678 and 2262", r.From, r.To)
	}
	edges, err := step.fit(r.From, r.To).edges(r.From, r.To, loc)
	if err != nil {
		return nil, fmt.Errorf("count by %s: %w", step, err)
	}
	return newSpread(edges), nil
}

// Histogram counts the lines of a closed range that have an event time, by
// buckets. An error is ErrBuckets.
func Histogram(chains []dataset.Chain, r dataset.Range, step Step, loc *time.Location) ([]Bucket, error) {
	h, err := parted(r, step, loc)
	if err != nil {
		return nil, err
	}
	for s := range sealed(chains, r) {
		h.count(&s)
	}
	return h.finish(), nil
}

// Between is Histogram by the caller's own edges, ascending and at least two:
// bucket i is [edges[i], edges[i+1]).
func Between(chains []dataset.Chain, edges []time.Time) ([]Bucket, error) {
	if len(edges) < 2 || len(edges) > MaxBuckets+1 || !slices.IsSortedFunc(edges, time.Time.Compare) {
		return nil, fmt.Errorf("histogram of %d edges: want 2 to %d, ascending", len(edges), MaxBuckets+1)
	}
	h := newSpread(edges)
	for s := range sealed(chains, dataset.Range{From: edges[0], To: edges[len(edges)-1]}) {
		h.count(&s)
	}
	return h.finish(), nil
}
