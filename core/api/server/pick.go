package server

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// maxLine bounds a line that is looked at. The collector cuts frames at 8 MiB
// where a line is longer.
const maxLine = 16 << 20

// choice says which lines of an object belong to a range of event time. It is that
// of rainlogs query: those whose time is in it, and those without one where the
// window meets the range.
type choice struct {
	from, to int64 // nanoseconds since the epoch
	some     bool  // there may be such lines
	all      bool  // each line is one: no line's time needs to be read
	untimed  bool  // a line without a time is one
	clock    evidence.EventClock
	form     string // of times
}

func choose(e *evidence.Entry, from, to time.Time) choice {
	meter, c := e.Source.Meter(), e.Content
	out := choice{from: from.UnixNano(), to: to.UnixNano(), clock: evidence.NewEventClock(meter.TimeField, meter.Timestamps), form: meter.Timestamps}
	out.untimed = e.Window.Start.Before(to) && e.Window.End.After(from)
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	if c.FirstEvent != nil && c.LastEvent != nil {
		first, last = c.FirstEvent.UnixNano(), c.LastEvent.UnixNano()
	}
	some := c.Lines > 0 // without a time; a content without a tally does not say
	if c.Tally != nil && c.FirstEvent != nil {
		some = c.Tally.Untimed != [evidence.Classes]int64{}
	}
	out.some = first < out.to && last >= out.from || out.untimed && some
	out.all = first >= out.from && last < out.to && first <= last && (out.untimed || !some)
	return out
}

func (c *choice) holds(line []byte) bool {
	if c.all {
		return true
	}
	nanos, timed := c.clock.Read(line)
	if !timed {
		return c.untimed
	}
	return nanos >= c.from && nanos < c.to
}

// pick takes of an object's content the lines that are asked for.
type pick struct {
	*logs
	choice
	carry []byte // a line that was begun in the frames before
}

// take takes whole lines while there is room, and a begun one at the end.
func (p *pick) take(b []byte) (n int, err error) {
	for n < len(b) {
		i := bytes.IndexByte(b[n:], '\n')
		if i < 0 {
			if len(p.carry)+len(b)-n > maxLine {
				return n, fmt.Errorf("a line is longer than %d bytes", maxLine)
			}
			p.carry = append(p.carry, b[n:]...)
			return len(b), nil
		}
		line := b[n : n+i]
		if len(p.carry) > 0 {
			line = append(p.carry, line...)
		}
		if !p.add(line) {
			return n, nil
		}
		n += i + 1
		p.carry = nil
	}
	return n, nil
}

// add adds a line, if it is asked for, and reports whether there was room. Alone,
// a line has room however long it is.
func (p *pick) add(line []byte) bool {
	if !p.holds(line) || !p.match.Match(line, p.form) {
		return true
	}
	buf := p.out.buf
	if len(buf) > 0 && len(buf)+len(line) >= chunk {
		return false
	}
	p.out.buf = append(append(buf, line...), '\n')
	p.lines++
	return true
}

// finish adds a last line that has no end.
func (p *pick) finish() error {
	if len(p.carry) == 0 || p.add(p.carry) {
		return nil
	}
	if err := p.out.flush(); err != nil {
		return err
	}
	p.add(p.carry)
	return nil
}
