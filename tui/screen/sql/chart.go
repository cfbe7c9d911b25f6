package sql

import (
	"math"
	"strconv"
	"strings"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
)

// axes are the columns that a chart is drawn of: what names a bar, and how
// long it is. The number is the one under the cursor, or else the first.
func (s *Screen) axes() (name, number int, ok bool) {
	name, number = -1, -1
	if s.answer == nil || len(s.answer.Rows) == 0 {
		return 0, 0, false
	}
	if at := s.table.Column(); at >= 0 && s.answer.Columns[at].Sort == ByNumber {
		number = at
	}
	for i, c := range s.answer.Columns {
		switch {
		case c.Sort == ByNumber && number < 0:
			number = i
		case c.Sort != ByNumber && name < 0:
			name = i
		}
	}
	if name < 0 && len(s.answer.Columns) > 1 { // numbers alone, such as a status and its count: the first names the others
		name, number = 0, max(1, number)
	}
	return name, number, name >= 0 && number >= 0 && name != number
}

func (s *Screen) chartable() bool {
	_, _, ok := s.axes()
	return ok
}

// bars draws the rows around the cursor as bars, with a line that says of what.
func (s *Screen) bars(width, height int) []string {
	name, number, _ := s.axes()
	top := s.longest(number)
	first := max(0, min(int(s.table.Cursor())-(height-1)/2, len(s.order)-(height-1)))
	rows := s.order[first:min(len(s.order), first+max(0, height-1))]
	labels, counts := 4, min(24, safetext.Width(safetext.Cut(s.answer.Columns[number].Name, 24)))
	for _, at := range rows {
		row := s.answer.Rows[at]
		labels = max(labels, safetext.Width(safetext.Cut(s.text(name, row[name]), maxWidth)))
		counts = max(counts, safetext.Width(safetext.Cut(s.text(number, row[number]), 24)))
	}
	labels = max(1, min(labels, (width-counts-6)/2))
	room := max(1, width-labels-counts-5)
	head := "  " + safetext.Fit(s.answer.Columns[name].Name, labels) + " " + safetext.FitRight(s.answer.Columns[number].Name, counts)
	out := []string{s.theme.Title.Render(safetext.Fit(head, width))}
	for i, at := range rows {
		row := s.answer.Rows[at]
		cursor, style := " ", s.theme.Text
		if int64(first+i) == s.table.Cursor() {
			cursor = s.theme.Glyphs.Cursor
			if s.focus == inAnswer {
				style = s.theme.Selected
			}
		}
		text := cursor + " " + safetext.Fit(s.text(name, row[name]), labels) + " " + safetext.FitRight(s.text(number, row[number]), counts) + " "
		bar, bad := s.bar(row[number], top, room)
		ink := s.theme.Title
		if bad {
			ink = s.theme.Warn
		}
		out = append(out, style.Render(safetext.Cut(text, width))+ink.Render(safetext.Cut(bar, max(0, width-safetext.Width(text)))))
	}
	return out
}

// longest is the longest bar's value, over all rows.
func (s *Screen) longest(number int) (top float64) {
	for _, row := range s.answer.Rows {
		if v, err := strconv.ParseFloat(row[number].Text, 64); err == nil && !row[number].Null && !math.IsNaN(v) && !math.IsInf(v, 0) {
			top = max(top, math.Abs(v))
		}
	}
	return top
}

// bar is a bar of eighths of cells; below zero it is drawn in another way.
func (s *Screen) bar(c Cell, top float64, room int) (text string, below bool) {
	v, err := strconv.ParseFloat(c.Text, 64)
	if err != nil || c.Null || top == 0 || math.IsNaN(v) {
		return "", false
	}
	eighths := int(math.Round(min(1, math.Abs(v)/top) * float64(room) * 8))
	if v != 0 {
		eighths = max(1, eighths) // what is there is seen
	}
	block := s.theme.Glyphs.Block
	if v < 0 {
		block = s.theme.Glyphs.Rule
	}
	text = strings.Repeat(block, eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += map[bool]string{true: block, false: parts[rest]}[s.theme.ASCII || v < 0]
	}
	return text, v < 0
}

// parts are eighths of a cell from the left.
var parts = [8]string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}
