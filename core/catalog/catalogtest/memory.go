package catalogtest

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

func memoryCases() map[string]func(b *bundle) {
	return map[string]func(b *bundle){
		"notes": func(b *bundle) {
			_, err := b.Note(b.ctx, "anchor")
			b.fails(err, catalog.ErrNotFound)
			for _, value := range [][]byte{[]byte("first"), {0, 0xff, 'x'}, nil, bytes.Repeat([]byte("y"), 1<<16)} {
				b.ok(b.PutNote(b.ctx, "anchor", value))
				b.ok(b.PutNote(b.ctx, "other", []byte("z")))
				got, err := b.Note(b.ctx, "anchor")
				b.ok(err)
				if !bytes.Equal(got, value) {
					b.Fatalf("note is %.40q, want %.40q", got, value)
				}
			}
			_, err = b.Note(b.ctx, "anchor%")
			b.fails(err, catalog.ErrNotFound)
		},
		"missed objects": func(b *bundle) {
			list := func(after string, limit int, want ...catalog.Missed) {
				b.Helper()
				got, err := b.ListMissed(b.ctx, "second", after, limit)
				b.ok(err)
				b.equal(got, want)
			}
			list("", 9)
			at := func(key string, s int) catalog.Missed {
				return catalog.Missed{Store: "second", Key: key, Since: sec(s)}
			}
			// In the order of bytes, whatever the database's language.
			b.ok(b.PutMissed(b.ctx, []catalog.Missed{at("objects/a", 3), at("objects/B", 1), at("objects/_", 2)}))
			b.ok(b.PutMissed(b.ctx, []catalog.Missed{at("objects/a", 99), {Store: "third", Key: "objects/a", Since: sec(4)}}))
			b.ok(b.PutMissed(b.ctx, nil))
			list("", 9, at("objects/B", 1), at("objects/_", 2), at("objects/a", 3))
			list("", 2, at("objects/B", 1), at("objects/_", 2))
			list("objects/B", 9, at("objects/_", 2), at("objects/a", 3))
			list("objects/C", 1, at("objects/_", 2))
			list("objects/a", 9)
			list("", 0)
			b.ok(b.DropMissed(b.ctx, "second", "objects/_"))
			b.ok(b.DropMissed(b.ctx, "second", "objects/_"))
			b.ok(b.DropMissed(b.ctx, "second", "objects/%"))
			list("", 9, at("objects/B", 1), at("objects/a", 3))
			third, err := b.ListMissed(b.ctx, "third", "", 9)
			b.ok(err)
			b.equal(third, []catalog.Missed{{Store: "third", Key: "objects/a", Since: sec(4)}})
		},
	}
}

// take takes from the budgets and returns the wait.
func (b *bundle) take(budgets ...catalog.Budget) time.Duration {
	b.Helper()
	wait, err := b.Take(b.ctx, budgets)
	b.ok(err)
	return wait
}

// takes takes n times at once.
func (b *bundle) takes(n int, budget catalog.Budget) {
	b.Helper()
	for i := range n {
		if wait := b.take(budget); wait != 0 {
			b.Fatalf("event %d waits %s", i, wait)
		}
	}
}

