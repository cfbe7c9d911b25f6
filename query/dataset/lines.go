package dataset

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// bounds say which lines of an object belong to a range.
type bounds struct {
	from, to int64 // nanoseconds
	all      bool  // each line does: no line's time needs to be read
	untimed  bool  // a line without a time does
}

func boundsOf(r Range, e *evidence.Entry) bounds {
	var b bounds
	b.from, b.to = r.nanos()
	b.untimed = newMeeting(r).withWindow(e)
	c := e.Content
	inside := c.FirstEvent != nil && c.FirstEvent.UnixNano() >= b.from && c.LastEvent.UnixNano() < b.to
	b.all = r.From.IsZero() && r.To.IsZero() || inside && (b.untimed || !hasUntimed(c))
	return b
}

// Bounds says which lines belong to the range where not All of them do: those
// with an event time in [from, to), in nanoseconds, and, if untimed, those without one.
func (o *Object) Bounds() (from, to int64, untimed bool) { return o.from, o.to, o.untimed }

// All reports whether each line belongs to the range.
func (o *Object) All() bool { return o.all }

// Holds reports whether a line with this event time, in nanoseconds, belongs to the range.
func (o *Object) Holds(nanos int64, timed bool) bool {
	if o.all {
		return true
	}
	if !timed {
		return o.untimed
	}
	return nanos >= o.from && nanos < o.to
}

// Clock reads event times as they were sealed.
func (o *Object) Clock() evidence.EventClock { return o.clock }

// Lines yields the records of the range as stored: byte for byte, exactly
// once, windows ascending by their start and the lines of a window in the
// order in which they were received. Lines of one window are near one another
// in time, not sorted. A line's text is valid until the next one. All objects
// are checked before the first line.
func (d *Dataset) Lines(ctx context.Context) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		if err := d.Check(ctx, d.objects); err != nil {
			yield(Line{}, err)
			return
		}
		r := NewReader()
		defer r.Close()
		for _, o := range d.objects {
			if o.Damaged() {
				continue
			}
			if !d.objectLines(ctx, r, o, yield) {
				return
			}
		}
	}
}

func (d *Dataset) objectLines(ctx context.Context, r *Reader, o *Object, yield func(Line, error) bool) bool {
	if err := r.Reset(ctx, o); err != nil {
		yield(Line{}, err)
		return false
	}
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			yield(Line{}, err)
			return false
		}
		if !o.all && !o.Holds(o.clock.Read(line.Text)) {
			continue
		}
		if !yield(line, nil) {
			return false
		}
	}
}

// Pick yields the lines with the given numbers, ascending, of each object by
// its index, in the order of Lines.
func (d *Dataset) Pick(ctx context.Context, wanted map[int][]int64) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		if err := d.Check(ctx, d.wanted(wanted)); err != nil {
			yield(Line{}, err)
			return
		}
		r := NewReader()
		defer r.Close()
		for _, o := range d.wanted(wanted) {
			if o.Damaged() {
				continue
			}
			more := true
			err := r.pick(ctx, o, wanted[o.Index], func(l Line) bool {
				more = yield(l, nil)
				return more
			})
			if err != nil {
				yield(Line{}, err)
				return
			}
			if !more {
				return
			}
		}
	}
}

func (d *Dataset) wanted(numbers map[int][]int64) (out []*Object) {
	for _, o := range d.objects {
		if len(numbers[o.Index]) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// pick hands the numbered lines of an object to give until it says false.
func (r *Reader) pick(ctx context.Context, o *Object, numbers []int64, give func(Line) bool) error {
	if err := r.Reset(ctx, o); err != nil {
		return err
	}
	for len(numbers) > 0 {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return damage(o.Entry, "has fewer lines than a moment ago")
		}
		if err != nil {
			return err
		}
		if line.Number != numbers[0] {
			continue
		}
		numbers = numbers[1:]
		if !give(line) {
			return nil
		}
	}
	return nil
}
