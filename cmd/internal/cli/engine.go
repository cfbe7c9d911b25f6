package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/dustin/go-humanize"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/worker"
)

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
	e, err := w.openEngine(w.ctx, duckdb.Config{TempDir: dir, Once: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	enforced.limit(w.Config.Query.Timeout)
	return f(w.ctx, e, d)
}

// limitsOf are an engine's settings with the limits that a question brings.
func limitsOf(l worker.Limits) duckdb.Config {
	return duckdb.Config{Memory: l.Memory, Threads: l.Threads, Timeout: l.Timeout}
}

// openEngine opens an engine over the columns that are kept here, with the
// config's limits where cfg has none, and its columns unless cfg brings them.
func (w *workspace) openEngine(ctx context.Context, cfg duckdb.Config) (*duckdb.Engine, error) {
	memory, err := humanize.ParseBytes(w.Config.Query.Memory)
	if err != nil {
		return nil, site.Usagef("query.memory %q is not a size such as 4GiB", w.Config.Query.Memory)
	}
	if cfg.Columns == nil {
		cache, err := w.columns()
		if err != nil {
			return nil, err
		}
		if cache != nil {
			cfg.Columns = cache
		}
	}
	cfg.Memory = cmp.Or(cfg.Memory, int64(memory)) //nolint:gosec // a size in a config
	cfg.Threads, cfg.Timeout = cmp.Or(cfg.Threads, w.Config.Query.Threads), cmp.Or(cfg.Timeout, w.Config.Query.Timeout)
	cfg.Program, cfg.Now = "rainlogs "+site.Version, w.Env.Now
	e, err := duckdb.Open(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open query engine: %w", err)
	}
	return e, nil
}

// openDataset opens what the flags say, with a progress bar.
func (w *workspace) openDataset(o queryOptions, dir string) (*dataset.Dataset, error) {
	r, chains, err := w.selection(o)
	if err != nil {
		return nil, err
	}
	d, err := dataset.Open(w.ctx, w.Store, chains, dataset.Options{
		Range: r, SkipDamaged: o.skipDamaged, TempDir: dir, Progress: w.showChecks(),
	})
	if err != nil {
		return nil, queryError(err)
	}
	return d, nil
}

// showChecks shows how far the checks of objects are, while there are some.
func (w *workspace) showChecks() func(done, total int, bytes int64) {
	if w.follow != nil {
		return func(done, total int, _ int64) { w.follow(worker.Objects, int64(done), int64(total)) }
	}
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
	w.noCache = o.noCache
	chains, err = w.queryChains(o.zones)
	return r, chains, err
}

// dataset opens the dataset of zones, all of them if none is named.
func (w *workspace) dataset(zones []string, opts dataset.Options) (*dataset.Dataset, error) {
	chains, err := w.queryChains(zones)
	if err != nil {
		return nil, err
	}
	return dataset.Open(w.ctx, w.Store, chains, opts)
}
