package chain

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// View draws the chain, its strip, one of the three parts, and the verification.
func (s *Screen) View() string {
	l := s.layout()
	lines := make([]string, 0, s.height)
	lines = append(lines, s.title(), s.standing())
	if l.strip > 0 {
		lines = append(lines, s.strip()...)
	}
	lines = append(lines, s.tabLine())
	body := s.body(l)
	for i := range l.height {
		line := ""
		if i < len(body) {
			line = body[i]
		}
		lines = append(lines, line)
	}
	if len(lines) >= s.height {
		lines = lines[:max(0, s.height-1)]
	}
	lines = append(lines, s.foot())
	for i, line := range lines {
		lines[i] = exact(line, s.width)
	}
	return s.theme.Draw(strings.Join(lines, "\n"))
}

// exact makes a drawn line as wide as the screen.
func exact(line string, width int) string {
	switch w := ansi.StringWidth(line); {
	case w > width:
		return ansi.Truncate(line, width, "")
	case w < width:
		return line + strings.Repeat(" ", width-w)
	}
	return line
}

// title names the chain, and which of how many it is.
func (s *Screen) title() string {
	if len(s.chains) == 0 {
		return s.theme.Title.Render(safetext.Cut("chain", s.width))
	}
	c := s.chains[s.at]
	where := ""
	if len(s.chains) > 1 {
		where = fmt.Sprintf("%s %d of %d %s ", "←", s.at+1, len(s.chains), "→")
	}
	id := " " + c.Dataset
	if c.Name != "" {
		id = " " + c.Zone + "/" + c.Dataset
	}
	name := safetext.Cut(c.name(), max(8, s.width-safetext.Width(where)-safetext.Width(id)))
	rest := safetext.Cut(id, max(0, s.width-safetext.Width(where)-safetext.Width(name)))
	return s.theme.Key.Render(where) + s.theme.Title.Render(name) + s.theme.Dim.Render(rest)
}

// standing says whether what is shown can be believed.
func (s *Screen) standing() string {
	cut := func(style theme.Style, text string) string { return style.Render(safetext.Cut(text, s.width)) }
	g := s.theme.Glyphs
	switch {
	case s.opening.Waiting():
		return cut(s.theme.Dim, g.Pending+" "+s.reading())
	case s.book != nil && cmp.Or(s.bookErr, s.listErr) != nil:
		return cut(s.theme.Bad, fmt.Sprintf("%s shown as of %s; since then: %v", g.Bad, s.in(s.book.At).Format("15:04:05 MST"), cmp.Or(s.bookErr, s.listErr)))
	case s.listErr != nil:
		return cut(s.theme.Bad, g.Bad+" "+s.listErr.Error())
	case s.book == nil:
		return ""
	}
	b := s.book
	if n := int64(len(s.found())) + b.More; n > 0 {
		rest := fmt.Sprintf("%s as signed, %s", plural(b.Head.Size, "entry"), trustShort(b.Head.Trust))
		if len(b.Findings) > 0 {
			rest = "entries are shown as the store has them"
		}
		return cut(s.theme.Bad, fmt.Sprintf("%s DAMAGED OR TAMPERED WITH, %s; %s", g.Bad, plural(n, "finding"), rest))
	}
	style, glyph := s.theme.Good, g.Good
	if b.Head.Trust != Pinned {
		style, glyph = s.theme.Warn, g.Warn
	}
	return cut(style, fmt.Sprintf("%s verified %s: %s as signed, %s", glyph, s.in(b.At).Format("15:04:05 MST"), plural(b.Head.Size, "entry"), trustShort(b.Head.Trust)))
}

func trustShort(t Trust) string {
	switch t {
	case Pinned:
		return "by the pinned key"
	case Remembered:
		return "by the key remembered here, not pinned"
	case Unpinned:
		return "by the archive's own word for its key: NOT pinned"
	}
	return "by no trusted key"
}

func (s *Screen) reading() string {
	p := s.openAt
	if p.Total <= 0 {
		return "reading and verifying the chain " + s.theme.Glyphs.Ellipsis
	}
	return fmt.Sprintf("reading and verifying the chain: %s of %s", count(p.Done), plural(p.Total, "entry"))
}

// tabLine names the parts; the one that is shown stands out.
func (s *Screen) tabLine() string {
	var b strings.Builder
	used := 0
	for p := range parts {
		style := s.theme.Dim
		if p == s.part {
			style = s.theme.Strong.Underline(true)
		}
		label := s.tabLabel(p)
		b.WriteString(style.Render(label) + "   ")
		used += safetext.Width(label) + 3
	}
	if s.book == nil {
		return b.String()
	}
	if s.part == entries && s.show != showAll {
		text := safetext.Cut("shown: "+filterNames[s.show], max(0, s.width-used))
		b.WriteString(s.theme.Marked.Render(text))
		used += safetext.Width(text) + 1
	}
	legend := s.legend(s.width - used - 1)
	b.WriteString(strings.Repeat(" ", max(0, s.width-used-safetext.Width(legend))) + s.theme.Dim.Render(legend))
	return b.String()
}

