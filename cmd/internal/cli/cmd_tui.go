package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/tui/app"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/chain"
	collectorscreen "github.com/fabriziosalmi/rainlogs/tui/screen/collector"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
	"github.com/fabriziosalmi/rainlogs/tui/screen/overview"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

type tuiOptions struct {
	theme   string
	noMouse bool
	keys    bool
}

func newTUI(env *site.Env, g *site.Globals) *cobra.Command {
	var o tuiOptions
	cmd := &cobra.Command{
		Use: "tui", Short: "The workstation: how each zone stands, in a terminal", Args: cobra.NoArgs,
		Long: "Look at an archive in a terminal. The overview has each zone's state and lag, what needs an operator, and a map of its hours;\n" +
			"investigate has the records: their histogram over time, filters, facets, and each record with where it is sealed.\n" +
			"Chains are verified before anything of them is shown. ? lists the keys.\n\n" + site.ExitHelp,
		Example: "rainlogs tui\nrainlogs tui --theme light\nrainlogs tui --keys",
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, err := keymap.New(stationKeys(), nil)
			if err != nil {
				return fmt.Errorf("key map: %w", err)
			}
			if o.keys {
				return listKeys(env, keys)
			}
			return runTUI(cmd.Context(), env, g, o, keys)
		},
	}
	cmd.Flags().StringVar(&o.theme, "theme", "auto", "auto (as the terminal is), dark or light")
	cmd.Flags().BoolVar(&o.noMouse, "no-mouse", false, "leave the mouse to the terminal")
	cmd.Flags().BoolVar(&o.keys, "keys", false, "print the keys and end")
	return cmd
}

// stationKeys are the keys of all screens that there are.
func stationKeys() []keymap.Entry {
	return slices.Concat(app.Keys(screen.Overview, screen.Investigate, screen.Chain, screen.Collector), overview.Keys(), investigate.Keys(), chain.Keys(), collectorscreen.Keys())
}

func listKeys(env *site.Env, keys *keymap.Map) error {
	return site.Table(env.Out, "SCREEN\tKEYS\tACTION\tDOES", func(row func(...any)) {
		var done []keymap.Scope
		for _, in := range stationKeys() {
			if slices.Contains(done, in.Scope) {
				continue
			}
			done = append(done, in.Scope)
			for _, e := range keys.Entries(in.Scope) {
				row(e.Scope, strings.Join(e.Keys, " "), e.Action, e.Help)
			}
		}
	})
}

func (o tuiOptions) options(env *site.Env) (t theme.Options, fixed bool, err error) {
	t = theme.Options{Plain: env.Getenv("NO_COLOR") != "", ASCII: !env.Unicode()}
	switch o.theme {
	case "auto":
		return t, false, nil
	case "dark", "light":
		t.Dark = o.theme == "dark"
		return t, true, nil
	}
	return t, false, site.Usagef("--theme %q: want auto, dark or light", o.theme)
}

func runTUI(ctx context.Context, env *site.Env, g *site.Globals, o tuiOptions, keys *keymap.Map) (err error) {
	style, fixed, err := o.options(env)
	if err != nil {
		return err
	}
	if !env.Interactive || !env.OutTerminal {
		return site.Usagef("the workstation needs a terminal; rainlogs zone list, coverage, stats and query say the same without one")
	}
	w, err := openReader(ctx, env, g)
	if err != nil {
		return err
	}
	defer w.Close()
	s := &station{w: w, env: env, g: g}
	records, closeLookup, err := s.openLookup()
	if err != nil {
		return err
	}
	look := investigate.New(investigate.Config{Data: records, Keys: keys, Local: time.Local, Now: env.Now})
	defer func() {
		look.Close()
		err = errors.Join(err, closeLookup())
	}()
	root := app.New(app.Config{
		Screens: map[screen.Name]screen.Screen{
			screen.Overview: overview.New(overview.Config{Data: s, Keys: keys}), screen.Investigate: look,
			screen.Chain:     chain.New(chain.Config{Data: s.chainView(), Keys: keys, Local: time.Local}),
			screen.Collector: collectorscreen.New(collectorscreen.Config{Data: &overseer{env: env, g: g}, Keys: keys, Local: time.Local}),
		},
		First: screen.Overview, Keys: keys, Theme: style, FixedTheme: fixed, Title: w.Archive, NoMouse: o.noMouse,
	})
	_, err = tea.NewProgram(root, tea.WithContext(ctx), tea.WithInput(env.In), tea.WithOutput(env.Out), tea.WithEnvironment(env.Environ)).Run()
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("workstation: %w", err)
	}
	return nil
}
