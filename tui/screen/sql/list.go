package sql

import (
	"fmt"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/editor"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// overlay stands in place of the panes and has the keys until it is closed.
type overlay interface {
	key(s *Screen, msg tea.KeyPressMsg) (screen.Intent, tea.Cmd)
	point(s *Screen, msg tea.MouseMsg)
	keys(s *Screen) []key.Binding
	// lay gives it the size in which lines draws it; what is beyond is cut.
	lay(width, height int)
	lines(s *Screen, width int) []string
}

// list is questions to take one from: saved ones, or those asked before.
type list struct {
	title, none string
	items       []item
	found       []int // of the items, those that the filter lets through
	filter      editor.Editor
	at, top     int
	rows        int // of the list, and
	preview     int // of what is under the cursor
}

// item is one of them.
type item struct {
	name, title string // title is drawn beside the name
	about       string
	sql         string
	saved       *Saved
	column      int // of the answer, from 1, where it is one
}

func newLibrary(s *Screen) *list {
	l := &list{title: "saved queries", none: "There are no saved queries.", filter: editor.Editor{Single: true}}
	for i := range s.desk.Saved {
		q := &s.desk.Saved[i]
		l.items = append(l.items, item{name: q.Name, title: q.Title, about: q.Description, sql: q.SQL, saved: q})
	}
	if s.deskErr != nil {
		l.none = "The saved queries cannot be read: " + s.deskErr.Error()
	}
	l.choose()
	return l
}

func newHistory(s *Screen) *list {
	l := &list{title: "questions asked before, the latest first", none: "Nothing was asked before.", filter: editor.Editor{Single: true}}
	seen := map[string]bool{}
	for i := len(s.desk.History) - 1; i >= 0; i-- {
		if sql := s.desk.History[i]; !seen[sql] {
			seen[sql] = true
			l.items = append(l.items, item{name: strings.Join(strings.Fields(sql), " "), sql: sql})
		}
	}
	l.choose()
	return l
}

// newColumns are the answer's columns, to go to one.
func newColumns(s *Screen) *list {
	l := &list{title: "columns of the answer", none: "The answer has no column.", filter: editor.Editor{Single: true}}
	for i, c := range s.answer.Columns {
		it := item{name: c.Name, title: c.Type, column: i + 1}
		if row, _, ok := s.here(); ok {
			it.sql = s.text(i, row[i])
		}
		l.items = append(l.items, it)
	}
	l.choose()
	l.at = max(0, s.table.Column())
	return l
}

// choose filters the items: each word of the filter must be in one.
func (l *list) choose() {
	l.found = l.found[:0]
	words := strings.Fields(strings.ToLower(l.filter.Text()))
	for i, it := range l.items {
		text, all := strings.ToLower(it.name+" "+it.title+" "+it.about), true
		for _, w := range words {
			all = all && strings.Contains(text, w)
		}
		if all {
			l.found = append(l.found, i)
		}
	}
	l.at, l.top = 0, 0
}

func (l *list) move(by int) { l.at = max(0, min(l.at+by, len(l.found)-1)) }

func (l *list) key(s *Screen, msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	action, _ := keymap.Pressed(s.cfg.Keys, inList, msg)
	switch action {
	case up:
		l.move(-1)
	case down:
		l.move(1)
	case pageUp:
		l.move(-max(1, l.rows))
	case pageDown:
		l.move(max(1, l.rows))
	case accept:
		if len(l.found) > 0 {
			return s.pick(l.items[l.found[l.at]])
		}
	case dismiss:
		s.over = nil
	default:
		if l.filter.Key(msg) {
			l.choose()
		}
	}
	return nil, nil
}

func (l *list) point(_ *Screen, msg tea.MouseMsg) {
	m := msg.Mouse()
	switch msg.(type) {
	case tea.MouseWheelMsg:
		if m.Button == tea.MouseWheelUp {
			l.move(-1)
		} else {
			l.move(1)
		}
	case tea.MouseClickMsg:
		if row := m.Y - 2; row >= 0 && row < l.rows && l.top+row < len(l.found) {
			l.at = l.top + row
		}
	}
}

func (l *list) keys(s *Screen) []key.Binding {
	if len(l.found) == 0 {
		return s.bound(inList, dismiss)
	}
	return s.bound(inList, accept, up, down, dismiss, pageUp, pageDown)
}

// pick takes a question into the editor, and asks for its parameters.
func (s *Screen) pick(it item) (screen.Intent, tea.Cmd) {
	if it.column > 0 {
		s.over, s.charted = nil, false
		s.table.ToColumn(it.column - 1)
		return nil, nil
	}
	text := it.sql
	if it.saved != nil {
		text = body(*it.saved)
		s.hints = map[string]SavedParam{}
		for _, p := range it.saved.Params {
			s.hints[p.Name] = p
			if p.Required {
				delete(s.given, p.Name)
			} else {
				s.given[p.Name] = p.Default
			}
		}
	}
	s.write(text)
	if names := s.wanted(); it.saved != nil && len(names) > 0 {
		s.over = newParamForm(s, names, true)
		return nil, nil
	}
	run := s.cfg.Keys.Key(scope, run).Help().Key
	return screen.Say{Text: "taken into the editor: " + run + " runs it; undo brings back what was there"}, nil
}

// body is a saved query with its title for a head.
func body(q Saved) string {
	lines := strings.Split(strings.TrimSpace(q.SQL), "\n")
	for len(lines) > 0 && strings.HasPrefix(strings.TrimSpace(lines[0]), "--") {
		lines = lines[1:]
	}
	return fmt.Sprintf("-- %s: %s\n%s", q.Name, strings.Join(strings.Fields(q.Title), " "), strings.Join(lines, "\n"))
}

func (l *list) lay(width, height int) {
	l.filter.SetSize(max(1, width-10), 1)
	l.preview = min(9, (height-2)/2)
	l.rows = max(1, height-2-l.preview)
	l.top = max(0, min(l.top, l.at))
	if l.at >= l.top+l.rows {
		l.top = l.at - l.rows + 1
	}
}

func (l *list) lines(s *Screen, width int) []string {
	t := s.theme
	out := []string{
		s.rule(l.title, width, true),
		safetext.Cut("  filter: ", width) + l.filter.View(t, nil, true, -1),
	}
	if len(l.items) == 0 {
		return append(out, "", t.Text.Render(safetext.Cut("  "+l.none, width)))
	}
	names := 0
	for _, it := range l.items {
		if it.title != "" {
			names = max(names, min(40, safetext.Width(safetext.Cut(it.name, 40))))
		}
	}
	for row := range l.rows {
		if l.top+row >= len(l.found) {
			out = append(out, "")
			continue
		}
		out = append(out, l.row(s, l.items[l.found[l.top+row]], l.top+row == l.at, names, width))
	}
	if len(l.found) == 0 {
		out[2] = t.Dim.Render(safetext.Cut("  none of them has that", width))
		return out
	}
	return append(out, s.preview(l.items[l.found[l.at]], width, l.preview)...)
}

func (l *list) row(s *Screen, it item, here bool, names, width int) string {
	text := it.name
	if it.title != "" {
		text = safetext.Fit(it.name, names) + "  " + it.title
	}
	if it.saved != nil && len(it.saved.Params) > 0 {
		var given []string
		for _, p := range it.saved.Params {
			given = append(given, "$"+p.Name)
		}
		text += "  " + strings.Join(given, " ")
	}
	if here {
		return s.theme.Selected.Render(safetext.Fit(s.theme.Glyphs.Cursor+" "+text, width))
	}
	return s.theme.Text.Render(safetext.Cut("  "+text, width))
}

// preview is what a question asks.
func (s *Screen) preview(it item, width, height int) []string {
	from := ""
	switch {
	case it.saved != nil:
		from = "from " + it.saved.From
	case it.column > 0:
		from = "in the row under the cursor"
	}
	out := []string{s.rule(from, width, false)}
	if it.about != "" {
		for _, line := range wrap(it.about, width-4, 2) {
			out = append(out, s.theme.Text.Render("  "+line))
		}
	}
	sql := it.sql
	if it.saved != nil {
		_, sql, _ = strings.Cut(body(*it.saved), "\n")
	}
	for line := range strings.SplitSeq(strings.TrimSpace(sql), "\n") {
		if len(out) >= height {
			break
		}
		out = append(out, s.theme.Dim.Render(safetext.Cut("  "+strings.ReplaceAll(line, "\t", "    "), width)))
	}
	return out
}