func (s *Screen) tabLabel(p part) string {
	mark := "  "
	if p == s.part {
		mark = s.theme.Glyphs.Cursor + " "
	}
	switch {
	case p == head:
		return mark + "checkpoint"
	case s.book == nil && p == entries:
		return mark + "entries"
	case s.book == nil:
		return mark + "findings"
	case p == entries:
		return mark + plural(int64(len(s.book.Entries)), "entry")
	}
	return mark + plural(int64(len(s.found()))+s.book.More, "finding")
}

// partAt is the part whose name is at a cell of the line.
func (s *Screen) partAt(x int) (part, bool) {
	for p := range parts {
		w := safetext.Width(s.tabLabel(p))
		if x < w {
			return p, true
		}
		x -= w + 3
	}
	return 0, false
}

// body draws the part that is shown.
func (s *Screen) body(l layout) []string {
	switch {
	case s.book == nil:
		return s.nothing()
	case s.choosing:
		return s.choices()
	case s.part == findings:
		return s.findingLines(l)
	case s.part == head:
		return s.window(s.headLines(s.width), l.height)
	case l.height < 2:
		return nil
	case s.rowsErr != nil:
		return append([]string{""}, s.failed("The entries cannot be read:", s.rowsErr, "r reads the chain again")...)
	case len(s.book.Entries) == 0:
		return []string{"", s.theme.Dim.Render(safetext.Cut("  The chain has no entry yet.", s.width))}
	case s.table.Total() == 0:
		return []string{"", s.theme.Dim.Render(safetext.Cut("  No entry is of that kind; f shows others.", s.width))}
	case l.pane == 0 && s.paneOpen:
		return s.window(s.paneLines(s.width), l.height)
	case l.pane == 0:
		return strings.Split(s.table.View(s.theme, true), "\n")
	}
	return s.beside(l)
}

// beside draws the list and the entry next to each other.
func (s *Screen) beside(l layout) []string {
	list := strings.Split(s.table.View(s.theme, !s.paneOpen), "\n")
	pane := s.window(s.paneLines(l.pane), l.height)
	edge := s.theme.Border
	if s.paneOpen {
		edge = s.theme.BorderOn
	}
	out := make([]string, l.height)
	for i := range out {
		left, right := strings.Repeat(" ", l.list), ""
		if i < len(list) {
			left = exact(list[i], l.list)
		}
		if i < len(pane) {
			right = pane[i]
		}
		out[i] = left + " " + edge.Render(s.theme.Glyphs.Pillar) + " " + right
	}
	return out
}

// window is the part of lines that is scrolled to.
func (s *Screen) window(lines []string, height int) []string {
	lines = lines[max(0, min(s.scroll, len(lines)-height)):]
	if len(lines) > height && height > 0 {
		lines = lines[:height]
		lines[height-1] = s.theme.Dim.Render(s.theme.Glyphs.Down + " more")
	}
	return lines
}

// nothing is drawn while there is no chain to show.
func (s *Screen) nothing() []string {
	dim := func(text string) string { return s.theme.Dim.Render(safetext.Cut("  "+text, s.width)) }
	switch {
	case s.bookErr != nil:
		return append([]string{""}, s.failed("The chain cannot be read:", s.bookErr, "r tries again")...)
	case s.listErr != nil:
		return append([]string{""}, s.failed("The archive's chains cannot be listed:", s.listErr, "r tries again")...)
	case s.opening.Waiting() || s.listing.Waiting():
		return []string{"", dim("esc stops it")}
	case len(s.chains) == 0:
		return []string{"", s.theme.Text.Render(safetext.Cut("  The archive has no chain: nothing was ever sealed into it.", s.width)), "",
			dim("rainlogs zone add NAME, then rainlogs pull NAME or rainlogs collector, begins one.")}
	}
	return []string{"", dim("r reads the chain and verifies it")}
}

// failed says what went wrong and what to do.
func (s *Screen) failed(what string, err error, remedy string) []string {
	lines := []string{s.theme.Bad.Render(safetext.Cut("  "+s.theme.Glyphs.Bad+" "+what, s.width)), ""}
	for _, line := range safetext.Wrap(err.Error(), s.width-4) {
		lines = append(lines, "  "+line)
	}
	return append(lines, "", s.theme.Dim.Render(safetext.Cut("  "+s.theme.Glyphs.Bullet+" "+remedy, s.width)))
}

// longest bounds what of one value is drawn.
const longest = 2048

func safeCut(text string) string {
	if len(text) > longest {
		return text[:longest] + safetext.Ellipsis
	}
	return text
}
