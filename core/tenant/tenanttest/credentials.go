package tenanttest

import (
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

func credential(customer, name string) tenant.Credential {
	return tenant.Credential{
		Customer: customer, Name: name, Plugin: "logpull", Sealed: []byte("\x00sealed\xff" + customer + name), Recipient: "age1" + customer,
		CreatedAt: epoch, UpdatedAt: epoch,
	}
}

func credentials(b *bundle) {
	ctx := b.Context()
	for _, id := range []string{"a", "b"} {
		b.ok(b.AddCustomer(ctx, customer(id), key(id, id)))
	}
	for _, c := range []tenant.Credential{credential("b", "own"), credential("a", "z"), credential("a", "own")} {
		b.ok(b.PutCredential(ctx, c))
	}
	got, err := b.Credential(ctx, "a", "own")
	b.ok(err)
	b.equal(got, credential("a", "own"))
	for _, of := range [][2]string{{"a", "none"}, {"c", "own"}, {"b", "z"}, {"a", ""}, {"", "own"}, {"a", "OWN"}, {"%", "%"}} {
		_, err := b.Credential(ctx, of[0], of[1])
		b.fails(err, catalog.ErrNotFound)
	}
	for who, want := range map[string][]tenant.Credential{
		"a": {credential("a", "own"), credential("a", "z")}, "b": {credential("b", "own")}, "c": {}, "%": {},
		"": {credential("a", "own"), credential("a", "z"), credential("b", "own")},
	} {
		got, err := b.ListCredentials(ctx, who)
		b.ok(err)
		b.equal(got, want)
	}
	b.fails(b.PutCredential(ctx, credential("nobody", "own")), catalog.ErrNotFound)

	replaced := credential("a", "own")
	replaced.Sealed, replaced.CreatedAt, replaced.UpdatedAt = []byte("new"), epoch.Add(time.Hour), epoch.Add(time.Hour)
	b.ok(b.PutCredential(ctx, replaced))
	got, err = b.Credential(ctx, "a", "own")
	b.ok(err)
	replaced.CreatedAt = epoch
	b.equal(got, replaced)
}

// A secret that the customer has replaced meanwhile is not set back.
func resealed(b *bundle) {
	ctx := b.Context()
	for _, id := range []string{"a", "b"} {
		b.ok(b.AddCustomer(ctx, customer(id), key(id, id)))
		b.ok(b.PutCredential(ctx, credential(id, "own")))
	}
	was := credential("a", "own")
	now := was
	now.Sealed, now.Recipient, now.UpdatedAt = []byte("resealed"), "age1new", epoch.Add(time.Hour)
	b.ok(b.ResealCredential(ctx, now, was.Sealed))
	b.fails(b.ResealCredential(ctx, credential("a", "own"), was.Sealed), catalog.ErrNotFound)
	b.fails(b.ResealCredential(ctx, credential("a", "none"), was.Sealed), catalog.ErrNotFound)
	got, err := b.Credential(ctx, "a", "own")
	b.ok(err)
	now.UpdatedAt = epoch // the secret is the same
	b.equal(got, now)
	got, err = b.Credential(ctx, "b", "own")
	b.ok(err)
	b.equal(got, credential("b", "own"))
}

func credentialsEnd(b *bundle) {
	ctx := b.Context()
	for _, id := range []string{"a", "b"} {
		b.ok(b.AddCustomer(ctx, customer(id), key(id, id)))
		b.ok(b.PutCredential(ctx, credential(id, "own")))
	}
	z := zone('1', "a.eu")
	z.Source = tenant.OwnSource("a", "own")
	b.ok(b.PutZone(ctx, z))
	b.fails(b.RemoveCredential(ctx, "a", "own"), tenant.ErrInUse)
	_, err := b.Credential(ctx, "a", "own")
	b.ok(err)
	b.ok(b.RemoveCredential(ctx, "b", "own")) // of the same name, and nobody's source
	b.ok(b.RemoveZone(ctx, z.ID, z.Dataset))
	b.ok(b.RemoveCredential(ctx, "a", "own"))
	for _, id := range []string{"a", "b", "c"} {
		b.fails(b.RemoveCredential(ctx, id, "own"), catalog.ErrNotFound)
	}
}

func credentialsMalformed(b *bundle) {
	ctx := b.Context()
	b.ok(b.AddCustomer(ctx, customer("a"), key("a", "1")))
	for name, spoil := range map[string]func(c *tenant.Credential){
		"nobody's": func(c *tenant.Credential) { c.Customer = "" }, "no name": func(c *tenant.Credential) { c.Name = "" },
		"a slash": func(c *tenant.Credential) { c.Name = "a/b" }, "upper case": func(c *tenant.Credential) { c.Name = "A" },
		"long": func(c *tenant.Credential) { c.Name = strings.Repeat("a", 65) }, "no plugin": func(c *tenant.Credential) { c.Plugin = "" },
		"empty": func(c *tenant.Credential) { c.Sealed = nil }, "no recipient": func(c *tenant.Credential) { c.Recipient = "" },
		"huge": func(c *tenant.Credential) { c.Sealed = make([]byte, 1<<20) },
	} {
		c := credential("a", "own")
		spoil(&c)
		if err := b.PutCredential(ctx, c); err == nil {
			b.Errorf("%s: accepted", name)
		}
		if err := b.ResealCredential(ctx, c, []byte("x")); err == nil {
			b.Errorf("%s: accepted to be resealed", name)
		}
	}
	got, err := b.ListCredentials(ctx, "")
	b.ok(err)
	b.equal(got, []tenant.Credential{})
}

// The operator's commands find zones by name: a customer cannot have its own
// found in their place, whatever it calls them.
func namesOfCustomers(b *bundle) {
	ctx := b.Context()
	b.ok(b.AddCustomer(ctx, customer("a"), key("a", "1")))
	theirs, mine := zone('1', "example.com"), zone('2', "example.com") // theirs would come first
	b.ok(b.OwnZone(ctx, theirs.ID, "a"))
	b.ok(b.PutZone(ctx, theirs))
	_, err := b.Zone(ctx, "example.com")
	b.fails(err, catalog.ErrNotFound)
	b.ok(b.PutZone(ctx, mine))
	for _, key := range []string{"example.com", mine.ID} {
		got, err := b.Zone(ctx, key)
		b.ok(err)
		b.equal(got, mine)
	}
	got, err := b.Zone(ctx, theirs.ID)
	b.ok(err)
	b.equal(got, theirs)
	theirs.Name = mine.ID
	b.ok(b.PutZone(ctx, theirs))
	b.ok(b.RemoveZone(ctx, mine.ID, mine.Dataset))
	_, err = b.Zone(ctx, mine.ID) // it is gone, and no other is it
	b.fails(err, catalog.ErrNotFound)
}
