package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// ListOwners returns the customers by zone.
func (c *Catalog) ListOwners(ctx context.Context) (map[string]string, error) {
	rows, err := c.read().ListOwners(ctx)
	if err != nil {
		return nil, fmt.Errorf("list owners: %w", translate(ctx, err))
	}
	owners := map[string]string{}
	for _, row := range rows {
		owners[row.Zone] = row.Customer
	}
	return owners, nil
}

// Restore enters what of a snapshot is not there, all of it or nothing.
func (c *Catalog) Restore(ctx context.Context, s tenant.Snapshot) error {
	err := s.Check()
	for _, z := range s.Zones {
		err = errors.Join(err, ledger.CheckChain(z.Chain()))
	}
	for zone := range s.Owners {
		err = errors.Join(err, ledger.CheckChain(catalog.Zone{ID: zone, Dataset: "http_requests"}.Chain()))
	}
	if err == nil {
		err = c.write(ctx, func(q *dbsqlc.Queries) error { return restore(ctx, q, s) })
	}
	if err != nil {
		return fmt.Errorf("restore customers: %w", err)
	}
	return nil
}

func restore(ctx context.Context, q *dbsqlc.Queries, s tenant.Snapshot) error {
	for _, c := range s.Customers {
		if _, err := q.PutCustomer(ctx, dbsqlc.PutCustomerParams{
			ID: c.ID, Name: c.Name, Sources: strings.Join(c.Sources, ","), CreatedMs: ledger.Milli(c.CreatedAt),
		}); err != nil {
			return err
		}
	}
	for _, k := range s.Keys {
		if err := restoreKey(ctx, q, k); err != nil {
			return err
		}
	}
	for zone, customer := range s.Owners {
		if err := ownZone(ctx, q, zone, customer); err != nil {
			return fmt.Errorf("zone %s: %w", zone, err)
		}
	}
	for _, c := range s.Credentials {
		if err := restoreCredential(ctx, q, c); err != nil {
			return err
		}
	}
	for _, z := range s.Zones {
		if err := restoreZone(ctx, q, z); err != nil {
			return err
		}
	}
	return nil
}

func restoreKey(ctx context.Context, q *dbsqlc.Queries, k tenant.Key) error {
	row, err := q.KeyByPrefix(ctx, k.Prefix)
	switch err = translate(ctx, err); {
	case err == nil && (row.ID != k.ID || row.Customer != k.Customer):
		return fmt.Errorf("key %.80q: %w", k.ID, tenant.ErrExists)
	case err == nil:
		k = k.Ended(fromKey(row))
	case !errors.Is(err, catalog.ErrNotFound):
		return err
	}
	return q.RestoreKey(ctx, dbsqlc.RestoreKeyParams{
		ID: k.ID, Customer: k.Customer, Name: k.Name, Role: string(k.Role), Prefix: k.Prefix, Hash: k.Hash, CreatedMs: ledger.Milli(k.CreatedAt),
		ExpiresMs: ledger.Milli(k.ExpiresAt), RevokedMs: ledger.Milli(k.RevokedAt), UsedMs: ledger.Milli(k.UsedAt),
	})
}

func restoreCredential(ctx context.Context, q *dbsqlc.Queries, c tenant.Credential) error {
	_, err := q.Credential(ctx, dbsqlc.CredentialParams{Customer: c.Customer, Name: c.Name})
	if err = translate(ctx, err); !errors.Is(err, catalog.ErrNotFound) {
		return err // what is there stays
	}
	return q.PutCredential(ctx, credentialRow(c))
}

func restoreZone(ctx context.Context, q *dbsqlc.Queries, z catalog.Zone) error {
	row, err := q.ZoneByChain(ctx, dbsqlc.ZoneByChainParams{ID: z.ID, Dataset: z.Dataset})
	if err = translate(ctx, err); err == nil && row.Name != row.ID {
		return nil // somebody has named it
	}
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return err
	}
	return q.PutZone(ctx, zoneRow(z))
}
