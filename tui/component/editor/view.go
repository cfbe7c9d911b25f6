package editor

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Span is a part of the text in a style of its own.
type Span struct {
	From, To int
	Style    theme.Style
}

// SetSize sets the cells and lines of View.
func (e *Editor) SetSize(width, height int) {
	e.width, e.height = max(1, width), max(1, height)
	e.reveal()
}

// gutter is the cells that the numbers of the lines take.
func (e *Editor) gutter() int {
	if e.Single || e.width < 20 {
		return 0
	}
	return max(3, len(fmt.Sprint(e.Lines()))+1) + 1
}

// reveal moves what is drawn to where the cursor is.
func (e *Editor) reveal() {
	e.top = max(0, min(e.top, e.row, max(0, e.Lines()-e.height)))
	if e.row >= e.top+e.height {
		e.top = e.row - e.height + 1
	}
	room := max(1, e.width-e.gutter())
	at := cells(e.line(e.row)[:e.col])
	switch {
	case at < e.left:
		e.left = max(0, at-room/4)
	case at >= e.left+max(1, room-1): // the last cell says that there is more
		e.left = at - max(1, room-1) + 1
	case at < room-1:
		e.left = 0
	}
}

// Scroll moves what is drawn by lines, and the cursor only as far as it must.
func (e *Editor) Scroll(by int) {
	e.top = max(0, min(e.top+by, e.Lines()-e.height))
	if row := max(e.top, min(e.row, e.top+e.height-1)); row != e.row {
		e.row = row
		e.col = atCell(e.line(row), e.left)
		e.typing, e.want = false, -1
	}
}

// Point moves the cursor to a cell of View.
func (e *Editor) Point(x, y int) {
	e.row = max(0, min(e.top+y, e.Lines()-1))
	e.col = atCell(e.line(e.row), e.left+max(0, x-e.gutter()))
	e.moved()
}

// At is the cell of View in which a position of the text is drawn.
func (e *Editor) At(offset int) (x, y int) {
	row := 0
	for row < len(e.lines)-1 && offset > len(e.lines[row]) {
		offset -= len(e.lines[row]) + 1
		row++
	}
	line := e.line(row)
	return e.gutter() + cells(line[:boundary(line, offset)]) - e.left, row - e.top
}

// View draws the text, exactly as wide and high as was set. spans are in
// their order and do not overlap; fault is a position to be marked, or -1.
func (e *Editor) View(th *theme.Theme, spans []Span, focused bool, fault int) string {
	out := make([]string, e.height)
	at := e.start(e.top)
	for i := range out {
		row := e.top + i
		if row >= e.Lines() {
			out[i] = strings.Repeat(" ", e.width)
			continue
		}
		out[i] = e.drawn(th, row, at, spans, focused && row == e.row, fault)
		at += len(e.line(row)) + 1
	}
	return strings.Join(out, "\n")
}

// drawn draws one line that begins at an offset.
func (e *Editor) drawn(th *theme.Theme, row, at int, spans []Span, cursor bool, fault int) string {
	d := drawing{th: th, skip: e.left, room: max(1, e.width-e.gutter())}
	line, more := e.line(row), false
	next := sort.Search(len(spans), func(i int) bool { return spans[i].To > at })
	for i := 0; i < len(line); {
		if more = d.room <= 0; more {
			break
		}
		r, n := utf8.DecodeRuneInString(line[i:])
		for next < len(spans) && spans[next].To <= at+i {
			next++
		}
		style := th.Text
		if next < len(spans) && spans[next].From <= at+i {
			style = spans[next].Style
		}
		text, escaped := glyph(r)
		if escaped {
			style = th.Escaped
		}
		if at+i == fault {
			style = th.Bad.Reverse(true)
		}
		if cursor && i == e.col {
			style = style.Reverse(true)
			if at+i == fault || escaped {
				style = th.Selected
			}
		}
		d.add(style, text)
		i += n
	}
	switch {
	case cursor && e.col == len(line):
		d.add(th.Text.Reverse(true), " ")
	case fault == at+len(line) && (row == e.Lines()-1 || line == ""):
		d.add(th.Bad.Reverse(true), " ")
	}
	drawn := e.number(th, row, cursor) + d.String()
	if more && e.width-e.gutter() > 1 {
		drawn = ansi.Truncate(drawn, e.width-1, "") + th.Dim.Render(safetext.Ellipsis)
	}
	if w := ansi.StringWidth(drawn); w != e.width { // characters that join when they meet
		drawn = ansi.Truncate(drawn, e.width, "")
		drawn += strings.Repeat(" ", max(0, e.width-ansi.StringWidth(drawn)))
	}
	return drawn
}

func (e *Editor) number(th *theme.Theme, row int, here bool) string {
	g := e.gutter()
	if g == 0 {
		return ""
	}
	style := th.Dim
	if here {
		style = th.Strong
	}
	return style.Render(safetext.FitRight(fmt.Sprint(row+1), g-1)) + " "
}

// drawing is one line as it is drawn: runs of a style, cut on both sides.
type drawing struct {
	th         *theme.Theme
	skip, room int
	out, run   strings.Builder
	style      theme.Style
	key        string
}

func (d *drawing) add(style theme.Style, text string) {
	w := ansi.StringWidth(text)
	if d.skip > 0 {
		d.skip -= w
		if d.skip >= 0 {
			return
		}
		w = -d.skip // what stands out of the left edge
		text, d.skip = strings.Repeat(" ", w), 0
	}
	if w > d.room {
		text = safetext.Fit(ansi.Truncate(text, d.room, ""), d.room)
		w = d.room
	}
	d.room -= w
	if key := style.Render("x"); key != d.key {
		d.flush()
		d.style, d.key = style, key
	}
	d.run.WriteString(text)
}

func (d *drawing) flush() {
	if d.run.Len() > 0 {
		d.out.WriteString(d.style.Render(d.run.String()))
		d.run.Reset()
	}
}

func (d *drawing) String() string {
	d.flush()
	return d.out.String() + strings.Repeat(" ", max(0, d.room))
}

// tab is how a tab is drawn.
const tab = "    "

// glyph is a character as it is drawn: by itself, so that no other is drawn in its place.
func glyph(r rune) (text string, escaped bool) {
	switch {
	case r == '\t':
		return tab, false
	case r >= ' ' && r < 0x7f:
		return string(r), false
	}
	for _, s := range safetext.Spans(string(r)) {
		return s.Text, s.Escaped
	}
	return "", false
}

// cells is how many cells a part of a line takes.
func cells(text string) (n int) {
	for _, r := range text {
		if r >= ' ' && r < 0x7f {
			n++
			continue
		}
		text, _ := glyph(r)
		n += ansi.StringWidth(text)
	}
	return n
}

// atCell is the offset of the character in a cell of a line, its length behind the last.
func atCell(line string, cell int) int {
	n := 0
	for i, r := range line {
		text, _ := glyph(r)
		n += ansi.StringWidth(text)
		if n > cell {
			return i
		}
	}
	return len(line)
}
