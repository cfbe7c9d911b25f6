package welcome

import (
	"charm.land/bubbles/v2/key"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// The actions of the screen.
const (
	scope                = keymap.Scope(screen.Welcome)
	up     keymap.Action = "up"
	down   keymap.Action = "down"
	choose keymap.Action = "choose"
	demo   keymap.Action = "demo"
	create keymap.Action = "init"
	leave  keymap.Action = "leave"
	stop   keymap.Action = "stop"
)

// Keys are the screen's entries of the key map.
func Keys() []keymap.Entry {
	return []keymap.Entry{
		{Scope: scope, Action: up, Keys: []string{"up", "k"}, Help: "up", Group: "move"},
		{Scope: scope, Action: down, Keys: []string{"down", "j", "tab"}, Help: "down", Group: "move"},
		{Scope: scope, Action: choose, Keys: []string{"enter"}, Help: "choose", Group: "begin"},
		{Scope: scope, Action: demo, Keys: []string{"d"}, Help: "demo", Group: "begin"},
		{Scope: scope, Action: create, Keys: []string{"i"}, Help: "make an archive", Group: "begin"},
		{Scope: scope, Action: leave, Keys: []string{"q"}, Help: "leave", Group: "begin"},
		{Scope: scope, Action: stop, Keys: []string{"esc"}, Help: "stop, go back", Group: "begin"},
	}
}

// Keys are those that work now.
func (s *Screen) Keys() []key.Binding {
	k := func(a keymap.Action) key.Binding { return s.cfg.Keys.Key(scope, a) }
	switch {
	case s.working:
		return []key.Binding{k(stop)}
	case s.typing:
		return []key.Binding{
			key.NewBinding(key.WithKeys("enter"), key.WithHelp("enter", "make it")),
			key.NewBinding(key.WithKeys("esc"), key.WithHelp("esc", "go back")),
		}
	case s.done:
		open := k(choose)
		open.SetHelp(open.Help().Key, "open it")
		return []key.Binding{open, k(leave)}
	}
	return []key.Binding{k(up), k(down), k(choose), k(demo), k(create), k(leave)}
}
