package server

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// counting counts what of a store is asked for.
type counting struct {
	tenant.Store
	owners, customers atomic.Int64
}

func (c *counting) ZoneOwner(ctx context.Context, zone string) (string, error) {
	c.owners.Add(1)
	return c.Store.ZoneOwner(ctx, zone) //nolint:wrapcheck // its own
}

func (c *counting) Customer(ctx context.Context, id string) (tenant.Customer, error) {
	c.customers.Add(1)
	return c.Store.Customer(ctx, id) //nolint:wrapcheck // its own
}

func (b *bundle) counted() *counting {
	c := &counting{Store: b.catalog}
	backend := b.backend()
	backend.Tenants = c
	b.detach(0)
	detach := b.server.Attach(backend)
	b.Cleanup(func() { detach(0) })
	return c
}

// Whose a zone is, is asked for twice a second at most, and each time where it is another's.
func TestKnown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var ahead atomic.Int64 // this clock stands still, or half a second could pass meanwhile
	start := b.now()
	now := func() time.Time { return start.Add(time.Duration(ahead.Load())) }
	b.server.cfg.Now, b.server.known.customers.now, b.server.known.owned.now, b.server.known.chains.now, b.server.auth.now = now, now, now, now, now
	c := b.counted()
	key := b.keys[acme][tenant.AuditorRole]
	all := func(customer string, status int) {
		t.Helper()
		for range 10 {
			b.want(200, "", "GET", "/v1/me", key, "")
			for _, path := range []string{"/v1/zones/{zone}", "/v1/zones/{zone}/jobs", "/v1/zones/{zone}/coverage", "/v1/zones/{zone}/chain", "/v1/jobs/{job}"} {
				b.want(status, "", "GET", b.fill(endpoint{path: path}, customer, ""), key, "")
			}
		}
	}
	all(acme, 200)
	if owners, customers := c.owners.Load(), c.customers.Load(); owners != 1 || customers != 1 {
		t.Errorf("the owner was asked for %d times, the customer %d times, want once each", owners, customers)
	}
	all(other, 404)
	if owners := c.owners.Load(); owners != 51 {
		t.Errorf("the owner was asked for %d times, want 50 more for another's zone", owners)
	}
	ahead.Store(int64(freshFor))
	all(acme, 200)
	if owners, customers := c.owners.Load(), c.customers.Load(); owners != 52 || customers != 2 {
		t.Errorf("after %s the owner was asked for %d times, the customer %d times", freshFor, owners, customers)
	}
}

// What was removed here is gone at once, what another node removed within freshFor.
func TestKnownForgets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.keys[acme][tenant.Admin]
	jobs := "/v1/zones/" + b.zones[acme] + "/jobs"
	z, err := b.catalog.Zone(t.Context(), b.zones[acme])
	b.ok(err)
	b.want(200, "", "GET", jobs, key, "")
	b.want(204, "", "DELETE", "/v1/zones/"+z.ID, key, "")
	b.want(404, "not_found", "GET", jobs, key, "")
	b.ok(b.catalog.PutZone(t.Context(), z))
	b.want(200, "", "GET", jobs, key, "")
	b.ok(b.catalog.RemoveZone(t.Context(), z.ID, z.Dataset))
	b.pass(freshFor)
	b.want(404, "not_found", "GET", jobs, key, "")
	b.want(404, "not_found", "GET", "/v1/zones/"+z.ID, key, "")
}

func TestRecent(t *testing.T) {
	t.Parallel()
	r, err := newRecent[string, int](func() time.Time { return time.Unix(1e9, 0) })
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	look := func() (int, error) { asked++; return asked, nil }
	get := func(want int, look func() (int, error)) {
		t.Helper()
		if got, err := r.get("a", look); got != want || err != nil {
			t.Errorf("got %d, %v, want %d", got, err, want)
		}
	}
	get(1, look)
	get(1, look)
	r.forget()
	get(2, func() (int, error) { // what is read while others change it is not kept
		defer r.forget()
		return look()
	})
	get(3, look)
	if _, err := r.get("b", func() (int, error) { return 0, catalog.ErrNotFound }); !errors.Is(err, catalog.ErrNotFound) {
		t.Error(err)
	}
	if r.values.Contains("b") {
		t.Error("what is not there is kept")
	}
}
