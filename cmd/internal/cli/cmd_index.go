package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

type indexOptions struct {
	queryOptions

	jobs                 int
	asJSON, status, drop bool
}

func newIndex(env *site.Env, g *site.Globals) *cobra.Command {
	var o indexOptions
	cmd := &cobra.Command{
		Use:   "index",
		Short: "Build the columns of a range ahead of the questions",
		Long: "Build columns, Parquet files derived from the verified objects of a range of event time, so that queries need not read\n" +
			"the objects' lines. Columns are no evidence: they are kept in query.columns.dir up to query.columns.limit, checked before\n" +
			"each use, built again when damaged, and can be dropped at any time.\n\n" + site.ExitHelp,
		Example: "rainlogs index --from -7d\nrainlogs index --status --zone example.com\nrainlogs index --drop",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := openReader(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			return w.index(o)
		},
	}
	o.times.addTo(cmd, "the range, event time (default: all)")
	cmd.Flags().StringArrayVar(&o.zones, "zone", nil, "a zone, by name or id; again for more (default: all)")
	cmd.Flags().IntVar(&o.jobs, "jobs", 0, "objects built at once (default: one a processor)")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&o.status, "status", false, "show how much of the range has columns, and build nothing")
	cmd.Flags().BoolVar(&o.drop, "drop", false, "remove all columns, of every zone")
	cmd.MarkFlagsMutuallyExclusive("status", "drop")
	for _, name := range []string{"zone", "from", "to", "jobs"} {
		cmd.MarkFlagsMutuallyExclusive("drop", name)
	}
	_ = cmd.RegisterFlagCompletionFunc("zone", completeZones(env, g)) // the flag exists
	return cmd
}

func (w *workspace) index(o indexOptions) error {
	if o.jobs < 0 {
		return site.Usagef("--jobs is %d: want 1 or more", o.jobs)
	}
	cache, err := w.columns()
	if err != nil {
		return err
	}
	switch {
	case cache == nil:
		return site.Usagef("query.columns.limit is %s: columns are off", w.Config.Query.Columns.Limit)
	case o.drop:
		return w.dropColumns(cache, o)
	case o.status:
		return w.columnsStatus(cache, o)
	}
	return w.buildColumns(cache, o)
}

// columns opens the cache of columns, nil if it is off.
func (w *workspace) columns() (*columns.Cache, error) {
	c := w.Config.Query.Columns
	limit, err := c.Bytes()
	if err != nil || limit == 0 {
		return nil, err //nolint:wrapcheck // names the key
	}
	cache, err := columns.Open(columns.Config{Dir: c.Dir, Limit: limit, Now: w.Env.Now, Log: slog.New(slog.NewTextHandler(w.Env.Err, nil))})
	if err != nil {
		return nil, fmt.Errorf("query.columns.dir: %w", err)
	}
	return cache, nil
}

// indexed is what a run of index has done.
type indexed struct {
	columns.Progress

	Seconds float64                `json:"seconds"`
	Damaged []*dataset.DamageError `json:"damaged,omitempty"`
}

