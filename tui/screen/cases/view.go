package cases

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// listTop is the line of the first row: above it are the case, the parts and the columns.
const listTop = 3

// detailHeight is the lines below the list, with the rule above them.
func (s *Screen) detailHeight() int {
	if s.choosing {
		return 0
	}
	return max(0, min(12, (s.height-listTop)/3))
}

// listHeight is how many rows are shown; the last line is the foot's.
func (s *Screen) listHeight() int { return max(1, s.height-listTop-s.detailHeight()-1) }

// View draws the case, exactly as wide and high as was set.
func (s *Screen) View() string {
	var lines []string
	switch {
	case !s.loaded && s.err != nil:
		lines = append([]string{"", s.theme.Bad.Render(s.cut("  " + s.theme.Glyphs.Bad + " The case cannot be read:")), ""}, s.wrapped(s.err.Error(), s.theme.Text, 2, 8)...)
	case !s.loaded:
		lines = []string{"", s.theme.Dim.Render(s.cut("  looking at the case " + s.theme.Glyphs.Ellipsis))}
	case s.choosing:
		lines = s.listed()
	case s.now.Name == "":
		lines = s.none()
	default:
		lines = append(s.listed(), s.detail()...)
	}
	for len(lines) < s.height-1 {
		lines = append(lines, "")
	}
	return s.theme.Draw(strings.Join(append(lines[:max(0, s.height-1)], s.foot()), "\n"))
}

func (s *Screen) none() []string {
	lines := []string{"", s.theme.Strong.Render(s.cut("  There is no case yet."))}
	for _, text := range []string{
		"A record that you bookmark in Investigate begins one; so does a new case here.",
		"What you keep, write and export is noted in its journal, with the time and your name.",
	} {
		lines = append(lines, "")
		lines = append(lines, s.wrapped(text, s.theme.Dim, 2, 3)...)
	}
	return lines
}

// listed is the lines down to the last row of the list.
func (s *Screen) listed() []string {
	head, row := s.columns()
	lines := []string{s.title(), s.tabs(), s.theme.Title.Render(s.fit(head))}
	p := s.here()
	for i := p.top; i < p.top+s.listHeight(); i++ {
		switch {
		case i < s.rows():
			lines = append(lines, row(i))
		case i == 0:
			lines = append(lines, s.theme.Dim.Render(s.cut("  "+s.nothing())))
		default:
			lines = append(lines, "")
		}
	}
	return lines
}

// nothing says why a list is empty.
func (s *Screen) nothing() string {
	return [parts]string{
		records: "no record is kept yet: bookmark one in Investigate",
		notes:   "no note on the case yet", queries: "no query was asked for this case yet", log: "",
	}[s.part]
}

func (s *Screen) title() string {
	if s.choosing {
		return s.theme.Strong.Render(s.fit(fmt.Sprintf("%d cases of the archive", len(s.all))))
	}
	by := ""
	if !s.now.Created.IsZero() {
		by = "  begun " + s.stamp(s.now.Created, "2006-01-02 15:04") + " by " + s.now.By
	}
	title := safetext.Cut(s.now.Title, max(1, s.width-min(safetext.Width(safetext.Line(by)), s.width/2)))
	return s.theme.Strong.Render(title) + s.theme.Dim.Render(safetext.Fit(by, max(0, s.width-safetext.Width(title))))
}

// tab is a part's name in the line of the parts.
func (s *Screen) tab(p part) string {
	mark := " "
	if p == s.part {
		mark = s.theme.Glyphs.Cursor
	}
	return fmt.Sprintf("%s%s %d ", mark, partNames[p], s.count(p))
}

func (s *Screen) tabs() string {
	if s.choosing {
		return s.theme.Dim.Render(s.fit("enter opens one, esc leaves the list"))
	}
	var b strings.Builder
	used := 0
	for p := range parts {
		label, style := s.tab(p), s.theme.Tab
		if p == s.part {
			style = s.theme.TabHere
		}
		label = safetext.Cut(label, s.width-used)
		used += safetext.Width(label)
		b.WriteString(style.Render(label))
	}
	return b.String() + s.theme.Bar.Render(strings.Repeat(" ", max(0, s.width-used)))
}

