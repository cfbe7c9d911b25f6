// Package app is the root of the workstation: the only tea.Model. It routes
// and owns no data: size and theme to all, keys to the dialog above or else to
// the global actions or else to the screen in front, results to all screens.
package app

import (
	"io"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Config is what an App is made of.
type Config struct {
	Screens map[screen.Name]screen.Screen
	First   screen.Name
	Keys    *keymap.Map
	Theme   theme.Options
	// FixedTheme: the person chose light or dark; the terminal is not asked.
	FixedTheme bool
	Title      string // of the window and the top line: the archive's name
	NoMouse    bool
	Log        io.Writer // of what goes wrong in drawing, may be nil
}

// App is the root model.
type App struct {
	cfg    Config
	theme  *theme.Theme
	width  int
	height int
	order  []screen.Name // the screens there are, by number
	here   screen.Name
	past   []screen.Name
	dialog dialog
	say    screen.Say
	mouse  bool
	ended  bool
}

var _ tea.Model = (*App)(nil)

// New returns the root over screens.
func New(cfg Config) *App {
	a := &App{cfg: cfg, theme: theme.New(cfg.Theme), here: cfg.First, mouse: !cfg.NoMouse, width: 80, height: 24}
	for _, name := range screen.All {
		if cfg.Screens[name] != nil {
			a.order = append(a.order, name)
		}
	}
	if cfg.Screens[a.here] == nil {
		a.here = a.order[0]
	}
	for _, s := range cfg.Screens {
		s.SetTheme(a.theme)
	}
	a.resize(a.width, a.height)
	return a
}

// Init starts the screens.
func (a *App) Init() tea.Cmd {
	cmds := []tea.Cmd{}
	if !a.cfg.FixedTheme {
		cmds = append(cmds, tea.RequestBackgroundColor)
	}
	for _, name := range a.order {
		cmds = append(cmds, a.cfg.Screens[name].Init())
	}
	return tea.Batch(cmds...)
}

// Here is the screen in front.
func (a *App) Here() screen.Name { return a.here }

// chrome is the lines that are not the screen's: the tabs and the hints.
const chrome = 2

func (a *App) resize(width, height int) {
	a.width, a.height = width, height
	for _, s := range a.cfg.Screens {
		s.SetSize(max(1, width), max(1, height-chrome))
	}
}

func (a *App) restyle(t *theme.Theme) {
	a.theme = t
	for _, s := range a.cfg.Screens {
		s.SetTheme(t)
	}
}

// show brings a screen to the front.
func (a *App) show(name screen.Name, arg any) tea.Cmd {
	s := a.cfg.Screens[name]
	if s == nil {
		a.say = screen.Say{Level: screen.Warn, Text: "there is no screen " + string(name)}
		return nil
	}
	if name != a.here {
		a.past = append(slices.DeleteFunc(a.past, func(n screen.Name) bool { return n == a.here }), a.here)
		a.here = name
	}
	if shown, ok := s.(screen.Shown); ok {
		return shown.Show(arg)
	}
	return nil
}

// back brings the screen before to the front.
func (a *App) back() tea.Cmd {
	if len(a.past) == 0 {
		return nil
	}
	a.here = a.past[len(a.past)-1]
	a.past = a.past[:len(a.past)-1]
	return nil
}

func (a *App) front() screen.Screen { return a.cfg.Screens[a.here] }

func (a *App) typing() bool {
	t, ok := a.front().(screen.Typer)
	return ok && t.Typing()
}
