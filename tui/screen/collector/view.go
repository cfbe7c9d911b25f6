package collector

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/dustin/go-humanize"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// tabsLine is the line of the parts' names: above it is the collector, below it a list.
const tabsLine = 2

// rows is how many lines of the list are shown; what is told of one stands below.
func (s *Screen) rows() int {
	free := s.height - tabsLine - 3 // the parts' names, the columns' and the last line
	if free < 8 {
		return max(0, free)
	}
	return max(4, free-max(8, free*2/5))
}

// View draws the collector, one of the lists, what is told of the line under the cursor, and what is under way.
func (s *Screen) View() string {
	lines := []string{s.daemonLine(), s.sumLine(), s.tabs()}
	body := s.body()
	for i := range max(0, s.height-tabsLine-2) {
		if i < len(body) {
			lines = append(lines, body[i])
		} else {
			lines = append(lines, "")
		}
	}
	lines = append(lines[:min(len(lines), max(0, s.height-1))], s.foot())
	for i := range lines {
		lines[i] = exact(lines[i], s.width)
	}
	return s.theme.Draw(strings.Join(lines, "\n"))
}

// exact makes a drawn line as wide as the screen.
func exact(text string, width int) string {
	switch w := ansi.StringWidth(text); {
	case w > width:
		return ansi.Truncate(text, width, "")
	case w < width:
		return text + strings.Repeat(" ", width-w)
	}
	return text
}

// look is a level's glyph and style: never the colour alone.
func (s *Screen) lookOf(l Level) (string, theme.Style) {
	switch l {
	case Good:
		return s.theme.Glyphs.Good, s.theme.Text
	case Quiet:
		return s.theme.Glyphs.Pending, s.theme.Dim
	case Warn:
		return s.theme.Glyphs.Warn, s.theme.Warn
	case Bad:
	}
	return s.theme.Glyphs.Bad, s.theme.Bad
}

func (s *Screen) daemonLine() string {
	if s.now == nil {
		return s.theme.Title.Render(cut("collector", s.width))
	}
	glyph, style := s.lookOf(s.now.Daemon.Level)
	return s.theme.Title.Render("collector ") + style.Render(cut(glyph+" "+s.now.Daemon.Text, max(0, s.width-10)))
}

// sumLine is what there is to be done, in a line.
func (s *Screen) sumLine() string {
	if s.now == nil {
		return ""
	}
	var open, again, blocked int64
	for i := range s.now.Zones {
		z := &s.now.Zones[i]
		open, again, blocked = open+z.Open(), again+z.Retrying, blocked+z.BlockedWindows
	}
	text := fmt.Sprintf("%d zones, %d windows open (%d retrying, %d blocked)", len(s.now.Zones), open, again, blocked)
	running := 0
	for i := range s.now.Jobs {
		if s.now.Jobs[i].State == "running" {
			running++
		}
	}
	switch {
	case s.now.Hidden:
		text += "; its queue is not to be seen from here"
	case s.now.NoQueue:
		text += "; no queue: none has run yet"
	default:
		text += fmt.Sprintf("; jobs running: %d", running)
	}
	return s.theme.Dim.Render(cut(text+"; catalog "+s.now.Catalog, s.width))
}

func (s *Screen) tabLabel(p part) string {
	mark := "  "
	if p == s.part {
		mark = s.theme.Glyphs.Cursor + " "
	}
	counted := func(n int, what string) string { return fmt.Sprintf("%s%d %s", mark, n, what) }
	switch {
	case p == plugins:
		return mark + "plugins"
	case p == checks:
		return mark + "checks"
	case p == logs:
		return mark + "log"
	case s.now == nil:
		return mark + []string{"zones", "windows", "jobs"}[p]
	case p == zones:
		return counted(len(s.now.Zones), "zones")
	case p == windows:
		return counted(len(s.now.Windows)+int(s.now.More), "windows at work")
	}
	return counted(len(s.now.Jobs), map[bool]string{true: "jobs and more", false: "jobs"}[s.now.MoreJob])
}

func (s *Screen) tabs() string {
	var b strings.Builder
	for p := range parts {
		style := s.theme.Dim
		if p == s.part {
			style = s.theme.Strong.Underline(true)
		}
		b.WriteString(style.Render(s.tabLabel(p)) + "  ")
	}
	return b.String()
}

// partAt is the part whose name is at a cell of the line.
func (s *Screen) partAt(x int) (part, bool) {
	for p := range parts {
		w := safetext.Width(s.tabLabel(p))
		if x < w {
			return p, true
		}
		x -= w + 2
	}
	return 0, false
}

