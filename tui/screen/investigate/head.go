package investigate

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/fabriziosalmi/rainlogs/tui/component/facets"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
)

// rangeText is a view's range in words.
func (s *Screen) rangeText(v inquiry.View, year bool) string {
	if v.From.IsZero() && v.To.IsZero() {
		return "no time"
	}
	from, to := v.From.In(s.location()), v.To.In(s.location())
	day, clock := "01-02 ", "15:04"
	switch long := v.To.Sub(v.From); {
	case long < 10*time.Second:
		clock = "15:04:05.000"
	case from.Second() != 0 || to.Second() != 0:
		clock = "15:04:05"
	}
	if year {
		day = "2006-01-02 "
	}
	end := day + clock
	if from.YearDay() == to.YearDay() && from.Year() == to.Year() {
		end = clock
	}
	return from.Format(day+clock) + " " + s.theme.Glyphs.To + " " + to.Format(end)
}

// bar is the line of what is looked at, the range, and the presets or how far what is asked is.
func (s *Screen) bar() string {
	t := s.theme
	right, rightWidth := s.presetsLine()
	if s.waiting(ofPrepare) && s.progress.total > 0 {
		right, rightWidth = s.preparingLine()
	}
	text := s.rangeText(s.view, s.width >= wide) + " " + s.zoneName()
	if s.width >= wide {
		text += " (" + span(s.view.To.Sub(s.view.From)) + ")"
	}
	room := s.width - rightWidth - safetext.Width(text) - 4
	if room < 8 { // the presets give way first
		right, rightWidth = "", 0
		room = s.width - safetext.Width(text) - 4
	}
	name := s.zoneNames()
	if room >= len(s.view.Dataset)+16 {
		name += " " + s.view.Dataset
	}
	left := " " + safetext.Cut(name, max(4, room)) + "  "
	middle := safetext.Cut(text, max(0, s.width-safetext.Width(left)))
	pad := max(0, s.width-safetext.Width(left)-safetext.Width(middle)-rightWidth)
	return fit(t.Strong.Render(left)+t.Text.Render(middle+strings.Repeat(" ", pad))+right, s.width)
}

func (s *Screen) zoneNames() string {
	list := s.zonesOf(s.view)
	switch len(list) {
	case 0:
		return "no zone"
	case 1:
		return s.zoneOf(list[0].ID)
	}
	return fmt.Sprintf("%s and %d more", s.zoneOf(list[0].ID), len(list)-1)
}

// presetsLine are the presets, the one that is looked at in brackets.
func (s *Screen) presetsLine() (drawn string, width int) {
	here := s.presetHere()
	var b strings.Builder
	for i, p := range presets {
		text, style := " "+p.name+" ", s.theme.Dim
		if i == here {
			text, style = "["+p.name+"]", s.theme.Title
		}
		b.WriteString(style.Render(text))
		width += len(text)
	}
	return b.String(), width
}

// presetPlaces are the cells of the presets.
func (s *Screen) presetPlaces() []area {
	var out []area
	x := s.width
	for _, p := range presets {
		x -= len(p.name) + 2
	}
	for _, p := range presets {
		out = append(out, area{x, 0, len(p.name) + 2, 1})
		x += len(p.name) + 2
	}
	return out
}

// preparingLine is how far the records of the range are made quick to ask.
func (s *Screen) preparingLine() (drawn string, width int) {
	const bar = 12
	done, total := s.progress.done, max(1, s.progress.total)
	percent := fmt.Sprintf(" %3d%% ", min(100, 100*done/total))
	return s.theme.Dim.Render("reading ") + s.theme.Title.Render(facets.Bar(s.theme, done, total, bar)) + s.theme.Dim.Render(percent), 8 + bar + len(percent)
}

// counted is how many records the view has, and where in the history it is.
func (s *Screen) counted() string {
	var parts []string
	h, asking := &s.hist, s.waiting(ofHistogram)
	if s.draft != nil {
		h, asking = &s.drafted, s.drafted.cells == 0
	}
	switch {
	case s.draft == nil && s.total >= 0:
		parts = append(parts, records(s.total))
	case h.cells > 0 && !asking:
		parts = append(parts, records(h.Total))
	case asking:
		parts = append(parts, s.theme.Glyphs.Ellipsis+" records")
	}
	if here, whole := s.history.depth(); whole > 1 && s.prompt == nil {
		text := fmt.Sprintf("view %d/%d", here, whole)
		if s.history.branched() {
			text += "+"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "  ") + " "
}

func records(n int64) string {
	if n == 1 {
		return "1 record"
	}
	return humanize.Comma(n) + " records"
}

func (s *Screen) chipsWidth() int { return max(1, s.width-safetext.Width(s.counted())-2) }

// line is the chips, or the text field.
func (s *Screen) line() string {
	t, counted := s.theme, s.counted()
	width := s.chipsWidth()
	right := t.Strong.Render(safetext.Cut("  "+counted, max(0, s.width-width)))
	switch e := s.prompt; {
	case e != nil && e.err != "":
		half := width * 2 / 5
		return fit(e.field.View(t, half)+t.Warn.Render(safetext.Fit(" "+t.Glyphs.Warn+" "+e.err, s.width-half)), s.width)
	case e != nil:
		return fit(e.field.View(t, width)+right, s.width)
	case len(s.view.Filters) == 0:
		return fit(t.Dim.Render(safetext.Fit(" no filter: "+s.label(addFilter)+" adds one, "+s.label(include)+" and "+s.label(exclude)+" filter by what is under the cursor", width))+right, s.width)
	}
	return fit(s.chips.View(t, width, s.focus == onChips)+right, s.width)
}
