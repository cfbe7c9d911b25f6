package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Bounds returns the start of the chain's first window and the end of its last.
func (c *Catalog) Bounds(ctx context.Context, chain evidence.ChainID) (first, last time.Time, err error) {
	q := c.read()
	from, err := q.FirstWindow(ctx, dbsqlc.FirstWindowParams{Zone: chain.Zone, Dataset: chain.Dataset})
	to := from
	if err == nil { // the ledger only grows, so the two questions fit together
		to, err = q.LastWindow(ctx, dbsqlc.LastWindowParams{Zone: chain.Zone, Dataset: chain.Dataset})
	}
	if err = translate(err); errors.Is(err, catalog.ErrNotFound) {
		return time.Time{}, time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, time.Time{}, fmt.Errorf("read bounds of %s: %w", chain, err)
	}
	return time.Unix(from, 0).UTC(), time.Unix(to, 0).UTC(), nil
}

// Due returns at most limit windows that may be pulled now, oldest first.
func (c *Catalog) Due(ctx context.Context, chain evidence.ChainID, now time.Time, limit int) ([]catalog.Window, error) {
	if limit <= 0 {
		return nil, nil
	}
	have, err := c.read().DueWindows(ctx, dbsqlc.DueWindowsParams{
		Zone: chain.Zone, Dataset: chain.Dataset, NowMs: now.UnixMilli(), AtMost: int64(limit),
	})
	if err != nil {
		return nil, fmt.Errorf("list due windows of %s: %w", chain, translate(err))
	}
	return ledger.Windows(chain, have), nil
}

// Backlog sums up the open windows of all chains, by chain and state.
func (c *Catalog) Backlog(ctx context.Context) ([]catalog.Backlog, error) {
	sums, err := c.read().Backlog(ctx)
	if err != nil {
		return nil, fmt.Errorf("sum up backlog: %w", translate(err))
	}
	all := make([]catalog.Backlog, len(sums))
	for i, row := range sums {
		w := ledger.Span(row.OldestS, row.NewestS)
		all[i] = catalog.Backlog{
			Chain: evidence.ChainID{Zone: row.Zone, Dataset: row.Dataset}, State: catalog.State(row.State),
			Windows: row.Windows, Oldest: w.Start, Newest: w.End,
		}
	}
	return all, nil
}

// Latest returns at most limit windows that start before an instant, the latest first.
func (c *Catalog) Latest(ctx context.Context, chain evidence.ChainID, before time.Time, limit int) ([]catalog.Window, error) {
	have, err := c.read().LatestWindows(ctx, dbsqlc.LatestWindowsParams{
		Zone: chain.Zone, Dataset: chain.Dataset, BeforeS: before.Unix(), AtMost: int64(max(limit, 0)),
	})
	if err != nil {
		return nil, fmt.Errorf("list latest windows of %s: %w", chain, translate(err))
	}
	return ledger.Windows(chain, have), nil
}
