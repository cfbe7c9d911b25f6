// Package editor is a field of text: one line or many, with a cursor, undo,
// and tokens drawn in styles of their own. It knows nothing of what is written in it.
//
// The text is valid UTF-8 with "\n" between its lines, and has MaxBytes at
// most: what would make it longer is not taken in. Positions are offsets in bytes, at the beginning of a character.
package editor

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxBytes bounds a text: the query engine takes no more.
const MaxBytes = 1 << 20

// maxUndo is how many changes can be taken back.
const maxUndo = 200

// Editor is the state. The zero value is an empty field of many lines.
type Editor struct {
	Single bool // one line: a line end that is put in becomes a space

	lines    []string // none is one empty line
	row, col int      // the cursor: its line, and bytes before it there
	want     int      // the cell that up and down keep to; -1 is where the cursor is
	size     int      // bytes of the text
	version  int

	past, future []state
	typing       bool // the last change was a character typed: the next joins its undo

	top, left     int // what is drawn first: a line, a cell
	width, height int
}

// state is what undo goes back to. Lines are never written to in place.
type state struct {
	lines    []string
	row, col int
}

// Text is the text.
func (e *Editor) Text() string { return strings.Join(e.lines, "\n") }

// Empty reports whether there is nothing but space.
func (e *Editor) Empty() bool {
	return !slices.ContainsFunc(e.lines, func(line string) bool { return strings.TrimSpace(line) != "" })
}

// Lines is the number of lines, at least one.
func (e *Editor) Lines() int { return max(1, len(e.lines)) }

// Version changes whenever the text does.
func (e *Editor) Version() int { return e.version }

// Cursor is the line and the column of the cursor as people count them, from 1.
func (e *Editor) Cursor() (line, column int) {
	return e.row + 1, utf8.RuneCountInString(e.line(e.row)[:e.col]) + 1
}

// Offset is where the cursor is in the text.
func (e *Editor) Offset() int { return e.start(e.row) + e.col }

// SetOffset moves the cursor.
func (e *Editor) SetOffset(at int) {
	at = max(0, min(at, e.size))
	e.row = 0
	for e.row < len(e.lines)-1 && at > len(e.lines[e.row]) {
		at -= len(e.lines[e.row]) + 1
		e.row++
	}
	e.col = boundary(e.line(e.row), at)
	e.moved()
}

// Set replaces the whole text, which undo takes back, and puts the cursor at its end.
// It reports whether the text was taken.
func (e *Editor) Set(text string) bool {
	return e.replace(0, e.size, text, false)
}

// Insert puts a text in at the cursor. It reports whether it was taken.
func (e *Editor) Insert(text string) bool {
	at := e.Offset()
	return e.replace(at, at, text, false)
}

// Replace puts a text in place of the part [from, to). It reports whether it was taken.
func (e *Editor) Replace(from, to int, text string) bool {
	return e.replace(from, to, text, false)
}

// Undo takes the last change back. It reports whether there was one.
func (e *Editor) Undo() bool { return e.restore(&e.past, &e.future) }

// Redo makes a change again that Undo took back.
func (e *Editor) Redo() bool { return e.restore(&e.future, &e.past) }

// CanUndo and CanRedo report whether there is something to take back, or to make again.
func (e *Editor) CanUndo() bool { return len(e.past) > 0 }

// CanRedo reports whether Undo was the last that was done.
func (e *Editor) CanRedo() bool { return len(e.future) > 0 }

func (e *Editor) restore(from, to *[]state) bool {
	if len(*from) == 0 {
		return false
	}
	last := (*from)[len(*from)-1]
	*from = (*from)[:len(*from)-1]
	*to = append(*to, state{e.lines, e.row, e.col})
	e.lines, e.row, e.col = last.lines, last.row, last.col
	e.changed()
	e.moved()
	return true
}

// replace is every change. typed joins a run of characters into one undo.
func (e *Editor) replace(from, to int, text string, typed bool) bool {
	text = clean(text)
	if e.Single {
		text = strings.ReplaceAll(text, "\n", " ")
	}
	whole := e.Text()
	from = boundary(whole, from)
	to = max(from, boundary(whole, to))
	if len(whole)-(to-from)+len(text) > MaxBytes {
		return false
	}
	if from == to && text == "" {
		return true
	}
	if !typed || !e.typing || len(e.past) == 0 {
		e.past = append(e.past, state{e.lines, e.row, e.col})
		if len(e.past) > maxUndo {
			e.past = slices.Delete(e.past, 0, 1)
		}
	}
	e.future = nil
	e.lines = strings.Split(whole[:from]+text+whole[to:], "\n")
	e.changed()
	e.SetOffset(from + len(text))
	e.typing = typed
	return true
}

// changed keeps what depends on the lines. The cursor is set after it.
func (e *Editor) changed() {
	e.version++
	e.size = max(0, len(e.lines)-1)
	for _, line := range e.lines {
		e.size += len(line)
	}
}

// moved ends what a move of the cursor ends.
func (e *Editor) moved() {
	e.typing, e.want = false, -1
	e.reveal()
}

// clean makes a text the editor's: valid, with one kind of line end.
func clean(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

func (e *Editor) line(row int) string {
	if row >= len(e.lines) {
		return ""
	}
	return e.lines[row]
}

// start is the offset of a line.
func (e *Editor) start(row int) int {
	at := 0
	for _, line := range e.lines[:min(row, len(e.lines))] {
		at += len(line) + 1
	}
	return at
}

// boundary is the nearest beginning of a character at or before an offset.
func boundary(line string, at int) int {
	at = max(0, min(at, len(line)))
	for at > 0 && at < len(line) && !utf8.RuneStart(line[at]) {
		at--
	}
	return at
}

// wordBefore is the offset in a line where the word before at begins, and the space behind it.
func wordBefore(line string, at int) int {
	skip := func(f func(rune) bool) {
		for at > 0 {
			r, n := utf8.DecodeLastRuneInString(line[:at])
			if !f(r) {
				return
			}
			at -= n
		}
	}
	skip(unicode.IsSpace)
	before := at
	skip(inWord)
	if at == before && at > 0 {
		_, n := utf8.DecodeLastRuneInString(line[:at])
		at -= n
	}
	return at
}

// wordAfter is the offset in a line where the word at or behind at ends.
func wordAfter(line string, at int) int {
	skip := func(f func(rune) bool) {
		for at < len(line) {
			r, n := utf8.DecodeRuneInString(line[at:])
			if !f(r) {
				return
			}
			at += n
		}
	}
	skip(func(r rune) bool { return !inWord(r) })
	skip(inWord)
	return at
}

func inWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// Forget lets go of what undo and redo would bring back.
func (e *Editor) Forget() { e.past, e.future = nil, nil }
