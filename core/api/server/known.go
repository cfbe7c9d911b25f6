package server

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// known is what the catalog need not be asked for each request: whose things are
// changes seldom, if at all, and would be most of what a request costs. What is
// collected is none of it, and neither are names and settings.
type known struct {
	customers *recent[string, tenant.Customer]
	owned     *recent[owned, struct{}]
	chains    *recent[asked, evidence.ChainID]
}

// owned is that a zone is a customer's.
type owned struct{ customer, zone string }

// asked is what a customer calls a zone of its own.
type asked struct {
	customer string
	zone     ZoneRef
}

func newKnown(now func() time.Time) (*known, error) {
	var k known
	var errs [3]error
	k.customers, errs[0] = newRecent[string, tenant.Customer](now)
	k.owned, errs[1] = newRecent[owned, struct{}](now)
	k.chains, errs[2] = newRecent[asked, evidence.ChainID](now)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("make cache of zones: %w", err)
	}
	return &k, nil
}

// forget has all be asked for anew: a zone came or went.
func (k *known) forget() {
	k.customers.forget()
	k.owned.forget()
	k.chains.forget()
}

// recent keeps what was found, for freshFor: what another node changes is seen here
// within that. What was not found, or is another's, is not kept, or how long an
// answer takes would tell one from the other.
type recent[K comparable, V any] struct {
	now func() time.Time

	mu     sync.Mutex // guards what is added against forget
	epoch  int        // counts forget
	values *lru.Cache[K, dated[V]]
}

type dated[V any] struct {
	value  V
	readAt time.Time
}

func newRecent[K comparable, V any](now func() time.Time) (*recent[K, V], error) {
	values, err := lru.New[K, dated[V]](customersOf)
	if err != nil {
		return nil, err //nolint:wrapcheck // newKnown wraps
	}
	return &recent[K, V]{now: now, values: values}, nil
}

// get returns what is known, or else looks.
func (r *recent[K, V]) get(key K, look func() (V, error)) (V, error) {
	at := r.now()
	if d, ok := r.values.Get(key); ok && fresh(d.readAt, at) {
		return d.value, nil
	}
	r.mu.Lock()
	epoch := r.epoch
	r.mu.Unlock()
	v, err := look()
	if err != nil {
		return v, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.epoch == epoch { // or it may be of before
		r.values.Add(key, dated[V]{v, at})
	}
	return v, nil
}

func (r *recent[K, V]) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.epoch++
	r.values.Purge()
}

// fresh reports whether what was read at a time is believed yet.
func fresh(readAt, now time.Time) bool {
	age := now.Sub(readAt)
	return age >= 0 && age < freshFor
}

// customer is the caller's.
func (q *request) customer(ctx context.Context) (tenant.Customer, error) {
	return q.gen.known.customers.get(q.caller.Customer, func() (tenant.Customer, error) {
		return q.gen.Tenants.Customer(ctx, q.caller.Customer)
	})
}

// owns demands of a zone that it is the caller's: the same one question for
// another's and for what is not there.
func (q *request) owns(ctx context.Context, zone string) error {
	_, err := q.gen.known.owned.get(owned{q.caller.Customer, zone}, func() (none struct{}, err error) {
		owner, err := q.gen.Tenants.ZoneOwner(ctx, zone)
		if err == nil && owner != q.caller.Customer {
			err = catalog.ErrNotFound
		}
		return none, err
	})
	return err
}

// chain is that of a zone of the caller's, where its settings do not matter.
func (q *request) chain(ctx context.Context, ref ZoneRef) (evidence.ChainID, error) {
	return q.gen.known.chains.get(asked{q.caller.Customer, ref}, func() (evidence.ChainID, error) {
		z, err := q.zone(ctx, ref)
		return z.Chain(), err
	})
}
