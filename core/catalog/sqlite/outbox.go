package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// PutPending inserts or replaces by chain and window.
func (c *Catalog) PutPending(ctx context.Context, p catalog.Pending) error {
	if err := checkWindows(p.Chain, []evidence.Window{p.Window}); err != nil {
		return fmt.Errorf("put pending: %w", err)
	}
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		return q.PutPending(ctx, dbsqlc.PutPendingParams{
			Zone: p.Chain.Zone, Dataset: p.Chain.Dataset, StartS: p.Window.Start.Unix(), EndS: p.Window.End.Unix(),
			Spool: p.Spool, Draft: blob(p.Draft), Seq: p.Seq, Entry: blob(p.Entry),
		})
	})
	if err != nil {
		return fmt.Errorf("put pending %s of %s: %w", p.Window, p.Chain, err)
	}
	return nil
}

// SetEntries stores Seq and Entry of pending records, all or none; ErrNotFound
// if one is not there.
func (c *Catalog) SetEntries(ctx context.Context, ps []catalog.Pending) error {
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		for _, p := range ps {
			n, err := q.SetEntry(ctx, dbsqlc.SetEntryParams{
				Zone: p.Chain.Zone, Dataset: p.Chain.Dataset, StartS: p.Window.Start.Unix(), EndS: p.Window.End.Unix(),
				Seq: p.Seq, Entry: blob(p.Entry),
			})
			if err := oneRow(n, err); err != nil {
				return fmt.Errorf("window %s of %s: %w", p.Window, p.Chain, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("set entries: %w", err)
	}
	return nil
}

// ListPending returns a chain's, by Seq and then window start.
func (c *Catalog) ListPending(ctx context.Context, chain evidence.ChainID) ([]catalog.Pending, error) {
	rows, err := c.read().ListPending(ctx, dbsqlc.ListPendingParams{Zone: chain.Zone, Dataset: chain.Dataset})
	if err != nil {
		return nil, fmt.Errorf("list pending of %s: %w", chain, translate(err))
	}
	ps := make([]catalog.Pending, len(rows))
	for i, row := range rows {
		ps[i] = catalog.Pending{
			Chain: chain, Window: span(row.StartS, row.EndS),
			Spool: row.Spool, Draft: row.Draft, Seq: row.Seq, Entry: row.Entry,
		}
	}
	return ps, nil
}

// DropPending removes one; no error if there is none.
func (c *Catalog) DropPending(ctx context.Context, chain evidence.ChainID, w evidence.Window) error {
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		return q.DropPending(ctx, dbsqlc.DropPendingParams(at(chain, w)))
	})
	if err != nil {
		return fmt.Errorf("drop pending %s of %s: %w", w, chain, err)
	}
	return nil
}

// Head returns the chain's head; ErrNotFound before the first commit.
func (c *Catalog) Head(ctx context.Context, chain evidence.ChainID) (catalog.Head, error) {
	row, err := c.read().Head(ctx, dbsqlc.HeadParams{Zone: chain.Zone, Dataset: chain.Dataset})
	if err != nil {
		return catalog.Head{}, fmt.Errorf("read head of %s: %w", chain, translate(err))
	}
	h := catalog.Head{Chain: chain, Size: row.Size, Checkpoint: row.Checkpoint, FieldsSeq: row.FieldsSeq}
	if len(row.LastHash) != len(h.LastHash) || len(row.FieldsHash) != len(h.FieldsHash) {
		return catalog.Head{}, fmt.Errorf("read head of %s: %w: a digest is not 32 bytes long", chain, catalog.ErrCorrupt)
	}
	copy(h.LastHash[:], row.LastHash)
	copy(h.FieldsHash[:], row.FieldsHash)
	return h, nil
}

// Commit applies c in one transaction.
func (c *Catalog) Commit(ctx context.Context, m catalog.Commit) error {
	chain := m.Head.Chain
	if err := checkCommit(m); err != nil {
		return fmt.Errorf("commit to %s: %w", chain, err)
	}
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		for _, w := range m.Windows {
			if err := seal(ctx, q, w); err != nil {
				return fmt.Errorf("window %s: %w", w.Window, err)
			}
		}
		for _, w := range m.Pending {
			if err := q.DropPending(ctx, dbsqlc.DropPendingParams(at(chain, w))); err != nil {
				return err //nolint:wrapcheck // translated by write
			}
		}
		return q.PutHead(ctx, dbsqlc.PutHeadParams{
			Zone: chain.Zone, Dataset: chain.Dataset, Size: m.Head.Size, LastHash: m.Head.LastHash[:],
			Checkpoint: blob(m.Head.Checkpoint), FieldsSeq: m.Head.FieldsSeq, FieldsHash: m.Head.FieldsHash[:],
		})
	})
	if err != nil {
		return fmt.Errorf("commit to %s: %w", chain, err)
	}
	return nil
}

func checkCommit(m catalog.Commit) error {
	if err := checkChain(m.Head.Chain); err != nil {
		return err
	}
	for _, w := range m.Windows {
		if w.Chain != m.Head.Chain {
			return fmt.Errorf("window %s belongs to another chain, %s", w.Window, w.Chain)
		}
		if !final(w.State) || w.Seq < 0 {
			return fmt.Errorf("window %s is %q with seq %d, not sealed or lost with its entry", w.Window, w.State, w.Seq)
		}
		if err := checkWindows(w.Chain, []evidence.Window{w.Window}); err != nil {
			return err
		}
	}
	return nil
}

// seal enters a window that the chain holds. What the chain says goes over what
// was planned: an open window that it overlaps, planned with other bounds, is
// cut back to what remains of it.
func seal(ctx context.Context, q *dbsqlc.Queries, w catalog.Window) error {
	rows, err := q.WindowsIn(ctx, within(w.Chain, w.Window.Start, w.Window.End))
	if err != nil {
		return err //nolint:wrapcheck // translated by write
	}
	for _, row := range rows {
		if hasBounds(row, w.Window) {
			err = drop(ctx, q, row)
		} else {
			err = replace(ctx, q, row, without(bounds(row), w.Window))
		}
		if errors.Is(err, errFinal) {
			return fmt.Errorf("%w: %s, entry %d", catalog.ErrOverlap, bounds(row), row.Seq)
		}
		if err != nil {
			return err
		}
	}
	return q.InsertWindow(ctx, toWindow(w)) //nolint:wrapcheck // translated by write
}

// without returns what of w lies before and behind the part taken from it.
func without(w, taken evidence.Window) []evidence.Window {
	var rest []evidence.Window
	if w.Start.Before(taken.Start) {
		rest = append(rest, evidence.Window{Start: w.Start, End: taken.Start})
	}
	if taken.End.Before(w.End) {
		rest = append(rest, evidence.Window{Start: taken.End, End: w.End})
	}
	return rest
}
