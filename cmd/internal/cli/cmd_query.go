package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/format"
	"github.com/fabriziosalmi/rainlogs/query/saved"
)

type queryOptions struct {
	times       rangeFlags
	zones       []string
	file, out   string
	saved       string
	format      string
	params      map[string]string
	skipDamaged bool
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
	switch {
	case errors.As(err, &damage):
		return site.EndWith(site.ExitDamaged, err.Error()+" (--skip-damaged answers without it)")
	case errors.Is(err, query.ErrSQL), errors.Is(err, query.ErrForbidden):
		return site.Usage(err)
	}
	return fmt.Errorf("query: %w", err)
}

// withEngine opens the dataset of a range and an engine over it.
func (w *workspace) withEngine(o queryOptions, f func(context.Context, *duckdb.Engine, *dataset.Dataset) error) (err error) {
	d, err := w.openDataset(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	memory, err := humanize.ParseBytes(w.Config.Query.Memory)
	if err != nil {
		return site.Usagef("query.memory %q is not a size such as 4GiB", w.Config.Query.Memory)
	}
	cache, err := w.columns()
	if err != nil {
		return err
	}
	var from duckdb.Columns
	if cache != nil {
		from = cache
	}
	e, err := duckdb.Open(w.ctx, duckdb.Config{
		Memory: int64(memory), Threads: w.Config.Query.Threads, Timeout: w.Config.Query.Timeout, //nolint:gosec // a size in a config
		Program: "rainlogs " + site.Version, Now: w.Env.Now, Once: true, Columns: from,
	})
	if err != nil {
		return fmt.Errorf("open query engine: %w", err)
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	return f(w.ctx, e, d)
}

func (w *workspace) openDataset(o queryOptions) (*dataset.Dataset, error) {
	r, chains, err := w.selection(o)
	if err != nil {
		return nil, err
	}
	d, err := dataset.Open(w.ctx, w.Store, chains, dataset.Options{
		Range: r, SkipDamaged: o.skipDamaged, Progress: w.showChecks(),
	})
	if err != nil {
		return nil, queryError(err)
	}
	return d, nil
}

// showChecks shows how far the checks of objects are, while there are some.
func (w *workspace) showChecks() func(done, total int, bytes int64) {
	var bar site.Bar
	return func(done, total int, _ int64) {
		if done == 1 {
			bar = site.NewBar(w.Env, w.Globals, "check", int64(total), "objects")
		}
		bar.Set(int64(done), int64(total))
		if done == total {
			bar.Done()
		}
	}
}

// selection reads the range and the verified chains that the flags name.
func (w *workspace) selection(o queryOptions) (r dataset.Range, chains []dataset.Chain, err error) {
	if r.From, r.To, err = o.times.parse(w.Env.Now()); err != nil {
		return r, nil, err
	}
	var ids []evidence.ChainID
	for _, name := range o.zones {
		id, err := w.chainOf(name)
		if err != nil {
			return r, nil, err
		}
		ids = append(ids, id)
	}
	verified, err := w.readChains(ids)
	if err != nil {
		return r, nil, err
	}
	if len(verified) == 0 {
		return r, nil, site.Usagef("the archive has no chain yet: rainlogs zone add, then rainlogs pull")
	}
	for _, c := range verified {
		chains = append(chains, dataset.Chain{ID: c.ID, Entries: c.Entries, Head: dataset.Head{
			Size: c.Report.Size, Root: c.Report.Root, Key: evidence.Origin(w.Archive, c.ID), Pinned: c.KeyTrust != verify.TrustUnpinned,
		}})
	}
	return r, chains, nil
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
