package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/format"
	"github.com/fabriziosalmi/rainlogs/query/saved"
	"github.com/fabriziosalmi/rainlogs/query/worker"
)

type queryOptions struct {
	times       rangeFlags
	zones       []string
	file, out   string
	saved       string
	format      string
	params      map[string]string
	explain     bool
	stats       bool
	skipDamaged bool
	noCache     bool
	quiet       bool // no footer
}

func newQuery(env *site.Env, g *site.Globals) *cobra.Command {
	var o queryOptions
	cmd := &cobra.Command{
		Use:   "query [SQL]",
		Short: "Ask SQL of the verified objects of a range of event time",
		Long: "Answer SQL over the views logs, raw, windows and chain. Only objects whose SHA-256 is the sealed one are read, and each\n" +
			"answer says what it stands on: on standard error as a footer, in JSON as a field, beside the file of -o as FILE.provenance.json.\n" +
			"parquet and duckdb keep the types of columns; a DuckDB file has the tables answer and provenance. Times are event time (EdgeStartTimestamp).\n\n" + site.ExitHelp,
		Example: `rainlogs query --from -6h "SELECT ClientIP, count(*) n FROM logs GROUP BY 1 ORDER BY n DESC LIMIT 10"` + "\n" +
			"rainlogs query --saved scanners --zone example.com --format csv -o scanners.csv\n" +
			"rainlogs query --saved list\nrainlogs query --saved absence --param ip=192.0.2.7 --from -6h --to -1h",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := o.parseFormat()
			if err != nil {
				return err
			}
			library, err := openLibrary(env, g)
			if err != nil {
				return err
			}
			if o.saved == "list" || o.saved == "show" {
				return tellSaved(env, library, o.saved, args, f)
			}
			sql, params, err := o.question(args, library)
			if err != nil {
				return err
			}
			w, err := openReader(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			switch {
			case o.explain:
				return w.withOutput(o.out, func(out io.Writer) error { return w.explain(o, sql, params, f, out) })
			case f.File():
				return w.export(o, sql, params, f)
			}
			return w.withAnswer(o.out, f, func(out io.Writer) (query.Provenance, error) { return w.ask(o, sql, params, f, out) })
		},
	}
	o.addTo(cmd, env, g)
	cmd.Flags().StringVarP(&o.file, "file", "f", "", "read the SQL from a file")
	cmd.Flags().StringVar(&o.saved, "saved", "", "a saved query's name; list, or show NAME")
	cmd.Flags().StringVar(&o.format, "format", string(format.Table), format.Names)
	cmd.Flags().BoolVar(&o.explain, "explain", false, "show the plan, and what would be read; ask for no row")
	cmd.Flags().BoolVar(&o.stats, "stats", false, "say on standard error what the answer took; in JSON as a field")
	cmd.Flags().StringToStringVar(&o.params, "param", nil, "a saved query's parameter, name=value")
	return cmd
}

// addTo adds the flags that query and logs share.
func (o *queryOptions) addTo(cmd *cobra.Command, env *site.Env, g *site.Globals) {
	o.times.addTo(cmd, "the range, event time (default: all)")
	cmd.Flags().StringArrayVar(&o.zones, "zone", nil, "a zone, by name or id; again for more (default: all)")
	cmd.Flags().StringVarP(&o.out, "output", "o", "", "write to a file instead of standard output")
	cmd.Flags().BoolVar(&o.skipDamaged, "skip-damaged", false, "answer without damaged objects, and say so")
	addNoCache(cmd, &o.noCache)
	_ = cmd.RegisterFlagCompletionFunc("zone", completeZones(env, g)) // the flag exists
}

// parseFormat reads --format, which depends on -o.
func (o *queryOptions) parseFormat() (format.Format, error) {
	f, err := format.ParseAny(o.format)
	if err != nil {
		return "", site.Usagef("--format: %w", err)
	}
	if f.File() && o.out == "" {
		return "", site.Usagef("--format %s is a file: say which with -o FILE", f)
	}
	return f, nil
}

// question reads the SQL from the argument, a file or the library.
func (o *queryOptions) question(args []string, library *saved.Library) (string, map[string]any, error) {
	given := len(args)
	for _, s := range []string{o.file, o.saved} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return "", nil, site.Usagef("give the SQL as an argument, with -f FILE, or --saved NAME (--saved list)")
	}
	switch {
	case o.file != "":
		b, err := os.ReadFile(o.file)
		if err != nil {
			return "", nil, site.Usagef("-f: %w", err)
		}
		return string(b), nil, nil
	case o.saved != "":
		q, err := library.Find(o.saved)
		if err != nil {
			return "", nil, site.Usagef("--saved %q: %w (rainlogs query --saved list)", o.saved, err)
		}
		params, err := q.Values(o.params)
		if err != nil {
			return "", nil, site.Usagef("--param: %w", err)
		}
		return q.SQL, params, nil
	}
	return args[0], nil, nil
}

// ask answers one question, and says what the answer stands on.
func (w *workspace) ask(o queryOptions, sql string, params map[string]any, f format.Format, out io.Writer) (p query.Provenance, err error) {
	err = w.withEngine(o, func(ctx context.Context, e *duckdb.Engine, d *dataset.Dataset) (err error) {
		req, done := w.request(o, sql, params, d)
		res, err := e.Query(ctx, req)
		done()
		if err != nil {
			return queryError(err)
		}
		defer func() { err = errors.Join(err, res.Close()) }()
		if err := format.Write(out, f, res); err != nil {
			return queryError(err)
		}
		p = res.Provenance
		if f == format.JSON || o.quiet {
			return nil
		}
		return w.footer(p)
	})
	return p, err
}

// request is a question with a progress bar; done ends it.
func (w *workspace) request(o queryOptions, sql string, params map[string]any, d *dataset.Dataset) (req query.Request, done func()) {
	total := linesOf(d)
	if w.follow != nil {
		return query.Request{SQL: sql, Params: params, Dataset: d, Stats: o.stats, Progress: func(lines int64) {
			w.follow(worker.Lines, min(lines, total), total)
		}}, func() {}
	}
	progress := site.NewBar(w.Env, w.Globals, "query", total, "lines")
	return query.Request{SQL: sql, Params: params, Dataset: d, Stats: o.stats, Progress: func(lines int64) {
		progress.Set(min(lines, total), total)
	}}, progress.Done
}

func (w *workspace) footer(p query.Provenance) error {
	err := format.WriteFooter(w.Env.Err, p)
	if err == nil && p.Stats != nil {
		err = format.WriteStats(w.Env.Err, p.Stats, p.Objects)
	}
	return err //nolint:wrapcheck // says what it did
}

// linesOf is how many lines a dataset's objects hold.
func linesOf(d *dataset.Dataset) (n int64) {
	for _, o := range d.Objects() {
		n += o.Entry.Content.Lines
	}
	return n
}

// queryError tells the analyst's mistakes from ours.
func queryError(err error) error {
	var damage *dataset.DamageError
	var told *worker.Error
	switch {
	case errors.As(err, &damage):
		return site.EndWith(site.ExitDamaged, err.Error()+" (--skip-damaged answers without it)")
	case errors.Is(err, query.ErrSQL), errors.Is(err, query.ErrForbidden):
		return site.Usage(err)
	case errors.As(err, &told) && told.Code > site.ExitFailed:
		return site.EndWith(told.Code, told.Text+hinted(told.Hint))
	}
	return fmt.Errorf("query: %w", err)
}

func hinted(hint string) string {
	if hint == "" {
		return ""
	}
	return "\n  → " + hint
}
