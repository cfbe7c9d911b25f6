// Package table draws a window of a table of any number of rows.
//
// The rows are not here: a Table knows how many there are and keeps the pages
// around its cursor. Need says which rows it lacks to be drawn; who has them
// hands them in with Fill. Rows that are not here yet are drawn as such, and
// the cursor moves over them all the same.
package table

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Column is one column.
type Column struct {
	Name  string
	Width int // cells; the last column gets what is left, unless it is Right
	Right bool
}

// Row is one row: a text for each column, as it came from outside.
type Row struct {
	Cells  []string
	Mark   Mark
	Status int // 100 to 599 gives the row its colour, 0 none
	Of     any // what the row is of, for who filled it in
}

// Mark is what a person has put on a row.
type Mark uint8

// The marks.
const (
	None Mark = iota
	Bookmarked
	Noted
)

// page is how many rows are asked for at once, and pages how many are kept.
const (
	page  = 128
	pages = 16
)

// Table is the state. The zero value is an empty table.
type Table struct {
	Columns []Column
	ByCell  bool // one cell of the row under the cursor is under the cursor too

	total       int64
	top, cursor int64
	column      int // under the cursor, if ByCell
	left        int // cells scrolled to the right
	width       int
	height      int // rows, without the header
	have        map[int64][]Row
	order       []int64 // pages by last use, the oldest first
}

// SetSize sets cells and lines, the header's included.
func (t *Table) SetSize(width, height int) {
	if width != t.width && t.ByCell {
		t.width, t.left = max(1, width), 0
		t.ToColumn(t.column)
	}
	t.width, t.height = max(1, width), max(1, height-1)
	t.Move(0)
}

// Reset forgets the rows: another question was asked, with total answers.
func (t *Table) Reset(total int64) {
	t.total, t.have, t.order = max(0, total), nil, nil
	t.Move(0)
}

// Total is the number of rows.
func (t *Table) Total() int64 { return t.total }

// Cursor is the row under the cursor, -1 in an empty table.
func (t *Table) Cursor() int64 {
	if t.total == 0 {
		return -1
	}
	return t.cursor
}

// Height is the number of rows that are drawn.
func (t *Table) Height() int { return t.height }

// Move moves the cursor by rows.
func (t *Table) Move(by int64) { t.To(t.cursor + by) }

// To moves the cursor to a row, or as near as there is one.
func (t *Table) To(row int64) {
	t.cursor = max(0, min(row, t.total-1))
	t.top = max(0, min(t.top, t.cursor, t.total-int64(t.height)))
	if t.cursor >= t.top+int64(t.height) {
		t.top = t.cursor - int64(t.height) + 1
	}
}

// Left is how many cells are hidden at the left.
func (t *Table) Left() int { return t.left }

// Center moves the cursor to a row, with as many rows above as below it if it was not shown.
func (t *Table) Center(row int64) {
	shown := row >= t.top && row < t.top+int64(t.height)
	t.To(row)
	if !shown {
		t.top = max(0, min(t.cursor-int64(t.height)/2, t.total-int64(t.height)))
	}
}

// Scroll moves what is shown to the right by cells.
func (t *Table) Scroll(by int) { t.left = max(0, min(t.left+by, 4096)) }

// Column is the column under the cursor, -1 without columns.
func (t *Table) Column() int { return min(t.column, len(t.Columns)-1) }

// ToColumn moves the cursor to a column, or as near as there is one, and shows it.
func (t *Table) ToColumn(column int) {
	t.column = max(0, min(column, len(t.Columns)-1))
	if at, width := t.cell(t.column); at+width > t.left+t.width {
		t.left = max(0, min(at+width-t.width, at-2))
	} else if at-2 < t.left {
		t.left = max(0, at-2)
	}
}

// cell is where a column begins, in cells from the left of the table, and how wide it is.
func (t *Table) cell(column int) (at, width int) {
	at = 2
	for i, c := range t.Columns {
		if i == column {
			if i == len(t.Columns)-1 && !c.Right {
				return at, max(c.Width, min(t.width-at, 4096))
			}
			return at, c.Width
		}
		at += c.Width + 1
	}
	return at, 0
}

// ColumnAt is the column drawn at a cell of the table.
func (t *Table) ColumnAt(x int) (int, bool) {
	if x < 2 || x >= t.width {
		return 0, false
	}
	for i := range t.Columns {
		if at, width := t.cell(i); x+t.left < at+width+1 {
			return i, true
		}
	}
	return 0, false
}

// Top is the row drawn first.
func (t *Table) Top() int64 { return t.top }

// At is the row drawn at a line of the table, of which 0 is the header.
func (t *Table) At(line int) (int64, bool) {
	row := t.top + int64(line) - 1
	return row, line >= 1 && line <= t.height && row < t.total
}

