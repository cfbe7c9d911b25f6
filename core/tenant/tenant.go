// Package tenant is the port to who may use the REST API: customers, their API
// keys, which zones are whose, what they collect with, and the log of what was
// done.
//
// It lives in the catalog's database, beside the zones, but is no cache: the
// archive cannot make it again. Back up the catalog where there are customers.
//
// Invariants that every adapter keeps:
//
//   - A zone has exactly one owner at any time; one that nobody was given is
//     the Operator's.
//   - A key's customer, role, prefix and hash never change. It can only end:
//     what is revoked stays revoked, and an expiry only moves nearer.
//   - An event, once added, is never removed; only its end is entered.
package tenant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

// Operator is the customer that runs the installation. It is always there.
const Operator = "operator"

// ErrExists: there is a customer of that id, or a key of that prefix, already.
// What is not there is catalog.ErrNotFound.
var ErrExists = errors.New("is there already")

// ErrTaken: the zone is another customer's.
var ErrTaken = errors.New("zone is another customer's")

// Customer is a tenant.
type Customer struct {
	ID        string
	Name      string
	Sources   []string // of the config, that it may collect from; the Operator may from all
	CreatedAt time.Time
}

// Role is what a key is for.
type Role string

// The roles.
const (
	Admin            Role = "admin"    // everything, and the keys
	OperatorRole     Role = "operator" // runs the collecting; reads no records
	AnalystRole      Role = "analyst"  // reads records
	AuditorRole      Role = "auditor"  // reads records, chains and what was done; changes nothing
	maxCustomerField      = 200
)

// Roles are all roles.
func Roles() []Role { return []Role{Admin, OperatorRole, AnalystRole, AuditorRole} }

// Key is an API key. Its secret is nowhere.
type Key struct {
	ID        string
	Customer  string
	Name      string
	Role      Role
	Prefix    string // by which it is found
	Hash      []byte // bcrypt, of the secret
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	RevokedAt time.Time // zero: not
	UsedAt    time.Time // about when it was last used; zero: never
}

// Usable reports whether the key opens anything at a time.
func (k Key) Usable(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}

// Event is an act that was to change something.
type Event struct {
	Seq       int64
	At        time.Time
	Customer  string // "" for one who had no key
	Key       string // its id
	Action    string // "zone.create"
	Subject   string // the id of what it was about
	Outcome   string // "" while it goes on, or if the process died over it; else the HTTP status
	RequestID string
	Address   string // where it came from
}

// Store is the whole port.
type Store interface {
	Customers
	Keys
	Owners
	Credentials
	Events
	Restorer
}

// Customers keeps the customers.
type Customers interface {
	// AddCustomer adds a customer and its first key, both or none; ErrExists.
	AddCustomer(ctx context.Context, c Customer, first Key) error
	// Customer finds by id; catalog.ErrNotFound.
	Customer(ctx context.Context, id string) (Customer, error)
	// ListCustomers returns all, by id.
	ListCustomers(ctx context.Context) ([]Customer, error)
}

// Keys keeps the API keys.
type Keys interface {
	// AddKey adds a key; ErrExists by prefix, catalog.ErrNotFound by customer.
	AddKey(ctx context.Context, k Key) error
	// KeyByPrefix finds a key, ended ones too; catalog.ErrNotFound.
	KeyByPrefix(ctx context.Context, prefix string) (Key, error)
	// ListKeys returns a customer's, ended ones too, the oldest first.
	ListKeys(ctx context.Context, customer string) ([]Key, error)
	// RevokeKey ends one of the customer's keys; one that is revoked keeps its
	// time. catalog.ErrNotFound.
	RevokeKey(ctx context.Context, customer, id string, at time.Time) error
	// ExpireKey has one of the customer's keys expire at a time, if it does not
	// before. catalog.ErrNotFound.
	ExpireKey(ctx context.Context, customer, id string, at time.Time) error
	// UseKey notes that a key was used.
	UseKey(ctx context.Context, id string, at time.Time) error
}

// Owners tells whose a zone is. All chains of a zone are one customer's.
type Owners interface {
	// OwnZone gives a zone that nobody owns to a customer; ErrTaken.
	OwnZone(ctx context.Context, zone, customer string) error
	// ZoneOwner returns the Operator for one that was given to nobody.
	ZoneOwner(ctx context.Context, zone string) (string, error)
	// ListOwners returns the customers by zone, of all that were given to one.
	ListOwners(ctx context.Context) (map[string]string, error)
	// ZonesOf returns the zones under collection that are the customer's, by name.
	ZonesOf(ctx context.Context, customer string) ([]catalog.Zone, error)
}

// Events keeps what was done.
type Events interface {
	// AddEvent adds an event and returns its Seq. It is durable then.
	AddEvent(ctx context.Context, e Event) (seq int64, err error)
	// EndEvent enters what has become of the event e.Seq: its Customer,
	// Subject and Outcome. catalog.ErrNotFound.
	EndEvent(ctx context.Context, e Event) error
	// ListEvents returns at most limit of a customer's, the latest first, all
	// before the one with that seq (0: all).
	ListEvents(ctx context.Context, customer string, before int64, limit int) ([]Event, error)
}

// Check refuses what no customer may be called or may collect from.
func (c Customer) Check() error {
	if c.ID == "" || len(c.ID) > maxCustomerField || c.Name == "" || len(c.Name) > maxCustomerField {
		return fmt.Errorf("customer %.80q: id and name are 1 to %d bytes", c.ID, maxCustomerField)
	}
	for _, s := range c.Sources {
		if s == "" || strings.ContainsAny(s, ", ") {
			return fmt.Errorf("customer %.80q: %.80q is not the name of a source", c.ID, s)
		}
	}
	return nil
}

// Check refuses a key that could not be used.
func (k Key) Check() error {
	if k.ID == "" || k.Customer == "" || k.Prefix == "" || len(k.Hash) == 0 {
		return errors.New("key lacks its id, customer, prefix or hash")
	}
	if !slices.Contains(Roles(), k.Role) {
		return fmt.Errorf("key has the role %.40q, which there is not", string(k.Role))
	}
	return nil
}
