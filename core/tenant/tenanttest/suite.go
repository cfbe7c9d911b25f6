// Package tenanttest is the conformance suite of the tenant port: each promise
// of package tenant has a case here, and every adapter passes all of them.
package tenanttest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// Store is what an adapter has to be: the port, beside the zones.
type Store interface {
	tenant.Store
	catalog.Zones
}

// Run runs the suite. Each case has a store of its own; cases run in parallel.
func Run(t *testing.T, open func(t testing.TB) Store) {
	t.Helper()
	for name, run := range map[string]func(b *bundle){
		"customers": customers, "customer and key or neither": bothOrNeither, "keys": keys, "keys end": keysEnd,
		"owners": owners, "owners at once": ownersAtOnce, "events": events, "malformed": malformed,
		"credentials": credentials, "credentials resealed": resealed, "credentials end": credentialsEnd, "credentials malformed": credentialsMalformed,
		"names of customers": namesOfCustomers, "restored": restored, "restored beside": restoredBeside, "restored or not": restoredOrNot,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(&bundle{T: t, Store: open(t)})
		})
	}
}

type bundle struct {
	*testing.T
	Store
}

func (b *bundle) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bundle) fails(err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Fatalf("error is %v, want %v", err, want)
	}
}

func (b *bundle) equal(got, want any) {
	b.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		b.Fatalf("(-want +got):\n%s", diff)
	}
}

var epoch = time.Date(2026, 3, 1, 0, 0, 0, int(7*time.Millisecond), time.UTC)

func customer(id string) tenant.Customer {
	return tenant.Customer{ID: id, Name: "Customer " + id, Sources: []string{"acme", "logpull"}, CreatedAt: epoch}
}

func key(customer, id string) tenant.Key {
	return tenant.Key{
		ID: id, Customer: customer, Name: "key " + id, Role: tenant.AnalystRole, Prefix: "prefix-" + id,
		Hash: []byte("\x00hash\xff"), CreatedAt: epoch, ExpiresAt: epoch.Add(time.Hour),
	}
}

func customers(b *bundle) {
	ctx := b.Context()
	operator, err := b.Customer(ctx, tenant.Operator)
	b.ok(err)
	b.ok(b.AddCustomer(ctx, customer("b"), key("b", "1")))
	plain := tenant.Customer{ID: "a", Name: "'; DROP TABLE customers; --"}
	b.ok(b.AddCustomer(ctx, plain, key("a", "2")))
	for _, want := range []tenant.Customer{customer("b"), plain} {
		got, err := b.Customer(ctx, want.ID)
		b.ok(err)
		b.equal(got, want)
	}
	all, err := b.ListCustomers(ctx)
	b.ok(err)
	b.equal(all, []tenant.Customer{plain, customer("b"), operator})
	for _, id := range []string{"", "A", "%", "c"} {
		_, err := b.Customer(ctx, id)
		b.fails(err, catalog.ErrNotFound)
	}
}

func bothOrNeither(b *bundle) {
	ctx := b.Context()
	b.ok(b.AddCustomer(ctx, customer("a"), key("a", "1")))
	b.fails(b.AddCustomer(ctx, customer("a"), key("a", "2")), tenant.ErrExists)
	_, err := b.KeyByPrefix(ctx, "prefix-2")
	b.fails(err, catalog.ErrNotFound)
	b.fails(b.AddCustomer(ctx, customer("c"), key("c", "1")), tenant.ErrExists)
	_, err = b.Customer(ctx, "c")
	b.fails(err, catalog.ErrNotFound)
	if err := b.AddCustomer(ctx, customer("d"), key("a", "9")); err == nil {
		b.Error("a customer's first key is another's")
	}
}