// Need returns the rows to be fetched so that what is shown can be drawn.
func (t *Table) Need() (first, count int64, ok bool) {
	for at := t.top / page; at <= (t.top+int64(t.height)-1)/page && at*page < t.total; at++ {
		if _, here := t.have[at]; !here {
			return at * page, min(page, t.total-at*page), true
		}
	}
	return 0, 0, false
}

// Fill hands in the rows that Need asked for.
func (t *Table) Fill(first int64, rows []Row) {
	if t.have == nil {
		t.have = map[int64][]Row{}
	}
	at := first / page
	if _, here := t.have[at]; !here {
		t.order = append(t.order, at)
	}
	t.have[at] = rows
	for len(t.order) > pages {
		delete(t.have, t.order[0])
		t.order = t.order[1:]
	}
}

// Row returns a row that is here.
func (t *Table) Row(i int64) (Row, bool) {
	rows := t.have[i/page]
	if i < 0 || i >= t.total || i%page >= int64(len(rows)) {
		return Row{}, false
	}
	return rows[i%page], true
}

// Mark marks a row that is here.
func (t *Table) Mark(i int64, m Mark) {
	if _, ok := t.Row(i); ok {
		t.have[i/page][i%page].Mark = m
	}
}

// Each calls f for the rows that are here, which it may change.
func (t *Table) Each(f func(i int64, r *Row)) {
	for at, rows := range t.have {
		for i := range rows {
			f(at*page+int64(i), &rows[i])
		}
	}
}

// View draws the header and the rows, exactly as wide and high as was set.
func (t *Table) View(th *theme.Theme, focused bool) string {
	lines := make([]string, 0, t.height+1)
	sign, style := "  ", th.Title
	if focused {
		sign, style = th.Glyphs.Cursor+" ", th.TabHere
	}
	lines = append(lines, style.Render(t.cut(sign+t.header())))
	for i := range int64(t.height) {
		lines = append(lines, t.line(th, t.top+i, focused))
	}
	return strings.Join(lines, "\n")
}

func (t *Table) header() string {
	var b strings.Builder
	for i, c := range t.Columns {
		b.WriteString(t.fit(c, i, c.Name))
		b.WriteByte(' ')
	}
	return b.String()
}

// fit brings a text to its column's width; the last column is as wide as its text.
func (t *Table) fit(c Column, i int, text string) string {
	switch {
	case i == len(t.Columns)-1 && !c.Right:
		return safetext.Cut(text, max(c.Width, t.width+t.left))
	case c.Right:
		return safetext.FitRight(text, c.Width)
	}
	return safetext.Fit(text, c.Width)
}

// cut is the part of a line that is shown, filled to the width. The first two cells stay.
func (t *Table) cut(line string) string {
	if t.left > 0 {
		line = ansi.Truncate(line, 2, "") + ansi.TruncateLeft(line, 2+t.left, "")
	}
	return safetext.Fit(line, t.width)
}

func (t *Table) line(th *theme.Theme, i int64, focused bool) string {
	if i >= t.total {
		return strings.Repeat(" ", t.width)
	}
	cursor := " "
	if i == t.cursor {
		cursor = th.Glyphs.Cursor
	}
	row, here := t.Row(i)
	if !here {
		return th.Dim.Render(t.cut(cursor + " " + th.Glyphs.Ellipsis))
	}
	var b strings.Builder
	b.WriteString(cursor + mark(th, row.Mark))
	for c, column := range t.Columns {
		text := ""
		if c < len(row.Cells) {
			text = row.Cells[c]
		}
		b.WriteString(t.fit(column, c, text))
		b.WriteByte(' ')
	}
	line := t.cut(b.String())
	switch {
	case i == t.cursor && focused && t.ByCell:
		return t.withCell(th, line)
	case i == t.cursor && focused:
		return th.Selected.Render(line)
	case row.Mark != None:
		return th.Marked.Render(line)
	case row.Status >= 100 && row.Status < 600:
		return th.Status[row.Status/100].Render(line)
	}
	return th.Text.Render(line)
}

// withCell draws the row under the cursor with its cell under the cursor.
func (t *Table) withCell(th *theme.Theme, line string) string {
	at, width := t.cell(t.Column())
	from := max(2, at-t.left)
	to := min(t.width, max(from, at-t.left+width))
	return th.Selected.Render(ansi.Cut(line, 0, from)) + th.Cell.Render(ansi.Cut(line, from, to)) + th.Selected.Render(ansi.Cut(line, to, t.width))
}

func mark(th *theme.Theme, m Mark) string {
	switch m {
	case Bookmarked:
		return th.Glyphs.Bookmark
	case Noted:
		return th.Glyphs.Note
	}
	return " "
}
