package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Expirable returns at most limit windows whose kept objects are old enough, oldest first.
func (c *Catalog) Expirable(ctx context.Context, chain evidence.ChainID, before time.Time, limit int) ([]catalog.Window, error) {
	if limit <= 0 {
		return nil, nil
	}
	have, err := c.read().Expirable(ctx, dbsqlc.ExpirableParams{
		Zone: chain.Zone, Dataset: chain.Dataset, BeforeS: before.Unix(), AtMost: int64(limit),
	})
	if err != nil {
		return nil, fmt.Errorf("list expirable windows of %s: %w", chain, translate(ctx, err))
	}
	return ledger.Windows(chain, have), nil
}

// Expiring returns at most limit windows whose objects are still to be removed,
// from the given start on, oldest first.
func (c *Catalog) Expiring(ctx context.Context, chain evidence.ChainID, from time.Time, limit int) ([]catalog.Window, error) {
	if limit <= 0 {
		return nil, nil
	}
	have, err := c.read().Expiring(ctx, dbsqlc.ExpiringParams{
		Zone: chain.Zone, Dataset: chain.Dataset, FromS: ledger.Ceil(from), AtMost: int64(limit),
	})
	if err != nil {
		return nil, fmt.Errorf("list expiring windows of %s: %w", chain, translate(ctx, err))
	}
	return ledger.Windows(chain, have), nil
}

// SetRemoved makes an Expiring window's object Removed.
func (c *Catalog) SetRemoved(ctx context.Context, chain evidence.ChainID, seq int64) error {
	err := c.writeLedger(ctx, chain, func(q *dbsqlc.Queries) error {
		return oneRow(q.SetRemoved(ctx, dbsqlc.SetRemovedParams{Zone: chain.Zone, Dataset: chain.Dataset, Seq: seq}))
	})
	if err != nil {
		return fmt.Errorf("set object of entry %d of %s removed: %w", seq, chain, err)
	}
	return nil
}

// Holds returns the holds in force, by start and id.
func (c *Catalog) Holds(ctx context.Context, chain evidence.ChainID) ([]catalog.Hold, error) {
	have, err := c.read().Holds(ctx, dbsqlc.HoldsParams{Zone: chain.Zone, Dataset: chain.Dataset})
	if err != nil {
		return nil, fmt.Errorf("list holds of %s: %w", chain, translate(ctx, err))
	}
	holds := make([]catalog.Hold, len(have))
	for i, row := range have {
		holds[i] = catalog.Hold{
			Chain: chain, ID: row.ID, Window: ledger.Span(row.StartS, row.EndS), Reason: row.Reason, Seq: row.Seq,
		}
	}
	return holds, nil
}

// Observed returns the latest observation of a topic.
func (c *Catalog) Observed(ctx context.Context, chain evidence.ChainID, topic string) (catalog.Observed, error) {
	row, err := c.read().Observed(ctx, dbsqlc.ObservedParams{Zone: chain.Zone, Dataset: chain.Dataset, Topic: topic})
	if err != nil {
		return catalog.Observed{}, fmt.Errorf("read observation %.80q of %s: %w", topic, chain, translate(ctx, err))
	}
	o := catalog.Observed{Topic: topic, Seq: row.Seq}
	if err := digest(&o.Hash, row.Hash); err != nil {
		return catalog.Observed{}, fmt.Errorf("read observation %.80q of %s: %w", topic, chain, err)
	}
	return o, nil
}

// retain enters what a commit says of objects, holds and observations.
func retain(ctx context.Context, q *dbsqlc.Queries, m catalog.Commit) error {
	zone, dataset := m.Head.Chain.Zone, m.Head.Chain.Dataset
	if len(m.Expired) > 0 {
		if err := q.SetExpiring(ctx, dbsqlc.SetExpiringParams{Zone: zone, Dataset: dataset, Seqs: m.Expired}); err != nil {
			return err
		}
	}
	for _, h := range m.Placed {
		err := q.PlaceHold(ctx, dbsqlc.PlaceHoldParams{
			Zone: zone, Dataset: dataset, ID: h.ID,
			StartS: h.Window.Start.Unix(), EndS: h.Window.End.Unix(), Reason: text(h.Reason), Seq: h.Seq,
		})
		if err != nil {
			return err
		}
	}
	for _, id := range m.Lifted {
		if err := q.LiftHold(ctx, dbsqlc.LiftHoldParams{Zone: zone, Dataset: dataset, ID: id}); err != nil {
			return err
		}
	}
	for _, o := range m.Observed {
		err := q.PutObserved(ctx, dbsqlc.PutObservedParams{
			Zone: zone, Dataset: dataset, Topic: o.Topic, Seq: o.Seq, Hash: o.Hash[:],
		})
		if err != nil {
			return err
		}
	}
	return nil
}
