package catalogtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

func planCases() map[string]func(b *bundle) {
	return map[string]func(b *bundle){
		"in any order": func(b *bundle) {
			b.mustPlan(chainA, win(120, 180), win(0, 60), win(60, 120))
			b.wantLedger(chainA, planned(chainA, win(0, 60)), planned(chainA, win(60, 120)), planned(chainA, win(120, 180)))
		},
		"nothing": func(b *bundle) {
			b.mustPlan(chainA)
			b.wantLedger(chainA)
		},
		"again leaves the row as it is": func(b *bundle) {
			b.mustPlan(chainA, win(0, 60))
			w := catalog.Window{
				Chain: chainA, Window: win(0, 60), State: catalog.Retrying, Attempts: 2,
				NextAt: sec(90), Reason: "retry", Detail: "HTTP 500", Seq: -1, Object: catalog.Kept,
			}
			b.ok(b.Update(b.ctx, w))
			b.mustCommit(catalog.Commit{Head: head(chainA, 2), Windows: []catalog.Window{sealed(chainA, win(60, 120), 1)}})
			elsewhere := time.FixedZone("", 5*3600) // the same instants
			b.mustPlan(chainA, evidence.Window{Start: sec(0).In(elsewhere), End: sec(60).In(elsewhere)},
				win(60, 120), win(120, 180), win(120, 180))
			b.wantLedger(chainA, w, sealed(chainA, win(60, 120), 1), planned(chainA, win(120, 180)))
		},
		"overlap fails all": func(b *bundle) {
			b.mustPlan(chainA, win(100, 200))
			for _, bad := range []evidence.Window{
				win(100, 199), win(101, 200), win(99, 201), win(100, 201), win(99, 200),
				win(120, 130), win(0, 101), win(199, 300), win(0, 1000),
			} {
				b.fails(b.Plan(b.ctx, chainA, []evidence.Window{win(0, 50), bad}), catalog.ErrOverlap)
				b.fails(b.Plan(b.ctx, chainA, []evidence.Window{bad, win(200, 250)}), catalog.ErrOverlap)
			}
			b.wantLedger(chainA, planned(chainA, win(100, 200)))
			b.mustPlan(chainA, win(50, 100), win(200, 201)) // neighbours share an edge, no instant
		},
		"overlap within one call": func(b *bundle) {
			b.fails(b.Plan(b.ctx, chainA, []evidence.Window{win(0, 60), win(30, 90)}), catalog.ErrOverlap)
			b.wantLedger(chainA)
		},
		"overlap with what is sealed": func(b *bundle) {
			b.mustCommit(catalog.Commit{Head: head(chainA, 2), Windows: []catalog.Window{sealed(chainA, win(0, 60), 1)}})
			b.fails(b.Plan(b.ctx, chainA, []evidence.Window{win(30, 90)}), catalog.ErrOverlap)
			b.wantLedger(chainA, sealed(chainA, win(0, 60), 1))
		},
		"chains apart": func(b *bundle) {
			b.mustPlan(chainA, win(0, 60))
			b.mustPlan(chainB, win(30, 90))
			b.mustPlan(chainF, win(59, 61))
			b.wantLedger(chainA, planned(chainA, win(0, 60)))
			b.wantLedger(chainB, planned(chainB, win(30, 90)))
			b.wantLedger(chainF, planned(chainF, win(59, 61)))
		},
		"malformed refused": func(b *bundle) {
			half := evidence.Window{Start: sec(0).Add(time.Second / 2), End: sec(60)}
			for _, bad := range []evidence.Window{{}, win(60, 60), win(60, 0), half} {
				b.refused(b.Plan(b.ctx, chainA, []evidence.Window{win(0, 50), bad}))
			}
			for _, c := range badChains() {
				b.refused(b.Plan(b.ctx, c, []evidence.Window{win(0, 60)}))
			}
			b.wantLedger(chainA)
		},
	}
}

