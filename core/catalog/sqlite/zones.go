package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite/internal/dbsqlc"
)

// PutZone inserts or replaces by ID and Dataset.
func (c *Catalog) PutZone(ctx context.Context, z catalog.Zone) error {
	if err := ledger.CheckChain(z.Chain()); err != nil {
		return fmt.Errorf("put zone: %w", err)
	}
	err := c.write(ctx, func(q *dbsqlc.Queries) error { return q.PutZone(ctx, zoneRow(z)) })
	if err != nil {
		return fmt.Errorf("put zone %s: %w", z.Chain(), err)
	}
	return nil
}

func zoneRow(z catalog.Zone) dbsqlc.PutZoneParams {
	row := dbsqlc.PutZoneParams{
		ID: z.ID, Dataset: z.Dataset, Name: z.Name, AddedMs: ledger.Milli(z.AddedAt),
		Schedule: z.Schedule, FromMs: ledger.Milli(z.From), Source: z.Source, Subject: z.Subject,
	}
	if z.Paused {
		row.Paused = 1
	}
	return row
}

// Zone finds by id, and where that finds none by name among the operator's. Of
// several it returns the first by id and dataset.
func (c *Catalog) Zone(ctx context.Context, idOrName string) (catalog.Zone, error) {
	q := c.read()
	row, err := q.ZoneByID(ctx, idOrName)
	if err = translate(err); errors.Is(err, catalog.ErrNotFound) {
		row, err = q.ZoneByName(ctx, idOrName)
	}
	if err != nil {
		return catalog.Zone{}, fmt.Errorf("find zone %.80q: %w", idOrName, translate(err))
	}
	return fromZone(row), nil
}

// ListZones returns all, by name.
func (c *Catalog) ListZones(ctx context.Context) ([]catalog.Zone, error) {
	rows, err := c.read().ListZones(ctx)
	if err != nil {
		return nil, fmt.Errorf("list zones: %w", translate(err))
	}
	zones := make([]catalog.Zone, len(rows))
	for i, row := range rows {
		zones[i] = fromZone(row)
	}
	return zones, nil
}

// RemoveZone forgets the zone; ErrNotFound if there is none.
func (c *Catalog) RemoveZone(ctx context.Context, id, dataset string) error {
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		n, err := q.RemoveZone(ctx, dbsqlc.RemoveZoneParams{ID: id, Dataset: dataset})
		return oneRow(n, err)
	})
	if err != nil {
		return fmt.Errorf("remove zone %.80q: %w", id+"/"+dataset, err)
	}
	return nil
}

func fromZone(z dbsqlc.Zone) catalog.Zone {
	return catalog.Zone{
		ID: z.ID, Name: z.Name, Dataset: z.Dataset,
		AddedAt: ledger.FromMilli(z.AddedMs), Paused: z.Paused != 0,
		Schedule: z.Schedule, From: ledger.FromMilli(z.FromMs), Source: z.Source, Subject: z.Subject,
	}
}
