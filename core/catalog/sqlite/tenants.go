package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

var _ tenant.Store = (*Catalog)(nil)

// AddCustomer adds a customer and its first key, both or none.
func (c *Catalog) AddCustomer(ctx context.Context, customer tenant.Customer, first tenant.Key) error {
	err := errors.Join(customer.Check(), first.Check())
	if err == nil && first.Customer != customer.ID {
		err = errors.New("the first key is another customer's")
	}
	if err != nil {
		return fmt.Errorf("add customer: %w", err)
	}
	err = c.write(ctx, func(q *dbsqlc.Queries) error {
		n, err := q.PutCustomer(ctx, dbsqlc.PutCustomerParams{
			ID: customer.ID, Name: customer.Name, Sources: strings.Join(customer.Sources, ","), CreatedMs: ledger.Milli(customer.CreatedAt),
		})
		if err == nil && n == 0 {
			return tenant.ErrExists
		}
		if err != nil {
			return err
		}
		return putKey(ctx, q, first)
	})
	if err != nil {
		return fmt.Errorf("add customer %.80q: %w", customer.ID, err)
	}
	return nil
}

// Customer finds by id.
func (c *Catalog) Customer(ctx context.Context, id string) (tenant.Customer, error) {
	row, err := c.read().Customer(ctx, id)
	if err != nil {
		return tenant.Customer{}, fmt.Errorf("find customer %.80q: %w", id, translate(err))
	}
	return fromCustomer(row), nil
}

// ListCustomers returns all, by id.
func (c *Catalog) ListCustomers(ctx context.Context) ([]tenant.Customer, error) {
	rows, err := c.read().ListCustomers(ctx)
	if err != nil {
		return nil, fmt.Errorf("list customers: %w", translate(err))
	}
	all := make([]tenant.Customer, len(rows))
	for i, row := range rows {
		all[i] = fromCustomer(row)
	}
	return all, nil
}

func fromCustomer(row dbsqlc.Customer) tenant.Customer {
	c := tenant.Customer{ID: row.ID, Name: row.Name, CreatedAt: ledger.FromMilli(row.CreatedMs)}
	if row.Sources != "" {
		c.Sources = strings.Split(row.Sources, ",")
	}
	return c
}

// AddKey adds a key.
func (c *Catalog) AddKey(ctx context.Context, k tenant.Key) error {
	err := k.Check()
	if err == nil {
		err = c.write(ctx, func(q *dbsqlc.Queries) error {
			if _, err := q.Customer(ctx, k.Customer); err != nil {
				return err
			}
			return putKey(ctx, q, k)
		})
	}
	if err != nil {
		return fmt.Errorf("add key: %w", err)
	}
	return nil
}

func putKey(ctx context.Context, q *dbsqlc.Queries, k tenant.Key) error {
	n, err := q.PutKey(ctx, dbsqlc.PutKeyParams{
		ID: k.ID, Customer: k.Customer, Name: k.Name, Role: string(k.Role), Prefix: k.Prefix, Hash: k.Hash,
		CreatedMs: ledger.Milli(k.CreatedAt), ExpiresMs: ledger.Milli(k.ExpiresAt),
	})
	if err == nil && n == 0 {
		return tenant.ErrExists
	}
	return err
}

// KeyByPrefix finds a key, ended ones too.
func (c *Catalog) KeyByPrefix(ctx context.Context, prefix string) (tenant.Key, error) {
	row, err := c.read().KeyByPrefix(ctx, prefix)
	if err != nil {
		return tenant.Key{}, fmt.Errorf("find key: %w", translate(err))
	}
	return fromKey(row), nil
}

// ListKeys returns a customer's, the oldest first.
func (c *Catalog) ListKeys(ctx context.Context, customer string) ([]tenant.Key, error) {
	rows, err := c.read().ListKeys(ctx, customer)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", translate(err))
	}
	keys := make([]tenant.Key, len(rows))
	for i, row := range rows {
		keys[i] = fromKey(row)
	}
	return keys, nil
}

func fromKey(row dbsqlc.ApiKey) tenant.Key {
	return tenant.Key{
		ID: row.ID, Customer: row.Customer, Name: row.Name, Role: tenant.Role(row.Role), Prefix: row.Prefix, Hash: row.Hash,
		CreatedAt: ledger.FromMilli(row.CreatedMs), ExpiresAt: ledger.FromMilli(row.ExpiresMs),
		RevokedAt: ledger.FromMilli(row.RevokedMs), UsedAt: ledger.FromMilli(row.UsedMs),
	}
}

// RevokeKey ends one of the customer's keys.
func (c *Catalog) RevokeKey(ctx context.Context, customer, id string, at time.Time) error {
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		return oneRow(q.RevokeKey(ctx, dbsqlc.RevokeKeyParams{ID: id, Customer: customer, AtMs: ledger.Milli(at)}))
	})
	if err != nil {
		return fmt.Errorf("revoke key %.80q: %w", id, err)
	}
	return nil
}

