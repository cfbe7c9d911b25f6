package catalogtest

import (
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

func zone(c evidence.ChainID, name string) catalog.Zone {
	return catalog.Zone{ID: c.Zone, Dataset: c.Dataset, Name: name, AddedAt: epoch.Add(123 * time.Millisecond)}
}

func zoneCases() map[string]func(b *bundle) {
	return map[string]func(b *bundle){
		"found by id and by name": func(b *bundle) {
			z := zone(chainA, "example.com")
			z.Paused, z.Schedule, z.From = true, "7 * * * *", epoch.Add(-time.Hour+7*time.Millisecond)
			z.Source, z.Subject = "hello", "the-world"
			b.ok(b.PutZone(b.ctx, z))
			for _, key := range []string{z.ID, z.Name} {
				got, err := b.Zone(b.ctx, key)
				b.ok(err)
				b.equal(got, z)
			}
		},
		"unknown": func(b *bundle) {
			b.ok(b.PutZone(b.ctx, zone(chainA, "example.com")))
			for _, key := range []string{chainB.Zone, "example.org", "", "%", "' OR 1=1 --", "EXAMPLE"} {
				_, err := b.Zone(b.ctx, key)
				b.fails(err, catalog.ErrNotFound)
			}
		},
		"an id goes before a name": func(b *bundle) {
			b.ok(b.PutZone(b.ctx, zone(chainB, chainA.Zone)))
			b.ok(b.PutZone(b.ctx, zone(chainA, "example.com")))
			got, err := b.Zone(b.ctx, chainA.Zone)
			b.ok(err)
			b.equal(got.ID, chainA.Zone)
		},
		"replaced by id and dataset": func(b *bundle) {
			b.ok(b.PutZone(b.ctx, zone(chainA, "old.example")))
			b.ok(b.PutZone(b.ctx, zone(chainF, "old.example")))
			changed := catalog.Zone{ID: chainA.Zone, Dataset: chainA.Dataset, Name: "new.example", Paused: true}
			b.ok(b.PutZone(b.ctx, changed))
			got, err := b.ListZones(b.ctx)
			b.ok(err)
			b.equal(got, []catalog.Zone{changed, zone(chainF, "old.example")})
		},
		"listed by name": func(b *bundle) {
			empty, err := b.ListZones(b.ctx)
			b.ok(err)
			b.equal(len(empty), 0)
			b.ok(b.PutZone(b.ctx, zone(chainA, "z.example")))
			b.ok(b.PutZone(b.ctx, zone(chainB, "a.example")))
			got, err := b.ListZones(b.ctx)
			b.ok(err)
			b.equal(got, []catalog.Zone{zone(chainB, "a.example"), zone(chainA, "z.example")})
		},
		"removed alone": func(b *bundle) {
			b.ok(b.PutZone(b.ctx, zone(chainA, "example.com")))
			b.ok(b.PutZone(b.ctx, zone(chainF, "example.com")))
			b.mustPlan(chainA, win(0, 60))
			b.mustCommit(catalog.Commit{Head: head(chainA, 1)})
			b.ok(b.RemoveZone(b.ctx, chainA.Zone, chainA.Dataset))
			got, err := b.ListZones(b.ctx)
			b.ok(err)
			b.equal(got, []catalog.Zone{zone(chainF, "example.com")})
			b.wantLedger(chainA, planned(chainA, win(0, 60)))
			_, err = b.Head(b.ctx, chainA)
			b.ok(err)
			b.fails(b.RemoveZone(b.ctx, chainA.Zone, chainA.Dataset), catalog.ErrNotFound)
		},
		"malformed ids refused": func(b *bundle) {
			for _, c := range badChains() {
				b.refused(b.PutZone(b.ctx, zone(c, "example.com")))
			}
			got, err := b.ListZones(b.ctx)
			b.ok(err)
			b.equal(len(got), 0)
		},
	}
}

// badChains are ids that no config and no archive may bring in.
func badChains() []evidence.ChainID {
	return []evidence.ChainID{
		{},
		{Zone: chainA.Zone},
		{Zone: strings.ToUpper(chainA.Zone), Dataset: "http_requests"},
		{Zone: chainA.Zone, Dataset: "../../x"},
		{Zone: "../" + chainA.Zone[3:], Dataset: "http_requests"},
		{Zone: chainA.Zone, Dataset: strings.Repeat("a", 65)},
	}
}