// partAt is the part whose name is at a cell.
func (s *Screen) partAt(x, y int) (part, bool) {
	if y != 1 || s.choosing || !s.loaded || s.now.Name == "" {
		return 0, false
	}
	for p := range parts {
		w := safetext.Width(s.tab(p))
		if x < w {
			return p, true
		}
		x -= w
	}
	return 0, false
}

// foot is the field, what is under way, what went wrong, or what the case stands on.
func (s *Screen) foot() string {
	g := s.theme.Glyphs
	switch {
	case s.field != nil:
		label := safetext.Cut(s.field.label+": ", s.width/2)
		return s.theme.Key.Render(label) + s.field.View(s.width-safetext.Width(label), s.theme.Text, s.theme.Text.Reverse(true))
	case s.working != "" && s.total > 0:
		return s.theme.Strong.Render(s.fit(fmt.Sprintf("%s %s: %d of %d %s esc stops", g.Pending, s.working, s.done, s.total, g.Bullet)))
	case s.working != "":
		return s.theme.Strong.Render(s.fit(g.Pending + " " + s.working + " " + g.Ellipsis))
	case s.loaded && s.err != nil:
		return s.theme.Bad.Render(s.fit(g.Bad + " " + s.failed + ": " + s.err.Error()))
	case s.loaded && s.now.Damage != "" && !s.choosing:
		return s.theme.Bad.Render(s.fit(g.Bad + " " + s.now.Damage))
	case s.loading && s.loaded:
		return s.theme.Dim.Render(s.fit("looking again " + g.Ellipsis))
	case s.loaded && s.now.Name != "" && !s.choosing:
		text := "journal " + short(s.now.Head, 16) + " " + g.Bullet + " " + s.now.Folder
		if s.cfg.ReadOnly {
			text = "read-only " + g.Bullet + " " + text
		}
		return s.theme.Dim.Render(s.fit(text))
	}
	return ""
}

// short is the beginning of a hash.
func short(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return text[:n] + safetext.Ellipsis
}

func (s *Screen) fit(text string) string { return safetext.Fit(text, s.width) }
func (s *Screen) cut(text string) string { return safetext.Cut(text, s.width) }

// stamp is a time as it is shown: in UTC, or in the zone that was asked for.
func (s *Screen) stamp(t time.Time, layout string) string {
	if t.IsZero() {
		return "-"
	}
	if s.isLocal && s.cfg.Local != nil {
		return t.In(s.cfg.Local).Format(layout)
	}
	return t.UTC().Format(layout)
}

func (s *Screen) zone() string {
	if s.isLocal && s.cfg.Local != nil {
		return "local"
	}
	return "UTC"
}

// wrapped parts a text from anywhere into at most so many lines, indented by cells.
func (s *Screen) wrapped(text string, style theme.Style, indent, most int) []string {
	width := max(1, s.width-indent)
	var out []string
	for part := range strings.SplitSeq(safeCut(text, width*most), "\n") {
		var b strings.Builder
		for _, span := range safetext.Spans(part) {
			if span.Escaped {
				b.WriteString(s.theme.Escaped.Render(span.Text))
			} else {
				b.WriteString(style.Render(span.Text))
			}
		}
		for line := range strings.SplitSeq(lipgloss.Wrap(b.String(), width, " /&?"), "\n") {
			if len(out) == most {
				out[most-1] = ansi.Truncate(out[most-1], max(0, s.width-1), "") + s.theme.Dim.Render(s.theme.Glyphs.Ellipsis)
				return out
			}
			out = append(out, strings.Repeat(" ", min(indent, s.width-1))+ansi.Truncate(line, width, "")) // spaces at its end may be too many
		}
	}
	return out
}

// safeCut bounds what is looked at of a text: as many bytes as that many cells may have at most.
func safeCut(text string, cells int) string {
	const most = 4 // bytes of a character; one that is escaped has more cells than bytes
	limit := cells * most
	if len(text) <= limit {
		return text
	}
	for limit > 0 && text[limit]&0xc0 == 0x80 {
		limit--
	}
	return text[:limit] + safetext.Ellipsis
}