func keys(b *bundle) {
	ctx := b.Context()
	b.ok(b.AddCustomer(ctx, customer("a"), key("a", "2")))
	b.ok(b.AddCustomer(ctx, customer("b"), key("b", "9")))
	older := key("a", "3")
	older.CreatedAt, older.ExpiresAt = epoch.Add(-time.Minute), time.Time{}
	b.ok(b.AddKey(ctx, older))
	got, err := b.KeyByPrefix(ctx, "prefix-2")
	b.ok(err)
	b.equal(got, key("a", "2"))
	all, err := b.ListKeys(ctx, "a")
	b.ok(err)
	b.equal(all, []tenant.Key{older, key("a", "2")})
	for _, prefix := range []string{"", "prefix", "PREFIX-2", "prefix-2 ", "%"} {
		_, err := b.KeyByPrefix(ctx, prefix)
		b.fails(err, catalog.ErrNotFound)
	}
	b.fails(b.AddKey(ctx, key("nobody", "5")), catalog.ErrNotFound)
	twice := key("a", "6")
	twice.Prefix = "prefix-9" // another customer's
	b.fails(b.AddKey(ctx, twice), tenant.ErrExists)
	b.ok(b.UseKey(ctx, "2", epoch.Add(time.Second)))
	b.ok(b.UseKey(ctx, "2", epoch)) // late news
	got, err = b.KeyByPrefix(ctx, "prefix-2")
	b.ok(err)
	b.equal(got.UsedAt, epoch.Add(time.Second))
}

func keysEnd(b *bundle) {
	ctx := b.Context()
	b.ok(b.AddCustomer(ctx, customer("a"), key("a", "1")))
	b.ok(b.AddCustomer(ctx, customer("b"), key("b", "2")))
	b.fails(b.RevokeKey(ctx, "b", "1", epoch), catalog.ErrNotFound) // another's
	b.fails(b.ExpireKey(ctx, "b", "1", epoch), catalog.ErrNotFound)
	b.fails(b.RevokeKey(ctx, "a", "", epoch), catalog.ErrNotFound)
	got, err := b.KeyByPrefix(ctx, "prefix-1")
	b.ok(err)
	b.equal(got, key("a", "1"))

	b.ok(b.ExpireKey(ctx, "a", "1", epoch.Add(2*time.Hour))) // later than it does
	b.ok(b.ExpireKey(ctx, "a", "1", epoch.Add(time.Minute)))
	b.ok(b.RevokeKey(ctx, "a", "1", epoch.Add(time.Second)))
	b.ok(b.RevokeKey(ctx, "a", "1", epoch.Add(time.Hour))) // again
	got, err = b.KeyByPrefix(ctx, "prefix-1")
	b.ok(err)
	want := key("a", "1")
	want.ExpiresAt, want.RevokedAt = epoch.Add(time.Minute), epoch.Add(time.Second)
	b.equal(got, want)
	if got.Usable(epoch) {
		b.Error("a revoked key is usable")
	}
	forever := key("a", "3")
	forever.ExpiresAt = time.Time{}
	b.ok(b.AddKey(ctx, forever))
	b.ok(b.ExpireKey(ctx, "a", "3", epoch.Add(time.Minute)))
	got, err = b.KeyByPrefix(ctx, "prefix-3")
	b.ok(err)
	if !got.Usable(epoch) || got.Usable(epoch.Add(time.Minute)) {
		b.Errorf("key expires at %s", got.ExpiresAt)
	}
}

func zone(c byte, name string) catalog.Zone {
	return catalog.Zone{ID: strings.Repeat(string(c), 32), Dataset: "http_requests", Name: name, AddedAt: epoch}
}

func owners(b *bundle) {
	ctx := b.Context()
	for _, id := range []string{"a", "b"} {
		b.ok(b.AddCustomer(ctx, customer(id), key(id, id)))
	}
	mine, too, theirs, old := zone('1', "z.eu"), zone('2', "a.eu"), zone('3', "b.eu"), zone('4', "old.eu")
	events := mine
	events.Dataset = "firewall_events"
	for _, z := range []catalog.Zone{mine, events, too, theirs, old} {
		b.ok(b.PutZone(ctx, z))
	}
	b.ok(b.OwnZone(ctx, mine.ID, "a"))
	b.ok(b.OwnZone(ctx, mine.ID, "a")) // again
	b.ok(b.OwnZone(ctx, too.ID, "a"))
	b.ok(b.OwnZone(ctx, theirs.ID, "b"))
	b.fails(b.OwnZone(ctx, theirs.ID, "a"), tenant.ErrTaken)
	b.fails(b.OwnZone(ctx, theirs.ID, tenant.Operator), tenant.ErrTaken)
	b.ok(b.OwnZone(ctx, old.ID, tenant.Operator))
	b.fails(b.OwnZone(ctx, zone('9', "").ID, "nobody"), catalog.ErrNotFound)
	for id, want := range map[string]string{mine.ID: "a", theirs.ID: "b", old.ID: tenant.Operator, zone('9', "").ID: tenant.Operator} {
		got, err := b.ZoneOwner(ctx, id)
		b.ok(err)
		b.equal(got, want)
	}
	for who, want := range map[string][]catalog.Zone{"a": {too, events, mine}, "b": {theirs}, tenant.Operator: {old}, "nobody": {}} {
		got, err := b.ZonesOf(ctx, who)
		b.ok(err)
		b.equal(got, want)
	}
	b.ok(b.RemoveZone(ctx, theirs.ID, theirs.Dataset))
	got, err := b.ZonesOf(ctx, "b")
	b.ok(err)
	b.equal(got, []catalog.Zone{})
	owner, err := b.ZoneOwner(ctx, theirs.ID) // it has an archive, which stays whose it was
	b.ok(err)
	b.equal(owner, "b")
}

