package app

import (
	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// Update routes a message, and draws what came of it: a screen that fails in
// drawing has failed here.
func (a *App) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	a.guarded(a.here, func() { cmd = a.route(msg) })
	a.drawn = a.draw()
	if a.fault != nil {
		a.ended, a.drawn = true, ""
		return a, tea.Quit
	}
	return a, cmd
}

func (a *App) route(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		a.resize(msg.Width, msg.Height)
		return a.sized()
	case tea.BackgroundColorMsg:
		if a.dark = msg.IsDark(); a.look.Theme == "auto" {
			a.restyle()
		}
		return nil
	case *Fault:
		a.failed(msg)
		return nil
	case keepTick:
		return a.keep()
	case keepDone:
		a.kept(msg.err)
		return nil
	}
	return tea.Batch(a.forScreens(msg), a.keepSoon())
}

// forScreens routes what screens are concerned with.
func (a *App) forScreens(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		return a.key(msg)
	case tea.PasteMsg:
		if a.dialog != nil {
			return nil
		}
		return a.toFront(msg)
	case tea.MouseMsg:
		return a.pointed(msg)
	}
	return a.toAll(msg)
}

// sized tells the screens that they have another size.
func (a *App) sized() tea.Cmd {
	var cmds []tea.Cmd
	for _, name := range a.order {
		if s, ok := a.cfg.Screens[name].(screen.Sized); ok {
			cmds = append(cmds, s.Sized())
		}
	}
	return tea.Batch(cmds...)
}

// key goes to the dialog, the global actions or the screen in front.
func (a *App) key(msg tea.KeyPressMsg) tea.Cmd {
	a.say = screen.Say{}
	if a.dialog != nil {
		return a.inDialog(msg)
	}
	if action, ok := keymap.Pressed(a.cfg.Keys, keymap.Global, msg); ok && (!a.typing() || !prints(msg)) {
		return a.global(action)
	}
	return a.toFront(msg)
}

// prints reports whether a key puts a character into a text field.
func prints(msg tea.KeyPressMsg) bool {
	return msg.Text != "" || msg.Code == tea.KeyBackspace || msg.Code == tea.KeyEscape
}

// global does what works everywhere.
func (a *App) global(action keymap.Action) tea.Cmd {
	switch action {
	case Quit:
		return a.do(screen.Quit{}, nil)
	case Back:
		return a.back()
	case Command:
		a.dialog = newPalette(a.order)
		return nil
	case HelpKeys:
		a.dialog = newKeyHelp(a.cfg.Keys, a.front().Keys())
		return nil
	case Mouse:
		a.mouse = !a.mouse
		a.say = screen.Say{Text: map[bool]string{true: "mouse: the workstation's", false: "mouse: the terminal's, to select text"}[a.mouse]}
		return nil
	}
	for i, name := range a.order {
		if action == screenAction(i) {
			return a.show(name, nil)
		}
	}
	return nil
}

func (a *App) inDialog(msg tea.KeyPressMsg) tea.Cmd {
	closed, intent, cmd := a.dialog.key(msg)
	if closed {
		a.dialog = nil
	}
	return a.do(intent, cmd)
}

// pointed gives a mouse message to the tabs or, in its own coordinates, to the screen in front.
func (a *App) pointed(msg tea.MouseMsg) tea.Cmd {
	m := msg.Mouse()
	if a.dialog != nil {
		return nil
	}
	if _, click := msg.(tea.MouseClickMsg); click && m.Y == 0 {
		if name, ok := a.tabAt(m.X); ok {
			return a.show(name, nil)
		}
		return nil
	}
	m.Y--
	switch msg.(type) {
	case tea.MouseClickMsg:
		return a.toFront(tea.MouseClickMsg(m))
	case tea.MouseReleaseMsg:
		return a.toFront(tea.MouseReleaseMsg(m))
	case tea.MouseWheelMsg:
		return a.toFront(tea.MouseWheelMsg(m))
	case tea.MouseMotionMsg:
		return a.toFront(tea.MouseMotionMsg(m))
	}
	return nil
}

func (a *App) toFront(msg tea.Msg) tea.Cmd {
	return a.give(a.here, msg)
}

// give gives a message to a screen, and does what it asks for then.
func (a *App) give(name screen.Name, msg tea.Msg) tea.Cmd {
	var intent screen.Intent
	var cmd tea.Cmd
	a.guarded(name, func() { intent, cmd = a.cfg.Screens[name].Update(msg) })
	return a.do(intent, a.watched(name, cmd))
}

// toAll gives a result to every screen: each knows its own by their types.
func (a *App) toAll(msg tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	for _, name := range a.order {
		cmds = append(cmds, a.give(name, msg))
	}
	return tea.Batch(cmds...)
}

// do does what a screen asked for.
func (a *App) do(intent screen.Intent, cmd tea.Cmd) tea.Cmd {
	switch i := intent.(type) {
	case screen.Go:
		return tea.Batch(cmd, a.show(i.To, i.Arg))
	case screen.Say:
		a.say = i
	case screen.Ask:
		a.dialog = &question{ask: i}
	case screen.Copy:
		a.say = screen.Say{Level: screen.Good, Text: "copied: " + i.What}
		return tea.Batch(cmd, tea.SetClipboard(i.Text))
	case screen.Choose:
		return tea.Batch(cmd, a.choose(i.Look))
	case screen.Quit:
		a.ended = true
		return tea.Sequence(cmd, tea.Quit)
	}
	return cmd
}
