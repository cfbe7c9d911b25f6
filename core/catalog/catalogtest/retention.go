package catalogtest

import (
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// fillObjects seals five minutes of chain A as entries 10 to 14. The second is
// lost, the fourth without content: three have objects.
func fillObjects(b *bundle) []catalog.Window {
	b.Helper()
	rows := make([]catalog.Window, 5)
	for i, w := range tiles(0, 300, 60) {
		rows[i] = sealed(chainA, w, int64(10+i))
	}
	rows[1] = lost(chainA, win(60, 120), 11)
	rows[3].Lines, rows[3].Bytes = 0, 0
	b.mustCommit(catalog.Commit{Head: head(chainA, 15), Windows: rows})
	b.mustCommit(catalog.Commit{Head: head(chainB, 15), Windows: []catalog.Window{sealed(chainB, win(0, 60), 10)}})
	b.mustPlan(chainA, win(300, 360))
	return rows
}

func (b *bundle) wantExpirable(before time.Time, limit int, want ...catalog.Window) {
	b.Helper()
	got, err := b.Expirable(b.ctx, chainA, before, limit)
	b.ok(err)
	b.equal(got, want)
}

func (b *bundle) wantExpiring(from time.Time, limit int, want ...catalog.Window) {
	b.Helper()
	got, err := b.Expiring(b.ctx, chainA, from, limit)
	b.ok(err)
	b.equal(got, want)
}

// expire commits an expiry of entries of chain A, at the chain's size.
func (b *bundle) expire(size int64, seqs ...int64) {
	b.Helper()
	b.mustCommit(catalog.Commit{Head: head(chainA, size), Expired: seqs})
}

func retentionCases() map[string]func(b *bundle) {
	return map[string]func(b *bundle){
		"expirable": func(b *bundle) {
			rows := fillObjects(b)
			b.wantExpirable(sec(59), 9)
			b.wantExpirable(sec(60).Add(-time.Nanosecond), 9)
			b.wantExpirable(sec(60), 9, rows[0])
			b.wantExpirable(sec(60).Add(time.Nanosecond), 9, rows[0])
			b.wantExpirable(sec(239), 9, rows[0], rows[2])
			b.wantExpirable(sec(9999), 9, rows[0], rows[2], rows[4])
			b.wantExpirable(sec(9999), 2, rows[0], rows[2])
			b.wantExpirable(sec(9999), 0)
			b.wantExpirable(sec(9999), -1)
		},
		"an object's way": func(b *bundle) {
			rows := fillObjects(b)
			b.expire(16, 10, 12)
			rows[0].Object, rows[2].Object = catalog.Expiring, catalog.Expiring
			b.wantLedger(chainA, append(rows, planned(chainA, win(300, 360)))...)
			b.wantExpirable(sec(9999), 9, rows[4])
			b.wantExpiring(sec(-9), 9, rows[0], rows[2])
			b.wantExpiring(sec(0), 1, rows[0])
			b.wantExpiring(sec(0).Add(time.Nanosecond), 9, rows[2])
			b.wantExpiring(sec(121), 9)
			b.wantExpiring(sec(0), 0)
			b.ok(b.SetRemoved(b.ctx, chainA, 10))
			rows[0].Object = catalog.Removed
			b.wantExpiring(sec(0), 9, rows[2])
			b.wantExpirable(sec(9999), 9, rows[4])
			for _, seq := range []int64{10, 11, 13, 14, 99, -1} { // removed, lost, empty, kept, unknown, open
				b.fails(b.SetRemoved(b.ctx, chainA, seq), catalog.ErrNotFound)
			}
			b.fails(b.SetRemoved(b.ctx, chainB, 12), catalog.ErrNotFound)
			b.wantLedger(chainA, append(rows, planned(chainA, win(300, 360)))...)
			b.wantLedger(chainB, sealed(chainB, win(0, 60), 10))
		},
		"seqs of other entries are ignored": func(b *bundle) {
			rows := fillObjects(b)
			b.expire(16, 11, 13, 15, 99, -1)
			b.wantLedger(chainA, append(rows, planned(chainA, win(300, 360)))...)
			b.wantHead(head(chainA, 16))
		},
		"what is removed stays removed": func(b *bundle) {
			rows := fillObjects(b)
			again := catalog.Commit{Head: head(chainA, 16), Windows: rows[:1], Expired: []int64{10}}
			again.Windows[0].Object = ""
			b.mustCommit(again)
			rows[0].Object = catalog.Expiring
			b.wantExpiring(sec(0), 9, rows[0]) // sealed and expired by one commit, as a rebuild does
			b.ok(b.SetRemoved(b.ctx, chainA, 10))
			again.Windows = []catalog.Window{rows[0]}
			again.Windows[0].Object = ""
			b.mustCommit(again) // the answer was lost, and the commit is made again
			b.wantExpiring(sec(0), 9)
			rows[0].Object = catalog.Removed
			b.wantLedger(chainA, append(rows, planned(chainA, win(300, 360)))...)
		},
		"a rebuild's rows are stored as they are": func(b *bundle) {
			rows := []catalog.Window{sealed(chainA, win(0, 60), 1), sealed(chainA, win(60, 120), 2)}
			rows[0].Object, rows[1].Object = catalog.Removed, catalog.Expiring
			b.mustCommit(catalog.Commit{Head: head(chainA, 3), Windows: rows})
			b.wantLedger(chainA, rows...)
			b.wantExpiring(sec(0), 9, rows[1])
			empty := sealed(chainA, win(120, 180), 3)
			empty.Bytes, empty.Object = 0, catalog.Removed
			gap := lost(chainA, win(120, 180), 3)
			gap.Object = catalog.Expiring
			odd := sealed(chainA, win(120, 180), 3)
			odd.Object = "gone"
			for _, bad := range []catalog.Window{empty, gap, odd} {
				b.refused(b.Commit(b.ctx, catalog.Commit{Head: head(chainA, 4), Windows: []catalog.Window{bad}}))
			}
			b.wantHead(head(chainA, 3))
		},
		"holds":        holds,
		"observations": observations,
		"all or nothing": func(b *bundle) {
			rows := fillObjects(b)
			hold := catalog.Hold{Chain: chainA, ID: "case-1", Window: win(0, 60), Seq: 15}
			b.fails(b.Commit(b.ctx, catalog.Commit{
				Head: head(chainA, 17), Windows: []catalog.Window{lost(chainA, win(30, 90), 16)}, Expired: []int64{10},
				Placed: []catalog.Hold{hold}, Observed: []catalog.Observed{{Topic: "fields", Seq: 16}},
			}), catalog.ErrOverlap)
			for _, bad := range []catalog.Commit{
				{Placed: []catalog.Hold{{Chain: chainB, ID: "x", Window: win(0, 60)}}},
				{Placed: []catalog.Hold{{Chain: chainA, Window: win(0, 60)}}},
				{Placed: []catalog.Hold{{Chain: chainA, ID: "x", Window: win(60, 60)}}},
				{Placed: []catalog.Hold{{Chain: chainA, ID: "x", Window: win(0, 60), Seq: -1}}},
				{Observed: []catalog.Observed{{Seq: 3}}},
				{Observed: []catalog.Observed{{Topic: "fields", Seq: -1}}},
			} {
				bad.Head, bad.Expired = head(chainA, 17), []int64{10}
				b.refused(b.Commit(b.ctx, bad))
			}
			b.wantLedger(chainA, append(rows, planned(chainA, win(300, 360)))...)
			b.wantHolds()
			_, err := b.Observed(b.ctx, chainA, "fields")
			b.fails(err, catalog.ErrNotFound)
			b.wantHead(head(chainA, 15))
		},
	}
}

func (b *bundle) wantHolds(want ...catalog.Hold) {
	b.Helper()
	got, err := b.Holds(b.ctx, chainA)
	b.ok(err)
	b.equal(got, want)
	for i, h := range want {
		if got[i].Window != h.Window {
			b.Fatalf("times of hold %s are not in UTC", h.ID)
		}
	}
}

func holds(b *bundle) {
	hold := func(c evidence.ChainID, id string, w evidence.Window) catalog.Hold {
		return catalog.Hold{Chain: c, ID: id, Window: w, Reason: "case \"7\"", Seq: 4}
	}
	one, two, three := hold(chainA, "b", win(60, 120)), hold(chainA, "a", win(60, 90)), hold(chainA, "c", win(0, 3600))
	b.wantHolds()
	b.mustCommit(catalog.Commit{Head: head(chainA, 5), Placed: []catalog.Hold{one, two, three}})
	b.mustCommit(catalog.Commit{Head: head(chainB, 5), Placed: []catalog.Hold{hold(chainB, "a", win(0, 9))}})
	b.wantHolds(three, two, one) // by start and id
	two.Window, two.Seq = win(30, 90), 6
	b.mustCommit(catalog.Commit{Head: head(chainA, 6), Placed: []catalog.Hold{two}, Lifted: []string{"b", "unknown"}})
	b.wantHolds(three, two)
	b.mustCommit(catalog.Commit{Head: head(chainA, 7), Lifted: []string{"a", "b", "c"}})
	b.wantHolds()
	of, err := b.Holds(b.ctx, chainB)
	b.ok(err)
	b.equal(of, []catalog.Hold{hold(chainB, "a", win(0, 9))})
}

func observations(b *bundle) {
	ask := func(topic string, want catalog.Observed) {
		b.Helper()
		got, err := b.Observed(b.ctx, chainA, topic)
		b.ok(err)
		b.equal(got, want)
	}
	_, err := b.Observed(b.ctx, chainA, "fields")
	b.fails(err, catalog.ErrNotFound)
	fields := catalog.Observed{Topic: "fields", Seq: 1, Hash: digest(7)}
	policy := catalog.Observed{Topic: "retention", Seq: 2, Hash: digest(0xff)}
	b.mustCommit(catalog.Commit{Head: head(chainA, 3), Observed: []catalog.Observed{fields, policy}})
	ask("fields", fields)
	ask("retention", policy)
	fields.Seq, fields.Hash = 8, digest(9)
	b.mustCommit(catalog.Commit{Head: head(chainA, 9), Observed: []catalog.Observed{fields}})
	ask("fields", fields)
	ask("retention", policy)
	_, err = b.Observed(b.ctx, chainB, "fields")
	b.fails(err, catalog.ErrNotFound)
}
