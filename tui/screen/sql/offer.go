package sql

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// offer draws the words that are offered over the lines, at the word that is begun.
func (s *Screen) offer(lines []string, l layout) []string {
	c := s.completing
	if c == nil || len(lines) < 3 {
		return lines
	}
	x, y := s.editor.At(c.from)
	y += l.editor + 1
	shown := c.words[c.top:min(len(c.words), c.top+maxChoices)]
	names, details := 4, 0
	for _, w := range shown {
		names = max(names, min(40, safetext.Width(safetext.Cut(w.Text, 40))))
		details = max(details, min(28, safetext.Width(safetext.Cut(w.detail(), 28))))
	}
	width := min(s.width, names+details+5)
	x = max(0, min(x-2, s.width-width))
	for i, w := range shown {
		if y+i >= len(lines)-1 {
			break
		}
		style, mark := s.theme.Bar, " "
		if c.top+i == c.at {
			style, mark = s.theme.Selected, s.theme.Glyphs.Cursor
		}
		text := mark + " " + safetext.Fit(w.Text, names) + "  " + safetext.Fit(w.detail(), details) + " "
		lines[y+i] = over(lines[y+i], x, style, safetext.Fit(text, width), s.width)
	}
	if below := y + len(shown); len(c.words) > len(shown) && below < len(lines)-1 {
		text := safetext.Fit(fmt.Sprintf("  %d of %d", c.at+1, len(c.words)), width)
		lines[below] = over(lines[below], x, s.theme.Bar, text, s.width)
	}
	return lines
}

// detail is what is said of a word beside it.
func (w Word) detail() string {
	if w.Detail != "" {
		return w.Detail
	}
	return map[WordKind]string{Field: "field", View: "view", Function: "function", Keyword: "keyword"}[w.Kind]
}

// over puts a text into a line, at a cell.
func over(line string, x int, style theme.Style, text string, width int) string {
	if w := ansi.StringWidth(line); w < width {
		line += strings.Repeat(" ", width-w)
	}
	return ansi.Truncate(line, x, "") + style.Render(text) + ansi.TruncateLeft(line, x+safetext.Width(text), "")
}
