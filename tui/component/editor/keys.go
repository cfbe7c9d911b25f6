package editor

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// Key does what a key does in a field of text. It reports whether the key is
// one of those; with Single, those of lines are not.
func (e *Editor) Key(msg tea.KeyPressMsg) bool {
	if msg.Text != "" && msg.Mod&^(tea.ModShift|tea.ModCapsLock) == 0 {
		e.typed(msg.Text)
		return true
	}
	name := msg.String()
	return e.delete(name) || e.sideways(name) || !e.Single && e.vertical(name)
}

func (e *Editor) typed(text string) {
	at := e.Offset()
	e.replace(at, at, text, text != " ")
}

func (e *Editor) delete(name string) bool {
	line := e.line(e.row)
	from, to := e.Offset(), e.Offset()
	switch name {
	case "backspace", "ctrl+h", "shift+backspace":
		switch {
		case e.col > 0:
			_, n := utf8.DecodeLastRuneInString(line[:e.col])
			from -= n
		case e.row > 0:
			from--
		}
	case "delete", "ctrl+d":
		switch {
		case e.col < len(line):
			_, n := utf8.DecodeRuneInString(line[e.col:])
			to += n
		case e.row < len(e.lines)-1:
			to++
		}
	case "ctrl+w", "alt+backspace", "ctrl+backspace":
		switch {
		case e.col > 0:
			from -= e.col - wordBefore(line, e.col)
		case e.row > 0:
			from--
		}
	case "ctrl+k":
		to += len(line) - e.col
		if e.col == len(line) && e.row < len(e.lines)-1 {
			to++
		}
	case "ctrl+u":
		from -= e.col
	default:
		return false
	}
	e.replace(from, to, "", false)
	return true
}

func (e *Editor) sideways(name string) bool {
	line := e.line(e.row)
	switch name {
	case "left", "ctrl+b":
		switch {
		case e.col > 0:
			_, n := utf8.DecodeLastRuneInString(line[:e.col])
			e.col -= n
		case e.row > 0:
			e.row--
			e.col = len(e.line(e.row))
		}
	case "right", "ctrl+f":
		switch {
		case e.col < len(line):
			_, n := utf8.DecodeRuneInString(line[e.col:])
			e.col += n
		case e.row < len(e.lines)-1:
			e.row, e.col = e.row+1, 0
		}
	case "ctrl+left", "alt+b":
		if e.col == 0 && e.row > 0 {
			e.row--
			e.col = len(e.line(e.row))
		} else {
			e.col = wordBefore(line, e.col)
		}
	case "ctrl+right", "alt+f":
		if e.col == len(line) && e.row < len(e.lines)-1 {
			e.row, e.col = e.row+1, 0
		} else {
			e.col = wordAfter(line, e.col)
		}
	case "home", "ctrl+a":
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		if e.col == indent {
			indent = 0
		}
		e.col = indent
	case "end", "ctrl+e":
		e.col = len(line)
	default:
		return false
	}
	e.moved()
	return true
}

func (e *Editor) vertical(name string) bool {
	switch name {
	case "enter", "shift+enter", "ctrl+j":
		line := e.line(e.row)[:e.col]
		at := e.Offset()
		e.replace(at, at, "\n"+line[:len(line)-len(strings.TrimLeft(line, " \t"))], false)
	case "up":
		e.climb(-1)
	case "down":
		e.climb(1)
	case "pgup":
		e.climb(-max(1, e.height-1))
	case "pgdown":
		e.climb(max(1, e.height-1))
	case "ctrl+home":
		e.SetOffset(0)
	case "ctrl+end":
		e.SetOffset(e.size)
	default:
		return false
	}
	return true
}

// climb moves the cursor by lines, to the cell that it kept to.
func (e *Editor) climb(by int) {
	want := e.want
	if want < 0 {
		want = cells(e.line(e.row)[:e.col])
	}
	row := max(0, min(e.row+by, e.Lines()-1))
	if row == e.row {
		return
	}
	e.row = row
	e.col = atCell(e.line(row), want)
	e.moved()
	e.want = want
}
