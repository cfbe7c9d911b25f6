package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	tea "charm.land/bubbletea/v2"
	"github.com/adrg/xdg"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/sshserve"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/statefile"
	"github.com/fabriziosalmi/rainlogs/tui/app"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// seat is where somebody sits before an archive: at this process's terminal, or
// at one that SSH has brought here.
type seat struct {
	tuiOptions
	terminal *site.Env // of the terminal: what it can draw is said by its variables
	options  []tea.ProgramOption
	// name tells the sessions of one archive apart; "" for whoever runs the program.
	name    string
	why     string               // nothing can be changed from here, "" if it can
	resized <-chan sshserve.Size // nil where the terminal itself says so
}

// localSeat is the one at this process's terminal.
func localSeat(env *site.Env, o tuiOptions) seat {
	at := seat{tuiOptions: o, terminal: env, options: terminalOptions(env.In, env.Out, env.Environ)}
	if o.readOnly {
		at.why = "it was started so"
	}
	return at
}

func terminalOptions(in io.Reader, out io.Writer, environ []string) []tea.ProgramOption {
	return []tea.ProgramOption{tea.WithInput(in), tea.WithOutput(out), tea.WithEnvironment(environ)}
}

// stateDir is the folder of what the workstation knows between two runs.
func stateDir() string { return filepath.Join(xdg.StateHome, "rainlogs", "tui") }

// sit opens the archive and runs the workstation over it until its person leaves.
func sit(ctx context.Context, env *site.Env, g *site.Globals, at seat) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := &sitting{env: env, g: g, at: at}
	defer func() { err = errors.Join(err, t.close()) }()
	open := t.open
	if g.Remote() {
		open = t.openRemote
	}
	debug.SetGCPercent(gcPercent)
	opening := app.NewOpening("opening the archive …", func() (*app.App, error) { return open(ctx) })
	program := tea.NewProgram(opening, append(at.options, tea.WithContext(ctx), tea.WithFPS(framesPerSecond))...)
	if at.resized != nil {
		go func() { // ends with the terminal's connection
			for size := range at.resized {
				program.Send(tea.WindowSizeMsg{Width: size.Width, Height: size.Height})
			}
		}()
	}
	_, err = program.Run()
	ended := ctx.Err()
	cancel() // whatever is still being opened
	root, failed := opening.Root()
	switch {
	case ended != nil:
		err = ended // told to end
	case root == nil && !errors.Is(failed, context.Canceled):
		return failed
	}
	if root == nil {
		return err
	}
	return t.leave(root, err)
}

// gcPercent lets the heap, which is small, grow to five times what is in use: a collection takes some milliseconds of
// a frame's, and each key leaves a frame's garbage.
const gcPercent = 400

// framesPerSecond bounds how long a frame waits for the next one to be drawn: 8 ms.
const framesPerSecond = 120

// sitting is what was opened for a seat.
type sitting struct {
	env     *site.Env
	g       *site.Globals
	at      seat
	station *station
	file    *statefile.File // of the session, nil if it is not kept
	closing func() error    // of the screens
}

func (t *sitting) open(ctx context.Context) (*app.App, error) {
	w, err := openReader(ctx, t.env, t.g)
	if err != nil {
		return nil, err
	}
	if t.station, err = newStation(w, t.env, t.g, t.at); err != nil {
		w.Close()
		return nil, err
	}
	if t.at.record != nil {
		if err := w.owns(*t.at.record); err != nil {
			return nil, err
		}
	}
	s := t.station
	file, state := s.session(t.at)
	t.file = file
	person := t.at.name
	if person == "" {
		person = who()
	}
	screens, closing, err := s.screens(ctx, person)
	if err != nil {
		return nil, err
	}
	t.closing = closing
	cfg, err := s.appConfig(t.at)
	if err != nil {
		return nil, err
	}
	cfg.Screens = screens
	if file != nil {
		cfg.Session, cfg.Save = state, file.Save
	}
	return app.New(cfg), nil
}

// leave keeps the session, however the program has ended.
func (t *sitting) leave(root *app.App, err error) error {
	root.Close()
	if t.file != nil {
		if kept := t.file.Close(root.State()); kept != nil && err == nil {
			err = fmt.Errorf("keep the session: %w", kept)
		}
	}
	if fault := root.Fault(); fault != nil {
		return tellFault(t.env, fault, t.file != nil)
	}
	return err
}

func (t *sitting) close() (err error) {
	if t.closing != nil {
		err = t.closing()
	}
	if t.station != nil {
		t.station.w.Close()
	}
	return err
}

// newStation is what the screens see of an archive.
func newStation(w *workspace, env *site.Env, g *site.Globals, at seat) (*station, error) {
	keys, err := stationKeys(w.Config.TUI.Keys)
	if err != nil {
		return nil, err
	}
	return &station{w: w, env: env, g: g, keys: keys, readOnly: at.why}, nil
}

// session opens the file of the session. Without one nothing can be kept: then
// nothing that is to be kept can be changed.
func (s *station) session(at seat) (file *statefile.File, state []byte) {
	name := s.w.Archive
	if at.name != "" {
		name += "." + at.name
	}
	path := filepath.Join(stateDir(), name+".json")
	file, state, notice, err := statefile.Open(statefile.Config{
		Path: path, Limit: app.MaxSession, Now: s.env.Now(), Check: func(b []byte) error { return app.CheckSession(b, s.w.Archive) },
	})
	switch {
	case err != nil:
		s.notice = screen.Say{Level: screen.Warn, Text: "read-only: " + err.Error()}
		if s.readOnly == "" {
			s.readOnly = err.Error()
		}
		return nil, nil
	case notice != "":
		s.notice = screen.Say{Level: screen.Warn, Text: "begun anew: " + notice}
	}
	s.kept = path
	if at.fresh {
		state = nil
	}
	return file, state
}

func (s *station) appConfig(at seat) (app.Config, error) {
	c := s.w.Config
	style, fixed, err := at.style(at.terminal, c)
	if err != nil {
		return app.Config{}, err
	}
	cfg := app.Config{
		First: screen.Overview, Keys: s.keys, Theme: style, FixedTheme: fixed, Flagged: at.flagged,
		Local: c.TUI.LocalTime, Title: s.name(), ReadOnly: s.readOnly != "", NoMouse: at.noMouse || !c.TUI.Mouse,
		Notice: s.notice, Archive: s.w.Archive,
	}
	if cfg.Notice.Text == "" {
		cfg.Notice = at.notice
	}
	if at.record != nil {
		cfg.First, cfg.Arg = screen.Investigate, *at.record
	}
	return cfg, nil
}

// tellFault writes down where a screen has failed.
func tellFault(env *site.Env, fault *app.Fault, kept bool) error {
	text := ""
	if kept {
		text = "; what was open is kept: start it again, or with --fresh"
		path := filepath.Join(stateDir(), "fault.txt")
		report := fmt.Appendf(nil, "%s\n%s\n%s\n\n%s", env.Now().UTC(), site.Version, fault.Error(), fault.Stack)
		if err := os.WriteFile(path, report, 0o600); err == nil {
			text += ". " + path + " says where, for a report of this mistake"
		}
	}
	return errors.New(fault.Error() + text)
}
