package app

import (
	"fmt"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
)

// The global actions; screen-1 to screen-8 besides.
const (
	Quit     keymap.Action = "quit"
	Back     keymap.Action = "back"
	Command  keymap.Action = "command"
	HelpKeys keymap.Action = "keys"
	Mouse    keymap.Action = "mouse"
)

// Keys are the global entries of the key map.
func Keys() []keymap.Entry {
	out := []keymap.Entry{
		{Scope: keymap.Global, Action: Quit, Keys: []string{"ctrl+q", "ctrl+c"}, Help: "quit", Group: "everywhere"},
		{Scope: keymap.Global, Action: Back, Keys: []string{"alt+left", "ctrl+o"}, Help: "the screen before", Group: "everywhere"},
		{Scope: keymap.Global, Action: Command, Keys: []string{":"}, Help: "go to a screen by name", Group: "everywhere"},
		{Scope: keymap.Global, Action: HelpKeys, Keys: []string{"?", "f1"}, Help: "keys that work here", Group: "everywhere"},
		{Scope: keymap.Global, Action: Mouse, Keys: []string{"ctrl+t"}, Help: "give the mouse back to the terminal", Group: "everywhere"},
	}
	for i := 1; i <= 8; i++ {
		out = append(out, keymap.Entry{
			Scope: keymap.Global, Action: keymap.Action(fmt.Sprintf("screen-%d", i)), Keys: []string{fmt.Sprint(i), fmt.Sprintf("alt+%d", i)},
			Help: fmt.Sprintf("screen %d", i), Group: "screens",
		})
	}
	return out
}
