// Package welcome is the screen where there is no archive yet: it makes one,
// or the demo's.
package welcome

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Config is what the screen is made of.
type Config struct {
	Data   Data
	Keys   *keymap.Map
	Looked []string // the paths at which there is no config
	Dir    string   // proposed for an archive
}

// Screen is the model.
type Screen struct {
	cfg           Config
	theme         *theme.Theme
	width, height int

	at      int // of the choices
	typing  bool
	dir     string
	working bool
	job     int
	what    string // is being done
	lines   []string
	err     error
	cancel  context.CancelFunc
	done    bool
	made    Made
	open    bool
}

var (
	_ screen.Screen = (*Screen)(nil)
	_ screen.Typer  = (*Screen)(nil)
	_ screen.Closer = (*Screen)(nil)
)

// New returns the screen.
func New(cfg Config) *Screen {
	return &Screen{cfg: cfg, theme: theme.New(theme.Options{}), dir: cfg.Dir}
}

// Made is the archive that was made, and whether it is to be opened now.
func (s *Screen) Made() (made Made, open bool) { return s.made, s.open }

// Init has nothing to load.
func (s *Screen) Init() tea.Cmd { return nil }

// SetSize sets the cells and lines of View.
func (s *Screen) SetSize(width, height int) { s.width, s.height = width, height }

// SetTheme sets how it looks.
func (s *Screen) SetTheme(t *theme.Theme) { s.theme = t }

// Typing reports whether keys go to the folder's name.
func (s *Screen) Typing() bool { return s.typing }

// Close cancels what is under way.
func (s *Screen) Close() {
	if s.cancel != nil {
		s.cancel()
	}
}

// work makes an archive; what it tells comes as messages of its job.
func (s *Screen) work(b begin) tea.Cmd {
	ctx, cancel := context.WithCancel(context.Background())
	s.job, s.working, s.cancel, s.err, s.lines, s.typing = s.job+1, true, cancel, nil, nil, false
	s.what = "Making an archive in " + b.dir
	if b.demo {
		s.what = "Making the demo's archive"
	}
	job, data, lines := s.job, s.cfg.Data, make(chan string)
	do := func() tea.Msg {
		defer cancel()
		defer close(lines)
		if !b.demo {
			m, err := data.Init(ctx, b.dir)
			return made{job, m, err}
		}
		m, err := data.Demo(ctx, func(line string) {
			select {
			case lines <- line:
			case <-ctx.Done():
			}
		})
		return made{job, m, err}
	}
	return tea.Batch(do, s.listen(lines))
}

// listen returns the next line of a job, and the command that waits for the one behind it.
func (s *Screen) listen(lines <-chan string) tea.Cmd {
	job := s.job
	return func() tea.Msg {
		line, ok := <-lines
		if !ok {
			return nil
		}
		return more{told{job, line}, lines}
	}
}

// more is a line, and where the next comes from.
type more struct {
	told
	lines <-chan string
}
