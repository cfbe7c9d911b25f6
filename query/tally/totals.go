package tally

import (
	"iter"
	"math"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// Totals are the lines of a range.
type Totals struct {
	Counts
	Untimed int64   `json:"untimed"` // of the lines, those without a readable event time, where entries tell
	Bytes   Bound   `json:"bytes"`   // as received, line feeds included
	Entries int     `json:"entries"` // that were counted, whole or in part
	Vague   int     `json:"vague"`   // of these, without a tally that can be used
	Expired Expired `json:"expired"`
}

// Expired is what the range held in objects that the retention policy removed.
type Expired struct {
	Entries int   `json:"entries"`
	Lines   Bound `json:"lines"`
}

// Total counts the lines of a range.
func Total(chains []dataset.Chain, r dataset.Range) Totals {
	var t Totals
	for s := range sealed(chains, r) {
		t.count(&s)
	}
	return t
}

func (t *Totals) count(s *sealedLines) {
	lines := s.count()
	if lines.Lines.Max == 0 {
		return
	}
	if s.expired {
		t.Expired.Entries++
		t.Expired.Lines.Min += lines.Lines.Min
		t.Expired.Lines.Max += lines.Lines.Max
		return
	}
	t.Entries++
	if s.vague.lines > 0 {
		t.Vague++
	}
	t.join(&lines)
	if s.window {
		for _, n := range s.untimed {
			t.Untimed += n
		}
	}
	c := s.entry.Content
	t.Bytes.add(c.Bytes, lines.Lines.Min == c.Lines)
}

// join adds counts of other lines.
func (c *Counts) join(o *Counts) {
	sum := func(a *Bound, b Bound) { a.Min, a.Max = a.Min+b.Min, a.Max+b.Max }
	sum(&c.Lines, o.Lines)
	sum(&c.Unsplit, o.Unsplit)
	for class := range c.Classes {
		sum(&c.Classes[class], o.Classes[class])
	}
}

// sealedLines are the lines of an entry beside a range.
type sealedLines struct {
	content

	entry   *evidence.Entry
	asked   interval
	window  bool // the window meets the range, so that lines without an event time belong to it
	expired bool
}

// count counts the lines that belong to the range.
func (s *sealedLines) count() (c Counts) {
	switch at := s.whole.at; {
	case s.tally == nil || len(s.tally.Rows) == 0 || !at.meets(s.asked):
	case at.within(s.asked):
		c.add(s.whole.classes, 0, true)
	default:
		for _, p := range s.parts() {
			if p.at.meets(s.asked) {
				c.add(p.classes, 0, p.at.within(s.asked))
			}
		}
	}
	if s.window && s.tally != nil {
		c.add(s.untimed, 0, true)
	}
	if v := s.vague; v.lines > 0 && (s.window || v.at.meets(s.asked)) {
		c.add(nil, v.lines, s.window && v.at.within(s.asked))
	}
	return c
}

// sealed yields the entries with lines. One is valid until the next.
func sealed(chains []dataset.Chain, r dataset.Range) iter.Seq[sealedLines] {
	asked := asked(r)
	first, last := windowBounds(r)
	return func(yield func(sealedLines) bool) {
		var room []part
		var sums [evidence.Classes]int64
		for _, chain := range chains {
			gone := expired(chain.Entries)
			for _, e := range chain.Entries {
				if e.Kind != evidence.KindLog || e.Object == nil {
					continue
				}
				s := sealedLines{entry: e, asked: asked, expired: gone[e.Seq], content: read(e.Content, &sums, &room)}
				s.window = e.Window.Start.Unix() < last && e.Window.End.Unix() > first
				if !yield(s) {
					return
				}
			}
		}
	}
}

// asked are the event times of a range.
func asked(r dataset.Range) interval {
	i := interval{math.MinInt64, math.MaxInt64}
	if !r.From.IsZero() {
		i.from = nanos(r.From)
	}
	if !r.To.IsZero() {
		i.to = max(nanos(r.To), math.MinInt64+1) - 1
	}
	return i
}

// windowBounds are the range in whole seconds, as package dataset lets windows meet it.
func windowBounds(r dataset.Range) (first, last int64) {
	first, last = math.MinInt64, math.MaxInt64
	if !r.From.IsZero() {
		first = r.From.Unix()
	}
	if !r.To.IsZero() {
		last = r.To.Unix()
		if r.To.Nanosecond() > 0 {
			last++
		}
	}
	return first, last
}

// expired are the seqs of the entries whose objects the retention policy removed.
func expired(entries []*evidence.Entry) map[int64]bool {
	gone := map[int64]bool{}
	for _, e := range entries {
		if e.Kind == evidence.KindExpiry {
			for _, seq := range e.Expiry.Seqs {
				gone[seq] = true
			}
		}
	}
	return gone
}
