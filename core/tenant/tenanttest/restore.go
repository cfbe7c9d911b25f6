package tenanttest

import (
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// snapshot is of two customers with what they may have.
func snapshot() tenant.Snapshot {
	old, revoked := key("a", "1"), key("b", "2")
	old.ExpiresAt, old.UsedAt = time.Time{}, epoch.Add(time.Second)
	revoked.RevokedAt = epoch.Add(time.Minute)
	mine, theirs, own := zone('1', "example.com"), zone('2', "example.com"), zone('3', "own.eu")
	theirs.Source, theirs.Subject, theirs.Paused, theirs.Schedule, theirs.From = tenant.OwnSource("a", "own"), "subject", true, "7 * * * *", epoch
	return tenant.Snapshot{
		Customers:   []tenant.Customer{customer("a"), customer("b"), {ID: tenant.Operator, Name: tenant.Operator}},
		Keys:        []tenant.Key{old, revoked},
		Owners:      map[string]string{theirs.ID: "a", own.ID: "b", zone('9', "").ID: "a"}, // the last is collected no longer
		Credentials: []tenant.Credential{credential("a", "own"), credential("b", "own")},
		Zones:       []catalog.Zone{mine, theirs, own},
	}
}

func (b *bundle) take() tenant.Snapshot {
	b.Helper()
	s, err := tenant.Take(b.Context(), b, b)
	b.ok(err)
	return s
}

// All comes back, twice the same; what rebuild-catalog has made of the zones gives way.
func restored(b *bundle) {
	ctx := b.Context()
	unnamed := zone('2', zone('2', "").ID)
	unnamed.AddedAt = epoch.Add(time.Hour)
	b.ok(b.PutZone(ctx, unnamed))
	for range 2 {
		b.ok(b.Restore(ctx, snapshot()))
		b.equal(b.take(), snapshot())
	}
	got, err := b.Zone(ctx, "example.com")
	b.ok(err)
	b.equal(got, snapshot().Zones[0]) // and not the customer's of that name
}

// What is there stays, and what has ended does not begin again.
func restoredBeside(b *bundle) {
	ctx := b.Context()
	b.ok(b.Restore(ctx, snapshot()))
	later := epoch.Add(time.Hour)
	renamed := snapshot().Zones[1]
	renamed.Name, renamed.Paused = "renamed.eu", false
	b.ok(b.PutZone(ctx, renamed))
	b.ok(b.RevokeKey(ctx, "a", "1", later))
	replaced := credential("a", "own")
	replaced.Sealed, replaced.UpdatedAt = []byte("new"), later
	b.ok(b.PutCredential(ctx, replaced))
	b.ok(b.AddCustomer(ctx, customer("c"), key("c", "3")))
	before := b.take()
	b.ok(b.Restore(ctx, snapshot()))
	b.equal(b.take(), before)

	ended := snapshot()
	ended.Keys[0].ExpiresAt, ended.Keys[1].RevokedAt = epoch, epoch
	b.ok(b.Restore(ctx, ended))
	got, err := b.KeyByPrefix(ctx, "prefix-1")
	b.ok(err)
	b.equal([]time.Time{got.ExpiresAt, got.RevokedAt}, []time.Time{epoch, later})
	got, err = b.KeyByPrefix(ctx, "prefix-2")
	b.ok(err)
	b.equal(got.RevokedAt, epoch)
}

// What does not fit leaves nothing behind.
func restoredOrNot(b *bundle) {
	ctx := b.Context()
	b.ok(b.AddCustomer(ctx, customer("z"), key("z", "9")))
	b.ok(b.OwnZone(ctx, zone('1', "").ID, "z"))
	before := b.take()
	for name, c := range map[string]struct {
		spoil func(s *tenant.Snapshot)
		want  error
	}{
		"another's zone":     {func(s *tenant.Snapshot) { s.Owners[zone('1', "").ID] = "a" }, tenant.ErrTaken},
		"another's prefix":   {func(s *tenant.Snapshot) { s.Keys[1].Prefix = "prefix-9" }, tenant.ErrExists},
		"key of nobody":      {func(s *tenant.Snapshot) { s.Keys[0].Customer = "nobody" }, nil},
		"no such role":       {func(s *tenant.Snapshot) { s.Keys[0].Role = "root" }, nil},
		"zone of nobody":     {func(s *tenant.Snapshot) { s.Owners[zone('5', "").ID] = "nobody" }, nil},
		"operator's by name": {func(s *tenant.Snapshot) { s.Owners[zone('5', "").ID] = tenant.Operator }, nil},
		"owner of no id":     {func(s *tenant.Snapshot) { s.Owners["../x"] = "a" }, nil},
		"token of nobody":    {func(s *tenant.Snapshot) { s.Credentials[1].Customer = "nobody" }, nil},
		"empty token":        {func(s *tenant.Snapshot) { s.Credentials[1].Sealed = nil }, nil},
		"zone without id":    {func(s *tenant.Snapshot) { s.Zones[2].ID = strings.Repeat("X", 32) }, nil},
		"nameless customer":  {func(s *tenant.Snapshot) { s.Customers[0].Name = "" }, nil},
	} {
		s := snapshot()
		c.spoil(&s)
		err := b.Restore(ctx, s)
		if err == nil {
			b.Errorf("%s: accepted", name)
		}
		if c.want != nil {
			b.fails(err, c.want)
		}
		b.equal(b.take(), before)
	}
}
