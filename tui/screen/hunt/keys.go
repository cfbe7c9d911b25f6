package hunt

import (
	"charm.land/bubbles/v2/key"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// The screen's actions.
const (
	scope                    = keymap.Scope(screen.Hunt)
	fieldScope               = keymap.Scope(screen.Hunt) + ".field"
	up         keymap.Action = "up"
	down       keymap.Action = "down"
	left       keymap.Action = "left"
	right      keymap.Action = "right"
	pageUp     keymap.Action = "page-up"
	pageDown   keymap.Action = "page-down"
	first      keymap.Action = "first"
	last       keymap.Action = "last"
	openIt     keymap.Action = "open"
	runAll     keymap.Action = "run-all"
	runOne     keymap.Action = "run"
	toggle     keymap.Action = "toggle"
	span       keymap.Action = "range"
	zone       keymap.Action = "zone"
	params     keymap.Action = "parameters"
	asSQL      keymap.Action = "as-sql"
	copyIt     keymap.Action = "copy"
	local      keymap.Action = "local-time"
	reload     keymap.Action = "reload"
	stop       keymap.Action = "stop"
	accept     keymap.Action = "accept"
	leave      keymap.Action = "leave"
)

// Keys are the screen's entries of the key map.
func Keys() []keymap.Entry {
	return []keymap.Entry{
		{Scope: scope, Action: openIt, Keys: []string{"enter"}, Help: "hits", Group: "hunt"},
		{Scope: scope, Action: runAll, Keys: []string{"r"}, Help: "run the rules", Group: "hunt"},
		{Scope: scope, Action: runOne, Keys: []string{"e"}, Help: "run this one", Group: "hunt"},
		{Scope: scope, Action: stop, Keys: []string{"esc"}, Help: "stop, or back", Group: "load"},
		{Scope: scope, Action: toggle, Keys: []string{"space"}, Help: "leave out or in", Group: "hunt"},
		{Scope: scope, Action: span, Keys: []string{"f"}, Help: "range", Group: "hunt"},
		{Scope: scope, Action: zone, Keys: []string{"z"}, Help: "zone", Group: "hunt"},
		{Scope: scope, Action: params, Keys: []string{"p"}, Help: "parameters", Group: "hunt"},
		{Scope: scope, Action: asSQL, Keys: []string{"s"}, Help: "as SQL", Group: "hunt"},
		{Scope: scope, Action: copyIt, Keys: []string{"y"}, Help: "copy", Group: "hunt"},
		{Scope: scope, Action: local, Keys: []string{"u"}, Help: "UTC or local time", Group: "view"},
		{Scope: scope, Action: up, Keys: []string{"up", "k"}, Help: "above", Group: "move"},
		{Scope: scope, Action: down, Keys: []string{"down", "j"}, Help: "below", Group: "move"},
		{Scope: scope, Action: left, Keys: []string{"left", "h"}, Help: "to the left", Group: "move"},
		{Scope: scope, Action: right, Keys: []string{"right", "l"}, Help: "to the right", Group: "move"},
		{Scope: scope, Action: pageUp, Keys: []string{"pgup", "ctrl+u"}, Help: "a page up", Group: "move"},
		{Scope: scope, Action: pageDown, Keys: []string{"pgdown", "ctrl+d"}, Help: "a page down", Group: "move"},
		{Scope: scope, Action: first, Keys: []string{"home", "g"}, Help: "the first", Group: "move"},
		{Scope: scope, Action: last, Keys: []string{"end", "G"}, Help: "the last", Group: "move"},
		{Scope: scope, Action: reload, Keys: []string{"f5"}, Help: "read the rules again", Group: "load"},
		{Scope: fieldScope, Action: accept, Keys: []string{"enter"}, Help: "take it", Group: "field"},
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
	rule, ok := s.rule()
	switch a {
	case up, down, pageUp, pageDown, first, last:
		return s.rows() > 1
	case left, right:
		return s.inside
	case openIt:
		return ok && s.opens(rule)
	case stop:
		return s.running != "" || s.loading || s.inside
	case local:
		return s.cfg.Local != nil
	case reload:
		return !s.loading && s.running == "" && !s.inside
	case asSQL, copyIt:
		return ok
	}
	return s.worksOnRules(a, rule, ok)
}

// worksOnRules is works for what is done in the list of rules.
func (s *Screen) worksOnRules(a keymap.Action, rule Rule, ok bool) bool {
	if !ok || s.inside {
		return false
	}
	switch a {
	case runAll, span:
		return s.running == ""
	case runOne:
		return s.running == "" && s.lacks(rule) == ""
	case toggle:
		return true
	case params:
		return len(rule.Params) > 0 && s.running == ""
	case zone:
		return len(s.ground.Zones) > 1 && s.running == ""
	}
	return false
}
