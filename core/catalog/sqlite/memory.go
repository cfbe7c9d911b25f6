package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite/internal/dbsqlc"
)

// Take takes from all of the budgets or from none, by this machine's clock.
func (c *Catalog) Take(ctx context.Context, budgets []catalog.Budget) (wait time.Duration, err error) {
	sorted, err := ledger.Budgets(budgets)
	if err != nil {
		return 0, fmt.Errorf("take budgets: %w", err)
	}
	err = c.write(ctx, func(q *dbsqlc.Queries) error {
		buckets := make([]ledger.Bucket, len(sorted))
		for i, b := range sorted {
			row, err := q.Budget(ctx, b.Key)
			if err = translate(err); err != nil && !errors.Is(err, catalog.ErrNotFound) {
				return err
			}
			buckets[i] = ledger.Bucket{Whole: row.WholeUs, Shut: row.ShutUs}
		}
		var next []int64
		next, wait = ledger.Admit(sorted, buckets, c.now())
		for i, whole := range next {
			if err := q.PutBudget(ctx, dbsqlc.PutBudgetParams{Key: sorted[i].Key, WholeUs: whole}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("take budgets: %w", err)
	}
	return wait, nil
}

// Rest shuts a budget for d from now, if it is not shut for longer.
func (c *Catalog) Rest(ctx context.Context, key string, d time.Duration) error {
	if key == "" {
		return errors.New("rest budget: key is empty")
	}
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		return q.ShutBudget(ctx, dbsqlc.ShutBudgetParams{Key: key, ShutUs: ledger.ShutUntil(c.now(), d)})
	})
	if err != nil {
		return fmt.Errorf("rest budget %.80q: %w", key, err)
	}
	return nil
}

// PutNote replaces a note.
func (c *Catalog) PutNote(ctx context.Context, key string, value []byte) error {
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		return q.PutNote(ctx, dbsqlc.PutNoteParams{Key: key, Value: blob(value)})
	})
	if err != nil {
		return fmt.Errorf("put note %.80q: %w", key, err)
	}
	return nil
}

// Note returns a note.
func (c *Catalog) Note(ctx context.Context, key string) ([]byte, error) {
	value, err := c.read().Note(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("read note %.80q: %w", key, translate(err))
	}
	return value, nil
}

// PutMissed records objects that a store lacks; those that are recorded stay.
func (c *Catalog) PutMissed(ctx context.Context, missed []catalog.Missed) error {
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		for _, m := range missed {
			arg := dbsqlc.PutMissedParams{Store: m.Store, Key: m.Key, SinceMs: ledger.Milli(m.Since)}
			if err := q.PutMissed(ctx, arg); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("put missed objects: %w", err)
	}
	return nil
}

// ListMissed returns at most limit of a store's whose keys come after the given one, by key.
func (c *Catalog) ListMissed(ctx context.Context, store, after string, limit int) ([]catalog.Missed, error) {
	if limit <= 0 {
		return nil, nil
	}
	have, err := c.read().ListMissed(ctx, dbsqlc.ListMissedParams{Store: store, After: after, AtMost: int64(limit)})
	if err != nil {
		return nil, fmt.Errorf("list objects missed by %.80q: %w", store, translate(err))
	}
	missed := make([]catalog.Missed, len(have))
	for i, row := range have {
		missed[i] = catalog.Missed{Store: row.Store, Key: row.Key, Since: ledger.FromMilli(row.SinceMs)}
	}
	return missed, nil
}

// DropMissed removes one; no error if there is none.
func (c *Catalog) DropMissed(ctx context.Context, store, key string) error {
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		return q.DropMissed(ctx, dbsqlc.DropMissedParams{Store: store, Key: key})
	})
	if err != nil {
		return fmt.Errorf("drop missed object %.80q of %.80q: %w", key, store, err)
	}
	return nil
}
