// Package settings is the screen of the archive that is open, of how things
// look, and of all keys as they are now.
package settings

import (
	"context"
	"encoding/json"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Config is what the screen is made of.
type Config struct {
	Data Data
	Keys *keymap.Map
}

// Screen is the model.
type Screen struct {
	cfg           Config
	theme         *theme.Theme
	look          screen.Look
	width, height int

	archive Archive
	loaded  bool
	err     error
	asked   int // the latest question
	waiting bool
	cancel  context.CancelFunc

	typing bool
	query  string
	first  int // the line at the top of what scrolls
}

var (
	_ screen.Screen = (*Screen)(nil)
	_ screen.Typer  = (*Screen)(nil)
	_ screen.Keeper = (*Screen)(nil)
	_ screen.Looked = (*Screen)(nil)
	_ screen.Closer = (*Screen)(nil)
)

// New returns the screen, which loads from Init on.
func New(cfg Config) *Screen { return &Screen{cfg: cfg, theme: theme.New(theme.Options{})} }

// Init asks for the first time.
func (s *Screen) Init() tea.Cmd { return s.load() }

// SetSize sets the cells and lines of View.
func (s *Screen) SetSize(width, height int) {
	s.width, s.height = width, height
	s.scroll(0)
}

// SetTheme sets how it looks.
func (s *Screen) SetTheme(t *theme.Theme) { s.theme = t }

// SetLook is told what is chosen.
func (s *Screen) SetLook(l screen.Look) { s.look = l }

// Typing reports whether keys go to the search.
func (s *Screen) Typing() bool { return s.typing }

// Close cancels what is under way.
func (s *Screen) Close() {
	if s.cancel != nil {
		s.cancel()
	}
}

// kept is what outlives the session.
type kept struct {
	Query string `json:"query,omitempty"`
	First int    `json:"first,omitempty"`
}

// Keep returns it.
func (s *Screen) Keep() json.RawMessage {
	b, err := json.Marshal(kept{s.query, s.first})
	if err != nil {
		return nil // two plain values
	}
	return b
}

// Restore takes it up.
func (s *Screen) Restore(state json.RawMessage) {
	var k kept
	if json.Unmarshal(state, &k) == nil && len(k.Query) <= maxQuery {
		s.query, s.first = k.Query, max(0, k.First)
	}
}

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
		archive, err := data.Archive(ctx)
		return loaded{question, archive, err}
	}
}