// body draws the list and the details.
func (s *Screen) body() []string {
	if out := s.instead(); out != nil {
		return out
	}
	lines, at, rows := s.lines(), s.cursor(), s.rows()
	top := s.top()
	widths := s.widths()
	out := []string{s.theme.Title.Render(s.lay("  ", s.names(), widths))}
	for i := top; i < min(len(lines), top+rows); i++ {
		glyph, style := s.lookOf(lines[i].level)
		if lines[i].plain {
			glyph, style = " ", s.theme.Text
		}
		mark := " "
		if i == at {
			mark, style = s.theme.Glyphs.Cursor, s.theme.Selected
		}
		out = append(out, style.Render(s.lay(mark+glyph, lines[i].cells, widths)))
	}
	if s.height-tabsLine-2-len(out) < 3 || at >= len(lines) {
		return out
	}
	more := ""
	if n := len(lines) - top - rows; n > 0 {
		more = fmt.Sprintf(" %s %d more ", s.theme.Glyphs.Down, n)
	}
	out = append(out, s.theme.Border.Render(more+strings.Repeat(s.theme.Glyphs.Rule, max(0, s.width-safetext.Width(more)))))
	return append(out, s.factLines(lines[at].facts)...)
}

// top is the first line that is shown, so that the cursor is.
func (s *Screen) top() int {
	at, rows := s.cursor(), s.rows()
	top := max(0, min(s.tops[s.part], at, len(s.lines())-rows))
	if at >= top+rows {
		top = at - rows + 1
	}
	return top
}

func (s *Screen) names() []string {
	out := make([]string, len(columns[s.part]))
	for i, c := range columns[s.part] {
		out[i] = c.name
	}
	return out
}

// widths gives the column without a width what the others leave; where that is too
// little, the zone's name or the last column goes beyond the edge.
func (s *Screen) widths() []int {
	out, left := make([]int, len(columns[s.part])), s.width-2
	for i, c := range columns[s.part] {
		if out[i] = c.width; c.width == sealedWidth && s.part == zones && s.narrow() {
			out[i] = sealedNarrow
		}
		left -= out[i] + 1
	}
	const least = 12
	for i, c := range columns[s.part] {
		if c.width == 0 {
			out[i] = max(least, left+1)
		}
	}
	return out
}

// lay lays cells out in a line.
func (s *Screen) lay(mark string, cells []string, widths []int) string {
	parts := make([]string, len(cells))
	for i, cell := range cells {
		fit := safetext.Fit
		if columns[s.part][i].right {
			fit = safetext.FitRight
		}
		parts[i] = fit(cell, widths[i])
	}
	return safetext.Fit(mark+strings.Join(parts, " "), s.width)
}

// factLines draw what is told of a line; a fact without a value is none.
func (s *Screen) factLines(facts []Fact) []string {
	const nameWidth = 13
	var out []string
	for _, f := range facts {
		value := f.Value
		if !f.Time.IsZero() {
			value = s.moment(f.Time)
		}
		if value == "" {
			continue
		}
		style := s.theme.Text
		if f.Level >= Warn {
			glyph, strong := s.lookOf(f.Level)
			value, style = glyph+" "+value, strong
		}
		for i, l := range safetext.Wrap(value, s.width-nameWidth-1) {
			name := ""
			if i == 0 {
				name = f.Name
			}
			out = append(out, s.theme.Dim.Render(safetext.Fit(name, nameWidth))+" "+style.Render(l))
		}
	}
	return out
}

// foot is what is under way, else what went wrong, else when this was.
func (s *Screen) foot() string {
	g := s.theme.Glyphs
	switch {
	case s.pulling.Waiting():
		return s.pullLine()
	case s.lastErr != nil:
		return s.theme.Bad.Render(cut(g.Bad+" "+s.lastErr.Error(), s.width))
	case s.err != nil && s.now != nil:
		return s.theme.Bad.Render(cut(fmt.Sprintf("%s shown as of %s; since then: %v", g.Bad, s.in(s.now.At).Format("15:04:05 MST"), s.err), s.width))
	case s.now == nil:
		return ""
	}
	if s.part == logs && s.logFrom != "" {
		return s.theme.Dim.Render(cut(fmt.Sprintf("the last %d lines of %s", len(s.log), s.logFrom), s.width))
	}
	if s.part == checks && s.checks == nil {
		return s.theme.Dim.Render(cut("r looks at everything that collecting needs; it takes some seconds, and asks the sources", s.width))
	}
	text := "as of " + s.in(s.now.At).Format("15:04:05 MST")
	if s.cfg.ReadOnly {
		text += ", to look at only"
	}
	if s.now.Log != "" {
		text += "; " + s.now.Log
	}
	return s.theme.Dim.Render(cut(text, s.width))
}

func (s *Screen) pullLine() string {
	p := s.pullAt
	text := fmt.Sprintf("%s pulling %s", s.theme.Glyphs.Pending, s.pullOf)
	if p.Planned > 0 {
		text += fmt.Sprintf(": %d of %d windows, %s lines, %s", p.Done, p.Planned, humanize.Comma(p.Lines), strings.ReplaceAll(humanize.SIWithDigits(float64(p.Bytes), 1, "B"), " ", ""))
	}
	text += "  (esc stops)"
	if p.Last != "" {
		text += "  " + s.theme.Glyphs.Warn + " " + p.Last
	}
	return s.theme.Strong.Render(cut(text, s.width))
}
