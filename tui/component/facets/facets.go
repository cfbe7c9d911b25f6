// Package facets draws fields with their most frequent values, how often each
// is there in figures and as a bar.
package facets

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// State is how far a section is.
type State uint8

// The states. Values of a section that waits are those of the question before; those that are estimated are of a part of the records.
const (
	Waiting State = iota
	Estimated
	Loaded
	Failed
)

// Value is one value of a field.
type Value struct {
	Text  string // from outside
	Null  bool   // the field is absent
	Count int64
	// Sign is "+" or "-" if a filter asks for the value or against it.
	Sign string
}

// Section is a field.
type Section struct {
	Field    string
	Open     bool
	State    State
	Err      string
	Values   []Value
	Shown    int   // how many of the values are drawn, 0 for all
	Distinct int64 // 0: not known
	Rough    bool  // others may be more frequent
	Total    int64
}

// Facets is the state. The zero value is empty.
type Facets struct {
	Sections []Section
	at       spot
	top      int // the first line drawn
}

// spot is a line: a section's heading is its value -1, the line below its values is More.
type spot struct{ section, value int }

// Heading and More are the lines of a section that are not values.
const (
	Heading = -1
	More    = -2
	note    = -3 // cannot be under the cursor
)

// lines are all lines, drawn or not.
func (f *Facets) lines() []spot {
	var out []spot
	for i, s := range f.Sections {
		out = append(out, spot{i, Heading})
		if !s.Open {
			continue
		}
		if s.State == Failed || len(s.Values) == 0 {
			out = append(out, spot{i, note})
			continue
		}
		shown := s.shown()
		for v := range shown {
			out = append(out, spot{i, v})
		}
		if shown < len(s.Values) || s.Distinct > int64(shown) {
			out = append(out, spot{i, More})
		}
	}
	return out
}

func (s *Section) shown() int {
	if s.Shown > 0 {
		return min(s.Shown, len(s.Values))
	}
	return len(s.Values)
}

// Here is what is under the cursor: a section, and a value of it, Heading or More.
func (f *Facets) Here() (section, value int) {
	if f.at.section >= len(f.Sections) {
		return -1, Heading
	}
	return f.at.section, f.at.value
}

// SetValues hands in the values of a section, which is Loaded with them; the cursor stays on the value that it is on, if that is there.
func (f *Facets) SetValues(section int, values []Value) {
	s := &f.Sections[section]
	old := s.Values
	s.State, s.Values = Loaded, values
	if f.at.section != section || f.at.value < 0 || f.at.value >= len(old) {
		return
	}
	was := old[f.at.value]
	f.at.value = slices.IndexFunc(values, func(v Value) bool { return v.Text == was.Text && v.Null == was.Null })
	if f.at.value < 0 {
		f.at.value = Heading
	}
}

// Settle puts the cursor where there is a line, after the sections were changed.
func (f *Facets) Settle() { f.Move(0) }

// Move moves the cursor by lines.
func (f *Facets) Move(by int) {
	lines := slices.DeleteFunc(f.lines(), func(s spot) bool { return s.value == note })
	if len(lines) == 0 {
		f.at = spot{0, Heading}
		return
	}
	i := slices.Index(lines, f.at)
	if i < 0 {
		i = max(0, slices.Index(lines, spot{min(f.at.section, len(f.Sections)-1), Heading}))
	}
	f.at = lines[max(0, min(i+by, len(lines)-1))]
}

// Jump moves the cursor by sections.
func (f *Facets) Jump(by int) {
	f.at = spot{max(0, min(f.at.section+by, len(f.Sections)-1)), Heading}
}

// Click puts the cursor on the value drawn at a line of the view, and reports whether it was there before.
func (f *Facets) Click(line int) (again, ok bool) {
	lines := f.lines()
	if i := f.top + line; line >= 0 && i < len(lines) && lines[i].value != note {
		again = f.at == lines[i]
		f.at = lines[i]
		return again, true
	}
	return false, false
}

// Scroll moves what is shown by lines, and the cursor with it.
func (f *Facets) Scroll(by int) { f.Move(by) }

// View draws height lines of exactly width cells.
func (f *Facets) View(th *theme.Theme, width, height int, focused bool) []string {
	lines := f.lines()
	at := max(0, slices.Index(lines, f.at))
	f.top = max(0, min(f.top, at, len(lines)-height))
	if at >= f.top+height {
		f.top = at - height + 1
	}
	out := make([]string, 0, height)
	for i := f.top; i < min(len(lines), f.top+height); i++ {
		out = append(out, f.line(th, lines[i], width, focused && i == at))
	}
	for len(out) < height {
		out = append(out, strings.Repeat(" ", width))
	}
	return out
}

