package tenant

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

// Snapshot is what of a catalog no archive has: whose what is, with the zones as
// they are collected. Credentials are in it as they are kept, encrypted. Events
// are not.
type Snapshot struct {
	Customers   []Customer
	Keys        []Key
	Owners      map[string]string // by zone
	Credentials []Credential
	Zones       []catalog.Zone
}

// Restorer brings a Snapshot back.
type Restorer interface {
	// Restore enters what is not there, all of it or nothing. What is there
	// stays, but for keys, which end as soon as they do in one of the two, and
	// for zones that nobody has named (their Name is their ID). ErrTaken for a
	// zone that is another's, ErrExists for a key whose prefix is another's.
	Restore(ctx context.Context, s Snapshot) error
}

// Take makes a Snapshot. Customers are read last and never removed: those that
// are referred to are in it, whatever goes on meanwhile.
func Take(ctx context.Context, s Store, zones catalog.Zones) (Snapshot, error) {
	var out Snapshot
	var err error
	if out.Zones, err = zones.ListZones(ctx); err != nil {
		return out, err //nolint:wrapcheck // says what it did
	}
	if out.Owners, err = s.ListOwners(ctx); err != nil {
		return out, err
	}
	if out.Credentials, err = s.ListCredentials(ctx, ""); err != nil {
		return out, err
	}
	if out.Customers, err = s.ListCustomers(ctx); err != nil {
		return out, err
	}
	for _, c := range out.Customers {
		keys, err := s.ListKeys(ctx, c.ID)
		if err != nil {
			return out, err
		}
		out.Keys = append(out.Keys, keys...)
	}
	return out, nil
}

// Check refuses a snapshot that does not hold together.
func (s Snapshot) Check() error {
	known := map[string]bool{Operator: true}
	for _, c := range s.Customers {
		if err := c.Check(); err != nil {
			return err
		}
		known[c.ID] = true
	}
	for _, k := range s.Keys {
		if err := k.Check(); err != nil {
			return err
		}
		if !known[k.Customer] {
			return fmt.Errorf("key %.80q is of customer %.80q, which is not there", k.ID, k.Customer)
		}
	}
	for _, zone := range slices.Sorted(maps.Keys(s.Owners)) {
		if !known[s.Owners[zone]] || s.Owners[zone] == Operator {
			return fmt.Errorf("zone %.80q is of customer %.80q, which is not there or needs no saying", zone, s.Owners[zone])
		}
	}
	for _, c := range s.Credentials {
		if err := c.Check(); err != nil {
			return err
		}
		if !known[c.Customer] {
			return fmt.Errorf("credential %s is of customer %.80q, which is not there", c.Name, c.Customer)
		}
	}
	return nil
}

// Ended is a key that ends as soon as either of two of the same does.
func (k Key) Ended(other Key) Key {
	sooner := func(a, b time.Time) time.Time {
		if a.IsZero() || !b.IsZero() && b.Before(a) {
			return b
		}
		return a
	}
	k.RevokedAt, k.ExpiresAt = sooner(k.RevokedAt, other.RevokedAt), sooner(k.ExpiresAt, other.ExpiresAt)
	if other.UsedAt.After(k.UsedAt) {
		k.UsedAt = other.UsedAt
	}
	return k
}
