// Package histogram draws requests over time, stacked by status class or by a
// field's values, with what is known of the evidence under each bar: a bucket whose windows were
// not all collected has a notch, because a low bar there is not silence.
package histogram

import (
	"strings"

	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// State says what stands behind a bucket.
type State uint8

// The states.
const (
	Covered State = iota
	Pending       // not collected yet
	Gap           // lost or missing: silence proves nothing
	Expired       // removed by the retention policy
)

// Bucket is one bar.
type Bucket struct {
	Counts [6]int64 // by part: the first digit of the status, 0 for none; or a value's rank, 0 for all others
	State  State
}

// Total is the bar's height.
func (b Bucket) Total() int64 {
	var n int64
	for _, c := range b.Counts {
		n += c
	}
	return n
}

// Histogram is the state. The zero value is empty.
type Histogram struct {
	Buckets []Bucket
	// Values: the parts are values by their rank, not status classes.
	Values bool
	// Brush is the part that is selected, [From, To) in buckets; none if they are equal.
	From, To int
	// Cursor is the bucket under the cursor, -1 for none.
	Cursor int
}

// View draws width × height cells: bars, and the line of the evidence below.
// One cell is one bucket: the caller asks for as many as there are cells.
func (h *Histogram) View(th *theme.Theme, width, height int) string {
	width, height = max(1, width), max(2, height)
	lines := make([]string, 0, height)
	top := h.max()
	for row := height - 2; row >= 0; row-- {
		lines = append(lines, h.row(th, width, height-1, row, top))
	}
	return strings.Join(append(lines, h.foot(th, width)), "\n")
}

func (h *Histogram) max() int64 {
	var n int64
	for _, b := range h.Buckets {
		n = max(n, b.Total())
	}
	return n
}

// row draws one line of bars; row 0 is the lowest.
func (h *Histogram) row(th *theme.Theme, width, height, row int, top int64) string {
	var runs styledRuns
	for i := range width {
		if i >= len(h.Buckets) {
			runs.add(-1, th.Text, " ")
			continue
		}
		b := h.Buckets[i]
		eighths := 0
		if total := b.Total(); total > 0 {
			eighths = max(1, int(total*int64(height)*8/top)) // a single request is never invisible
		}
		cell := max(0, min(8, eighths-row*8))
		part := h.part(b, row, eighths)
		look, style := part, h.style(th, part)
		if i >= h.From && i < h.To {
			look, style = look+len(b.Counts), style.Inherit(th.Selected)
		}
		runs.add(look, style, h.sign(th, part, cell))
	}
	return runs.String()
}

// The parts of a bar from the bottom to the top: the worst status classes and the rarest values
// at the bottom, so that a few of them under many others are seen.
var (
	worstFirst  = [6]int{5, 4, 0, 1, 3, 2}
	rarestFirst = [6]int{5, 4, 3, 2, 1, 0}
)

// part is the part that a cell of a bar shows.
func (h *Histogram) part(b Bucket, row, eighths int) int {
	if eighths == 0 {
		return 0
	}
	order := worstFirst
	if h.Values {
		order = rarestFirst
	}
	at := int64(row) * 8 * b.Total() / int64(eighths)
	for _, c := range order {
		n := b.Counts[c]
		if n > 0 && at < n {
			return c
		}
		at -= n
	}
	return order[5]
}

func (h *Histogram) style(th *theme.Theme, part int) theme.Style {
	if h.Values {
		return th.Parts[part]
	}
	return th.Status[part]
}

// sign is a cell of a bar, so many eighths of it full. Without colours the parts beside the usual one have their number in it.
func (h *Histogram) sign(th *theme.Theme, part, eighths int) string {
	if eighths > 0 {
		if sign := h.Sign(th, part); sign != th.Glyphs.Block {
			return sign
		}
	}
	return th.Glyphs.Bars[eighths]
}

// Sign is what a part is drawn with, in its style, where a cell is full of it.
func (h *Histogram) Sign(th *theme.Theme, part int) string {
	switch {
	case !th.Plain && !th.ASCII, h.Values && part == 1, !h.Values && part == 2:
		return th.Glyphs.Block
	case part == 0:
		return th.Glyphs.Empty
	}
	return string(rune('0' + part))
}

func (h *Histogram) foot(th *theme.Theme, width int) string {
	var runs styledRuns
	for i := range width {
		look, glyph, style := 0, th.Glyphs.Rule, th.Dim
		if i < len(h.Buckets) {
			switch h.Buckets[i].State {
			case Pending:
				glyph = th.Glyphs.Pending
			case Expired:
				glyph = th.Glyphs.Empty
			case Gap:
				look, glyph, style = 1, th.Glyphs.Gap, th.Bad
			}
		}
		if i == h.Cursor && i < len(h.Buckets) {
			look, glyph, style = 2, th.Glyphs.Up, th.Strong
		}
		runs.add(look, style, glyph)
	}
	return runs.String()
}

// styledRuns renders cells of equal looks together.
type styledRuns struct {
	out   strings.Builder
	style theme.Style
	text  strings.Builder
	look  int
}

func (r *styledRuns) add(look int, style theme.Style, cell string) {
	if look != r.look {
		r.flush()
	}
	r.style, r.look = style, look
	r.text.WriteString(cell)
}

func (r *styledRuns) flush() {
	if r.text.Len() > 0 {
		r.out.WriteString(r.style.Render(r.text.String()))
		r.text.Reset()
	}
}

func (r *styledRuns) String() string {
	r.flush()
	return r.out.String()
}
