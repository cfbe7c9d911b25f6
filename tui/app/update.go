package app

import (
	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Update routes a message.
func (a *App) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		a.resize(msg.Width, msg.Height)
		return a, a.sized()
	case tea.BackgroundColorMsg:
		if !a.cfg.FixedTheme {
			o := a.theme.Options
			o.Dark = msg.IsDark()
			a.restyle(theme.New(o))
		}
		return a, nil
	case tea.KeyPressMsg:
		return a, a.key(msg)
	case tea.PasteMsg:
		if a.dialog != nil {
			return a, nil
		}
		return a, a.toFront(msg)
	case tea.MouseMsg:
		return a, a.pointed(msg)
	}
	return a, a.toAll(msg)
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
	intent, cmd := a.front().Update(msg)
	return a.do(intent, cmd)
}

// toAll gives a result to every screen: each knows its own by their types.
func (a *App) toAll(msg tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	for _, name := range a.order {
		intent, cmd := a.cfg.Screens[name].Update(msg)
		cmds = append(cmds, a.do(intent, cmd))
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
	case screen.Quit:
		a.ended = true
		return tea.Sequence(cmd, tea.Quit)
	}
	return cmd
}