func windowsCases() map[string]func(b *bundle) {
	return map[string]func(b *bundle){
		"of a range": func(b *bundle) {
			b.mustPlan(chainA, win(0, 100), win(100, 200), win(300, 400)) // a hole from 200 to 300
			b.mustPlan(chainB, win(0, 1000))
			for _, c := range []struct {
				from, to float64
				want     []int // starts
			}{
				{0, 400, []int{0, 100, 300}},
				{-50, 1000, []int{0, 100, 300}},
				{100, 200, []int{100}},
				{99, 200, []int{0, 100}},
				{100, 301, []int{100, 300}},
				{150, 160, []int{100}},
				{200, 300, nil},
				{250, 301, []int{300}},
				{399, 400, []int{300}},
				{400, 500, nil},
				{-10, 0, nil},
				{99.5, 99.9, []int{0}},
				{100, 300.001, []int{100, 300}},
				{199.999, 300, []int{100}},
				{100, 100, nil},
				{200, 100, nil},
			} {
				at := func(s float64) time.Time { return epoch.Add(time.Duration(s * float64(time.Second))) }
				got, err := b.Windows(b.ctx, chainA, at(c.from), at(c.to))
				b.ok(err)
				var starts []int
				for _, w := range got {
					starts = append(starts, int(w.Window.Start.Sub(epoch).Seconds()))
				}
				if !slices.Equal(starts, c.want) {
					b.Errorf("[%v, %v) gives windows from %v, want %v", c.from, c.to, starts, c.want)
				}
			}
		},
		"stretches": func(b *bundle) {
			check := func(from, to int, want ...catalog.Stretch) {
				b.Helper()
				got, err := b.Stretches(b.ctx, chainA, sec(from), sec(to))
				b.ok(err)
				b.equal(got, want)
			}
			stretch := func(from, to int, s catalog.State, reason string, windows int64) catalog.Stretch {
				return catalog.Stretch{Window: win(from, to), State: s, Reason: reason, Windows: windows}
			}
			check(0, 600)
			b.mustPlan(chainA, tiles(0, 300, 60)...)
			check(0, 600, stretch(0, 300, catalog.Planned, "", 5))
			check(90, 150, stretch(60, 180, catalog.Planned, "", 2)) // whole windows
			check(600, 0)
			b.mustPlan(chainA, win(360, 420)) // behind a hole
			check(0, 600, stretch(0, 300, catalog.Planned, "", 5), stretch(360, 420, catalog.Planned, "", 1))
			waits := b.ledger(chainA)[2]
			waits.State, waits.Reason = catalog.Retrying, "rate"
			b.ok(b.Update(b.ctx, waits))
			check(0, 300, stretch(0, 120, catalog.Planned, "", 2), stretch(120, 180, catalog.Retrying, "rate", 1), stretch(180, 300, catalog.Planned, "", 2))
			check(0, 180, stretch(0, 120, catalog.Planned, "", 2), stretch(120, 180, catalog.Retrying, "rate", 1))
		},
		"by state": func(b *bundle) {
			states := []catalog.State{
				catalog.Planned, catalog.Pulling, catalog.Retrying, catalog.Blocked, catalog.Sealed, catalog.Lost,
			}
			fillStates(b)
			for mask := range 1 << len(states) {
				var ask []catalog.State
				for i, s := range states {
					if mask>>i&1 == 1 {
						ask = append(ask, s)
					}
				}
				got, err := b.Windows(b.ctx, chainA, sec(0), sec(600), ask...)
				b.ok(err)
				var had []catalog.State
				for _, w := range got {
					had = append(had, w.State)
				}
				if len(ask) == 0 {
					ask = states
				}
				b.equal(had, ask) // each has one row, and those stand in this order
			}
		},
	}
}

// fillStates gives chain A one minute in each state: planned, pulling,
// retrying, blocked, sealed, lost.
func fillStates(b *bundle) {
	b.Helper()
	b.mustPlan(chainA, tiles(0, 240, 60)...)
	for i, s := range []catalog.State{catalog.Pulling, catalog.Retrying, catalog.Blocked} {
		b.ok(b.Update(b.ctx, catalog.Window{
			Chain: chainA, Window: win(60*i+60, 60*i+120), State: s, Attempts: i, Reason: fmt.Sprint("reason ", i),
		}))
	}
	b.mustCommit(catalog.Commit{Head: head(chainA, 9), Windows: []catalog.Window{
		sealed(chainA, win(240, 300), 7), lost(chainA, win(300, 360), 8),
	}})
}

