package investigate

import (
	"fmt"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/tui/component/facets"
	"github.com/fabriziosalmi/rainlogs/tui/component/histogram"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
)

// shownHistogram is the histogram that is drawn: of the view, or with the filter that is typed.
func (s *Screen) shownHistogram() *histogramOf {
	if s.draft != nil && s.drafted.cells > 0 {
		return &s.drafted
	}
	return &s.hist
}

// bucketCells is how many cells wide a bucket is drawn.
func (s *Screen) bucketCells() int {
	return max(1, s.width/max(1, len(s.shownHistogram().Buckets)))
}

// drawnHistogram is what the lines of the histogram are made of, and the lines.
type memo struct {
	histogram int // counts its changes
	key       barsKey
	lines     []string
}

type barsKey struct {
	change, width, height, from, to, at int
	theme                               any
}

// histogramLines draws the bars with their foot, and the line of times below.
func (s *Screen) histogramLines(l layout) []string {
	h := s.shownHistogram()
	if s.histErr != nil {
		lines := []string{"", s.theme.Bad.Render(safetext.Cut("  "+s.theme.Glyphs.Bad+" histogram: "+s.histErr.Error(), s.width)), s.theme.Dim.Render(safetext.Cut("  "+s.label(reload)+" asks again", s.width))}
		for len(lines) < l.bars.h+1 {
			lines = append(lines, "")
		}
		return lines[:l.bars.h+1]
	}
	return append(s.bars(h, l.bars), s.axis(h))
}

func (s *Screen) bars(h *histogramOf, a area) []string {
	from, to := 0, 0
	if s.brush.on {
		from, to = s.brush.span()
	}
	key := barsKey{s.memo.histogram, a.w, a.h, from, to, s.brush.at, s.theme}
	if s.memo.key == key && s.memo.lines != nil {
		return s.memo.lines
	}
	cells := s.bucketCells()
	states := [...]histogram.State{Collected: histogram.Covered, Pending: histogram.Pending, Expired: histogram.Expired, Gap: histogram.Gap}
	drawn := histogram.Histogram{From: from * cells, To: to * cells, Cursor: -1}
	stack := s.stackShown()
	drawn.Values = stack != nil
	for i, b := range h.Buckets {
		counts := b.Counts
		if stack != nil {
			counts = stack.Counts[i]
		}
		for range cells {
			drawn.Buckets = append(drawn.Buckets, histogram.Bucket{Counts: counts, State: states[min(b.State, Gap)]})
		}
	}
	if len(h.Buckets) > 0 {
		drawn.Cursor = s.brush.at*cells + cells/2
	}
	s.memo.key, s.memo.lines = key, strings.Split(drawn.View(s.theme, a.w, a.h), "\n")
	return s.memo.lines
}

// axis is the line below the bars: the times, or what the histogram's cursor is on.
func (s *Screen) axis(h *histogramOf) string {
	if len(h.Buckets) == 0 {
		text := ""
		if s.waiting(ofHistogram) {
			text = "  asking for the histogram " + s.theme.Glyphs.Ellipsis
		}
		return s.theme.Dim.Render(safetext.Cut(text, s.width))
	}
	if s.focus == onTime || s.brush.on {
		return s.brushLine(h)
	}
	return s.theme.Dim.Render(s.ticks(h))
}

// brushLine says what is in the bucket under the cursor, or in those selected.
func (s *Screen) brushLine(h *histogramOf) string {
	from, to := s.brush.span()
	from, to = min(from, len(h.Buckets)), min(to, len(h.Buckets))
	worst := Collected
	for _, b := range h.Buckets[from:to] {
		worst = max(worst, b.State)
	}
	a, b := h.between(from, to)
	total, each := int64(0), ""
	parts, _ := s.parts(h, from, to)
	for _, p := range parts {
		total += p.count
		each += "  " + safetext.Cut(p.name, 20) + " " + facets.Count(p.count)
	}
	v := s.view.Between(a, b)
	hint := s.label(open) + " zooms"
	if !s.brush.on {
		hint += ", " + s.label(brushKey) + " selects"
	}
	state := [...]string{Pending: "  not collected yet", Expired: "  expired", Gap: "  A GAP: silence proves nothing"}[min(worst, Gap)]
	text := fmt.Sprintf(" %s %s (%s)  %s%s", s.theme.Glyphs.Up, s.rangeText(v, false), span(b.Sub(a)), records(total), each)
	style := s.theme.Strong
	if worst == Gap {
		style = s.theme.Bad
	}
	text = safetext.Cut(text+state, s.width)
	if safetext.Width(text)+len(hint)+2 > s.width {
		hint = ""
	}
	return fit(style.Render(text)+s.theme.Dim.Render("  "+hint), s.width)
}

// ticks are times below their buckets, as many as fit.
func (s *Screen) ticks(h *histogramOf) string {
	if h.Step <= 0 {
		return ""
	}
	long := time.Duration(len(h.Buckets)) * h.Step
	layout := "15:04"
	switch {
	case long >= 4*24*time.Hour:
		layout = "01-02"
	case long >= 20*time.Hour:
		layout = "01-02 15:04"
	case long < 10*time.Second:
		layout = "15:04:05.000"
	case long < 10*time.Minute:
		layout = "15:04:05"
	}
	cells, w := s.bucketCells(), len(layout)+4
	peak := s.peak(h)
	var b strings.Builder
	used := 0
	step := tick(h.Step * time.Duration((w+cells-1)/cells))
	_, offset := h.From.In(s.location()).Zone()
	shift := time.Duration(offset) * time.Second
	for at := h.From.Add(shift).Truncate(step).Add(step - shift); ; at = at.Add(step) {
		x := int(at.Sub(h.From)/h.Step) * cells
		if x+len(layout)+1 > s.width-safetext.Width(peak)-1 || x >= len(h.Buckets)*cells {
			break
		}
		if x < used {
			continue
		}
		text := s.theme.Glyphs.Pillar + at.In(s.location()).Format(layout)
		b.WriteString(strings.Repeat(" ", x-used) + text)
		used = x + safetext.Width(text)
	}
	return safetext.Fit(b.String(), max(0, s.width-safetext.Width(peak))) + peak
}

// peak is what the highest bar stands for.
func (s *Screen) peak(h *histogramOf) string {
	most := int64(0)
	for _, b := range h.Buckets {
		n := int64(0)
		for _, c := range b.Counts {
			n += c
		}
		most = max(most, n)
	}
	text := fmt.Sprintf(" %s %s in %s", s.theme.Glyphs.Up, facets.Count(most), span(h.Step.Round(time.Millisecond)))
	if s.width < 60 || most == 0 {
		return ""
	}
	return text
}

// tick is a round stretch of time, at least so long.
func tick(least time.Duration) time.Duration {
	for _, d := range []time.Duration{
		time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	} {
		if d >= least {
			return d
		}
	}
	const day = 24 * time.Hour
	return (least + day - 1).Truncate(day)
}
