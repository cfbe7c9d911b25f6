package catalogtest

import (
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// pend is a pending record whose bytes are not text.
func pend(c evidence.ChainID, w evidence.Window) catalog.Pending {
	return catalog.Pending{Chain: c, Window: w, Spool: "spool." + w.Start.Format("150405"), Draft: []byte("{\x00\xff}"), Seq: -1}
}

func (b *bundle) wantPending(c evidence.ChainID, want ...catalog.Pending) {
	b.Helper()
	got, err := b.ListPending(b.ctx, c)
	b.ok(err)
	b.equal(got, want)
	for i, p := range want {
		if got[i].Window != p.Window {
			b.Fatalf("times of %s are not in UTC", p.Window)
		}
	}
}

func outboxCases() map[string]func(b *bundle) {
	return map[string]func(b *bundle){
		"put and replaced": func(b *bundle) {
			b.wantPending(chainA)
			p := pend(chainA, win(0, 60))
			b.ok(b.PutPending(b.ctx, p))
			b.ok(b.PutPending(b.ctx, pend(chainB, win(0, 60))))
			b.wantPending(chainA, p)
			p.Spool, p.Draft, p.Seq, p.Entry = "", []byte("{}"), 4, []byte("entry")
			b.ok(b.PutPending(b.ctx, p))
			b.wantPending(chainA, p)
			b.wantPending(chainB, pend(chainB, win(0, 60)))
		},
		"by seq, then start": func(b *bundle) {
			p, q, r, s := pend(chainA, win(0, 60)), pend(chainA, win(60, 120)), pend(chainA, win(120, 180)), pend(chainA, win(180, 240))
			p.Seq, q.Seq = 12, 3
			for _, p := range []catalog.Pending{s, p, r, q} {
				b.ok(b.PutPending(b.ctx, p))
			}
			b.wantPending(chainA, r, s, q, p)
		},
		"entries set together": func(b *bundle) {
			p, q := pend(chainA, win(0, 60)), pend(chainA, win(60, 120))
			b.ok(b.PutPending(b.ctx, p))
			b.ok(b.PutPending(b.ctx, q))
			set := func(p catalog.Pending, seq int64, entry string) catalog.Pending {
				p.Seq, p.Entry = seq, []byte(entry)
				return p
			}
			b.ok(b.SetEntries(b.ctx, []catalog.Pending{
				{Chain: chainA, Window: q.Window, Seq: 7, Entry: []byte("q\x00\xff")}, // nothing else is stored
				{Chain: chainA, Window: p.Window, Seq: 8, Entry: []byte("p")},
			}))
			b.wantPending(chainA, set(q, 7, "q\x00\xff"), set(p, 8, "p"))
			b.fails(b.SetEntries(b.ctx, []catalog.Pending{
				set(p, 20, "new"), set(pend(chainA, win(120, 180)), 21, "absent"),
			}), catalog.ErrNotFound)
			b.wantPending(chainA, set(q, 7, "q\x00\xff"), set(p, 8, "p"))
			b.ok(b.SetEntries(b.ctx, nil))
		},
		"dropped alone": func(b *bundle) {
			b.ok(b.PutPending(b.ctx, pend(chainA, win(0, 60))))
			b.ok(b.PutPending(b.ctx, pend(chainB, win(0, 60))))
			b.ok(b.DropPending(b.ctx, chainA, win(0, 30)))
			b.wantPending(chainA, pend(chainA, win(0, 60)))
			b.ok(b.DropPending(b.ctx, chainA, win(0, 60)))
			b.ok(b.DropPending(b.ctx, chainA, win(0, 60)))
			b.wantPending(chainA)
			b.wantPending(chainB, pend(chainB, win(0, 60)))
		},
		"malformed refused": func(b *bundle) {
			b.refused(b.PutPending(b.ctx, pend(chainA, win(60, 60))))
			for _, c := range badChains() {
				b.refused(b.PutPending(b.ctx, pend(c, win(0, 60))))
			}
			b.wantPending(chainA)
		},
	}
}

func commitCases() map[string]func(b *bundle) {
	return map[string]func(b *bundle){
		"head before the first": func(b *bundle) {
			b.mustCommit(catalog.Commit{Head: head(chainB, 1)})
			_, err := b.Head(b.ctx, chainA)
			b.fails(err, catalog.ErrNotFound)
		},
		"moves all at once": func(b *bundle) {
			b.mustPlan(chainA, tiles(0, 240, 60)...)
			for _, w := range tiles(0, 180, 60) {
				b.ok(b.PutPending(b.ctx, pend(chainA, w)))
			}
			first := head(chainA, 1)
			first.FieldsSeq, first.FieldsHash = -1, evidence.Digest{}
			b.mustCommit(catalog.Commit{Head: first})
			b.wantHead(first)
			m := catalog.Commit{
				Head: head(chainA, 4),
				Windows: []catalog.Window{
					sealed(chainA, win(0, 60), 2), lost(chainA, win(60, 120), 3),
					sealed(chainA, win(600, 660), 1), // never planned here
				},
				Pending: []evidence.Window{win(0, 60), win(60, 120), win(900, 960)},
			}
			for range 2 { // a commit whose answer was lost is made again
				b.mustCommit(m)
				b.wantHead(head(chainA, 4))
				b.wantPending(chainA, pend(chainA, win(120, 180)))
				b.wantLedger(chainA, sealed(chainA, win(0, 60), 2), lost(chainA, win(60, 120), 3),
					planned(chainA, win(120, 180)), planned(chainA, win(180, 240)), sealed(chainA, win(600, 660), 1))
			}
		},
		"follows the head it names": func(b *bundle) {
			b.mustCommit(catalog.Commit{Head: head(chainA, 3)})
			m := catalog.Commit{Head: head(chainA, 5), After: 4, Windows: []catalog.Window{sealed(chainA, win(0, 60), 4)}}
			b.fails(b.Commit(b.ctx, m), catalog.ErrStale)
			b.wantLedger(chainA)
			b.wantHead(head(chainA, 3))
			m.After = 3
			for range 2 { // the second, as after a lost answer
				b.mustCommit(m)
				b.wantHead(head(chainA, 5))
			}
			b.fails(b.Commit(b.ctx, catalog.Commit{Head: head(chainB, 2), After: 1}), catalog.ErrStale)
		},
		"stores rows as they are": func(b *bundle) {
			b.mustPlan(chainA, win(0, 60))
			b.ok(b.Update(b.ctx, catalog.Window{
				Chain: chainA, Window: win(0, 60), State: catalog.Retrying, Attempts: 3, NextAt: sec(99), Reason: "retry", Detail: "once",
			}))
			w := sealed(chainA, win(0, 60), 1)
			w.Attempts, w.Lines, w.Bytes = 1, 1<<40, 1<<50
			b.mustCommit(catalog.Commit{Head: head(chainA, 2), Windows: []catalog.Window{w}})
			b.wantLedger(chainA, w)
		},
		"all or nothing": func(b *bundle) {
			b.mustPlan(chainA, win(0, 60))
			b.ok(b.PutPending(b.ctx, pend(chainA, win(0, 60))))
			b.mustCommit(catalog.Commit{Head: head(chainA, 2), Windows: []catalog.Window{sealed(chainA, win(60, 120), 1)}})
			other := sealed(chainB, win(0, 60), 2)
			open := planned(chainA, win(0, 60))
			noEntry := sealed(chainA, win(0, 60), -1)
			empty := sealed(chainA, win(200, 200), 2)
			for _, bad := range []catalog.Window{other, open, noEntry, empty} {
				b.refused(b.Commit(b.ctx, catalog.Commit{
					Head: head(chainA, 9), Windows: []catalog.Window{sealed(chainA, win(0, 60), 3), bad},
					Pending: []evidence.Window{win(0, 60)},
				}))
			}
			b.fails(b.Commit(b.ctx, catalog.Commit{
				Head: head(chainA, 9), Windows: []catalog.Window{sealed(chainA, win(0, 60), 3), lost(chainA, win(90, 150), 4)},
				Pending: []evidence.Window{win(0, 60)},
			}), catalog.ErrOverlap)
			b.wantHead(head(chainA, 2))
			b.wantPending(chainA, pend(chainA, win(0, 60)))
			b.wantLedger(chainA, planned(chainA, win(0, 60)), sealed(chainA, win(60, 120), 1))
			b.wantLedger(chainB)
		},
		"the chain goes over the plan": func(b *bundle) {
			b.mustPlan(chainA, tiles(0, 400, 100)...)
			row := planned(chainA, win(0, 100))
			row.State, row.Attempts, row.Reason = catalog.Blocked, 5, "token"
			b.ok(b.Update(b.ctx, row))
			b.mustCommit(catalog.Commit{Head: head(chainA, 3), Windows: []catalog.Window{
				sealed(chainA, win(50, 250), 1), sealed(chainA, win(330, 340), 2),
			}})
			left := planned(chainA, win(0, 50)) // what remains is planned anew, so that nothing is skipped
			left.Attempts = 5
			b.wantLedger(chainA, left, sealed(chainA, win(50, 250), 1), planned(chainA, win(250, 300)),
				planned(chainA, win(300, 330)), sealed(chainA, win(330, 340), 2), planned(chainA, win(340, 400)))
		},
		"malformed chain refused": func(b *bundle) {
			for _, c := range badChains() {
				b.refused(b.Commit(b.ctx, catalog.Commit{Head: head(c, 1)}))
			}
		},
	}
}

func (b *bundle) wantHead(want catalog.Head) {
	b.Helper()
	got, err := b.Head(b.ctx, want.Chain)
	b.ok(err)
	b.equal(got, want)
}
