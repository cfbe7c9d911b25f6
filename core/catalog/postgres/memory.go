package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/internal/dbsqlc"
)

// Take takes from all of the budgets or from none, by the database's clock:
// those of the hosts that share it do not matter.
func (c *Catalog) Take(ctx context.Context, budgets []catalog.Budget) (wait time.Duration, err error) {
	sorted, err := ledger.Budgets(budgets)
	if err != nil {
		return 0, fmt.Errorf("take budgets: %w", err)
	}
	keys := make([]string, len(sorted))
	for i, b := range sorted {
		keys[i] = b.Key
	}
	err = c.write(ctx, func(q *dbsqlc.Queries) error {
		if err := q.MakeBudgets(ctx, keys); err != nil {
			return err
		}
		have, err := q.LockBudgets(ctx, keys)
		if err != nil {
			return err
		}
		if len(have) != len(keys) {
			return fmt.Errorf("%d of %d budgets are there", len(have), len(keys))
		}
		now, err := q.Clock(ctx)
		if err != nil {
			return err
		}
		buckets := make([]ledger.Bucket, len(have))
		for i, row := range have {
			buckets[i] = ledger.Bucket{Whole: row.WholeUs, Shut: row.ShutUs}
		}
		var next []int64
		next, wait = ledger.Admit(sorted, buckets, time.UnixMicro(now))
		args := make([]dbsqlc.PutBudgetsParams, len(next))
		for i, whole := range next {
			args[i] = dbsqlc.PutBudgetsParams{Key: keys[i], WholeUs: whole}
		}
		return batch(q.PutBudgets(ctx, args).Exec)
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
		return q.ShutBudget(ctx, dbsqlc.ShutBudgetParams{Key: key, DUs: ledger.ShutUntil(time.UnixMicro(0), d)})
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
		return nil, fmt.Errorf("read note %.80q: %w", key, translate(ctx, err))
	}
	return value, nil
}

// PutMissed records objects that a store lacks; those that are recorded stay.
func (c *Catalog) PutMissed(ctx context.Context, missed []catalog.Missed) error {
	args := make([]dbsqlc.PutMissedParams, len(missed))
	for i, m := range missed {
		args[i] = dbsqlc.PutMissedParams{Store: m.Store, Key: m.Key, SinceMs: ledger.Milli(m.Since)}
	}
	slices.SortFunc(args, func(a, b dbsqlc.PutMissedParams) int { // in one order: two who record the same cannot wait for each other
		return cmp.Or(cmp.Compare(a.Store, b.Store), cmp.Compare(a.Key, b.Key))
	})
	err := c.write(ctx, func(q *dbsqlc.Queries) error { return batch(q.PutMissed(ctx, args).Exec) })
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
		return nil, fmt.Errorf("list objects missed by %.80q: %w", store, translate(ctx, err))
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
