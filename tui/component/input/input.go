// Package input is a text field of one line.
//
// What is typed or pasted is kept as it is, but for line breaks and tabs, which become
// spaces; what is drawn of it has passed safetext. The part around the cursor is shown
// where it is longer than its place.
package input

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Field is the state. The zero value is an empty field without a limit of its own.
type Field struct {
	Limit int // bytes, 0 = DefaultLimit

	text []rune
	at   int
}

// DefaultLimit bounds a field without a Limit.
const DefaultLimit = 16 << 10

// New is a field that holds a text, with the cursor behind it.
func New(text string, limit int) Field {
	f := Field{Limit: limit}
	f.Insert(text)
	return f
}

// Text is what the field holds.
func (f *Field) Text() string { return string(f.text) }

// Insert puts a text where the cursor is, as far as there is room.
func (f *Field) Insert(text string) {
	limit := f.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	room := limit - len(string(f.text))
	var add []rune
	for _, r := range strings.ToValidUTF8(text, "\ufffd") {
		if r == '\n' || r == '\r' || r == '\t' {
			r = ' '
		}
		if room -= utf8.RuneLen(r); room < 0 {
			break
		}
		add = append(add, r)
	}
	f.text = append(f.text[:f.at:f.at], append(add, f.text[f.at:]...)...)
	f.at += len(add)
}

// Key takes a key that edits, and reports whether it was one.
func (f *Field) Key(k tea.KeyPressMsg) bool {
	switch k.String() {
	case "left", "ctrl+b":
		f.at = max(0, f.at-1)
	case "right", "ctrl+f":
		f.at = min(len(f.text), f.at+1)
	case "home", "ctrl+a":
		f.at = 0
	case "end", "ctrl+e":
		f.at = len(f.text)
	case "backspace", "ctrl+h":
		f.cut(max(0, f.at-1), f.at)
	case "delete", "ctrl+d":
		f.cut(f.at, min(len(f.text), f.at+1))
	case "ctrl+u":
		f.cut(0, f.at)
	case "ctrl+k":
		f.cut(f.at, len(f.text))
	case "ctrl+w", "alt+backspace":
		f.cut(f.wordStart(), f.at)
	default:
		if k.Text == "" {
			return false
		}
		f.Insert(k.Text)
	}
	return true
}

func (f *Field) cut(from, to int) {
	f.text = append(f.text[:from:from], f.text[to:]...)
	f.at = from
}

func (f *Field) wordStart() int {
	i := f.at
	for i > 0 && f.text[i-1] == ' ' {
		i--
	}
	for i > 0 && f.text[i-1] != ' ' {
		i--
	}
	return i
}

// View draws the field in exactly width cells, the cursor as a cell of its style.
func (f *Field) View(width int, text, cursor theme.Style) string {
	if width <= 0 {
		return ""
	}
	under, behind := " ", ""
	if f.at < len(f.text) {
		under, behind = safetext.Line(string(f.text[f.at])), string(f.text[f.at+1:min(len(f.text), f.at+1+width)])
	}
	under = safetext.Cut(under, width)
	room := width - safetext.Width(under)
	// As much before the cursor as there is room for, but for a third of it where text follows.
	before := room
	if behind != "" {
		before = room - min(safetext.Width(safetext.Cut(behind, room)), room/3)
	}
	shown := tail(f.text[:f.at], before)
	rest := room - safetext.Width(shown)
	return text.Render(shown) + cursor.Render(under) + text.Render(safetext.Fit(behind, rest))
}

// tail is the end of a text in at most width cells.
func tail(text []rune, width int) string {
	shown := ""
	for i := len(text) - 1; i >= 0; i-- {
		next := safetext.Line(string(text[i:]))
		if safetext.Width(next) > width {
			break
		}
		shown = next
	}
	return shown
}
