package tally

import (
	"math"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// interval is of event times in nanoseconds since the epoch, both ends within it.
type interval struct{ from, to int64 }

func (i interval) meets(o interval) bool  { return i.from <= o.to && o.from <= i.to }
func (i interval) within(o interval) bool { return i.from >= o.from && i.to <= o.to }

// part is some lines of an entry, and where their event times lie.
type part struct {
	at      interval
	classes []int64 // lines by class; nil if they are not known
	lines   int64   // of part without classes
}

// content is what an entry tells of its lines.
type content struct {
	whole   part    // all lines that have an event time, if the classes are known
	untimed []int64 // by class
	// vague are lines that have an event time in at, or none at all.
	vague part

	tally *evidence.Tally // of whole, row by row
	rows  *[]part         // room for them
}

// read parts what an entry sealed. Where the tally is absent or contradicts
// the rest of the entry, only the other members count, and all lines are vague.
func read(c *evidence.Content, sums *[evidence.Classes]int64, room *[]part) content {
	if c.Tally == nil || !consistent(c, sums) {
		return content{vague: part{lines: c.Lines, at: events(c)}}
	}
	return content{
		whole: part{at: events(c), classes: sums[:]}, untimed: c.Tally.Untimed[:],
		tally: c.Tally, rows: room,
	}
}

// parts are the rows of the tally. They are valid until the next entry's.
func (c *content) parts() []part {
	if c.tally == nil {
		return nil
	}
	parts := (*c.rows)[:0]
	for i := range c.tally.Rows {
		at := rowSpan(c.tally, c.tally.Rows[i][0])
		// What the first and the last event say is as sure, and finer.
		at.from, at.to = max(at.from, c.whole.at.from), min(at.to, c.whole.at.to)
		parts = append(parts, part{at: at, classes: c.tally.Rows[i][1:]})
	}
	*c.rows = parts
	return parts
}

// events is where an entry's event times lie; all of the time if it does not say.
func events(c *evidence.Content) interval {
	if c.FirstEvent == nil || c.LastEvent == nil {
		return interval{math.MinInt64, math.MaxInt64}
	}
	return interval{nanos(*c.FirstEvent), nanos(*c.LastEvent)}
}

// maxBucket keeps a row's ends within what nanoseconds can hold: 146 years.
const maxBucket = math.MaxInt64 / int64(time.Second) / 2

// consistent reports whether a tally can be one of the entry's lines: no time
// before 1970, no negative counts, rows ascending, as many lines as the entry has, and rows
// just where its first and last event are. sums become those of the rows.
func consistent(c *evidence.Content, sums *[evidence.Classes]int64) bool {
	t := c.Tally
	if t.Bucket <= 0 || t.Bucket > maxBucket || t.From.Unix() < 0 || t.From.Unix()%t.Bucket != 0 || t.From.Nanosecond() != 0 {
		return false
	}
	rest := c.Lines
	count := func(counts []int64) bool {
		for _, n := range counts {
			if n < 0 || n > rest {
				return false
			}
			rest -= n
		}
		return true
	}
	*sums = [evidence.Classes]int64{}
	before := int64(-1)
	for i := range t.Rows {
		if row := t.Rows[i][0]; row <= before || row > maxBucket/t.Bucket || !count(t.Rows[i][1:]) {
			return false
		}
		before = t.Rows[i][0]
		for class, n := range t.Rows[i][1:] {
			sums[class] += n
		}
	}
	if !count(t.Untimed[:]) || rest != 0 {
		return false
	}
	return endsAgree(c)
}

func endsAgree(c *evidence.Content) bool {
	rows := c.Tally.Rows
	if (c.FirstEvent == nil) != (len(rows) == 0) || (c.LastEvent == nil) != (len(rows) == 0) {
		return false
	}
	if len(rows) == 0 {
		return true
	}
	first, last := nanos(*c.FirstEvent), nanos(*c.LastEvent)
	return first <= last &&
		interval{first, first}.within(rowSpan(c.Tally, rows[0][0])) &&
		interval{last, last}.within(rowSpan(c.Tally, rows[len(rows)-1][0]))
}

// rowSpan is where the event times of a tally's row lie.
func rowSpan(t *evidence.Tally, row int64) interval {
	key, length := t.From.Unix()/t.Bucket+row, t.Bucket*int64(time.Second)
	return interval{times(key, length), times(key+1, length) - 1}
}

// times multiplies what is not negative, and stops at what an int64 holds.
func times(key, length int64) int64 {
	if key > math.MaxInt64/length {
		return math.MaxInt64
	}
	return key * length
}

// nanos is a time in nanoseconds, cut at what they can hold (1678 to 2262).
func nanos(t time.Time) int64 {
	switch {
	case t.Unix() <= math.MinInt64/int64(time.Second):
		return math.MinInt64
	case t.Unix() >= math.MaxInt64/int64(time.Second):
		return math.MaxInt64
	}
	return t.UnixNano()
}
