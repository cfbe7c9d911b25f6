package settings

import (
	"charm.land/bubbles/v2/key"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// The actions of the screen.
const (
	scope                  = keymap.Scope(screen.Help)
	up       keymap.Action = "up"
	down     keymap.Action = "down"
	pageUp   keymap.Action = "page-up"
	pageDown keymap.Action = "page-down"
	top      keymap.Action = "top"
	bottom   keymap.Action = "bottom"
	search   keymap.Action = "search"
	clear    keymap.Action = "clear"
	hue      keymap.Action = "theme"
	ascii    keymap.Action = "ascii"
	zone     keymap.Action = "zone"
	reload   keymap.Action = "reload"
)

// Keys are the screen's entries of the key map.
func Keys() []keymap.Entry {
	return []keymap.Entry{
		{Scope: scope, Action: hue, Keys: []string{"t"}, Help: "theme", Group: "look"},
		{Scope: scope, Action: ascii, Keys: []string{"a"}, Help: "ASCII", Group: "look"},
		{Scope: scope, Action: zone, Keys: []string{"u"}, Help: "UTC or local time", Group: "look"},
		{Scope: scope, Action: search, Keys: []string{"/"}, Help: "search the keys", Group: "keys"},
		{Scope: scope, Action: clear, Keys: []string{"esc"}, Help: "drop the search, stop looking", Group: "keys"},
		{Scope: scope, Action: up, Keys: []string{"up", "k"}, Help: "up", Group: "move"},
		{Scope: scope, Action: down, Keys: []string{"down", "j"}, Help: "down", Group: "move"},
		{Scope: scope, Action: pageUp, Keys: []string{"pgup", "ctrl+b"}, Help: "a page up", Group: "move"},
		{Scope: scope, Action: pageDown, Keys: []string{"pgdown", "space"}, Help: "a page down", Group: "move"},
		{Scope: scope, Action: top, Keys: []string{"home", "g"}, Help: "to the top", Group: "move"},
		{Scope: scope, Action: bottom, Keys: []string{"end", "G"}, Help: "to the end", Group: "move"},
		{Scope: scope, Action: reload, Keys: []string{"r", "f5"}, Help: "look at the archive again", Group: "load"},
	}
}

// Keys are those that work now.
func (s *Screen) Keys() []key.Binding {
	k := func(a keymap.Action) key.Binding { return s.cfg.Keys.Key(scope, a) }
	if s.typing {
		return []key.Binding{
			key.NewBinding(key.WithKeys("enter"), key.WithHelp("enter", "done")),
			key.NewBinding(key.WithKeys("esc"), key.WithHelp("esc", "drop the search")),
		}
	}
	out := []key.Binding{k(hue), k(ascii), k(zone), k(search)}
	if s.query != "" || s.waiting {
		out = append(out, k(clear))
	}
	if s.most() > 0 {
		out = append(out, k(up), k(down), k(pageUp), k(pageDown), k(top), k(bottom))
	}
	if !s.waiting {
		out = append(out, k(reload))
	}
	return out
}
