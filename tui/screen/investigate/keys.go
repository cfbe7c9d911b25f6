package investigate

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// The scopes of the screen: its own, of its text fields and of its lists.
const (
	scope       = keymap.Scope(screen.Investigate)
	promptScope = scope + ".field"
	pickScope   = scope + ".list"
)

// The actions of the screen.
const (
	up         keymap.Action = "up"
	down       keymap.Action = "down"
	left       keymap.Action = "left"
	right      keymap.Action = "right"
	pageUp     keymap.Action = "page-up"
	pageDown   keymap.Action = "page-down"
	first      keymap.Action = "first"
	last       keymap.Action = "last"
	toRow      keymap.Action = "to-row"
	nextPane   keymap.Action = "next-pane"
	prevPane   keymap.Action = "previous-pane"
	open       keymap.Action = "open"
	cancel     keymap.Action = "cancel"
	addFilter  keymap.Action = "filter"
	search     keymap.Action = "search"
	include    keymap.Action = "include"
	exclude    keymap.Action = "exclude"
	onlyThis   keymap.Action = "only"
	negate     keymap.Action = "negate"
	remove     keymap.Action = "remove"
	clear      keymap.Action = "clear"
	around1    keymap.Action = "around"
	rayKey     keymap.Action = "ray"
	clientKey  keymap.Action = "session"
	bookmark   keymap.Action = "bookmark"
	noteKey    keymap.Action = "note"
	markRow    keymap.Action = "mark"
	copyKey    keymap.Action = "copy"
	copyRow    keymap.Action = "copy-record"
	sqlKey     keymap.Action = "sql"
	entryKey   keymap.Action = "entry"
	back       keymap.Action = "back"
	forward    keymap.Action = "forward"
	historyKey keymap.Action = "history"
	zoomIn     keymap.Action = "zoom-in"
	zoomOut    keymap.Action = "zoom-out"
	earlier    keymap.Action = "earlier"
	later      keymap.Action = "later"
	rangeKey   keymap.Action = "range"
	presetKey  keymap.Action = "preset"
	extendL    keymap.Action = "extend-left"
	extendR    keymap.Action = "extend-right"
	brushKey   keymap.Action = "brush"
	columnsKey keymap.Action = "columns"
	facetsKey  keymap.Action = "facets"
	stackKey   keymap.Action = "stack"
	zones      keymap.Action = "zones"
	localKey   keymap.Action = "local"
	reload     keymap.Action = "reload"
)

// The actions of text fields and lists.
const (
	accept   keymap.Action = "accept"
	complete keymap.Action = "complete"
	toggle   keymap.Action = "toggle"
	raise    keymap.Action = "raise"
	lower    keymap.Action = "lower"
)

// Keys are the screen's entries of the key map.
func Keys() []keymap.Entry {
	e := func(group string, action keymap.Action, help string, keys ...string) keymap.Entry {
		return keymap.Entry{Scope: scope, Action: action, Keys: keys, Help: help, Group: group}
	}
	return slices.Concat([]keymap.Entry{
		e("filter", addFilter, "filter", "f"),
		e("filter", search, "filter, or search the record", "/"),
		e("filter", include, "include", "i"),
		e("filter", exclude, "exclude", "x"),
		e("filter", onlyThis, "only this", "o"),
		e("filter", negate, "turn the filter round", "!"),
		e("filter", remove, "take the filter away", "delete", "backspace"),
		e("filter", clear, "take all filters away", "0"),
		e("pivot", around1, "around this time", "t"),
		e("pivot", rayKey, "this Ray ID", "r"),
		e("pivot", clientKey, "client's session", "c"),
		e("pivot", sqlKey, "the view as SQL", "e"),
		e("pivot", entryKey, "the record's entry in the chain", "E"),
		e("keep", bookmark, "bookmark", "b"),
		e("keep", noteKey, "note", "n"),
		e("keep", markRow, "measure time from here", "m"),
		e("keep", copyKey, "copy the value", "y"),
		e("keep", copyRow, "copy the record, its address and the question", "Y"),
		e("views", back, "view before", "["),
		e("views", forward, "view after", "]"),
		e("views", historyKey, "all views there were", "H"),
		e("time", rangeKey, "choose or type a range", "T"),
		e("time", presetKey, "next longer range", "p"),
		e("time", zoomIn, "zoom in", "+", "="),
		e("time", zoomOut, "zoom out", "-"),
		e("time", earlier, "earlier", "<", ","),
		e("time", later, "later", ">", "."),
		e("time", brushKey, "select", "space", "s"),
		e("time", extendL, "select to the left", "shift+left"),
		e("time", extendR, "select to the right", "shift+right"),
		e("look", open, "open", "enter"),
		e("look", columnsKey, "choose columns", "v"),
		e("look", facetsKey, "choose facets", "F"),
		e("look", stackKey, "part the bars by a field", "S"),
		e("look", zones, "choose zones", "z"),
		e("look", localKey, "local time or UTC", "u"),
		e("look", reload, "ask anew", "R", "f5"),
		e("look", cancel, "stop, or close", "esc"),
		e("move", nextPane, "next pane", "tab"),
		e("move", prevPane, "pane before", "shift+tab"),
		e("move", up, "up", "up", "k"),
		e("move", down, "down", "down", "j"),
		e("move", left, "left", "left", "h"),
		e("move", right, "right", "right", "l"),
		e("move", pageUp, "page up", "pgup", "ctrl+u"),
		e("move", pageDown, "page down", "pgdown", "ctrl+d"),
		e("move", first, "first", "home", "g"),
		e("move", last, "last", "end", "G"),
		e("move", toRow, "go to a row by its number", "#", "ctrl+g"),
	}, dialogKeys())
}

