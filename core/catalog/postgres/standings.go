package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Standing returns a chain's; one never put is the zero Standing of the chain.
func (c *Catalog) Standing(ctx context.Context, chain evidence.ChainID) (catalog.Standing, error) {
	row, err := c.read().Standing(ctx, dbsqlc.StandingParams{Zone: chain.Zone, Dataset: chain.Dataset})
	if err = translate(ctx, err); errors.Is(err, catalog.ErrNotFound) {
		return catalog.Standing{Chain: chain}, nil
	}
	if err != nil {
		return catalog.Standing{}, fmt.Errorf("read standing of %s: %w", chain, err)
	}
	return fromStanding(row), nil
}

// PutStanding replaces it.
func (c *Catalog) PutStanding(ctx context.Context, s catalog.Standing) error {
	if err := ledger.CheckChain(s.Chain); err != nil {
		return fmt.Errorf("put standing: %w", err)
	}
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		return q.PutStanding(ctx, dbsqlc.PutStandingParams{
			Zone: s.Chain.Zone, Dataset: s.Chain.Dataset, NotBeforeMs: ledger.Milli(s.NotBefore),
			Blocked: text(s.Blocked), Detail: text(s.Detail), SinceMs: ledger.Milli(s.Since), ProbedMs: ledger.Milli(s.ProbedAt),
		})
	})
	if err != nil {
		return fmt.Errorf("put standing of %s: %w", s.Chain, err)
	}
	return nil
}

// ListStandings returns those ever put, by chain.
func (c *Catalog) ListStandings(ctx context.Context) ([]catalog.Standing, error) {
	have, err := c.read().ListStandings(ctx)
	if err != nil {
		return nil, fmt.Errorf("list standings: %w", translate(ctx, err))
	}
	all := make([]catalog.Standing, len(have))
	for i, row := range have {
		all[i] = fromStanding(row)
	}
	return all, nil
}

func fromStanding(row dbsqlc.Standing) catalog.Standing {
	return catalog.Standing{
		Chain: evidence.ChainID{Zone: row.Zone, Dataset: row.Dataset}, NotBefore: ledger.FromMilli(row.NotBeforeMs),
		Blocked: row.Blocked, Detail: row.Detail, Since: ledger.FromMilli(row.SinceMs), ProbedAt: ledger.FromMilli(row.ProbedMs),
	}
}