func updateCases() map[string]func(b *bundle) {
	return map[string]func(b *bundle){
		"stores its five members": func(b *bundle) {
			b.mustPlan(chainA, win(0, 60), win(60, 120))
			w := catalog.Window{
				Chain: chainA, Window: win(0, 60), State: catalog.Retrying, Attempts: 3, NextAt: sec(90).Add(7 * time.Millisecond),
				Reason: "retry", Detail: "it's \"429\"\n\t– später; DROP TABLE windows",
				Seq: 5, Lines: 6, Bytes: 7, // not Update's to store
			}
			b.ok(b.Update(b.ctx, w))
			w.Seq, w.Lines, w.Bytes, w.Object = -1, 0, 0, catalog.Kept
			b.wantLedger(chainA, w, planned(chainA, win(60, 120)))
			b.ok(b.Update(b.ctx, planned(chainA, win(0, 60))))
			b.wantLedger(chainA, planned(chainA, win(0, 60)), planned(chainA, win(60, 120)))
		},
		"not found": func(b *bundle) {
			b.mustPlan(chainA, win(0, 60))
			for _, w := range []catalog.Window{
				planned(chainA, win(0, 59)), planned(chainA, win(1, 60)), planned(chainA, win(60, 120)),
				planned(chainB, win(0, 60)), planned(chainF, win(0, 60)),
			} {
				w.State = catalog.Blocked
				b.fails(b.Update(b.ctx, w), catalog.ErrNotFound)
			}
			b.wantLedger(chainA, planned(chainA, win(0, 60)))
		},
		"final is final": func(b *bundle) {
			rows := []catalog.Window{sealed(chainA, win(0, 60), 1), lost(chainA, win(60, 120), 2)}
			b.mustCommit(catalog.Commit{Head: head(chainA, 3), Windows: rows})
			b.mustPlan(chainA, win(120, 180))
			for _, w := range rows {
				b.refused(b.Update(b.ctx, planned(chainA, w.Window)))
			}
			for _, s := range []catalog.State{catalog.Sealed, catalog.Lost, "", "done"} {
				b.refused(b.Update(b.ctx, catalog.Window{Chain: chainA, Window: win(120, 180), State: s}))
			}
			b.wantLedger(chainA, append(rows, planned(chainA, win(120, 180)))...)
		},
	}
}

func splitCases() map[string]func(b *bundle) {
	return map[string]func(b *bundle){
		"parts keep the attempts": func(b *bundle) {
			b.mustPlan(chainA, win(0, 60), win(60, 120), win(120, 180))
			w := planned(chainA, win(60, 120))
			w.State, w.Attempts, w.NextAt, w.Reason, w.Detail = catalog.Retrying, 4, sec(500), "split", "too many lines"
			b.ok(b.Update(b.ctx, w))
			b.ok(b.Split(b.ctx, chainA, w.Window, []evidence.Window{win(60, 61), win(61, 90), win(90, 120)}))
			part := func(from, to int) catalog.Window {
				p := planned(chainA, win(from, to))
				p.Attempts = 4
				return p
			}
			b.wantLedger(chainA, planned(chainA, win(0, 60)), part(60, 61), part(61, 90), part(90, 120),
				planned(chainA, win(120, 180)))
		},
		"parts must tile": func(b *bundle) {
			b.mustPlan(chainA, win(0, 60), win(60, 120))
			for _, parts := range [][]evidence.Window{
				nil,
				{win(0, 30)},
				{win(30, 60)},
				{win(0, 29), win(30, 60)},
				{win(0, 31), win(30, 60)},
				{win(30, 60), win(0, 30)},
				{win(0, 30), win(30, 61)},
				{win(0, 30), win(30, 30), win(30, 60)},
				{win(0, 30), win(30, 20), win(20, 60)},
			} {
				b.refused(b.Split(b.ctx, chainA, win(0, 60), parts))
			}
			b.wantLedger(chainA, planned(chainA, win(0, 60)), planned(chainA, win(60, 120)))
		},
		"not found": func(b *bundle) {
			b.mustPlan(chainA, win(0, 120))
			b.fails(b.Split(b.ctx, chainA, win(0, 60), tiles(0, 60, 30)), catalog.ErrNotFound)
			b.fails(b.Split(b.ctx, chainB, win(0, 120), tiles(0, 120, 60)), catalog.ErrNotFound)
			b.wantLedger(chainA, planned(chainA, win(0, 120)))
		},
		"not what is final": func(b *bundle) {
			rows := []catalog.Window{sealed(chainA, win(0, 60), 1), lost(chainA, win(60, 120), 2)}
			b.mustCommit(catalog.Commit{Head: head(chainA, 3), Windows: rows})
			b.refused(b.Split(b.ctx, chainA, win(0, 60), tiles(0, 60, 30)))
			b.refused(b.Split(b.ctx, chainA, win(60, 120), tiles(60, 120, 30)))
			b.wantLedger(chainA, rows...)
		},
	}
}
