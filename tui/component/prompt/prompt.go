// Package prompt is a text field of one line. It blinks not and reads no
// clipboard: what is pasted comes from the terminal.
package prompt

import (
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// maxRunes is how many characters a field takes.
const maxRunes = 4096

// Prompt is the state. The zero value is an empty field.
type Prompt struct {
	Label string
	Hint  string // shown while there is no text
	text  []rune
	at    int // the cursor, in characters
}

// Text is what was typed.
func (p *Prompt) Text() string { return string(p.text) }

// Set puts a text into the field, with the cursor behind it.
func (p *Prompt) Set(text string) {
	p.text, p.at = nil, 0
	p.Insert(text)
}

// Insert types a text at the cursor. Line breaks become spaces.
func (p *Prompt) Insert(text string) {
	var in []rune
	for _, r := range text {
		if r == '\n' || r == '\r' || r == '\t' {
			r = ' '
		}
		if len(p.text)+len(in) >= maxRunes {
			break
		}
		in = append(in, r)
	}
	p.text = append(p.text[:p.at:p.at], append(in, p.text[p.at:]...)...)
	p.at += len(in)
}

// Key takes a key and reports whether the text is another now.
func (p *Prompt) Key(msg tea.KeyPressMsg) bool {
	switch msg.String() {
	case "left", "ctrl+b":
		p.at = max(0, p.at-1)
	case "right", "ctrl+f":
		p.at = min(len(p.text), p.at+1)
	case "home", "ctrl+a":
		p.at = 0
	case "end", "ctrl+e":
		p.at = len(p.text)
	case "backspace", "ctrl+h":
		return p.cut(p.at-1, p.at)
	case "delete", "ctrl+d":
		return p.cut(p.at, p.at+1)
	case "ctrl+w", "alt+backspace":
		return p.cut(p.word(), p.at)
	case "ctrl+u":
		return p.cut(0, p.at)
	case "ctrl+k":
		return p.cut(p.at, len(p.text))
	default:
		if msg.Text == "" || msg.Mod&(tea.ModCtrl|tea.ModAlt) != 0 {
			return false
		}
		p.Insert(msg.Text)
		return true
	}
	return false
}

func (p *Prompt) cut(from, to int) bool {
	from, to = max(0, from), min(to, len(p.text))
	if from >= to {
		return false
	}
	p.text = append(p.text[:from:from], p.text[to:]...)
	p.at = from
	return true
}

// word is where the word before the cursor begins.
func (p *Prompt) word() int {
	i := p.at
	for i > 0 && unicode.IsSpace(p.text[i-1]) {
		i--
	}
	for i > 0 && !unicode.IsSpace(p.text[i-1]) {
		i--
	}
	return i
}

// View draws the label, the text and the cursor in exactly width cells: of a
// long text the part around the cursor.
func (p *Prompt) View(th *theme.Theme, width int) string {
	label := safetext.Cut(p.Label, width)
	room := width - safetext.Width(label)
	if room < 2 {
		return th.Title.Render(safetext.Fit(label, width))
	}
	if len(p.text) == 0 {
		return th.Title.Render(label) + th.Text.Reverse(true).Render(" ") + th.Dim.Render(safetext.Fit(" "+p.Hint, room-1))
	}
	before, here, after := safetext.Line(string(p.text[:p.at])), " ", ""
	if p.at < len(p.text) {
		here = safetext.Line(string(p.text[p.at : p.at+1]))
		after = safetext.Line(string(p.text[p.at+1:]))
	}
	if w := safetext.Width(before); w > room-2 {
		before = safetext.Ellipsis + ansi.TruncateLeft(before, w-max(0, room-safetext.Width(here)-1), "")
	}
	if here == "" || safetext.Width(here)+safetext.Width(before) > room {
		before, here, after = "", safetext.Ellipsis, ""
	}
	after = ansi.Truncate(after, room-safetext.Width(before)-safetext.Width(here), "")
	pad := room - safetext.Width(before) - safetext.Width(here) - safetext.Width(after)
	return th.Title.Render(label) + th.Text.Render(before) + th.Text.Reverse(true).Render(here) + th.Text.Render(after+strings.Repeat(" ", max(0, pad)))
}
