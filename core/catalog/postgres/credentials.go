package postgres

import (
	"context"
	"fmt"

	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// PutCredential inserts or replaces by customer and name.
func (c *Catalog) PutCredential(ctx context.Context, credential tenant.Credential) error {
	err := credential.Check()
	if err == nil {
		err = c.write(ctx, func(q *dbsqlc.Queries) error {
			if _, err := q.Customer(ctx, credential.Customer); err != nil {
				return err
			}
			return q.PutCredential(ctx, credentialRow(credential))
		})
	}
	if err != nil {
		return fmt.Errorf("put credential: %w", err)
	}
	return nil
}

func credentialRow(c tenant.Credential) dbsqlc.PutCredentialParams {
	return dbsqlc.PutCredentialParams{
		Customer: c.Customer, Name: c.Name, Plugin: c.Plugin,
		Sealed: c.Sealed, Recipient: c.Recipient,
		CreatedMs: ledger.Milli(c.CreatedAt), UpdatedMs: ledger.Milli(c.UpdatedAt),
	}
}

// Credential finds one.
func (c *Catalog) Credential(ctx context.Context, customer, name string) (tenant.Credential, error) {
	row, err := c.read().Credential(ctx, dbsqlc.CredentialParams{Customer: customer, Name: name})
	if err != nil {
		return tenant.Credential{}, fmt.Errorf("find credential %.80q: %w", name, translate(ctx, err))
	}
	return fromCredential(row), nil
}

// ListCredentials returns a customer's, or all, by customer and name.
func (c *Catalog) ListCredentials(ctx context.Context, customer string) ([]tenant.Credential, error) {
	var rows []dbsqlc.Credential
	var err error
	if customer == "" {
		rows, err = c.read().ListAllCredentials(ctx)
	} else {
		rows, err = c.read().ListCredentials(ctx, customer)
	}
	if err != nil {
		return nil, fmt.Errorf("list credentials: %w", translate(ctx, err))
	}
	all := make([]tenant.Credential, len(rows))
	for i, row := range rows {
		all[i] = fromCredential(row)
	}
	return all, nil
}

func fromCredential(row dbsqlc.Credential) tenant.Credential {
	return tenant.Credential{
		Customer: row.Customer, Name: row.Name, Plugin: row.Plugin, Sealed: row.Sealed, Recipient: row.Recipient,
		CreatedAt: ledger.FromMilli(row.CreatedMs), UpdatedAt: ledger.FromMilli(row.UpdatedMs),
	}
}

// ResealCredential replaces the secret's encryption, if it is still as it was.
func (c *Catalog) ResealCredential(ctx context.Context, credential tenant.Credential, was []byte) error {
	err := credential.Check()
	if err == nil {
		err = c.write(ctx, func(q *dbsqlc.Queries) error {
			return oneRow(q.ResealCredential(ctx, dbsqlc.ResealCredentialParams{
				Customer: credential.Customer, Name: credential.Name, Sealed: credential.Sealed, Recipient: credential.Recipient, Was: was,
			}))
		})
	}
	if err != nil {
		return fmt.Errorf("reseal credential %.80q: %w", credential.Name, err)
	}
	return nil
}

// RemoveCredential removes one that no zone under collection needs.
func (c *Catalog) RemoveCredential(ctx context.Context, customer, name string) error {
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		used, err := q.SourceInUse(ctx, tenant.OwnSource(customer, name))
		if err != nil {
			return err
		}
		if used {
			return tenant.ErrInUse
		}
		return oneRow(q.RemoveCredential(ctx, dbsqlc.RemoveCredentialParams{Customer: customer, Name: name}))
	})
	if err != nil {
		return fmt.Errorf("remove credential %.80q: %w", name, err)
	}
	return nil
}