func (f *Facets) line(th *theme.Theme, at spot, width int, here bool) string {
	s := &f.Sections[at.section]
	cursor := " "
	if here {
		cursor = th.Glyphs.Cursor
	}
	switch at.value {
	case Heading:
		line := heading(cursor, s, width)
		if here {
			return th.Selected.Render(line)
		}
		return th.Title.Render(line)
	case More:
		text := cursor + "  " + th.Glyphs.Ellipsis + " more"
		if rest := s.Distinct - int64(s.shown()); rest > 0 {
			text = fmt.Sprintf("%s  %s %s more", cursor, th.Glyphs.Ellipsis, Count(rest))
		}
		if here {
			return th.Selected.Render(safetext.Fit(text, width))
		}
		return th.Dim.Render(safetext.Fit(text, width))
	case note:
		switch s.State {
		case Failed:
			return th.Bad.Render(safetext.Fit("  "+th.Glyphs.Bad+" "+s.Err, width))
		case Waiting, Estimated:
			return th.Dim.Render(safetext.Fit("  "+th.Glyphs.Ellipsis, width))
		}
		return th.Dim.Render(safetext.Fit("  none", width))
	}
	return value(th, s, s.Values[at.value], cursor, width, here)
}

func heading(cursor string, s *Section, width int) string {
	fold := "+"
	if s.Open {
		fold = "-"
	}
	number := ""
	switch {
	case s.Open && s.State == Waiting && len(s.Values) > 0: // of what was asked before
		number = safetext.Ellipsis
	case s.Open && s.State == Estimated:
		number = "about"
	case s.Open && s.State == Loaded && s.Rough:
		number = "rough"
	case s.Open && s.State == Loaded && s.Distinct > 0:
		number = Count(s.Distinct)
	}
	room := max(0, width-safetext.Width(number)-1)
	return safetext.Fit(safetext.Fit(cursor+fold+" "+s.Field, room)+" "+number, width)
}

// The columns at the right of a value.
const (
	countWidth = 6
	barWidth   = 5
)

func value(th *theme.Theme, s *Section, v Value, cursor string, width int, here bool) string {
	text, style := v.Text, th.Text
	switch {
	case v.Null:
		text, style = "absent", th.Dim
	case v.Text == "":
		text, style = "empty", th.Dim
	}
	sign := " "
	if v.Sign != "" {
		sign = v.Sign
	}
	bar := barWidth
	if width < 24 {
		bar = 0
	}
	room := max(0, width-bar-countWidth-1)
	line := safetext.Fit(cursor+sign+text, room) + " "
	bars := ""
	if bar > 0 {
		bars = Bar(th, v.Count, s.Total, bar)
	}
	number := safetext.FitRight(Count(v.Count), countWidth)
	if here {
		return th.Selected.Render(safetext.Fit(line+bars+number, width))
	}
	switch v.Sign {
	case "+":
		style = th.Good
	case "-":
		style = th.Bad
	}
	line = safetext.Cut(line, width)
	return style.Render(line) + th.Title.Render(bars) + th.Dim.Render(safetext.Cut(number, max(0, width-safetext.Width(line)-bar)))
}

// Bar is a part of a whole as a bar of exactly width cells; what is there at all shows.
func Bar(th *theme.Theme, part, whole int64, width int) string {
	if whole <= 0 || part <= 0 {
		return strings.Repeat(" ", width)
	}
	const parts = len(th.Glyphs.Across) - 1
	steps := max(1, min(int(float64(part)/float64(whole)*float64(parts*width)+0.5), parts*width))
	b := strings.Repeat(th.Glyphs.Across[parts], steps/parts)
	if steps%parts > 0 {
		b += th.Glyphs.Across[steps%parts]
	}
	return b + strings.Repeat(" ", width-(steps+parts-1)/parts)
}

// Count is a number in few cells: 8.4M.
func Count(n int64) string {
	if n < 10_000 {
		return fmt.Sprint(n)
	}
	v, unit := humanize.ComputeSI(float64(n))
	digits := 1
	if v >= 100 {
		digits = 0
	}
	return humanize.FtoaWithDigits(v, digits) + unit
}
