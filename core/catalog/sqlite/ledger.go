package sqlite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// rows are a chain's windows in a transaction. Its errors are translated by write.
type rows struct {
	q     *dbsqlc.Queries
	chain evidence.ChainID
}

var _ ledger.Rows = rows{}

func (r rows) In(ctx context.Context, w evidence.Window) ([]catalog.Window, error) {
	have, err := r.q.WindowsIn(ctx, within(r.chain, w.Start, w.End))
	return ledger.Windows(r.chain, have), err
}

func (r rows) Insert(ctx context.Context, ws ...catalog.Window) error {
	for _, w := range ws {
		if err := r.q.InsertWindow(ctx, toWindow(w)); err != nil {
			return err
		}
	}
	return nil
}

func (r rows) Delete(ctx context.Context, w evidence.Window) error {
	return r.q.DeleteWindow(ctx, dbsqlc.DeleteWindowParams{
		Zone: r.chain.Zone, Dataset: r.chain.Dataset, StartS: w.Start.Unix(),
	})
}

func within(chain evidence.ChainID, from, to time.Time) dbsqlc.WindowsInParams {
	p := dbsqlc.WindowsInParams{Zone: chain.Zone, Dataset: chain.Dataset}
	p.FromS, p.ToS = ledger.Seconds(from, to)
	return p
}

// Plan inserts windows as Planned; those that are there already stay.
func (c *Catalog) Plan(ctx context.Context, chain evidence.ChainID, windows []evidence.Window) error {
	if err := ledger.CheckWindows(chain, windows...); err != nil {
		return fmt.Errorf("plan windows: %w", err)
	}
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		return ledger.Plan(ctx, rows{q, chain}, chain, windows, 0)
	})
	if err != nil {
		return fmt.Errorf("plan windows of %s: %w", chain, err)
	}
	return nil
}

// Windows returns those that overlap [from, to), by start. A question for open
// windows alone reads no others.
func (c *Catalog) Windows(ctx context.Context, chain evidence.ChainID, from, to time.Time, states ...catalog.State) ([]catalog.Window, error) {
	if !from.Before(to) {
		return nil, nil
	}
	windows, err := c.in(ctx, chain, within(chain, from, to), len(states) > 0 && !slices.ContainsFunc(states, ledger.Final))
	if err != nil {
		return nil, fmt.Errorf("list windows of %s: %w", chain, translate(err))
	}
	return slices.DeleteFunc(windows, func(w catalog.Window) bool { return len(states) > 0 && !slices.Contains(states, w.State) }), nil
}

func (c *Catalog) in(ctx context.Context, chain evidence.ChainID, arg dbsqlc.WindowsInParams, open bool) ([]catalog.Window, error) {
	if open {
		have, err := c.read().OpenWindowsIn(ctx, dbsqlc.OpenWindowsInParams(arg))
		return ledger.Windows(chain, have), err
	}
	have, err := c.read().WindowsIn(ctx, arg)
	return ledger.Windows(chain, have), err
}

// Stretches sums up the windows that overlap [from, to), by start. The database does so
// where each state has one stretch, as it has but for what is being mended.
func (c *Catalog) Stretches(ctx context.Context, chain evidence.ChainID, from, to time.Time) ([]catalog.Stretch, error) {
	if !from.Before(to) {
		return nil, nil
	}
	have, err := c.read().StretchesIn(ctx, dbsqlc.StretchesInParams(within(chain, from, to)))
	if err != nil {
		return nil, fmt.Errorf("sum up windows of %s: %w", chain, translate(err))
	}
	groups := make([]ledger.Group, len(have))
	for i, row := range have {
		groups[i] = ledger.Group(row)
	}
	return ledger.Stretches(groups, func() ([]catalog.Window, error) { return c.Windows(ctx, chain, from, to) })
}

// Update stores State, Attempts, NextAt, Reason and Detail. It refuses to
// bring a window into or out of a final state: Commit alone does the former.
func (c *Catalog) Update(ctx context.Context, w catalog.Window) error {
	if !ledger.Open(w.State) {
		return fmt.Errorf("update window %s of %s: %q is not a state that Update can give", w.Window, w.Chain, w.State)
	}
	at := at(w.Chain, w.Window)
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		n, err := q.UpdateOpenWindow(ctx, dbsqlc.UpdateOpenWindowParams{
			Zone: at.Zone, Dataset: at.Dataset, StartS: at.StartS, EndS: at.EndS,
			State: string(w.State), Attempts: int64(w.Attempts), NextMs: ledger.Milli(w.NextAt),
			Reason: w.Reason, Detail: w.Detail,
		})
		if err != nil || n == 1 {
			return err
		}
		if _, err := q.WindowAt(ctx, at); err != nil {
			return err
		}
		return ledger.ErrFinal
	})
	if err != nil {
		return fmt.Errorf("update window %s of %s: %w", w.Window, w.Chain, err)
	}
	return nil
}

// Split replaces an open window by parts that tile it exactly.
func (c *Catalog) Split(ctx context.Context, chain evidence.ChainID, w evidence.Window, parts []evidence.Window) error {
	if err := ledger.CheckTiling(chain, w, parts); err != nil {
		return fmt.Errorf("split window %s of %s: %w", w, chain, err)
	}
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		return ledger.Split(ctx, rows{q, chain}, w, parts)
	})
	if err != nil {
		return fmt.Errorf("split window %s of %s: %w", w, chain, err)
	}
	return nil
}
