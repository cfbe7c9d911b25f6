package sql

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// reader shows a text whole: a value, or what an answer stands on.
type reader struct {
	title, what string
	text        string   // as it is drawn
	copy        string   // as it is copied
	drawn       []string // wrapped
	width       int
	top, rows   int
}

// maxRead bounds what is drawn of a text.
const (
	maxRead = 256 << 10
	maxLine = 4 << 10 // cells of a value among those of its row
)

func newReader(s *Screen, title, text, what string) *reader {
	r := &reader{title: title, text: text, copy: text, what: what}
	r.wrap(s.width, s.height)
	return r
}

// whole shows the value under the cursor.
func (s *Screen) whole() overlay {
	row, at, ok := s.here()
	if !ok {
		return nil
	}
	c, column := row[at], s.answer.Columns[at]
	text, title := s.text(at, c), column.Name+", "+column.Type
	switch {
	case c.Null:
		text = "NULL: there is no value"
	case c.Text == "":
		text = "a text without characters"
	case json.Valid([]byte(c.Text)) && strings.ContainsAny(c.Text[:1], "{["):
		var b bytes.Buffer
		if json.Indent(&b, []byte(c.Text), "", "  ") == nil {
			title, text = title+", indented here", b.String()
		}
	}
	if c.Cut {
		title += fmt.Sprintf(", the first %s: export has all of it", size(int64(len(c.Text))))
	}
	r := newReader(s, title, text, "the value of "+column.Name)
	r.copy = c.Text
	return r
}

// wholeRow shows all values of the row under the cursor, by name.
func (s *Screen) wholeRow() overlay {
	row, _, ok := s.here()
	if !ok {
		return nil
	}
	names := 0
	for _, c := range s.answer.Columns {
		names = max(names, min(40, safetext.Width(safetext.Cut(c.Name, 40))))
	}
	var drawn strings.Builder
	for i, c := range s.answer.Columns {
		drawn.WriteString(safetext.Fit(c.Name, names) + "  " + safetext.Cut(s.text(i, row[i]), maxLine) + "\n")
	}
	r := newReader(s, "row "+group(int(s.table.Cursor())+1), strings.TrimSuffix(drawn.String(), "\n"), "the row")
	r.copy = s.rowText(row)
	return r
}

// wrap parts the text into lines, once for a size.
func (r *reader) wrap(width, height int) {
	r.width = width
	text, more := r.text, ""
	if len(text) > maxRead {
		more = fmt.Sprintf("… %s more are not drawn", size(int64(len(text)-maxRead)))
		text = text[:maxRead]
	}
	r.drawn, r.rows = wrap(text, width-2, 1<<30), max(1, height-1)
	if more != "" {
		r.drawn = append(r.drawn, more)
	}
	r.move(0)
}

func (r *reader) move(by int) { r.top = max(0, min(r.top+by, len(r.drawn)-r.rows)) }

func (r *reader) key(s *Screen, msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	action, _ := keymap.Pressed(s.cfg.Keys, inText, msg)
	switch action {
	case up:
		r.move(-1)
	case down:
		r.move(1)
	case pageUp:
		r.move(-r.rows)
	case pageDown:
		r.move(r.rows)
	case copyCell:
		var lines []string
		for line := range strings.SplitSeq(r.copy, "\n") {
			lines = append(lines, safetext.Line(line))
		}
		return bounded(strings.Join(lines, "\n"), r.what), nil
	case dismiss:
		s.over = nil
	}
	return nil, nil
}

func (r *reader) point(_ *Screen, msg tea.MouseMsg) {
	if _, wheel := msg.(tea.MouseWheelMsg); wheel {
		if msg.Mouse().Button == tea.MouseWheelUp {
			r.move(-3)
		} else {
			r.move(3)
		}
	}
}

func (r *reader) keys(s *Screen) []key.Binding {
	out := s.bound(inText, dismiss, copyCell)
	if len(r.drawn) > r.rows {
		out = append(out, s.bound(inText, up, down, pageUp, pageDown)...)
	}
	return out
}

// lay wraps anew where the width is another.
func (r *reader) lay(width, height int) {
	if width != r.width {
		r.wrap(width, height)
	}
	r.rows = max(1, height-1)
	r.move(0)
}

func (r *reader) lines(s *Screen, width int) []string {
	title := r.title
	if len(r.drawn) > r.rows {
		title += fmt.Sprintf(", lines %d to %d of %d", r.top+1, min(len(r.drawn), r.top+r.rows), len(r.drawn))
	}
	out := []string{s.rule(title, width, true)}
	for _, line := range r.drawn[r.top:min(len(r.drawn), r.top+r.rows)] {
		style := s.theme.Text
		if strings.HasPrefix(line, "! ") {
			style = s.theme.Warn
		}
		out = append(out, style.Render(" "+line))
	}
	return out
}

// wrap parts a text from anywhere into at most n drawable lines.
func wrap(text string, width, n int) (out []string) {
	if text == "" {
		return nil
	}
	width = max(1, width)
	for part := range strings.SplitSeq(text, "\n") {
		part = safetext.Line(part)
		for _, line := range strings.Split(lipgloss.Wrap(part, width, "/"), "\n") {
			if len(out) == n {
				out[n-1] = safetext.Cut(out[n-1]+" …", width)
				return out
			}
			out = append(out, safetext.Cut(line, width))
		}
	}
	return out
}
