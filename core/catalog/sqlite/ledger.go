package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

var errFinal = errors.New("window is sealed or lost, which is final")

func final(s catalog.State) bool { return s == catalog.Sealed || s == catalog.Lost }

func open(s catalog.State) bool {
	switch s {
	case catalog.Planned, catalog.Pulling, catalog.Retrying, catalog.Blocked:
		return true
	}
	return false
}

// Plan inserts windows as Planned; those that are there already stay.
func (c *Catalog) Plan(ctx context.Context, chain evidence.ChainID, windows []evidence.Window) error {
	if err := checkWindows(chain, windows); err != nil {
		return fmt.Errorf("plan windows: %w", err)
	}
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		for _, w := range windows {
			if err := plan(ctx, q, chain, w, 0); err != nil {
				return fmt.Errorf("window %s: %w", w, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("plan windows of %s: %w", chain, err)
	}
	return nil
}

func plan(ctx context.Context, q *dbsqlc.Queries, chain evidence.ChainID, w evidence.Window, attempts int64) error {
	rows, err := q.WindowsIn(ctx, within(chain, w.Start, w.End))
	if err != nil {
		return err //nolint:wrapcheck // translated by write
	}
	if len(rows) > 0 {
		if hasBounds(rows[0], w) { // then it is the only one
			return nil
		}
		return fmt.Errorf("%w: %s", catalog.ErrOverlap, bounds(rows[0]))
	}
	return q.InsertWindow(ctx, dbsqlc.InsertWindowParams{ //nolint:wrapcheck // translated by write
		Zone: chain.Zone, Dataset: chain.Dataset, StartS: w.Start.Unix(), EndS: w.End.Unix(),
		State: string(catalog.Planned), Attempts: attempts, Seq: -1,
	})
}

// Windows returns those that overlap [from, to), by start. A question for open
// windows alone reads no others.
func (c *Catalog) Windows(ctx context.Context, chain evidence.ChainID, from, to time.Time, states ...catalog.State) ([]catalog.Window, error) {
	if !from.Before(to) {
		return nil, nil
	}
	arg := within(chain, from, to)
	query := c.read().WindowsIn
	if len(states) > 0 && !slices.ContainsFunc(states, final) {
		query = func(ctx context.Context, arg dbsqlc.WindowsInParams) ([]dbsqlc.Window, error) {
			return c.read().OpenWindowsIn(ctx, dbsqlc.OpenWindowsInParams(arg))
		}
	}
	rows, err := query(ctx, arg)
	if err != nil {
		return nil, fmt.Errorf("list windows of %s: %w", chain, translate(err))
	}
	var windows []catalog.Window
	for _, row := range rows {
		if w := fromWindow(row); len(states) == 0 || slices.Contains(states, w.State) {
			windows = append(windows, w)
		}
	}
	return windows, nil
}

// Update stores State, Attempts, NextAt, Reason and Detail. It refuses to
// bring a window into or out of a final state: Commit alone does the former.
func (c *Catalog) Update(ctx context.Context, w catalog.Window) error {
	if !open(w.State) {
		return fmt.Errorf("update window %s of %s: %q is not a state that Update can give", w.Window, w.Chain, w.State)
	}
	at := at(w.Chain, w.Window)
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		n, err := q.UpdateOpenWindow(ctx, dbsqlc.UpdateOpenWindowParams{
			Zone: at.Zone, Dataset: at.Dataset, StartS: at.StartS, EndS: at.EndS,
			State: string(w.State), Attempts: int64(w.Attempts), NextMs: toMilli(w.NextAt),
			Reason: w.Reason, Detail: w.Detail,
		})
		if err != nil || n == 1 {
			return err //nolint:wrapcheck // translated by write
		}
		if _, err := q.WindowAt(ctx, at); err != nil {
			return err //nolint:wrapcheck // translated by write
		}
		return errFinal
	})
	if err != nil {
		return fmt.Errorf("update window %s of %s: %w", w.Window, w.Chain, err)
	}
	return nil
}

// Split replaces an open window by parts that tile it exactly.
func (c *Catalog) Split(ctx context.Context, chain evidence.ChainID, w evidence.Window, parts []evidence.Window) error {
	if err := checkTiling(chain, w, parts); err != nil {
		return fmt.Errorf("split window %s of %s: %w", w, chain, err)
	}
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		row, err := q.WindowAt(ctx, at(chain, w))
		if err != nil {
			return err //nolint:wrapcheck // translated by write
		}
		return replace(ctx, q, row, parts)
	})
	if err != nil {
		return fmt.Errorf("split window %s of %s: %w", w, chain, err)
	}
	return nil
}

// replace puts parts, as Planned and with its attempts, in an open row's place.
func replace(ctx context.Context, q *dbsqlc.Queries, row dbsqlc.Window, parts []evidence.Window) error {
	if final(catalog.State(row.State)) {
		return errFinal
	}
	if err := drop(ctx, q, row); err != nil {
		return err
	}
	for _, p := range parts {
		if err := plan(ctx, q, evidence.ChainID{Zone: row.Zone, Dataset: row.Dataset}, p, row.Attempts); err != nil {
			return err
		}
	}
	return nil
}

func drop(ctx context.Context, q *dbsqlc.Queries, row dbsqlc.Window) error {
	return q.DeleteWindow(ctx, dbsqlc.DeleteWindowParams{ //nolint:wrapcheck // translated by write
		Zone: row.Zone, Dataset: row.Dataset, StartS: row.StartS,
	})
}

// Reset returns windows left in Pulling to Planned.
func (c *Catalog) Reset(ctx context.Context, chain evidence.ChainID) error {
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		return q.ResetWindows(ctx, dbsqlc.ResetWindowsParams{Zone: chain.Zone, Dataset: chain.Dataset})
	})
	if err != nil {
		return fmt.Errorf("reset windows of %s: %w", chain, err)
	}
	return nil
}
