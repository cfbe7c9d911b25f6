package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

type tuiOptions struct {
	theme    string
	noMouse  bool
	keys     bool
	readOnly bool
	fresh    bool
	record   *inquiry.Ref // to begin with
	notice   screen.Say   // to begin with
	flagged  bool         // theme is the command line's
	ssh      sshOptions
}

func newTUI(env *site.Env, g *site.Globals) *cobra.Command {
	var o tuiOptions
	cmd := &cobra.Command{
		Use: "tui [rainlogs://ARCHIVE/ZONE/DATASET/SEQ/LINE]", Short: "The workstation: look at an archive in a terminal", Args: cobra.MaximumNArgs(1),
		Long: "Look at an archive in a terminal: how each zone stands, what needs an operator, and a map of its hours; chains are verified\n" +
			"before anything of them is shown. With a record's address it begins with that record. ? lists the keys that work, and the last\n" +
			"screen all of them. What was open is there again at the next start. Without a config it offers to make an archive, or the demo.\n" +
			"Over --server there are the overview and the collector, by what the collector's catalog says: nothing is verified.\n\n" + site.ExitHelp,
		Example: "rainlogs tui\nrainlogs tui --theme light --read-only\nrainlogs tui rainlogs://3f0c…/023e105f4ecef8ad9ca31a8372d0c353/http_requests/17/4\nrainlogs tui --keys",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.flagged = cmd.Flags().Changed("theme")
			if o.keys {
				return listKeys(env, g)
			}
			if g.Remote() && (len(args) > 0 || o.ssh.address != "") {
				return site.Usagef("over --server the workstation has the overview and the collector: it shows no record, and is not served over SSH")
			}
			if len(args) > 0 {
				ref, err := inquiry.ParseRef(args[0])
				if err != nil {
					return site.Usage(err)
				}
				o.record = &ref
			}
			if o.ssh.address != "" {
				return serveTUI(cmd.Context(), env, g, o)
			}
			return runTUI(cmd.Context(), env, g, o)
		},
	}
	cmd.Flags().StringVar(&o.theme, "theme", "auto", "auto (as the terminal is), dark or light")
	cmd.Flags().BoolVar(&o.noMouse, "no-mouse", false, "leave the mouse to the terminal")
	cmd.Flags().BoolVar(&o.readOnly, "read-only", false, "change nothing: no bookmark, note, case or collector")
	cmd.Flags().BoolVar(&o.fresh, "fresh", false, "begin anew, not where the last session ended")
	cmd.Flags().BoolVar(&o.keys, "keys", false, "print the keys and end")
	o.ssh.addTo(cmd)
	return site.OverServer(cmd)
}

// checkKeys is what config check says of tui.keys, whose actions are known here alone.
func checkKeys(cfg *config.Config) error {
	_, err := stationKeys(cfg.TUI.Keys)
	return err
}

func listKeys(env *site.Env, g *site.Globals) error {
	var rebound config.Keys
	cfg, err := site.LoadConfig(env, g)
	switch {
	case err == nil:
		rebound = cfg.TUI.Keys
	case !errors.Is(err, config.ErrNotFound):
		return err
	}
	keys, err := stationKeys(rebound)
	if err != nil {
		return err
	}
	return site.Table(env.Out, "SCREEN\tKEYS\tACTION\tDOES", func(row func(...any)) {
		for _, scope := range keys.Scopes() {
			for _, e := range keys.Entries(scope) {
				row(e.Scope, strings.Join(e.Keys, " "), e.Action, e.Help)
			}
		}
	})
}

// style is how a terminal wants to be drawn on.
func (o tuiOptions) style(env *site.Env, cfg *config.Config) (t theme.Options, fixed bool, err error) {
	t = theme.Options{Plain: env.Getenv("NO_COLOR") != "", ASCII: !env.Unicode()}
	choice := o.theme
	if !o.flagged && cfg != nil {
		choice = cfg.TUI.Theme
	}
	switch choice {
	case "auto":
		return t, false, nil
	case "dark", "light":
		t.Dark = choice == "dark"
		return t, true, nil
	}
	return t, false, site.Usagef("--theme %q: want auto, dark or light", o.theme)
}

func runTUI(ctx context.Context, env *site.Env, g *site.Globals, o tuiOptions) error {
	if _, _, err := o.style(env, nil); err != nil {
		return err
	}
	if !env.Interactive || !env.OutTerminal {
		return site.Usagef("the workstation needs a terminal; rainlogs zone list, coverage, stats and query say the same without one")
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // the terminal is gone
	defer stop()
	err := start(ctx, env, g, localSeat(env, o))
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("workstation: %w", err)
	}
	return nil
}

// start begins with an archive that has to be made first, if there is none.
func start(ctx context.Context, env *site.Env, g *site.Globals, at seat) error {
	quiet := *env // what is logged would be drawn over the screens
	quiet.Err, quiet.Terminal = io.Discard, false
	if at.record != nil || g.Remote() || !firstStart(env, g) {
		return sit(ctx, &quiet, g, at)
	}
	made, err := welcomed(ctx, env, g, at)
	if err != nil || made.Dir == "" {
		return err
	}
	if made.Text == "" {
		at.notice.Text = "shop.example.eu, half-way: who, from where, what went out?"
	}
	there := *g
	there.Config = made.Dir
	if err := sit(ctx, &quiet, &there, at); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Out, "rainlogs --config %s tui opens this archive again\n", site.SafeLine(made.Dir))
	return err //nolint:wrapcheck // standard output is gone
}
