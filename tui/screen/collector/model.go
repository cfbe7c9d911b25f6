package collector

import (
	"context"
	"encoding/json"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/ask"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Config is what the screen is made of.
type Config struct {
	Data     Data
	Keys     *keymap.Map
	Local    *time.Location // shown on demand; nil is UTC
	Every    time.Duration  // after which it looks again, 0 = 10 s
	ReadOnly bool           // nothing can be told to it
	Front    bool           // it is the first screen to be shown; else it looks when it comes to the front
}

// part is one of the screen's six.
type part uint8

const (
	zones part = iota
	windows
	queue
	plugins
	checks
	logs
	parts
)

// Screen is the model.
type Screen struct {
	cfg           Config
	theme         *theme.Theme
	width, height int

	now     *Standing
	err     error
	plugins []Plugin
	plugErr error
	checks  []Check
	chkErr  error
	log     []LogLine // the latest last
	logFrom string
	logErr  error

	part    part
	cursors [parts]string // the line under the cursor, by its name
	tops    [parts]int
	local   bool
	pullAt  Progress
	pullOf  string
	lastErr error // of what was told to it
	tickOf  int   // the look that the next one follows

	looking, plugging, checking, reading, doing, pulling ask.Question
}

var (
	_ screen.Screen = (*Screen)(nil)
	_ screen.Shown  = (*Screen)(nil)
	_ screen.Keeper = (*Screen)(nil)
)

// New returns the screen, which looks once it is shown.
func New(cfg Config) *Screen {
	if cfg.Every == 0 {
		cfg.Every = 10 * time.Second
	}
	if cfg.Local == nil {
		cfg.Local = time.UTC
	}
	return &Screen{cfg: cfg, theme: theme.New(theme.Options{}), width: 80, height: 22}
}

// Init looks, if the screen is in front.
func (s *Screen) Init() tea.Cmd {
	if !s.cfg.Front {
		return nil
	}
	return s.look()
}

// Show looks.
func (s *Screen) Show(any) tea.Cmd { return s.look() }

// SetSize sets the cells and lines of View.
func (s *Screen) SetSize(width, height int) { s.width, s.height = max(1, width), max(1, height) }

// SetTheme sets how it looks.
func (s *Screen) SetTheme(t *theme.Theme) { s.theme = t }

// look asks how everything stands, unless it does so already.
func (s *Screen) look() tea.Cmd {
	if s.looking.Waiting() {
		return nil
	}
	ctx, n := s.looking.Begin()
	data := s.cfg.Data
	return func() tea.Msg {
		now, err := data.Look(ctx)
		return looked{n, now, err}
	}
}

func (s *Screen) listPlugins() tea.Cmd {
	if s.plugging.Waiting() {
		return nil
	}
	ctx, n := s.plugging.Begin()
	data := s.cfg.Data
	return func() tea.Msg {
		found, err := data.Plugins(ctx)
		return plugged{n, found, err}
	}
}

func (s *Screen) check() tea.Cmd {
	if s.checking.Waiting() {
		return nil
	}
	ctx, n := s.checking.Begin()
	data := s.cfg.Data
	return func() tea.Msg {
		found, err := data.Checks(ctx)
		return checked{n, found, err}
	}
}

func (s *Screen) readLog() tea.Cmd {
	if s.reading.Waiting() {
		return nil
	}
	ctx, n := s.reading.Begin()
	data := s.cfg.Data
	return func() tea.Msg {
		lines, from, err := data.Log(ctx)
		return logRead{n, lines, from, err}
	}
}

// do does what was confirmed.
func (s *Screen) do(c confirmed) tea.Cmd {
	s.lastErr = nil
	data := s.cfg.Data
	if c.pull {
		s.pullAt, s.pullOf = Progress{}, c.name
		return ask.Follow(&s.pulling, func(ctx context.Context, n int, progress func(Progress)) tea.Msg {
			said, err := data.Pull(ctx, c.order.Zone, progress)
			return pulled{n, c.name, said, err}
		})
	}
	ctx, n := s.doing.Begin()
	return func() tea.Msg {
		said, err := data.Do(ctx, c.order)
		return done{n, said, err}
	}
}

func (s *Screen) busy() bool {
	return s.looking.Waiting() || s.plugging.Waiting() || s.checking.Waiting() || s.reading.Waiting() || s.doing.Waiting() || s.pulling.Waiting()
}

// zone is the zone under the cursor.
func (s *Screen) zone() (Zone, bool) {
	if i := s.cursor(); s.part == zones && s.now != nil && i < len(s.now.Zones) {
		return s.now.Zones[i], true
	}
	return Zone{}, false
}

// job is the job under the cursor.
func (s *Screen) job() (Job, bool) {
	if i := s.cursor(); s.part == queue && s.now != nil && i < len(s.now.Jobs) {
		return s.now.Jobs[i], true
	}
	return Job{}, false
}

// kept is what outlives the session.
type kept struct {
	Part  part   `json:"part"`
	Zone  string `json:"zone"`
	Local bool   `json:"local"`
}

// Keep returns where somebody is.
func (s *Screen) Keep() json.RawMessage {
	b, err := json.Marshal(kept{s.part, s.cursors[zones], s.local})
	if err != nil {
		return nil // plain values: it cannot fail
	}
	return b
}

// Restore goes back there.
func (s *Screen) Restore(state json.RawMessage) {
	var k kept
	if json.Unmarshal(state, &k) != nil || k.Part >= parts {
		return
	}
	s.part, s.cursors[zones], s.local = k.Part, k.Zone, k.Local
}