// The budgets of these cases are whole again in an hour or never in a test's
// time: they run on real time, and a slow machine changes nothing.
func budgetCases() map[string]func(b *bundle) {
	hourly := func(key string, limit, n int) catalog.Budget {
		return catalog.Budget{Key: key, Limit: limit, Per: time.Hour, N: n}
	}
	waits := func(b *bundle, most time.Duration, budgets ...catalog.Budget) {
		b.Helper()
		if wait := b.take(budgets...); wait <= 0 || wait > most {
			b.Fatalf("wait is %s, want one of at most %s", wait, most)
		}
	}
	return map[string]func(b *bundle){
		"a burst, then a wait": func(b *bundle) {
			b.takes(2, hourly("zone/a", 10, 0))
			waits(b, 7*time.Minute, hourly("zone/a", 10, 0)) // 9 trickle in in 63 minutes
			b.takes(2, hourly("zone/b", 10, 1))              // another key's events are its own
		},
		"several at once": func(b *bundle) {
			b.takes(1, hourly("zone/a", 10, 2))
			waits(b, 14*time.Minute, hourly("zone/a", 10, 2))
			waits(b, 7*time.Minute, hourly("zone/a", 10, 1))
		},
		"more at once than a burst": func(b *bundle) {
			b.takes(1, hourly("zone/a", 10, 10))
			waits(b, time.Hour+10*time.Minute, hourly("zone/a", 10, 1))
			b.takes(1, hourly("zone/b", 10, 1))
			waits(b, time.Hour+10*time.Minute, hourly("zone/b", 10, 10))
		},
		"from all or from none": func(b *bundle) {
			one, two := hourly("z", 10, 1), hourly("a", 5, 1)
			if wait := b.take(one, two); wait != 0 {
				b.Fatalf("waits %s", wait)
			}
			for range 3 {
				waits(b, 14*time.Minute, one, two) // two's burst is 1
			}
			b.takes(1, one) // of which the refused took nothing
			waits(b, 7*time.Minute, one)
			if wait := b.take(); wait != 0 {
				b.Fatalf("nothing waits %s", wait)
			}
		},
		"rest": func(b *bundle) {
			b.ok(b.Rest(b.ctx, "zone/a", time.Hour))
			b.ok(b.Rest(b.ctx, "zone/a", time.Minute)) // it is shut for longer
			b.ok(b.Rest(b.ctx, "zone/a", -time.Minute))
			for range 2 {
				if wait := b.take(hourly("zone/a", 10, 1)); wait <= 50*time.Minute || wait > time.Hour {
					b.Fatalf("wait is %s, want the rest of an hour", wait)
				}
			}
			waits(b, time.Hour, hourly("zone/b", 10, 1), hourly("zone/a", 10, 1))
			b.takes(2, hourly("zone/b", 10, 1))
			b.ok(b.Rest(b.ctx, "zone/a", 2*time.Hour))
			if wait := b.take(hourly("zone/a", 10, 1)); wait <= time.Hour {
				b.Fatalf("wait is %s after a longer rest", wait)
			}
			b.takes(1, hourly("zone/c", 10, 1))
			b.ok(b.Rest(b.ctx, "zone/c", time.Nanosecond))
			b.takes(1, hourly("zone/c", 10, 1)) // over, and what was taken before is remembered
			waits(b, 7*time.Minute, hourly("zone/c", 10, 1))
		},
		"at once": func(b *bundle) {
			var wg sync.WaitGroup
			var taken atomic.Int64
			for i := range 16 {
				wg.Go(func() {
					shared := []catalog.Budget{hourly("shared", 25, 1), hourly(fmt.Sprint("own/", i), 25, 1)}
					if i%2 == 0 { // asked for in any order
						shared[0], shared[1] = shared[1], shared[0]
					}
					wait, err := b.Take(b.ctx, shared)
					if err != nil {
						b.Error(err)
					} else if wait == 0 {
						taken.Add(1)
					}
				})
			}
			wg.Wait()
			b.equal(taken.Load(), int64(5))
		},
		"never more than the limit": inAnyPeriod,
		"malformed refused": func(b *bundle) {
			for _, bad := range []catalog.Budget{
				hourly("", 10, 1), hourly("k", 0, 1), hourly("k", -1, 1), hourly("k", 10, 11), hourly("k", 10, -1),
				{Key: "k", Limit: 10}, {Key: "k", Limit: 10, Per: -time.Hour}, {Key: "k", Limit: 10, Per: 1 << 62},
			} {
				_, err := b.Take(b.ctx, []catalog.Budget{hourly("good", 5, 1), bad})
				b.refused(err)
			}
			_, err := b.Take(b.ctx, []catalog.Budget{hourly("k", 5, 1), hourly("k", 10, 1)})
			b.refused(err)
			b.refused(b.Rest(b.ctx, "", time.Hour))
			b.takes(1, hourly("good", 5, 1))
		},
	}
}

// inAnyPeriod waits as it is told and looks at real time: between the end of
// one grant and the beginning of the Limit-th behind it lies a period at least.
func inAnyPeriod(b *bundle) {
	const limit, per = 5, 100 * time.Millisecond
	var begun, ended []time.Time
	for len(ended) < 3*limit {
		start := time.Now()
		wait := b.take(catalog.Budget{Key: "k", Limit: limit, Per: per})
		if wait > 0 {
			select {
			case <-time.After(wait):
			case <-b.ctx.Done():
				b.Fatal(b.ctx.Err())
			}
			continue
		}
		begun, ended = append(begun, start), append(ended, time.Now())
	}
	for i := limit; i < len(ended); i++ {
		if d := ended[i].Sub(begun[i-limit]); d < per {
			b.Errorf("%d events in %s", limit+1, d)
		}
	}
}

func solitudeCases() map[string]func(b *bundle) {
	return map[string]func(b *bundle){
		"one daemon, or as many as come": func(b *bundle) {
			unlock, err := b.LockCollector(b.ctx)
			b.ok(err)
			second, err := b.LockCollector(b.ctx)
			if err == nil {
				b.ok(second())
			} else {
				b.fails(err, catalog.ErrBusy)
			}
			chain, err := b.Lock(b.ctx, chainA) // it is not the chains'
			b.ok(err)
			b.ok(chain())
			b.ok(unlock())
			b.ok(unlock())
			again, err := b.LockCollector(b.ctx)
			b.ok(err)
			b.ok(again())
		},
	}
}
