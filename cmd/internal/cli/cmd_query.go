package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

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
	skipDamaged bool
	noCache     bool
}

func newQuery(env *site.Env, g *site.Globals) *cobra.Command {
	var o queryOptions
	cmd := &cobra.Command{
		Use:   "query [SQL]",
		Short: "Ask SQL of the verified objects of a range of event time",
		Long: "Answer SQL over the views logs, raw, windows and chain. Only objects whose SHA-256 is the sealed one are read, and each\n" +
			"answer says what it stands on: on standard error as a footer, in JSON as a field. Times are event time (EdgeStartTimestamp).\n\n" + site.ExitHelp,
		Example: `rainlogs query --from -6h "SELECT ClientIP, count(*) n FROM logs GROUP BY 1 ORDER BY n DESC LIMIT 10"` + "\n" +
			"rainlogs query --saved scanners --zone example.com --format csv -o scanners.csv\nrainlogs query --saved list",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.saved == "list" {
				return listSaved(env)
			}
			sql, params, err := o.question(args)
			if err != nil {
				return err
			}
			f, err := format.Parse(o.format)
			if err != nil {
				return site.Usagef("--format: %w", err)
			}
			w, err := openReader(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			return w.withOutput(o.out, func(out io.Writer) error { return w.ask(o, sql, params, f, out) })
		},
	}
	o.addTo(cmd, env, g)
	cmd.Flags().StringVarP(&o.file, "file", "f", "", "read the SQL from a file")
	cmd.Flags().StringVar(&o.saved, "saved", "", "a saved query's name, or list")
	cmd.Flags().StringVar(&o.format, "format", string(format.Table), "table, csv, tsv, json, ndjson or markdown")
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

// question reads the SQL from the argument, a file or the library.
func (o *queryOptions) question(args []string) (string, map[string]any, error) {
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
		q, err := saved.Find(o.saved)
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

func listSaved(env *site.Env) error {
	queries, err := saved.All()
	if err != nil {
		return fmt.Errorf("list saved queries: %w", err)
	}
	return site.Table(env.Out, "NAME\tTITLE\tPARAMETERS", func(row func(...any)) {
		for _, q := range queries {
			var params []string
			for _, p := range q.Params {
				params = append(params, p.Name+"="+p.Default)
			}
			row(q.Name, q.Title, strings.Join(params, " "))
		}
	})
}

// ask answers one question.
func (w *workspace) ask(o queryOptions, sql string, params map[string]any, f format.Format, out io.Writer) error {
	return w.withEngine(o, func(ctx context.Context, e *duckdb.Engine, d *dataset.Dataset) (err error) {
		progress, total := site.NewBar(w.Env, w.Globals, "query", linesOf(d), "lines"), linesOf(d)
		res, err := e.Query(ctx, query.Request{SQL: sql, Params: params, Dataset: d, Progress: func(lines int64) {
			progress.Set(min(lines, total), total)
		}})
		progress.Done()
		if err != nil {
			return queryError(err)
		}
		defer func() { err = errors.Join(err, res.Close()) }()
		if err := format.Write(out, f, res); err != nil {
			return queryError(err)
		}
		if f == format.JSON {
			return nil
		}
		return format.WriteFooter(w.Env.Err, res.Provenance) //nolint:wrapcheck // says what it did
	})
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

// withOutput writes to a new file, or to standard output.
func (w *workspace) withOutput(path string, f func(io.Writer) error) error {
	if path == "" {
		out := w.Env.Data()
		return errors.Join(f(out), out.Close())
	}
	file, err := os.Create(path)
	if err != nil {
		return site.Usagef("-o: %w", err)
	}
	return errors.Join(f(file), file.Close())
}
