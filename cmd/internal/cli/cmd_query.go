package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dustin/go-humanize"
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

// withEngine opens the dataset of a range and an engine over it. What they
// write lies in one temporary folder; an interrupt that the engine does not
// obey ends the program.
func (w *workspace) withEngine(o queryOptions, f func(context.Context, *duckdb.Engine, *dataset.Dataset) error) (err error) {
	dir, err := os.MkdirTemp("", "rainlogs-query-") // 0700
	if err != nil {
		return fmt.Errorf("make temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	enforced := w.enforce(dir)
	defer enforced.over()
	d, err := w.openDataset(o, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	e, err := w.openEngine(w.ctx, worker.Limits{}, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	enforced.limit(w.Config.Query.Timeout)
	return f(w.ctx, e, d)
}

// openEngine opens an engine with the config's limits, or with those given.
func (w *workspace) openEngine(ctx context.Context, limits worker.Limits, dir string) (*duckdb.Engine, error) {
	memory, err := humanize.ParseBytes(w.Config.Query.Memory)
	if err != nil {
		return nil, site.Usagef("query.memory %q is not a size such as 4GiB", w.Config.Query.Memory)
	}
	e, err := duckdb.Open(ctx, duckdb.Config{
		Memory:  cmp.Or(limits.Memory, int64(memory)), //nolint:gosec // a size in a config
		Threads: cmp.Or(limits.Threads, w.Config.Query.Threads), Timeout: cmp.Or(limits.Timeout, w.Config.Query.Timeout),
		Program: "rainlogs " + site.Version, Now: w.Env.Now, TempDir: dir,
	})
	if err != nil {
		return nil, fmt.Errorf("open query engine: %w", err)
	}
	return e, nil
}

// openDataset opens what the flags say, with a progress bar.
func (w *workspace) openDataset(o queryOptions, dir string) (*dataset.Dataset, error) {
	from, to, err := o.times.parse(w.Env.Now())
	if err != nil {
		return nil, err
	}
	w.noCache = o.noCache
	progress := site.NewBar(w.Env, w.Globals, "check", -1, "objects")
	defer progress.Done()
	d, err := w.dataset(o.zones, dataset.Options{
		Range: dataset.Range{From: from, To: to}, SkipDamaged: o.skipDamaged, TempDir: dir,
		Progress: func(done, total int, _ int64) { progress.Set(int64(done), int64(total)) },
	})
	if err != nil {
		return nil, queryError(err)
	}
	return d, nil
}

// dataset opens the dataset of zones, all of them if none is named.
func (w *workspace) dataset(zones []string, opts dataset.Options) (*dataset.Dataset, error) {
	chains, err := w.queryChains(zones)
	if err != nil {
		return nil, err
	}
	return dataset.Open(w.ctx, w.Store, chains, opts)
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