// ExpireKey has one of the customer's keys expire at a time, if it does not before.
func (c *Catalog) ExpireKey(ctx context.Context, customer, id string, at time.Time) error {
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		return oneRow(q.ExpireKey(ctx, dbsqlc.ExpireKeyParams{ID: id, Customer: customer, AtMs: ledger.Milli(at)}))
	})
	if err != nil {
		return fmt.Errorf("expire key %.80q: %w", id, err)
	}
	return nil
}

// UseKey notes that a key was used.
func (c *Catalog) UseKey(ctx context.Context, id string, at time.Time) error {
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		return q.UseKey(ctx, dbsqlc.UseKeyParams{ID: id, AtMs: ledger.Milli(at)})
	})
	if err != nil {
		return fmt.Errorf("note use of key %.80q: %w", id, err)
	}
	return nil
}

// OwnZone gives a zone that nobody owns to a customer.
func (c *Catalog) OwnZone(ctx context.Context, zone, customer string) error {
	err := c.write(ctx, func(q *dbsqlc.Queries) error { return ownZone(ctx, q, zone, customer) })
	if err != nil {
		return fmt.Errorf("give zone %.80q to a customer: %w", zone, err)
	}
	return nil
}

func ownZone(ctx context.Context, q *dbsqlc.Queries, zone, customer string) error {
	if customer != tenant.Operator { // the operator's are those without a row
		if _, err := q.Customer(ctx, customer); err != nil {
			return err
		}
		if err := q.OwnZone(ctx, dbsqlc.OwnZoneParams{Zone: zone, Customer: customer}); err != nil {
			return err
		}
	}
	owner, err := q.ZoneOwner(ctx, zone)
	if errors.Is(translate(err), catalog.ErrNotFound) {
		return nil
	}
	if err == nil && owner != customer {
		return tenant.ErrTaken
	}
	return err
}

// ZoneOwner returns the operator for a zone that was given to nobody.
func (c *Catalog) ZoneOwner(ctx context.Context, zone string) (string, error) {
	owner, err := c.read().ZoneOwner(ctx, zone)
	if err = translate(err); errors.Is(err, catalog.ErrNotFound) {
		return tenant.Operator, nil
	}
	if err != nil {
		return "", fmt.Errorf("find owner of zone %.80q: %w", zone, err)
	}
	return owner, nil
}

// ZonesOf returns the zones under collection that are the customer's, by name.
func (c *Catalog) ZonesOf(ctx context.Context, customer string) ([]catalog.Zone, error) {
	var rows []dbsqlc.Zone
	var err error
	if customer == tenant.Operator {
		rows, err = c.read().ZonesOfNobody(ctx)
	} else {
		rows, err = c.read().ZonesOf(ctx, customer)
	}
	if err != nil {
		return nil, fmt.Errorf("list zones of a customer: %w", translate(err))
	}
	zones := make([]catalog.Zone, len(rows))
	for i, row := range rows {
		zones[i] = fromZone(row)
	}
	return zones, nil
}

// AddEvent adds an event and returns its Seq.
func (c *Catalog) AddEvent(ctx context.Context, e tenant.Event) (seq int64, err error) {
	err = c.write(ctx, func(q *dbsqlc.Queries) error {
		seq, err = q.AddEvent(ctx, dbsqlc.AddEventParams{
			AtMs: ledger.Milli(e.At), Customer: e.Customer, ApiKey: e.Key, Action: e.Action, Subject: e.Subject,
			Outcome: e.Outcome, RequestID: e.RequestID, Address: e.Address,
		})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("add audit event: %w", err)
	}
	return seq, nil
}

// EndEvent enters what has become of an event.
func (c *Catalog) EndEvent(ctx context.Context, e tenant.Event) error {
	err := c.write(ctx, func(q *dbsqlc.Queries) error {
		return oneRow(q.EndEvent(ctx, dbsqlc.EndEventParams{Seq: e.Seq, Customer: e.Customer, Subject: e.Subject, Outcome: e.Outcome}))
	})
	if err != nil {
		return fmt.Errorf("end audit event %d: %w", e.Seq, err)
	}
	return nil
}

// ListEvents returns at most limit of a customer's, the latest first.
func (c *Catalog) ListEvents(ctx context.Context, customer string, before int64, limit int) ([]tenant.Event, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	rows, err := c.read().ListEvents(ctx, dbsqlc.ListEventsParams{Customer: customer, Before: before, AtMost: int64(max(limit, 0))})
	if err != nil {
		return nil, fmt.Errorf("list audit events: %w", translate(err))
	}
	events := make([]tenant.Event, len(rows))
	for i, r := range rows {
		events[i] = tenant.Event{
			Seq: r.Seq, At: ledger.FromMilli(r.AtMs), Customer: r.Customer, Key: r.ApiKey, Action: r.Action,
			Subject: r.Subject, Outcome: r.Outcome, RequestID: r.RequestID, Address: r.Address,
		}
	}
	return events, nil
}
