package cli

import (
	"context"
	"errors"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/collector"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// What buildBeside looks back on: what a collector has just sealed, and what
// it caught up with since yesterday. Older objects are rainlogs index's.
const besideBack, besideEvery = 26 * time.Hour, 5 * time.Minute

var _ collector.Beside = buildBeside

// buildBeside builds the columns of what is being collected, one object at a
// time so that collecting keeps its processors. What goes wrong is logged, and
// tried again: queries read the objects meanwhile.
func buildBeside(ctx context.Context, of *site.Workspace) {
	if !of.Config.Query.Columns.Collect {
		return
	}
	w := &workspace{Workspace: of, ctx: ctx}
	cache, err := w.columns()
	if err != nil || cache == nil {
		if err != nil {
			w.Logger().WarnContext(ctx, "columns are not built", "error", err)
		}
		return
	}
	for again := time.NewTicker(besideEvery); ; {
		built, err := w.buildRecent(cache)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			w.Logger().WarnContext(ctx, "columns are not built", "error", err)
		case built.Built > 0:
			w.Logger().InfoContext(ctx, "columns built", "objects", built.Built, "lines", built.Lines)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
	}
}

func (w *workspace) buildRecent(cache *columns.Cache) (sum columns.Progress, err error) {
	if ids, err := verify.ListChains(w.ctx, w.Store); err != nil || len(ids) == 0 {
		return sum, err //nolint:wrapcheck // says what it did
	}
	chains, err := w.queryChains(nil)
	if err != nil {
		return sum, err
	}
	now := w.Env.Now()
	var errs []error
	for _, of := range byDataset(chains) {
		d, err := dataset.Open(w.ctx, w.Store, of, dataset.Options{Range: dataset.Range{From: now.Add(-besideBack), To: now}})
		if err != nil {
			return sum, err
		}
		before := sum
		errs = append(errs, cache.Build(w.ctx, d.Objects(), columns.BuildOptions{Jobs: 1, Progress: func(p columns.Progress) {
			sum.Built, sum.Lines = before.Built+p.Built, before.Lines+p.Lines
		}}), d.Close())
	}
	return sum, errors.Join(errs...)
}
