package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/shell"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/worker"
)

type sqlOptions struct {
	queryOptions
	noHistory bool
}

func newSQL(env *site.Env, g *site.Globals) *cobra.Command {
	var o sqlOptions
	cmd := &cobra.Command{
		Use:   "sql",
		Short: "An interactive SQL shell over the verified objects",
		Long: "Ask SQL statement by statement, each ended by \";\", over the views logs, raw, windows and chain; .help lists the\n" +
			"commands. Tab completes, Ctrl-R searches the history, Ctrl-C stops the statement under way, Ctrl-D ends.\n" +
			"Statements run in a process of their own, which is ended if they do not stop within a second; the session goes on.\n" +
			"If standard input is not a terminal, its statements are run as a script that stops at the first error.\n\n" + site.ExitHelp,
		Example: "rainlogs sql --zone example.com --from -6h\necho 'SELECT count(*) FROM logs;' | rainlogs sql --format csv",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runSQL(cmd.Context(), env, g, o) },
	}
	o.times.addTo(cmd, "the range, event time (default: all); .range changes it")
	cmd.Flags().StringArrayVar(&o.zones, "zone", nil, "a zone, by name or id; again for more (default: all)")
	cmd.Flags().BoolVar(&o.skipDamaged, "skip-damaged", false, "answer without damaged objects, and say so")
	cmd.Flags().StringVar(&o.format, "format", "table", "table, csv, tsv, json, ndjson or markdown")
	cmd.Flags().BoolVar(&o.noHistory, "no-history", false, "neither read nor keep the history of statements")
	_ = cmd.RegisterFlagCompletionFunc("zone", completeZones(env, g)) // the flag exists
	return cmd
}

func runSQL(ctx context.Context, env *site.Env, g *site.Globals, o sqlOptions) (err error) {
	cfg, err := site.LoadConfig(env, g)
	if err != nil {
		return err
	}
	from, to, err := o.times.parse(env.Now())
	if err != nil {
		return err
	}
	library, err := openLibrary(env, g)
	if err != nil {
		return err
	}
	client, err := newClient(env, g, cfg.Path, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	s := shell.New(shell.Config{
		Ask: client.Ask, Explain: queryError, Data: env.Data, Err: env.Err, Now: env.Now, Saved: library, Bar: newSQLBar(env, g),
		Dim: env.Terminal && env.Getenv("NO_COLOR") == "" && env.Getenv("TERM") != "dumb",
		Range: func(from, to string) (dataset.Range, error) {
			f := rangeFlags{from, to, o.times.tz}
			start, end, err := f.parse(env.Now())
			return dataset.Range{From: start, To: end}, err
		},
	}, worker.Question{
		Zones: o.zones, Range: dataset.Range{From: from, To: to}, SkipDamaged: o.skipDamaged,
		Limits: worker.Limits{Timeout: cfg.Query.Timeout},
	})
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Do(ctx, ".format "+o.format); err != nil {
		return err
	}
	if env.Interactive && env.OutTerminal {
		return interact(ctx, env, s, client, o.noHistory)
	}
	if err := s.Script(ctx, env.In); !shell.IsQuit(err) {
		return err
	}
	return nil
}

// newClient asks workers that are this program; nice is how much less than its own of a busy processor they get.
func newClient(env *site.Env, g *site.Globals, config string, nice int) (*worker.Client, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	args := []string{queryServe, "--config", config}
	if g.Verbose {
		args = append(args, "--verbose")
	}
	return worker.New(worker.Config{Path: self, Args: args, Env: env.Environ, Stderr: safeWriter{env.Err}, Nice: nice})
}

// safeWriter makes what another process says harmless.
type safeWriter struct{ w io.Writer }

func (s safeWriter) Write(b []byte) (int, error) {
	_, err := io.WriteString(s.w, site.SafeLine(string(b)))
	return len(b), err //nolint:wrapcheck // standard error is gone
}

// interact runs the shell on the terminal.
func interact(ctx context.Context, env *site.Env, s *shell.Shell, client *worker.Client, noHistory bool) (err error) {
	// An interrupt ends a statement and not the session, whose own context it must not reach.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	interrupts, terms := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	signal.Notify(terms, syscall.SIGTERM)
	defer signal.Stop(interrupts)
	defer signal.Stop(terms)
	history := ""
	if !noHistory {
		history = filepath.Join(xdg.StateHome, "rainlogs", "sql_history")
	}
	editor, err := shell.NewEditor(history, s.Words)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, editor.Close()) }()
	go func() { // it waits for a line, and would not see its end
		select {
		case <-terms:
			_ = errors.Join(editor.Close(), client.Close()) // it is over either way
			os.Exit(site.ExitInterrupted)
		case <-ctx.Done():
		}
	}()
	_, _ = fmt.Fprintf(env.Err, "rainlogs %s over verified evidence. Statements end with \";\"; .help lists the commands.\n", site.Version)
	learned := make(chan struct{})
	go func() {
		defer close(learned)
		s.Learn(ctx)
	}()
	defer func() { cancel(); <-learned }()
	return s.Interact(ctx, editor, interrupts)
}

// newSQLBar is a bar that follows a question through its phases.
func newSQLBar(env *site.Env, g *site.Globals) func() (func(worker.Progress), func()) {
	return func() (func(worker.Progress), func()) {
		var bar site.Bar
		var phase worker.Phase
		set := func(p worker.Progress) {
			if p.Phase != phase {
				bar.Done()
				phase, bar = p.Phase, site.NewBar(env, g, string(p.Phase), p.Total, string(p.Phase))
			}
			bar.Set(p.Done, p.Total)
		}
		return set, func() { bar.Done() }
	}
}
