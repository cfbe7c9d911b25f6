package sql

import (
	"charm.land/bubbles/v2/key"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// The scopes: of the whole screen, of its two panes and of what stands above them.
const (
	scope    = keymap.Scope(screen.SQL)
	inEditor = scope + ".editor"
	inAnswer = scope + ".answer"
	inList   = scope + ".list"
	inForm   = scope + ".form"
	inText   = scope + ".text"
)

// The actions.
const (
	run     keymap.Action = "run"
	stop    keymap.Action = "stop"
	other   keymap.Action = "other-pane"
	library keymap.Action = "saved-queries"
	past    keymap.Action = "history"
	ground  keymap.Action = "range-and-zones"
	values  keymap.Action = "parameters"
	export  keymap.Action = "export"

	complete keymap.Action = "complete"
	undo     keymap.Action = "undo"
	redo     keymap.Action = "redo"
	older    keymap.Action = "older"
	newer    keymap.Action = "newer"
	clear    keymap.Action = "clear"
	leave    keymap.Action = "leave"

	up       keymap.Action = "up"
	down     keymap.Action = "down"
	left     keymap.Action = "left"
	right    keymap.Action = "right"
	pageUp   keymap.Action = "page-up"
	pageDown keymap.Action = "page-down"
	first    keymap.Action = "first"
	last     keymap.Action = "last"
	open     keymap.Action = "open"
	record   keymap.Action = "row"
	find     keymap.Action = "find-column"
	pivot    keymap.Action = "investigate"
	order    keymap.Action = "sort"
	chart    keymap.Action = "chart"
	basis    keymap.Action = "basis"
	local    keymap.Action = "local-time"
	copyCell keymap.Action = "copy-cell"
	copyRow  keymap.Action = "copy-row"
	copyAll  keymap.Action = "copy-answer"
	edit     keymap.Action = "edit"

	accept  keymap.Action = "accept"
	dismiss keymap.Action = "close"
	change  keymap.Action = "change"
)

// Keys are the screen's entries of the key map.
func Keys() []keymap.Entry {
	entry := func(s keymap.Scope, group string, a keymap.Action, help string, keys ...string) keymap.Entry {
		return keymap.Entry{Scope: s, Action: a, Keys: keys, Help: help, Group: group}
	}
	return []keymap.Entry{
		entry(scope, "ask", run, "run", "ctrl+r", "f5", "alt+enter"),
		entry(scope, "ask", stop, "stop", "esc"),
		entry(scope, "ask", ground, "range and zones", "f4", "ctrl+g"),
		entry(scope, "ask", values, "parameters", "f7", "alt+p"),
		entry(scope, "ask", library, "saved", "f2", "ctrl+s"),
		entry(scope, "ask", past, "history", "f3", "alt+h"),
		entry(scope, "answer", export, "export", "f8", "alt+e"),
		entry(scope, "move", other, "other pane", "f6", "shift+tab"),

		entry(inEditor, "write", complete, "complete", "tab"),
		entry(inEditor, "write", undo, "undo", "ctrl+z"),
		entry(inEditor, "write", redo, "redo", "ctrl+y"),
		entry(inEditor, "write", older, "question before", "ctrl+p"),
		entry(inEditor, "write", newer, "question after", "ctrl+n"),
		entry(inEditor, "write", clear, "empty the editor", "ctrl+l"),
		entry(inEditor, "move", leave, "to the answer", "esc"),

		entry(inAnswer, "move", up, "row above", "up", "k"),
		entry(inAnswer, "move", down, "row below", "down", "j"),
		entry(inAnswer, "move", left, "column before", "left", "h"),
		entry(inAnswer, "move", right, "column after", "right", "l"),
		entry(inAnswer, "move", pageUp, "page up", "pgup", "ctrl+b"),
		entry(inAnswer, "move", pageDown, "page down", "pgdown", "ctrl+f", "space"),
		entry(inAnswer, "move", find, "find a column", "/"),
		entry(inAnswer, "move", first, "first row", "home", "g"),
		entry(inAnswer, "move", last, "last row", "end", "G"),
		entry(inAnswer, "answer", open, "whole value", "enter"),
		entry(inAnswer, "answer", record, "whole row", "v"),
		entry(inAnswer, "answer", pivot, "investigate", "o"),
		entry(inAnswer, "answer", order, "sort", "s"),
		entry(inAnswer, "answer", chart, "chart", "b"),
		entry(inAnswer, "answer", basis, "what it stands on", "p"),
		entry(inAnswer, "answer", local, "local time", "u"),
		entry(inAnswer, "answer", copyCell, "copy value", "y"),
		entry(inAnswer, "answer", copyRow, "copy row", "Y"),
		entry(inAnswer, "answer", copyAll, "copy answer", "c"),
		entry(inAnswer, "write", edit, "edit", "e", "tab", "i"),

		entry(inList, "list", up, "above", "up", "ctrl+p"),
		entry(inList, "list", down, "below", "down", "ctrl+n"),
		entry(inList, "list", pageUp, "page up", "pgup"),
		entry(inList, "list", pageDown, "page down", "pgdown"),
		entry(inList, "list", accept, "take", "enter"),
		entry(inList, "list", dismiss, "close", "esc"),

		entry(inForm, "form", up, "field above", "up", "shift+tab"),
		entry(inForm, "form", down, "field below", "down", "tab"),
		entry(inForm, "form", accept, "do it", "enter"),
		entry(inForm, "form", change, "another format", "ctrl+f"),
		entry(inForm, "form", dismiss, "leave it", "esc"),

		entry(inText, "text", up, "up", "up", "k"),
		entry(inText, "text", down, "down", "down", "j"),
		entry(inText, "text", pageUp, "page up", "pgup", "ctrl+b"),
		entry(inText, "text", pageDown, "page down", "pgdown", "ctrl+f", "space"),
		entry(inText, "text", copyCell, "copy", "y"),
		entry(inText, "text", dismiss, "close", "esc", "enter", "q"),
	}
}

// Keys are those that work now.
func (s *Screen) Keys() []key.Binding {
	if s.over != nil {
		return s.over.keys(s)
	}
	if s.completing != nil {
		return s.bound(inList, accept, up, down, dismiss)
	}
	var out []key.Binding
	if s.task.waiting {
		out = s.bound(scope, stop)
	} else {
		out = s.bound(scope, run)
	}
	if s.focus == inAnswer {
		out = append(out, s.answerKeys()...)
	} else {
		if s.answer != nil && !s.task.waiting {
			out = append(out, s.bound(inEditor, leave)...)
		}
		out = append(out, s.bound(inEditor, complete)...)
	}
	out = append(out, s.bound(scope, library, past, ground)...)
	if len(s.wanted()) > 0 {
		out = append(out, s.bound(scope, values)...)
	}
	if s.answer != nil {
		out = append(out, s.bound(scope, other)...)
		if s.canExport() {
			out = append(out, s.bound(scope, export)...)
		}
	}
	if s.focus == inEditor {
		out = append(out, s.editorKeys()...)
	}
	return out
}

func (s *Screen) editorKeys() []key.Binding {
	var out []key.Binding
	if !s.editor.Empty() {
		out = append(out, s.bound(inEditor, clear)...)
	}
	if s.editor.CanUndo() {
		out = append(out, s.bound(inEditor, undo)...)
	}
	if s.editor.CanRedo() {
		out = append(out, s.bound(inEditor, redo)...)
	}
	if len(s.desk.History) > 0 {
		out = append(out, s.bound(inEditor, older)...)
	}
	if s.remembering >= 0 {
		out = append(out, s.bound(inEditor, newer)...)
	}
	return out
}

func (s *Screen) answerKeys() []key.Binding {
	out := s.bound(inAnswer, edit)
	if s.table.Total() > 0 {
		out = append(out, s.bound(inAnswer, open, record, order)...)
	}
	if s.pivot() != nil {
		out = append(out, s.bound(inAnswer, pivot)...)
	}
	if s.chartable() {
		out = append(out, s.bound(inAnswer, chart)...)
	}
	out = append(out, s.bound(inAnswer, basis)...)
	if s.table.Total() > 0 {
		out = append(out, s.bound(inAnswer, copyCell, copyRow)...)
	}
	out = append(out, s.bound(inAnswer, copyAll)...)
	if s.hasTimes() {
		out = append(out, s.bound(inAnswer, local)...)
	}
	if s.table.Total() > 1 {
		out = append(out, s.bound(inAnswer, up, down, pageUp, pageDown, first, last)...)
	}
	if len(s.table.Columns) > 1 && !s.charted {
		out = append(out, s.bound(inAnswer, left, right, find)...)
	}
	return out
}

func (s *Screen) bound(in keymap.Scope, actions ...keymap.Action) []key.Binding {
	out := make([]key.Binding, 0, len(actions))
	for _, a := range actions {
		out = append(out, s.cfg.Keys.Key(in, a))
	}
	return out
}

func (s *Screen) canExport() bool {
	return !s.cfg.ReadOnly && !s.task.waiting && len(s.desk.Formats) > 0
}
