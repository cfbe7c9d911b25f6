package catalogtest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

func lockCases() map[string]func(b *bundle) {
	return map[string]func(b *bundle){
		"excludes": func(b *bundle) {
			unlock, err := b.Lock(b.ctx, chainA)
			b.ok(err)
			_, err = b.Lock(b.ctx, chainA)
			b.fails(err, catalog.ErrBusy)
			for _, c := range []evidence.ChainID{chainB, chainF} { // other chains are free
				free, err := b.Lock(b.ctx, c)
				b.ok(err)
				b.ok(free())
			}
			b.mustPlan(chainA, win(0, 60)) // the lock guards collecting, not the tables
			b.ok(unlock())
			again, err := b.Lock(b.ctx, chainA)
			b.ok(err)
			b.ok(unlock()) // the second time, for nothing
			_, err = b.Lock(b.ctx, chainA)
			b.fails(err, catalog.ErrBusy)
			b.ok(again())
		},
		"one of many": func(b *bundle) {
			const rivals = 16
			var wg sync.WaitGroup
			unlocks := make(chan func() error, rivals)
			for range rivals {
				wg.Go(func() {
					unlock, err := b.Lock(b.ctx, chainA)
					if err == nil {
						unlocks <- unlock
					} else if !errors.Is(err, catalog.ErrBusy) {
						b.Error(err)
					}
				})
			}
			wg.Wait()
			close(unlocks)
			if len(unlocks) != 1 {
				b.Errorf("%d hold the lock", len(unlocks))
			}
			for unlock := range unlocks {
				b.ok(unlock())
			}
		},
		"malformed refused": func(b *bundle) {
			for _, c := range badChains() {
				_, err := b.Lock(b.ctx, c)
				b.refused(err)
			}
		},
	}
}

func wholeCases() map[string]func(b *bundle) {
	return map[string]func(b *bundle){
		"an ended context changes nothing": endedContext,
		"planners at once":                 plannersAtOnce,
		"any sequence of calls":            anySequence,
	}
}

func endedContext(b *bundle) {
	fillStates(b)
	b.ok(b.PutPending(b.ctx, pend(chainA, win(0, 60))))
	rows := b.ledger(chainA)
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	_, errLock := b.Lock(ctx, chainA)
	_, errWindows := b.Windows(ctx, chainA, sec(0), sec(60))
	_, errStretches := b.Stretches(ctx, chainA, sec(0), sec(60))
	_, errHead := b.Head(ctx, chainA)
	_, errZones := b.ListZones(ctx)
	_, errZone := b.Zone(ctx, "example.com")
	_, errPending := b.ListPending(ctx, chainA)
	_, errDaemon := b.LockCollector(ctx)
	_, errStanding := b.Standing(ctx, chainA)
	_, errStandings := b.ListStandings(ctx)
	_, _, errBounds := b.Bounds(ctx, chainA)
	_, errDue := b.Due(ctx, chainA, sec(0), 9)
	_, errBacklog := b.Backlog(ctx)
	_, errExpirable := b.Expirable(ctx, chainA, sec(0), 9)
	_, errExpiring := b.Expiring(ctx, chainA, sec(0), 9)
	_, errHolds := b.Holds(ctx, chainA)
	_, errObserved := b.Observed(ctx, chainA, "fields")
	_, errTake := b.Take(ctx, []catalog.Budget{{Key: "k", Limit: 1, Per: time.Hour}})
	_, errNote := b.Note(ctx, "k")
	_, errMissed := b.ListMissed(ctx, "s", "", 9)
	blocked := rows[0]
	blocked.State = catalog.Blocked
	for name, err := range map[string]error{
		"Lock": errLock, "Windows": errWindows, "Stretches": errStretches, "Head": errHead,
		"LockCollector": errDaemon, "Standing": errStanding, "ListStandings": errStandings, "Bounds": errBounds,
		"Due": errDue, "Backlog": errBacklog, "Expirable": errExpirable, "Expiring": errExpiring, "Holds": errHolds,
		"Observed": errObserved, "Take": errTake, "Note": errNote, "ListMissed": errMissed,
		"PutStanding": b.PutStanding(ctx, catalog.Standing{Chain: chainA, Blocked: "token"}),
		"SetRemoved":  b.SetRemoved(ctx, chainA, 7),
		"Rest":        b.Rest(ctx, "k", time.Hour),
		"PutNote":     b.PutNote(ctx, "k", nil),
		"PutMissed":   b.PutMissed(ctx, []catalog.Missed{{Store: "s", Key: "k"}}),
		"DropMissed":  b.DropMissed(ctx, "s", "k"),
		"ListZones":   errZones, "Zone": errZone, "ListPending": errPending,
		"PutZone":     b.PutZone(ctx, zone(chainA, "example.com")),
		"RemoveZone":  b.RemoveZone(ctx, chainA.Zone, chainA.Dataset),
		"Plan":        b.Plan(ctx, chainA, tiles(1000, 2000, 100)),
		"Update":      b.Update(ctx, blocked),
		"Split":       b.Split(ctx, chainA, win(0, 60), tiles(0, 60, 30)),
		"PutPending":  b.PutPending(ctx, pend(chainA, win(60, 120))),
		"SetEntries":  b.SetEntries(ctx, []catalog.Pending{{Chain: chainA, Window: win(0, 60), Seq: 3}}),
		"DropPending": b.DropPending(ctx, chainA, win(0, 60)),
		"Commit":      b.Commit(ctx, catalog.Commit{Head: head(chainA, 99)}),
	} {
		if !errors.Is(err, context.Canceled) {
			b.Errorf("%s: error is %v, want %v", name, err, context.Canceled)
		}
	}
	b.wantLedger(chainA, rows...)
	b.wantHead(head(chainA, 9))
	b.wantPending(chainA, pend(chainA, win(0, 60)))
	b.takes(1, catalog.Budget{Key: "k", Limit: 1, Per: time.Hour})
	unlock, err := b.Lock(b.ctx, chainA)
	b.ok(err)
	b.ok(unlock())
}

// plannersAtOnce lets planners with different tilings race for one range.
func plannersAtOnce(b *bundle) {
	var wg sync.WaitGroup
	for _, size := range []int{60, 90, 120, 300, 60, 90, 120, 300} {
		wg.Go(func() {
			for from := 0; from < 1800; from += 600 {
				err := b.Plan(b.ctx, chainA, tiles(from, from+600, size))
				if err != nil && !errors.Is(err, catalog.ErrOverlap) {
					b.Errorf("plan by %d s: %v", size, err)
				}
			}
		})
	}
	wg.Wait()
	rows := b.ledger(chainA)
	next := sec(0)
	for _, w := range rows { // every 600 s were won by one of them, whole
		if !w.Window.Start.Equal(next) {
			b.Errorf("window %s does not begin at %s", w.Window, next)
		}
		next = w.Window.End
	}
	b.equal(next, sec(1800))
}
