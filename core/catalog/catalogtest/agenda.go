package catalogtest

import (
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

func agendaCases() map[string]func(b *bundle) {
	return map[string]func(b *bundle){
		"bounds": func(b *bundle) {
			first, last, err := b.Bounds(b.ctx, chainA)
			b.ok(err)
			if !first.IsZero() || !last.IsZero() {
				b.Fatalf("an empty ledger has bounds %s and %s", first, last)
			}
			b.mustPlan(chainA, win(120, 180), win(300, 360))
			b.mustPlan(chainB, win(0, 900))
			b.mustCommit(catalog.Commit{Head: head(chainA, 2), Windows: []catalog.Window{sealed(chainA, win(60, 90), 1)}})
			first, last, err = b.Bounds(b.ctx, chainA)
			b.ok(err)
			if first != sec(60) || last != sec(360) {
				b.Fatalf("bounds are %s and %s", first, last)
			}
		},
		"due": func(b *bundle) {
			b.mustPlan(chainA, tiles(0, 480, 60)...)
			b.mustPlan(chainB, win(0, 60))
			states := []struct {
				state  catalog.State
				nextAt time.Time
				due    bool // at sec(100)
			}{
				{catalog.Planned, sec(1000), true}, // NextAt is not of these two
				{catalog.Pulling, sec(1000), true},
				{catalog.Retrying, sec(100), true},
				{catalog.Retrying, sec(100).Add(time.Millisecond), false},
				{catalog.Blocked, sec(99), true},
				{catalog.Blocked, sec(101), false},
				{catalog.Retrying, time.Time{}, true},
				{catalog.Planned, time.Time{}, true},
			}
			var want []catalog.Window
			for i, s := range states {
				w := planned(chainA, win(60*i, 60*i+60))
				w.State, w.NextAt, w.Attempts, w.Reason, w.Detail = s.state, s.nextAt, i, "reason", "detail"
				b.ok(b.Update(b.ctx, w))
				if s.due {
					want = append(want, w)
				}
			}
			b.mustCommit(catalog.Commit{Head: head(chainA, 9), Windows: []catalog.Window{
				sealed(chainA, win(-60, 0), 7), lost(chainA, win(480, 540), 8),
			}})
			for limit := range len(want) + 2 {
				got, err := b.Due(b.ctx, chainA, sec(100), limit)
				b.ok(err)
				b.equal(got, want[:min(limit, len(want))])
			}
			got, err := b.Due(b.ctx, chainF, sec(100), 9)
			b.ok(err)
			b.equal(len(got), 0)
		},
		"latest": func(b *bundle) {
			fillStates(b)
			all := b.ledger(chainA)
			b.mustPlan(chainF, win(0, 60))
			got, err := b.Latest(b.ctx, chainA, sec(1<<20), 100)
			b.ok(err)
			slices.Reverse(got)
			b.equal(got, all)
			second := all[len(all)-2]
			got, err = b.Latest(b.ctx, chainA, all[len(all)-1].Window.Start, 1) // exclusive: a cursor
			b.ok(err)
			b.equal(got, []catalog.Window{second})
			for _, limit := range []int{0, -1} {
				got, err = b.Latest(b.ctx, chainA, sec(1<<20), limit)
				b.ok(err)
				b.equal(len(got), 0)
			}
		},
		"backlog": func(b *bundle) {
			got, err := b.Backlog(b.ctx)
			b.ok(err)
			b.equal(len(got), 0)
			fillStates(b)
			b.mustPlan(chainA, win(600, 660), win(900, 960))
			b.mustPlan(chainB, win(30, 90))
			got, err = b.Backlog(b.ctx)
			b.ok(err)
			sum := func(s catalog.State, n int64, from, to int) catalog.Backlog {
				return catalog.Backlog{Chain: chainA, State: s, Windows: n, Oldest: sec(from), Newest: sec(to)}
			}
			ofB := sum(catalog.Planned, 1, 30, 90)
			ofB.Chain = chainB
			b.equal(got, []catalog.Backlog{ // by chain, then state
				sum(catalog.Blocked, 1, 180, 240), sum(catalog.Planned, 3, 0, 960),
				sum(catalog.Pulling, 1, 60, 120), sum(catalog.Retrying, 1, 120, 180), ofB,
			})
		},
	}
}
