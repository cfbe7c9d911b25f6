package app

import (
	"fmt"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// The global actions; one for each screen besides.
const (
	Quit     keymap.Action = "quit"
	Back     keymap.Action = "back"
	Command  keymap.Action = "command"
	HelpKeys keymap.Action = "keys"
	Mouse    keymap.Action = "mouse"
)

// Keys are the global entries of the key map, with a number for each screen.
func Keys(screens ...screen.Name) []keymap.Entry {
	out := []keymap.Entry{
		{Scope: keymap.Global, Action: Quit, Keys: []string{"ctrl+q", "ctrl+c"}, Help: "quit", Group: "everywhere"},
		{Scope: keymap.Global, Action: Back, Keys: []string{"alt+left", "ctrl+o"}, Help: "the screen before", Group: "everywhere"},
		{Scope: keymap.Global, Action: Command, Keys: []string{":"}, Help: "go to a screen by name", Group: "everywhere"},
		{Scope: keymap.Global, Action: HelpKeys, Keys: []string{"?", "f1"}, Help: "keys that work here", Group: "everywhere"},
		{Scope: keymap.Global, Action: Mouse, Keys: []string{"ctrl+t"}, Help: "give the mouse back to the terminal", Group: "everywhere"},
	}
	if len(screens) == 1 {
		return out // it is in front
	}
	for i, name := range screens {
		out = append(out, keymap.Entry{
			Scope: keymap.Global, Action: screenAction(i), Keys: []string{fmt.Sprint(i + 1), fmt.Sprintf("alt+%d", i+1)},
			Help: string(name), Group: "screens",
		})
	}
	return out
}

func screenAction(i int) keymap.Action { return keymap.Action(fmt.Sprintf("screen-%d", i+1)) }