// Of many who want a zone at once, one gets it.
func ownersAtOnce(b *bundle) {
	const n = 8
	won := make([]bool, n)
	var wg sync.WaitGroup
	for i := range n {
		id := fmt.Sprintf("c%d", i)
		b.ok(b.AddCustomer(b.Context(), customer(id), key(id, id)))
	}
	for i := range n {
		wg.Go(func() {
			err := b.OwnZone(b.Context(), zone('1', "").ID, fmt.Sprintf("c%d", i))
			won[i] = err == nil
			if err != nil && !errors.Is(err, tenant.ErrTaken) {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	owner, err := b.ZoneOwner(b.Context(), zone('1', "").ID)
	b.ok(err)
	for i, ok := range won {
		if ok != (owner == fmt.Sprintf("c%d", i)) {
			b.Errorf("customer %d: was given it: %v, owner is %s", i, ok, owner)
		}
	}
}

func events(b *bundle) {
	ctx := b.Context()
	var all []tenant.Event
	for i := range 5 {
		e := tenant.Event{
			At: epoch.Add(time.Duration(i) * time.Second), Customer: "a", Key: "k", Action: "zone.create",
			Subject: fmt.Sprint(i), RequestID: "r", Address: "192.0.2.1",
		}
		var err error
		e.Seq, err = b.AddEvent(ctx, e)
		b.ok(err)
		all = append([]tenant.Event{e}, all...)
	}
	_, err := b.AddEvent(ctx, tenant.Event{Customer: "b", At: epoch})
	b.ok(err)
	all[1].Outcome, all[1].Subject = "201", "new"
	b.ok(b.EndEvent(ctx, all[1]))
	b.fails(b.EndEvent(ctx, tenant.Event{Seq: 1 << 40}), catalog.ErrNotFound)
	got, err := b.ListEvents(ctx, "a", 0, 100)
	b.ok(err)
	b.equal(got, all)
	got, err = b.ListEvents(ctx, "a", all[1].Seq, 2)
	b.ok(err)
	b.equal(got, all[2:4])
	got, err = b.ListEvents(ctx, "a", 0, 0)
	b.ok(err)
	b.equal(got, []tenant.Event{})
}

func malformed(b *bundle) {
	ctx := b.Context()
	b.ok(b.AddCustomer(ctx, customer("a"), key("a", "1")))
	for name, spoil := range map[string]func(k *tenant.Key){
		"no id": func(k *tenant.Key) { k.ID = "" }, "no prefix": func(k *tenant.Key) { k.Prefix = "" },
		"no hash": func(k *tenant.Key) { k.Hash = nil }, "no role": func(k *tenant.Key) { k.Role = "" },
		"another role": func(k *tenant.Key) { k.Role = "root" },
	} {
		k := key("a", "2")
		spoil(&k)
		if err := b.AddKey(ctx, k); err == nil {
			b.Errorf("%s: accepted", name)
		}
	}
	for name, c := range map[string]tenant.Customer{
		"no id": {Name: "x"}, "no name": {ID: "x"}, "long": {ID: "x", Name: strings.Repeat("x", 999)},
		"source": {ID: "x", Name: "x", Sources: []string{"a,b"}},
	} {
		if err := b.AddCustomer(ctx, c, key(c.ID, "3")); err == nil {
			b.Errorf("%s: accepted", name)
		}
	}
	got, err := b.ListKeys(ctx, "a")
	b.ok(err)
	b.equal(got, []tenant.Key{key("a", "1")})
}
