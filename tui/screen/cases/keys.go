package cases

import (
	"charm.land/bubbles/v2/key"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// The screen's actions.
const (
	scope                    = keymap.Scope(screen.Case)
	fieldScope               = keymap.Scope(screen.Case) + ".field"
	up         keymap.Action = "up"
	down       keymap.Action = "down"
	pageUp     keymap.Action = "page-up"
	pageDown   keymap.Action = "page-down"
	first      keymap.Action = "first"
	last       keymap.Action = "last"
	nextPart   keymap.Action = "next-part"
	partBefore keymap.Action = "part-before"
	openIt     keymap.Action = "open"
	note       keymap.Action = "note"
	write      keymap.Action = "write"
	remove     keymap.Action = "remove"
	prove      keymap.Action = "prove"
	copyIt     keymap.Action = "copy"
	export     keymap.Action = "export"
	choose     keymap.Action = "choose"
	begin      keymap.Action = "begin"
	rename     keymap.Action = "rename"
	local      keymap.Action = "local-time"
	reload     keymap.Action = "reload"
	stop       keymap.Action = "stop"
	accept     keymap.Action = "accept"
	leave      keymap.Action = "leave"
)

// Keys are the screen's entries of the key map.
func Keys() []keymap.Entry {
	return []keymap.Entry{
		{Scope: scope, Action: openIt, Keys: []string{"enter"}, Help: "open", Group: "case"},
		{Scope: scope, Action: nextPart, Keys: []string{"tab"}, Help: "next part", Group: "move"},
		{Scope: scope, Action: note, Keys: []string{"n"}, Help: "note on the record", Group: "case"},
		{Scope: scope, Action: write, Keys: []string{"a"}, Help: "note on the case", Group: "case"},
		{Scope: scope, Action: export, Keys: []string{"x"}, Help: "export", Group: "case"},
		{Scope: scope, Action: choose, Keys: []string{"c"}, Help: "cases", Group: "case"},
		{Scope: scope, Action: begin, Keys: []string{"N"}, Help: "new case", Group: "case"},
		{Scope: scope, Action: remove, Keys: []string{"d", "delete"}, Help: "let the record go", Group: "case"},
		{Scope: scope, Action: prove, Keys: []string{"p"}, Help: "its entry in the chain", Group: "case"},
		{Scope: scope, Action: copyIt, Keys: []string{"y"}, Help: "copy", Group: "case"},
		{Scope: scope, Action: rename, Keys: []string{"T"}, Help: "title of the case", Group: "case"},
		{Scope: scope, Action: local, Keys: []string{"u"}, Help: "UTC or local time", Group: "view"},
		{Scope: scope, Action: partBefore, Keys: []string{"shift+tab"}, Help: "part before", Group: "move"},
		{Scope: scope, Action: up, Keys: []string{"up", "k"}, Help: "above", Group: "move"},
		{Scope: scope, Action: down, Keys: []string{"down", "j"}, Help: "below", Group: "move"},
		{Scope: scope, Action: pageUp, Keys: []string{"pgup", "ctrl+u"}, Help: "a page up", Group: "move"},
		{Scope: scope, Action: pageDown, Keys: []string{"pgdown", "ctrl+d"}, Help: "a page down", Group: "move"},
		{Scope: scope, Action: first, Keys: []string{"home", "g"}, Help: "the first", Group: "move"},
		{Scope: scope, Action: last, Keys: []string{"end", "G"}, Help: "the last", Group: "move"},
		{Scope: scope, Action: reload, Keys: []string{"r", "f5"}, Help: "look again", Group: "load"},
		{Scope: scope, Action: stop, Keys: []string{"esc"}, Help: "stop, or back", Group: "load"},
		{Scope: fieldScope, Action: accept, Keys: []string{"enter"}, Help: "keep", Group: "field"},
		{Scope: fieldScope, Action: leave, Keys: []string{"esc"}, Help: "leave it", Group: "field"},
	}
}

// Keys are those that work now.
func (s *Screen) Keys() []key.Binding {
	if s.field != nil {
		return []key.Binding{s.cfg.Keys.Key(fieldScope, accept), s.cfg.Keys.Key(fieldScope, leave)}
	}
	out := []key.Binding{}
	for _, e := range s.cfg.Keys.Entries(scope) {
		if s.works(e.Action) {
			out = append(out, s.cfg.Keys.Key(scope, e.Action))
		}
	}
	return out
}

// works reports whether an action does something now.
func (s *Screen) works(a keymap.Action) bool {
	switch a {
	case up, down, pageUp, pageDown, first, last:
		return s.rows() > 1
	case openIt:
		return s.opens()
	case nextPart, partBefore:
		return s.there()
	case choose:
		return s.loaded && len(s.all) > 1 && !s.choosing
	case copyIt:
		text, _ := s.copied()
		return text != ""
	case local:
		return s.cfg.Local != nil && s.loaded
	case reload:
		return !s.loading
	case stop:
		return s.loading || s.working != "" || s.choosing
	}
	return s.worksOnCase(a)
}

// there reports whether a case is on the screen.
func (s *Screen) there() bool { return s.loaded && s.now.Name != "" && !s.choosing }

// worksOnCase is works for what is about the case or the record under the cursor.
func (s *Screen) worksOnCase(a keymap.Action) bool {
	_, marked := s.bookmark()
	may := !s.cfg.ReadOnly && s.working == ""
	whole := may && s.there() && s.now.Damage == ""
	switch a {
	case prove:
		return marked
	case note, remove:
		return whole && marked
	case write, rename:
		return whole
	case export:
		return whole && len(s.now.Bookmarks) > 0
	case begin:
		return may && s.loaded
	}
	return false
}
