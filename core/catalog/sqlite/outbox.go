package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// PutPending inserts or replaces by chain and window.
func (c *Catalog) PutPending(ctx context.Context, p catalog.Pending) error {
	if err := ledger.CheckWindows(p.Chain, p.Window); err != nil {
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
	have, err := c.read().ListPending(ctx, dbsqlc.ListPendingParams{Zone: chain.Zone, Dataset: chain.Dataset})
	if err != nil {
		return nil, fmt.Errorf("list pending of %s: %w", chain, translate(err))
	}
	ps := make([]catalog.Pending, len(have))
	for i, row := range have {
		ps[i] = catalog.Pending{
			Chain: chain, Window: ledger.Span(row.StartS, row.EndS),
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
	if err := errors.Join(digest(&h.LastHash, row.LastHash), digest(&h.FieldsHash, row.FieldsHash)); err != nil {
		return catalog.Head{}, fmt.Errorf("read head of %s: %w", chain, err)
	}
	return h, nil
}

func digest(d *evidence.Digest, b []byte) error {
	if len(b) != len(d) {
		return fmt.Errorf("%w: a digest is not 32 bytes long", catalog.ErrCorrupt)
	}
	copy(d[:], b)
	return nil
}

// Commit applies m in one transaction.
func (c *Catalog) Commit(ctx context.Context, m catalog.Commit) error {
	chain := m.Head.Chain
	if err := ledger.CheckCommit(m); err != nil {
		return fmt.Errorf("commit to %s: %w", chain, err)
	}
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		if err := follows(ctx, q, m); err != nil {
			return err
		}
		for _, w := range m.Windows {
			if err := ledger.Seal(ctx, rows{q, chain}, w); err != nil {
				return fmt.Errorf("window %s: %w", w.Window, err)
			}
		}
		for _, w := range m.Pending {
			if err := q.DropPending(ctx, dbsqlc.DropPendingParams(at(chain, w))); err != nil {
				return err //nolint:wrapcheck // translated by write
			}
		}
		if err := retain(ctx, q, m); err != nil {
			return err
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

// follows holds a commit to the head that it moves on.
func follows(ctx context.Context, q *dbsqlc.Queries, m catalog.Commit) error {
	if m.After == 0 {
		return nil
	}
	head, err := q.Head(ctx, dbsqlc.HeadParams{Zone: m.Head.Chain.Zone, Dataset: m.Head.Chain.Dataset})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err //nolint:wrapcheck // translated by write
	}
	if head.Size != m.After && head.Size != m.Head.Size {
		return fmt.Errorf("%w: it has %d entries, not %d", catalog.ErrStale, head.Size, m.After)
	}
	return nil
}
