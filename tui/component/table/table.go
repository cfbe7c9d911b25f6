// Package table draws a window of a table of any number of rows.
//
// The rows are not here: a Table knows how many there are and keeps the pages
// around its cursor. Need says which rows it lacks to be drawn; who has them
// hands them in with Fill. Rows that are not here yet are drawn as such, and
// the cursor moves over them all the same.
package table

import (
	"strings"

	"charm.land/lipgloss/v2"
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
	Status int // 100 to 599 gives the row's first cell its colour, 0 none
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
	// Cell is the column under the cursor, from 1; 0 is none: the cursor is on the whole row.
	Cell int

	total       int64
	top, cursor int64
	left        int // cells scrolled to the right
	width       int
	height      int // rows, without the header
	have        map[int64][]Row
	order       []int64 // pages by last use, the oldest first
}

// SetSize sets cells and lines, the header's included.
func (t *Table) SetSize(width, height int) {
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

// Scroll moves what is shown to the right by cells.
func (t *Table) Scroll(by int) { t.left = max(0, min(t.left+by, 4096)) }

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

// View draws the header and the rows, exactly as wide and high as was set.
func (t *Table) View(th *theme.Theme, focused bool) string {
	lines := make([]string, 0, t.height+1)
	lines = append(lines, t.styled(th.Title, th.TabHere, "  "+t.header()))
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
	case i == t.cursor && focused:
		cell := th.TabHere
		if th.Plain { // a hole in the reversed line
			cell = th.Strong
		}
		return t.styled(th.Selected, cell, b.String())
	case row.Mark != None:
		return th.Marked.Render(line)
	case row.Status >= 100 && row.Status < 600:
		return th.Status[row.Status/100].Render(line)
	}
	return th.Text.Render(line)
}

// span is where a column is in a line, of which the first two cells are the row's marks.
func (t *Table) span(cell int) (from, to int) {
	from = 2
	for i, c := range t.Columns {
		to = from + c.Width
		if i == len(t.Columns)-1 && !c.Right {
			to = max(to, t.left+t.width)
		}
		if i == cell-1 {
			return from, to
		}
		from = to + 1
	}
	return 0, 0
}

// styled draws a line, with the cell under the cursor in a style of its own.
func (t *Table) styled(whole, cell lipgloss.Style, line string) string {
	line = t.cut(line)
	from, to := t.span(t.Cell)
	from, to = max(2, from-t.left), min(t.width, to-t.left)
	if t.Cell == 0 || from >= to {
		return whole.Render(line)
	}
	return whole.Render(ansi.Truncate(line, from, "")) + cell.Render(ansi.Cut(line, from, to)) + whole.Render(ansi.TruncateLeft(line, to, ""))
}

// ToCell moves the cursor to a column, from 1, and scrolls so far that it is seen.
func (t *Table) ToCell(cell int) {
	t.Cell = max(1, min(cell, len(t.Columns)))
	from, to := t.span(t.Cell)
	if t.Cell == len(t.Columns) && len(t.Columns) > 0 {
		to = from + t.Columns[t.Cell-1].Width
	}
	if to-t.left > t.width {
		t.left = to - t.width
	}
	if from-t.left < 2 {
		t.left = max(0, from-2)
	}
}

// CellAt is the column drawn at a cell of a line, from 1; 0 is none.
func (t *Table) CellAt(x int) int {
	for i := range t.Columns {
		if from, to := t.span(i + 1); x >= 2 && x+t.left >= from && x+t.left <= to {
			return i + 1
		}
	}
	return 0
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
