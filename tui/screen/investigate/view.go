package investigate

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
)

// View draws the screen: exactly its lines, of exactly its cells.
func (s *Screen) View() string {
	var lines []string
	if s.history.here() == nil {
		lines = s.nothing()
	} else {
		lines = s.whole()
	}
	w, h := max(1, s.width), max(1, s.height)
	out := make([]string, h)
	for i := range out {
		if i < len(lines) {
			out[i] = fit(lines[i], w)
		} else {
			out[i] = strings.Repeat(" ", w)
		}
	}
	return s.theme.Draw(strings.Join(out, "\n"))
}

// fit makes a drawn line exactly so wide.
func fit(line string, width int) string {
	switch w := safetext.Drawn(line); {
	case w > width:
		return ansi.Truncate(line, width, "")
	case w < width:
		return line + strings.Repeat(" ", width-w)
	}
	return line
}

// nothing is the screen without a view.
func (s *Screen) nothing() []string {
	t := s.theme
	switch {
	case s.groundErr != nil && !s.waiting(ofGround):
		lines := []string{"", t.Bad.Render(safetext.Cut("  "+t.Glyphs.Bad+" The archive cannot be looked at:", s.width)), ""}
		for _, l := range safetext.Wrap(s.groundErr.Error(), s.width-4) {
			lines = append(lines, "  "+l)
		}
		return append(lines, "", t.Dim.Render(safetext.Cut("  "+s.label(reload)+" asks again.", s.width)))
	case s.grounded && len(s.ground.Zones) == 0:
		return []string{
			"", t.Text.Render(safetext.Cut("  There are no records yet.", s.width)), "",
			t.Dim.Render(safetext.Cut("  rainlogs zone add NAME and the collector bring some;", s.width)),
			t.Dim.Render(safetext.Cut("  rainlogs demo makes an archive to try.", s.width)),
			t.Dim.Render(safetext.Cut("  "+s.label(reload)+" looks again.", s.width)),
		}
	}
	return []string{"", t.Dim.Render(safetext.Cut("  looking at what there is "+t.Glyphs.Ellipsis, s.width))}
}

// whole draws the parts.
func (s *Screen) whole() []string {
	l := s.layout()
	lines := make([]string, 0, s.height)
	if l.bar.shown() {
		lines = append(lines, s.bar())
	}
	if l.line.shown() {
		lines = append(lines, s.line())
	}
	if l.bars.shown() {
		lines = append(lines, s.histogramLines(l)...)
	}
	if l.legend.shown() {
		lines = append(lines, s.legend())
	}
	lines = append(lines, s.body(l)...)
	if l.foot.shown() {
		lines = append(lines, s.foot())
	}
	return lines
}

// body draws the panes beside and below one another, and what stands above them.
func (s *Screen) body(l layout) []string {
	height := max(l.facets.h, l.table.h, l.record.h)
	if l.record.shown() && l.table.shown() && l.record.x == l.table.x {
		height = l.table.h + l.record.h
	}
	var left, right []string
	if l.facets.shown() {
		left = s.facetsPane(l.facets)
	}
	switch below := l.record.x == l.table.x; {
	case l.table.shown() && l.record.shown() && below:
		right = append(s.tablePane(l.table), s.recordPane(l.record)...)
	case l.table.shown() && l.record.shown():
		right = s.join(s.tablePane(l.table), s.recordPane(l.record))
	case l.table.shown():
		right = s.tablePane(l.table)
	case l.record.shown():
		right = s.recordPane(l.record)
	}
	lines := right
	switch {
	case left != nil && right != nil:
		lines = s.join(left, right)
	case left != nil:
		lines = left
	}
	return s.above(lines, height)
}

// join puts lines beside one another, a pillar between them.
func (s *Screen) join(a, b []string) []string {
	pillar := s.theme.Border.Render(s.theme.Glyphs.Pillar)
	out := make([]string, max(len(a), len(b)))
	for i := range out {
		var left, right string
		if i < len(a) {
			left = a[i]
		}
		if i < len(b) {
			right = b[i]
		}
		out[i] = left + pillar + right
	}
	return out
}

// above draws a list, or proposals for the text field, over the body.
func (s *Screen) above(body []string, height int) []string {
	width := min(s.width, 76)
	if width < 4 || height < 3 {
		return body
	}
	switch {
	case s.pick != nil:
		return over(body, s.box(s.pick.View(s.theme, width-2, max(1, height-2)), width), (s.width-width)/2)
	case s.prompt != nil && len(s.prompt.proposals) > 0:
		return over(body, s.box(s.proposals(width-2, min(8, height-2)), width), 0)
	}
	return body
}

// box frames lines of width-2 cells.
func (s *Screen) box(lines []string, width int) []string {
	b, style := s.theme.Glyphs.Border, s.theme.BorderOn
	out := []string{style.Render(b.TopLeft + strings.Repeat(b.Top, width-2) + b.TopRight)}
	for _, l := range lines {
		out = append(out, style.Render(b.Left)+fit(l, width-2)+style.Render(b.Right))
	}
	return append(out, style.Render(b.BottomLeft+strings.Repeat(b.Bottom, width-2)+b.BottomRight))
}

// over draws a box over lines.
func over(lines, box []string, x int) []string {
	out := append([]string(nil), lines...)
	for i, b := range box {
		if i >= len(out) {
			break
		}
		w := safetext.Drawn(b)
		rest := ansi.TruncateLeft(out[i], x+w, "")
		out[i] = ansi.Truncate(out[i], x, "") + "\x1b[m" + b + rest
	}
	return out
}

// proposals are what the text field can be completed to.
func (s *Screen) proposals(width, height int) []string {
	e := s.prompt
	first := max(0, min(e.at-height/2, len(e.proposals)-height))
	var out []string
	for i := first; i < min(len(e.proposals), first+height); i++ {
		p := e.proposals[i]
		cursor, style := " ", s.theme.Text
		if i == e.at {
			cursor, style = s.theme.Glyphs.Cursor, s.theme.Selected
		}
		detail := safetext.Cut(p.detail, width/2)
		out = append(out, style.Render(safetext.Fit(cursor+p.text, width-safetext.Width(detail)-1))+" "+s.theme.Dim.Render(detail))
	}
	return out
}
