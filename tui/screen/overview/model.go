// Package overview is the first screen: how each zone stands, and what needs
// an operator.
package overview

import (
	"context"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Config is what the screen is made of.
type Config struct {
	Data  Data
	Keys  *keymap.Map
	Every time.Duration // after which it is loaded anew, 0 = 30 s
}

// Screen is the model.
type Screen struct {
	cfg           Config
	theme         *theme.Theme
	width, height int

	now     Overview
	loaded  bool
	err     error
	asked   int // the latest question
	waiting bool
	cancel  context.CancelFunc
	at      int // the zone under the cursor
	top     int
	wanted  kept // to be under the cursor, once
}

var _ screen.Screen = (*Screen)(nil)

// New returns the screen, which loads from Init on.
func New(cfg Config) *Screen {
	if cfg.Every == 0 {
		cfg.Every = 30 * time.Second
	}
	return &Screen{cfg: cfg, theme: theme.New(theme.Options{})}
}

// Init asks for the first time.
func (s *Screen) Init() tea.Cmd { return s.load() }

// SetSize sets the cells and lines of View.
func (s *Screen) SetSize(width, height int) { s.width, s.height = width, height }

// SetTheme sets how it looks.
func (s *Screen) SetTheme(t *theme.Theme) { s.theme = t }

// loaded is an answer, and tick the time to ask again.
type (
	loaded struct {
		question int
		now      Overview
		err      error
	}
	tick struct{ question int }
)

// load asks, unless a question is under way.
func (s *Screen) load() tea.Cmd {
	if s.waiting {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.asked, s.waiting, s.cancel = s.asked+1, true, cancel
	question, data := s.asked, s.cfg.Data
	return func() tea.Msg {
		defer cancel()
		now, err := data.Overview(ctx)
		return loaded{question, now, err}
	}
}

// The actions of the screen.
const (
	scope                = keymap.Scope(screen.Overview)
	up     keymap.Action = "up"
	down   keymap.Action = "down"
	reload keymap.Action = "reload"
	stop   keymap.Action = "stop"
)

// Keys are the screen's entries of the key map.
func Keys() []keymap.Entry {
	return []keymap.Entry{
		{Scope: scope, Action: up, Keys: []string{"up", "k"}, Help: "zone above", Group: "move"},
		{Scope: scope, Action: down, Keys: []string{"down", "j"}, Help: "zone below", Group: "move"},
		{Scope: scope, Action: reload, Keys: []string{"r", "f5"}, Help: "look again", Group: "load"},
		{Scope: scope, Action: stop, Keys: []string{"esc"}, Help: "stop looking", Group: "load"},
	}
}

// Keys are those that work now.
func (s *Screen) Keys() []key.Binding {
	out := []key.Binding{}
	if len(s.now.Zones) > 1 {
		out = append(out, s.cfg.Keys.Key(scope, up), s.cfg.Keys.Key(scope, down))
	}
	if s.waiting {
		return append(out, s.cfg.Keys.Key(scope, stop))
	}
	return append(out, s.cfg.Keys.Key(scope, reload))
}

// Update takes a message.
func (s *Screen) Update(msg tea.Msg) (screen.Intent, tea.Cmd) {
	switch msg := msg.(type) {
	case loaded:
		return s.take(msg)
	case tick:
		if msg.question == s.asked {
			return nil, s.load()
		}
	case tea.KeyPressMsg:
		return s.key(msg)
	case tea.MouseClickMsg:
		if row := msg.Mouse().Y - 1 + s.top; msg.Mouse().Y >= 1 && msg.Mouse().Y <= s.rows() && row < len(s.now.Zones) {
			s.at = row
		}
	case tea.MouseWheelMsg:
		if msg.Mouse().Button == tea.MouseWheelDown {
			s.move(1)
		} else {
			s.move(-1)
		}
	}
	return nil, nil
}

func (s *Screen) take(msg loaded) (screen.Intent, tea.Cmd) {
	if msg.question != s.asked || !s.waiting {
		return nil, nil
	}
	s.waiting, s.err = false, msg.err
	if msg.err == nil {
		s.now, s.loaded = msg.now, true
		s.find()
	}
	s.move(0)
	question := msg.question
	return nil, tea.Tick(s.cfg.Every, func(time.Time) tea.Msg { return tick{question} })
}

func (s *Screen) key(msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	action, _ := keymap.Pressed(s.cfg.Keys, scope, msg)
	switch action {
	case up:
		s.move(-1)
	case down:
		s.move(1)
	case reload:
		return nil, s.load()
	case stop:
		if s.waiting {
			s.cancel()
			s.waiting = false
			return screen.Say{Text: "stopped; what is shown is from " + s.now.At.UTC().Format(time.RFC3339)}, nil
		}
	}
	return nil, nil
}

// move moves the cursor, and what is shown with it.
func (s *Screen) move(by int) {
	s.at = max(0, min(s.at+by, len(s.now.Zones)-1))
	s.top = max(0, min(s.top, s.at))
	if rows := s.rows(); s.at >= s.top+rows {
		s.top = s.at - rows + 1
	}
}
