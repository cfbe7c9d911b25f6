// Package app is the root of the workstation: the only tea.Model. It routes
// and owns no data: size and theme to all, keys to the dialog above or else to
// the global actions or else to the screen in front, results to all screens.
//
// # What outlives it
//
// State is what a session is restored from: the screen in front, what a person
// has chosen, and what each screen keeps. It is handed to Config.Save some
// seconds after something has changed, and whoever runs the App saves it once
// more at the end, however it ended.
//
// # A screen that fails
//
// A panic in a screen ends the program in order: the terminal is given back,
// Fault says what happened, and the state of the other screens, and the last
// known one of its own, is saved. A screen that fails twice with what it kept
// begins anew.
package app

import (
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Config is what an App is made of.
type Config struct {
	Screens map[screen.Name]screen.Screen
	First   screen.Name
	Arg     any // for the Show of First, nil for none; First is in front then, whatever the session says
	Keys    *keymap.Map
	Theme   theme.Options
	// FixedTheme: light or dark is chosen; the terminal is not asked.
	FixedTheme bool
	// Flagged: the command line says so, and what a person chose in an earlier session gives way.
	Flagged  bool
	Local    bool   // times in local time until a person chooses otherwise
	Title    string // of the window and the top line: the archive's name
	ReadOnly bool   // nothing can be changed: the top line says so
	NoMouse  bool
	Notice   screen.Say // said at the start

	Archive string // the id of the archive whose session this is
	Session []byte // what Save was given in an earlier session, nil for none
	// Save keeps the state of the session; nil: it is not kept. It is called in commands.
	Save  func(state []byte) error
	After time.Duration // how long after a change it is called, 0 = 2 s
}

// App is the root model.
type App struct {
	cfg    Config
	theme  *theme.Theme
	look   screen.Look
	chosen choices
	dark   bool // the terminal, as far as it has said
	width  int
	height int
	order  []screen.Name // the screens there are, by number
	here   screen.Name
	past   []screen.Name
	dialog dialog
	say    screen.Say
	mouse  bool
	ended  bool
	drawn  string

	keeping keeping
	fault   *Fault
	faults  map[screen.Name]int // of earlier sessions, and of this one
}

var _ tea.Model = (*App)(nil)

// New returns the root over screens.
func New(cfg Config) *App {
	a := &App{
		cfg: cfg, here: cfg.First, mouse: !cfg.NoMouse, width: 80, height: 24, say: cfg.Notice, dark: cfg.Theme.Dark,
		look: screen.Look{Theme: "auto", ASCII: cfg.Theme.ASCII, Local: cfg.Local}, faults: map[screen.Name]int{},
	}
	if cfg.After == 0 {
		a.cfg.After = 2 * time.Second
	}
	if cfg.FixedTheme {
		a.look.Theme = map[bool]string{true: "dark", false: "light"}[cfg.Theme.Dark]
	}
	for _, name := range screen.All {
		if cfg.Screens[name] != nil {
			a.order = append(a.order, name)
		}
	}
	if len(a.order) == 0 {
		a.order = []screen.Name{cfg.First} // one that has no number
	}
	a.restore(cfg.Session)
	if cfg.Screens[a.here] == nil {
		a.here = a.order[0]
	}
	a.restyle()
	a.resize(a.width, a.height)
	return a
}

// Init starts the screens.
func (a *App) Init() tea.Cmd {
	cmds := []tea.Cmd{}
	if a.look.Theme == "auto" {
		cmds = append(cmds, tea.RequestBackgroundColor)
	}
	for _, name := range a.order {
		a.guarded(name, func() { cmds = append(cmds, a.watched(name, a.cfg.Screens[name].Init())) })
	}
	if a.cfg.Arg != nil {
		cmds = append(cmds, a.show(a.cfg.First, a.cfg.Arg))
	}
	return tea.Batch(cmds...)
}

// Close cancels what the screens have under way.
func (a *App) Close() {
	for _, name := range a.order {
		if c, ok := a.cfg.Screens[name].(screen.Closer); ok {
			a.guarded(name, c.Close)
		}
	}
}

// Here is the screen in front.
func (a *App) Here() screen.Name { return a.here }

// chrome is the lines that are not the screen's: the tabs and the hints.
const chrome = 2

func (a *App) resize(width, height int) {
	a.width, a.height = width, height
	for _, name := range a.order {
		a.guarded(name, func() { a.cfg.Screens[name].SetSize(max(1, width), max(1, height-chrome)) })
	}
}

// show brings a screen to the front.
func (a *App) show(name screen.Name, arg any) (cmd tea.Cmd) {
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
		a.guarded(name, func() { cmd = a.watched(name, shown.Show(arg)) })
	}
	return cmd
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
