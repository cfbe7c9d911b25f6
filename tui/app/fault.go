package app

import (
	"fmt"
	"runtime/debug"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// Fault is a screen's panic.
type Fault struct {
	Screen screen.Name
	What   string // from anywhere
	Stack  []byte
}

func (f *Fault) Error() string { return fmt.Sprintf("the screen %s has failed: %s", f.Screen, f.What) }

// Fault is what ended the program before its time, nil if nothing did.
func (a *App) Fault() *Fault { return a.fault }

// guarded does what a screen does, so that its panic ends the program in order.
func (a *App) guarded(name screen.Name, f func()) {
	defer func() {
		if r := recover(); r != nil {
			a.failed(&Fault{Screen: name, What: fmt.Sprint(r), Stack: debug.Stack()})
		}
	}()
	f()
}

// failed notes the first fault: what follows it follows from it.
func (a *App) failed(f *Fault) {
	if a.fault == nil {
		a.fault = f
		a.faults[f.Screen]++
	}
}

// watched is a command whose panic is a message.
func (a *App) watched(name screen.Name, cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() (msg tea.Msg) {
		defer func() {
			if r := recover(); r != nil {
				msg = &Fault{Screen: name, What: fmt.Sprint(r), Stack: debug.Stack()}
			}
		}()
		msg = cmd()
		if batch, ok := msg.(tea.BatchMsg); ok {
			for i, c := range batch {
				batch[i] = a.watched(name, c)
			}
		}
		return msg
	}
}