func (w *workspace) buildColumns(cache *columns.Cache, o indexOptions) (err error) {
	o.skipDamaged = true // each is reported in the end
	d, err := w.openDataset(o.queryOptions, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	var done indexed
	began := w.Env.Now()
	bar, total := site.NewBar(w.Env, w.Globals, "index", linesOf(d), "lines"), linesOf(d)
	failed := cache.Build(w.ctx, d.Objects(), columns.BuildOptions{Jobs: o.jobs, Progress: func(p columns.Progress) {
		done.Progress = p
		bar.Set(min(p.Lines+p.Skipped, total), total)
	}})
	bar.Done()
	for _, o := range d.Objects() {
		if damage := o.Damage(); damage != nil {
			done.Damaged = append(done.Damaged, damage)
		}
	}
	done.Failed -= len(done.Damaged) // they are told apart
	done.Seconds = w.Env.Now().Sub(began).Round(time.Millisecond).Seconds()
	if errors.Is(failed, context.Canceled) {
		return fmt.Errorf("index: %w", failed)
	}
	if err := printIndexed(w.Env.Out, done, o.asJSON); err != nil {
		return err
	}
	var damage *dataset.DamageError
	switch {
	case errors.As(failed, &damage):
		return site.EndWith(site.ExitDamaged, site.SafeLine(failed.Error()))
	case len(done.Damaged) > 0:
		return site.EndWith(site.ExitDamaged, site.SafeLine(errors.Join(damageErrors(done.Damaged)...).Error()))
	case failed != nil:
		return fmt.Errorf("index: %w", failed)
	}
	return nil
}

func damageErrors(damaged []*dataset.DamageError) (errs []error) {
	for _, d := range damaged {
		errs = append(errs, d)
	}
	return errs
}

func printIndexed(out io.Writer, done indexed, asJSON bool) error {
	if asJSON {
		return site.PrintJSON(out, done) //nolint:wrapcheck // says what it did
	}
	return site.Table(out, "OBJECTS\tHAD COLUMNS\tBUILT\tFAILED\tLINES\tREAD\tWRITTEN\tSECONDS", func(row func(...any)) { //nolint:wrapcheck // says what it did
		row(done.Total, done.Present, done.Built, done.Failed+len(done.Damaged), site.Count(done.Lines),
			humanize.IBytes(uint64(done.Content)), humanize.IBytes(uint64(done.Bytes)), done.Seconds)
	})
}

// coverage is how much of a range of a zone has columns.
type columnsCoverage struct {
	Zone    string `json:"zone"`
	Dataset string `json:"dataset"`
	Objects int    `json:"objects"`
	Present int    `json:"present"`
	Lines   int64  `json:"lines"`
	Ready   int64  `json:"lines_present"`
	Bytes   int64  `json:"bytes"` // of the files
}

// cacheStatus is what index --status says.
type cacheStatus struct {
	Dir   string            `json:"dir"`
	Files int               `json:"files"`
	Bytes int64             `json:"bytes"`
	Limit int64             `json:"limit"`
	Zones []columnsCoverage `json:"zones"`
}

func (w *workspace) columnsStatus(cache *columns.Cache, o indexOptions) error {
	r, chains, err := w.selection(o.queryOptions)
	if err != nil {
		return err
	}
	s := cacheStatus{Dir: cache.Dir(), Limit: cache.Limit()}
	for _, c := range chains {
		s.Zones = append(s.Zones, coverageOfColumns(cache, c, r))
	}
	if s.Files, s.Bytes, err = cache.Usage(); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if o.asJSON {
		return site.PrintJSON(w.Env.Out, s)
	}
	err = site.Table(w.Env.Out, "ZONE\tDATASET\tOBJECTS\tWITH COLUMNS\tLINES\tWITH COLUMNS\tSIZE", func(row func(...any)) {
		for _, z := range s.Zones {
			row(z.Zone, z.Dataset, z.Objects, z.Present, site.Count(z.Lines), site.Count(z.Ready), humanize.IBytes(uint64(z.Bytes)))
		}
	})
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	_, err = fmt.Fprintf(w.Env.Out, "\n%s has %s in %d files, of at most %s\n", site.SafeLine(s.Dir),
		humanize.IBytes(uint64(s.Bytes)), s.Files, humanize.IBytes(uint64(s.Limit)))
	return err //nolint:wrapcheck // standard output is gone
}

func coverageOfColumns(cache *columns.Cache, c dataset.Chain, r dataset.Range) columnsCoverage {
	z := columnsCoverage{Zone: c.ID.Zone, Dataset: c.ID.Dataset}
	for _, e := range dataset.Select(c.Entries, r) {
		z.Objects++
		z.Lines += e.Content.Lines
		f, found := cache.Find(e)
		if !found {
			continue
		}
		z.Present++
		z.Ready += e.Content.Lines
		z.Bytes += f.Bytes
		f.Release()
	}
	return z
}

func (w *workspace) dropColumns(cache *columns.Cache, o indexOptions) error {
	files, bytes, err := cache.Drop()
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if o.asJSON {
		return site.PrintJSON(w.Env.Out, map[string]int64{"files": int64(files), "bytes": bytes})
	}
	_, err = fmt.Fprintf(w.Env.Out, "dropped %s in %d files\n", humanize.IBytes(uint64(bytes)), files)
	return err //nolint:wrapcheck // standard output is gone
}
