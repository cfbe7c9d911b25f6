package investigate

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// brush is the cursor in the histogram, in buckets, and what is selected there.
type brush struct {
	at, anchor int
	on         bool
}

// move moves the cursor; extend selects on the way.
func (b *brush) move(by, n int, extend bool) {
	if extend && !b.on {
		b.on, b.anchor = true, b.at
	}
	if !extend {
		b.on = false
	}
	b.at += by
	b.clamp(n)
}

func (b *brush) clamp(n int) {
	b.at, b.anchor = max(0, min(b.at, n-1)), max(0, min(b.anchor, n-1))
}

// span is the buckets that are selected, or the one under the cursor.
func (b *brush) span() (from, to int) {
	if !b.on {
		return b.at, b.at + 1
	}
	return min(b.at, b.anchor), max(b.at, b.anchor) + 1
}

// between is the range of some buckets.
func (h *Histogram) between(from, to int) (time.Time, time.Time) {
	end := h.From.Add(time.Duration(to) * h.Step)
	if !h.To.IsZero() && end.After(h.To) {
		end = h.To
	}
	return h.From.Add(time.Duration(from) * h.Step), end
}

// bucketOf is the bucket of a time, -1 if it is in none.
func (h *Histogram) bucketOf(t time.Time) int {
	if h.Step <= 0 || t.IsZero() || t.Before(h.From) {
		return -1
	}
	if i := int(t.Sub(h.From) / h.Step); i < len(h.Buckets) {
		return i
	}
	return -1
}

// toRange looks at another range, the row under the cursor kept.
func (s *Screen) toRange(from, to time.Time) tea.Cmd {
	v := s.view.Between(round(from, to.Sub(from)), round(to, to.Sub(from)))
	if v.Equal(s.view) || !v.From.Before(v.To) {
		return nil
	}
	return s.visit(v, s.here())
}

// here is the row under the cursor, for a view that may have it too.
func (s *Screen) here() *Row {
	if row, ok := s.row(); ok {
		return &row
	}
	return nil
}

// round leaves out the parts of a time that are much finer than the range it bounds.
func round(t time.Time, long time.Duration) time.Time {
	if long >= 10*time.Second {
		return t.Truncate(time.Second)
	}
	return t.Truncate(time.Millisecond)
}

// zoom makes the range longer or shorter, around what is looked at.
func (s *Screen) zoom(factor float64) (screen.Intent, tea.Cmd) {
	long := s.view.To.Sub(s.view.From)
	next := time.Duration(float64(long) * factor)
	if next < shortest {
		return screen.Say{Text: "it goes no closer"}, nil
	}
	center := s.view.From.Add(long / 2)
	row, ok := s.row()
	switch {
	case s.focus == onTime && len(s.hist.Buckets) > 0:
		a, b := s.hist.between(s.brush.at, s.brush.at+1)
		center = a.Add(b.Sub(a) / 2)
	case ok && !row.Time.Before(s.view.From) && row.Time.Before(s.view.To):
		center = row.Time
	}
	part := float64(center.Sub(s.view.From)) / float64(max(1, long))
	from := center.Add(-time.Duration(part * float64(next)))
	first, last := s.bounds(s.view)
	to := from.Add(next)
	if factor > 1 { // there is nothing beyond
		from, to = within(from, to, first, last)
		if !from.Before(s.view.From) && !to.After(s.view.To) {
			return screen.Say{Text: "this is all there is"}, nil
		}
	}
	return nil, s.toRange(from, to)
}

// within moves a range to where there are records, and makes it shorter if it is longer than that.
func within(from, to, first, last time.Time) (time.Time, time.Time) {
	if first.IsZero() || last.IsZero() {
		return from, to
	}
	if from.Before(first) {
		from, to = first, to.Add(first.Sub(from))
	}
	if to.After(last) {
		from, to = from.Add(last.Sub(to)), last
	}
	if from.Before(first) {
		from = first
	}
	return from, to
}

// pan moves the range by half of its length.
func (s *Screen) pan(by int) (screen.Intent, tea.Cmd) {
	long := s.view.To.Sub(s.view.From)
	step := time.Duration(by) * long / 2
	first, last := s.bounds(s.view)
	from, to := within(s.view.From.Add(step), s.view.To.Add(step), first, last)
	if from.Equal(s.view.From) && to.Equal(s.view.To) {
		return screen.Say{Text: "there is nothing further"}, nil
	}
	v := s.view.Between(from, to)
	return nil, s.visit(v, nil)
}

// toPreset looks at the last stretch of the records.
func (s *Screen) toPreset(p preset) tea.Cmd {
	first, last := s.bounds(s.view)
	if last.IsZero() {
		return nil
	}
	if p.long == 0 || last.Add(-p.long).Before(first) && p.long > 24*time.Hour {
		return s.toRange(first, last)
	}
	return s.toRange(last.Add(-p.long), last)
}

// presetHere is the preset that is looked at, -1 for none.
func (s *Screen) presetHere() int {
	first, last := s.bounds(s.view)
	if !s.view.To.Equal(last) {
		return -1
	}
	for i, p := range presets {
		if p.long > 0 && s.view.From.Equal(last.Add(-p.long)) || p.long == 0 && s.view.From.Equal(first) {
			return i
		}
	}
	return -1
}

// nextPreset is the next longer preset, after all the shortest.
func (s *Screen) nextPreset() tea.Cmd { return s.toPreset(presets[(s.presetHere()+1)%len(presets)]) }

// toBrush zooms to what is selected in the histogram.
func (s *Screen) toBrush() tea.Cmd {
	if len(s.hist.Buckets) == 0 {
		return nil
	}
	from, to := s.hist.between(s.brush.span())
	if from.Before(s.view.From) { // the edges are round times
		from = s.view.From
	}
	if to.After(s.view.To) {
		to = s.view.To
	}
	if to.Sub(from) < shortest {
		return nil
	}
	return s.toRange(from, to)
}

// moveBrush moves the cursor in the histogram.
func (s *Screen) moveBrush(by int, extend bool) {
	s.brush.move(by, len(s.hist.Buckets), extend)
}

// toTime puts the histogram's cursor on the time of the row under the cursor.
func (s *Screen) toTime() {
	if row, ok := s.row(); ok && !s.brush.on {
		if i := s.hist.bucketOf(row.Time); i >= 0 {
			s.brush.at = i
		}
	}
}
