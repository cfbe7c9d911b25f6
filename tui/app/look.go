package app

import (
	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// choices are what a person has chosen by hand, in this session or an earlier one.
type choices struct {
	Theme string `json:"theme,omitempty"`
	ASCII bool   `json:"ascii,omitempty"`
	Local *bool  `json:"local,omitempty"`
}

// recall makes the choices of an earlier session this one's.
func (a *App) recall(c choices) {
	if !a.cfg.Flagged && (c.Theme == "auto" || c.Theme == "dark" || c.Theme == "light") {
		a.chosen.Theme, a.look.Theme = c.Theme, c.Theme
	}
	if c.ASCII {
		a.chosen.ASCII, a.look.ASCII = true, true
	}
	if c.Local != nil {
		a.chosen.Local, a.look.Local = c.Local, *c.Local
	}
}

// choose makes everything look as a person wants it. That a terminal has
// nothing beyond ASCII is not a matter of taste.
func (a *App) choose(l screen.Look) tea.Cmd {
	if a.cfg.Theme.ASCII && !l.ASCII {
		l.ASCII = true
		a.say = screen.Say{Level: screen.Warn, Text: "this terminal is told to be ASCII alone: by its locale (LC_ALL, LC_CTYPE, LANG) or by NO_COLOR"}
	}
	if l.Theme != a.look.Theme {
		a.chosen.Theme = l.Theme
	}
	a.chosen.ASCII = l.ASCII && !a.cfg.Theme.ASCII
	if l.Local != a.look.Local {
		a.chosen.Local = &l.Local
	}
	ask := l.Theme == "auto" && a.look.Theme != "auto"
	a.look = l
	a.restyle()
	if ask {
		return tea.RequestBackgroundColor
	}
	return nil
}

// restyle tells the screens how things look.
func (a *App) restyle() {
	dark := a.look.Theme == "dark" || a.look.Theme == "auto" && a.dark
	a.theme = theme.New(theme.Options{Dark: dark, Plain: a.cfg.Theme.Plain, ASCII: a.look.ASCII})
	for _, name := range a.order {
		s := a.cfg.Screens[name]
		a.guarded(name, func() { s.SetTheme(a.theme) })
		if looked, ok := s.(screen.Looked); ok {
			a.guarded(name, func() { looked.SetLook(a.look) })
		}
	}
}
