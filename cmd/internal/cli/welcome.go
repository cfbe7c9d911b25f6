package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/adrg/xdg"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/tui/app"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/welcome"
)

// firstStart reports whether nobody has named a config and there is none where
// one is looked for: whoever names one that is missing is told so.
func firstStart(env *site.Env, g *site.Globals) bool {
	if g.Config != "" || env.Getenv("RAINLOGS_CONFIG") != "" {
		return false
	}
	_, err := config.Find("", env.Getenv)
	return errors.Is(err, config.ErrNotFound)
}

// makers makes archives for the welcome.
type makers struct {
	env *site.Env
	g   *site.Globals
}

var _ welcome.Data = makers{}

// Demo makes the demo's archive in a new temporary folder.
func (m makers) Demo(ctx context.Context, tell func(line string)) (welcome.Made, error) {
	dir, err := os.MkdirTemp("", demoFolder)
	if err != nil {
		return welcome.Made{}, fmt.Errorf("make demo folder: %w", err)
	}
	out := &byLine{tell: tell}
	env := m.quiet(out)
	if err := runDemo(ctx, env, m.g, demoOptions{dir: dir, hours: 24, noTUI: true}); err != nil {
		return welcome.Made{}, err
	}
	return welcome.Made{Dir: dir}, nil
}

// Init makes an archive in a folder.
func (m makers) Init(ctx context.Context, dir string) (welcome.Made, error) {
	if rest, ok := strings.CutPrefix(dir, "~/"); ok {
		dir = filepath.Join(xdg.Home, rest)
	}
	var out bytes.Buffer
	o := initOptions{dir: dir, storage: "fs", purpose: defaultPurpose, token: defaultToken}
	if err := runInit(ctx, m.quiet(&out), m.g, o); err != nil {
		return welcome.Made{}, err
	}
	text := out.String() + "\nThe next steps are\n\n  export CLOUDFLARE_API_TOKEN=…\n  rainlogs --config " + dir + " zone add ZONE\n  rainlogs --config " + dir + " tui\n"
	return welcome.Made{Dir: dir, Text: text}, nil
}

// quiet is the environment of what is done behind a screen.
func (m makers) quiet(out io.Writer) *site.Env {
	env := *m.env
	env.Out, env.Err, env.In = out, io.Discard, strings.NewReader("")
	env.Terminal, env.Interactive, env.OutTerminal = false, false, false
	return &env
}

// byLine tells what is written to it line by line.
type byLine struct {
	tell func(line string)
	rest []byte
}

func (b *byLine) Write(p []byte) (int, error) {
	b.rest = append(b.rest, p...)
	for {
		line, rest, ok := bytes.Cut(b.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		b.tell(string(line))
		b.rest = rest
	}
}

// welcomed makes an archive with whoever starts for the first time; none if
// they left.
func welcomed(ctx context.Context, env *site.Env, g *site.Globals, at seat) (none welcome.Made, err error) {
	keys, err := keymap.New(append(app.Keys(screen.Welcome), welcome.Keys()...), nil)
	if err != nil {
		return none, fmt.Errorf("key map: %w", err)
	}
	style, fixed, err := at.style(at.terminal, nil)
	if err != nil {
		return none, err
	}
	first := welcome.New(welcome.Config{
		Data: makers{env, g}, Keys: keys, Dir: mustAbs("evidence"),
		Looked: []string{mustAbs(config.FileName), filepath.Join(xdg.ConfigHome, "rainlogs", config.FileName)},
	})
	root := app.New(app.Config{
		Screens: map[screen.Name]screen.Screen{screen.Welcome: first}, First: screen.Welcome, Keys: keys, Theme: style, FixedTheme: fixed, Title: "no archive yet", NoMouse: at.noMouse,
	})
	_, err = tea.NewProgram(root, append(at.options, tea.WithContext(ctx))...).Run()
	root.Close()
	switch fault := root.Fault(); {
	case ctx.Err() != nil:
		return none, ctx.Err() //nolint:wrapcheck // told to end
	case fault != nil:
		return none, fault
	case err != nil:
		return none, err //nolint:wrapcheck // says what it is
	}
	made, open := first.Made()
	if made.Text != "" { // it names the key that is to be pinned
		_, _ = fmt.Fprintln(env.Out, site.SafeLine(made.Text)) // the terminal was there a moment ago
	}
	if !open {
		return none, nil
	}
	return made, nil
}