func dialogKeys() []keymap.Entry {
	return []keymap.Entry{
		{Scope: promptScope, Action: accept, Keys: []string{"enter"}, Help: "take it", Group: "field"},
		{Scope: promptScope, Action: complete, Keys: []string{"tab"}, Help: "complete", Group: "field"},
		{Scope: promptScope, Action: up, Keys: []string{"up", "ctrl+p"}, Help: "proposal above", Group: "field"},
		{Scope: promptScope, Action: down, Keys: []string{"down", "ctrl+n"}, Help: "proposal below", Group: "field"},
		{Scope: promptScope, Action: cancel, Keys: []string{"esc"}, Help: "leave it", Group: "field"},
		{Scope: pickScope, Action: accept, Keys: []string{"enter"}, Help: "take it", Group: "list"},
		{Scope: pickScope, Action: toggle, Keys: []string{"space"}, Help: "on or off", Group: "list"},
		{Scope: pickScope, Action: up, Keys: []string{"up"}, Help: "up", Group: "list"},
		{Scope: pickScope, Action: down, Keys: []string{"down"}, Help: "down", Group: "list"},
		{Scope: pickScope, Action: pageUp, Keys: []string{"pgup"}, Help: "page up", Group: "list"},
		{Scope: pickScope, Action: pageDown, Keys: []string{"pgdown"}, Help: "page down", Group: "list"},
		{Scope: pickScope, Action: raise, Keys: []string{"ctrl+up", "shift+up"}, Help: "further up", Group: "list"},
		{Scope: pickScope, Action: lower, Keys: []string{"ctrl+down", "shift+down"}, Help: "further down", Group: "list"},
		{Scope: pickScope, Action: cancel, Keys: []string{"esc"}, Help: "leave it", Group: "list"},
	}
}

// label is the first key of an action.
func (s *Screen) label(a keymap.Action) string {
	keys := s.cfg.Keys.Key(scope, a).Help().Key
	if i := strings.LastIndexByte(keys, '/'); i > 0 {
		return keys[:i]
	}
	return keys
}

// Keys are those that work now, the most wanted first.
func (s *Screen) Keys() []key.Binding {
	var out []key.Binding
	var in keymap.Scope
	var actions []keymap.Action
	switch {
	case s.prompt != nil:
		in, actions = promptScope, []keymap.Action{accept, cancel}
		if len(s.prompt.proposals) > 0 {
			actions = []keymap.Action{accept, cancel, complete, up, down}
		}
	case s.pick != nil:
		in, actions = pickScope, []keymap.Action{accept, up, down, pageUp, pageDown, cancel}
		if s.pick.Many {
			actions = []keymap.Action{accept, toggle, up, down, raise, lower, pageUp, pageDown, cancel}
		}
	default:
		for _, e := range s.cfg.Keys.Entries(scope) {
			if s.works(e.Action) {
				out = append(out, s.cfg.Keys.Key(scope, e.Action))
			}
		}
		return s.wantedFirst(out)
	}
	for _, a := range actions {
		out = append(out, s.cfg.Keys.Key(in, a))
	}
	return out
}

// wantedFirst puts the keys of the pane with the keys before the others.
func (s *Screen) wantedFirst(all []key.Binding) []key.Binding {
	var wanted []keymap.Action
	switch s.focus {
	case onTime:
		wanted = []keymap.Action{open, brushKey, zoomIn, zoomOut, earlier, later, stackKey, rangeKey, nextPane}
	case onChips:
		wanted = []keymap.Action{open, negate, remove, clear, nextPane}
	case onFacets:
		wanted = []keymap.Action{open, include, exclude, onlyThis, facetsKey, nextPane}
	case onRecord:
		wanted = []keymap.Action{include, exclude, onlyThis, cancel, bookmark, copyKey, search, copyRow, nextPane}
	default:
		wanted = []keymap.Action{addFilter, include, exclude, onlyThis, open, rangeKey, rayKey, clientKey, back, nextPane}
	}
	var out []key.Binding
	for _, a := range wanted {
		if s.works(a) {
			out = append(out, s.cfg.Keys.Key(scope, a))
		}
	}
	for _, b := range all {
		if !slices.ContainsFunc(out, func(o key.Binding) bool { return slices.Equal(o.Keys(), b.Keys()) }) {
			out = append(out, b)
		}
	}
	return out
}
