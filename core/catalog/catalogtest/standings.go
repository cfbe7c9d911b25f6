package catalogtest

import (
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

func standingCases() map[string]func(b *bundle) {
	return map[string]func(b *bundle){
		"never put": func(b *bundle) {
			got, err := b.Standing(b.ctx, chainA)
			b.ok(err)
			b.equal(got, catalog.Standing{Chain: chainA})
			all, err := b.ListStandings(b.ctx)
			b.ok(err)
			b.equal(len(all), 0)
		},
		"put and replaced": func(b *bundle) {
			s := catalog.Standing{
				Chain: chainA, NotBefore: sec(90).Add(5 * time.Millisecond), Blocked: "token",
				Detail: "HTTP 403: \"später\"", Since: sec(10), ProbedAt: sec(20),
			}
			other := catalog.Standing{Chain: chainF, ProbedAt: sec(7)}
			b.ok(b.PutStanding(b.ctx, catalog.Standing{Chain: chainA, NotBefore: sec(1)}))
			b.ok(b.PutStanding(b.ctx, s))
			b.ok(b.PutStanding(b.ctx, catalog.Standing{Chain: chainB}))
			b.ok(b.PutStanding(b.ctx, other))
			got, err := b.Standing(b.ctx, chainA)
			b.ok(err)
			if got != s {
				b.Fatalf("standing is %+v, want %+v", got, s)
			}
			all, err := b.ListStandings(b.ctx)
			b.ok(err)
			b.equal(all, []catalog.Standing{other, s, {Chain: chainB}}) // a…/firewall_events goes before a…/http_requests
		},
		"apart from the operator's word": func(b *bundle) {
			z := zone(chainA, "example.com")
			z.Paused, z.Schedule, z.From = true, "*/5 * * * *", sec(-86400)
			s := catalog.Standing{Chain: chainA, Blocked: "token", Since: sec(5)}
			b.ok(b.PutStanding(b.ctx, s))
			b.ok(b.PutZone(b.ctx, z))
			b.ok(b.RemoveZone(b.ctx, z.ID, z.Dataset))
			b.ok(b.PutZone(b.ctx, z))
			got, err := b.Standing(b.ctx, chainA)
			b.ok(err)
			b.equal(got, s)
			b.ok(b.PutStanding(b.ctx, catalog.Standing{Chain: chainA}))
			there, err := b.Zone(b.ctx, z.ID)
			b.ok(err)
			if there != z {
				b.Fatalf("zone is %+v, want %+v", there, z)
			}
		},
		"malformed refused": func(b *bundle) {
			for _, c := range badChains() {
				b.refused(b.PutStanding(b.ctx, catalog.Standing{Chain: c}))
			}
		},
	}
}
