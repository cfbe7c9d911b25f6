package sql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/table"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

const (
	measured   = 500 // rows that decide on the columns' widths
	maxWidth   = 48  // cells of a column that is not the only one
	timeLayout = time.RFC3339Nano
)

// show begins to draw an answer.
func (s *Screen) show() {
	a := s.answer
	s.order = inOrder(len(a.Rows))
	s.table = table.Table{ByCell: true}
	s.columns()
	s.table.Reset(int64(len(a.Rows)))
	s.lay()
}

// columns measures the columns by what is in them.
func (s *Screen) columns() {
	a := s.answer
	most := maxWidth
	if len(a.Columns) == 1 {
		most = 4096
	}
	column := s.table.Column()
	s.table.Columns = nil
	for i, c := range a.Columns {
		name := c.Name
		if s.sortBy == i+1 {
			name = s.theme.Glyphs.Up + name
			if s.falling {
				name = s.theme.Glyphs.Down + c.Name
			}
		}
		width := min(most, safetext.Width(safetext.Cut(name, most)))
		for _, row := range a.Rows[:min(len(a.Rows), measured)] {
			width = max(width, safetext.Width(safetext.Cut(s.text(i, row[i]), most)))
		}
		s.table.Columns = append(s.table.Columns, table.Column{Name: name, Width: max(1, width), Right: c.Sort == ByNumber})
	}
	s.table.ToColumn(column)
}

// text is a cell as it is shown.
func (s *Screen) text(column int, c Cell) string {
	switch {
	case c.Null:
		return "NULL"
	case s.local && s.answer.Columns[column].Sort == ByTime:
		if t, err := time.Parse(timeLayout, c.Text); err == nil {
			return t.In(s.cfg.Local).Format("2006-01-02T15:04:05.999999999Z07:00")
		}
	}
	return c.Text
}

// fill hands the table the rows that it lacks.
func (s *Screen) fill() {
	if s.answer == nil {
		return
	}
	for {
		first, n, ok := s.table.Need()
		if !ok {
			return
		}
		rows := make([]table.Row, 0, n)
		for _, at := range s.order[first : first+n] {
			cells := make([]string, len(s.answer.Columns))
			for i, c := range s.answer.Rows[at] {
				cells[i] = s.text(i, c)
			}
			rows = append(rows, table.Row{Cells: cells})
		}
		s.table.Fill(first, rows)
	}
}

// again draws the same rows anew.
func (s *Screen) again() {
	at := s.table.Cursor()
	s.columns()
	s.table.Reset(int64(len(s.order)))
	s.table.To(at)
	s.fill()
}

// here is the row and the column under the cursor.
func (s *Screen) here() (row []Cell, column int, ok bool) {
	at := s.table.Cursor()
	if s.answer == nil || at < 0 || s.table.Column() < 0 {
		return nil, 0, false
	}
	return s.answer.Rows[s.order[at]], s.table.Column(), true
}

// inAnswer is a key in the answer.
func (s *Screen) inAnswer(msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	action, ok := keymap.Pressed(s.cfg.Keys, inAnswer, msg)
	if !ok || s.answer == nil {
		return nil, nil
	}
	if s.moved(action) {
		s.fill()
		return nil, nil
	}
	switch action {
	case edit:
		s.focus = inEditor
	case basis:
		s.over = newReader(s, "what the answer stands on", strings.Join(s.answer.Evidence.Footer, "\n"), "what it stands on")
	case open:
		s.over = s.whole()
	case record:
		s.over = s.wholeRow()
	case pivot:
		if to := s.pivot(); to != nil {
			return to, nil
		}
		return screen.Say{Text: "only a record (_zone, _seq and _line in its row) or the value of a field can be looked into"}, nil
	case find:
		s.over = newColumns(s)
	case order:
		return s.sort()
	case chart:
		if !s.chartable() {
			return screen.Say{Text: "a chart needs a column of numbers, and one beside it that names them"}, nil
		}
		s.charted = !s.charted
	case local:
		s.local = !s.local
		s.again()
		return screen.Say{Text: "times: " + s.zone()}, nil
	case copyCell:
		return s.copyCell(), nil
	case copyRow:
		return s.copyRow(), nil
	case copyAll:
		return s.copyAll(), nil
	}
	return nil, nil
}

func (s *Screen) zone() string {
	if s.local {
		return s.cfg.Local.String()
	}
	return "UTC"
}

// moved moves the cursor. It reports whether the action is a move.
func (s *Screen) moved(action keymap.Action) bool {
	page := int64(max(1, s.table.Height()-1))
	switch action {
	case up:
		s.table.Move(-1)
	case down:
		s.table.Move(1)
	case pageUp:
		s.table.Move(-page)
	case pageDown:
		s.table.Move(page)
	case first:
		s.table.To(0)
	case last:
		s.table.To(s.table.Total() - 1)
	case left:
		s.table.ToColumn(s.table.Column() - 1)
	case right:
		s.table.ToColumn(s.table.Column() + 1)
	default:
		return false
	}
	return true
}

func (s *Screen) hasTimes() bool {
	return s.answer != nil && slices.ContainsFunc(s.answer.Columns, func(c Column) bool { return c.Sort == ByTime })
}

// count is a number of rows in words.
func (s *Screen) count() string {
	if n := len(s.answer.Rows); !s.answer.More {
		return counted(n, "row")
	}
	return fmt.Sprintf("first %s rows, more not read", group(len(s.answer.Rows)))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return group(n) + " " + what + "s"
}

// group writes a number with its thousands apart.
func group(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
