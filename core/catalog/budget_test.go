package catalog_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// most is the largest number of events in any closed period.
func most(events []time.Time, per time.Duration) int {
	n, from := 0, 0
	for i, e := range events {
		for e.Sub(events[from]) > per {
			from++
		}
		n = max(n, i-from+1)
	}
	return n
}

// Whatever is asked when, no period sees more than Limit events, even when
// each takes up to a twentieth of the period to arrive.
func TestNeverMoreThanLimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := catalog.Budget{
			Key: "k", Limit: rapid.IntRange(1, 400).Draw(t, "limit"),
			Per: time.Duration(rapid.Int64Range(int64(10*time.Millisecond), int64(time.Hour)).Draw(t, "per")),
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)) //nolint:gosec // deterministic on purpose
		jitter := b.Per / 20 * 19 / 20
		big := rapid.IntRange(1, b.Limit).Draw(t, "big")
		var state int64
		var arrived []time.Time
		now := epoch
		for range 400 {
			if b.N = 1; rng.IntN(8) == 0 {
				b.N = 1 + rng.IntN(big)
			}
			next, wait := b.Admit(state, now)
			if wait == 0 {
				for range b.N {
					arrived = append(arrived, now.Add(time.Duration(rng.Int64N(int64(jitter)+1))))
				}
				state = next
				if rng.IntN(20) == 0 {
					now = now.Add(time.Duration(rng.Int64N(int64(2 * b.Per))))
				}
				continue
			}
			if next != state {
				t.Fatalf("refused, but the state went from %d to %d", state, next)
			}
			if _, early := b.Admit(state, now.Add(wait-time.Microsecond)); early == 0 {
				t.Fatalf("a wait of %s was too long", wait)
			}
			now = now.Add(wait)
			if _, late := b.Admit(state, now); late != 0 {
				t.Fatalf("after a wait of %s another, of %s", wait, late)
			}
		}
		slices.SortFunc(arrived, time.Time.Compare)
		if n := most(arrived, b.Per); n > b.Limit {
			t.Fatalf("%d events in one period of %s, limit %d", n, b.Per, b.Limit)
		}
	})
}

// Who asks as soon as it may gets most of the limit.
func TestLongRunRate(t *testing.T) {
	t.Parallel()
	for limit := 1; limit <= 1500; limit += 1 + limit/7 {
		for _, n := range []int{1, (limit + 4) / 5} {
			b := catalog.Budget{Key: "k", Limit: limit, Per: 5 * time.Minute, N: n}
			var state int64
			now, events := epoch, 0
			for now.Before(epoch.Add(100 * b.Per)) {
				next, wait := b.Admit(state, now)
				if wait == 0 {
					events += n
				}
				state, now = next, now.Add(wait)
			}
			if rate := float64(events) / 100 / float64(limit); rate < 0.70 || rate > 1 {
				t.Errorf("limit %d, %d at once: %.3f of the limit in the long run", limit, n, rate)
			}
		}
	}
}

// A clock that was set back by years delays by a period or two, not by years.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 5, 300, 1200} {
		b := catalog.Budget{Key: "k", Limit: limit, Per: time.Minute}
		state, _ := b.Admit(0, epoch)
		next, wait := b.Admit(state, epoch.AddDate(-3, 0, 0))
		if wait <= 0 || wait > 2*b.Per {
			t.Errorf("limit %d: wait is %s", limit, wait)
		}
		if _, wait := b.Admit(next, epoch.AddDate(-3, 0, 0).Add(wait)); wait != 0 {
			t.Errorf("limit %d: wait is %s after the wait", limit, wait)
		}
	}
}

func TestBudgetCheck(t *testing.T) {
	t.Parallel()
	good := catalog.Budget{Key: "k", Limit: 10, Per: time.Minute, N: 10}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(b *catalog.Budget){
		"no key": func(b *catalog.Budget) { b.Key = "" }, "no limit": func(b *catalog.Budget) { b.Limit = 0 },
		"short": func(b *catalog.Budget) { b.Per = time.Microsecond }, "long": func(b *catalog.Budget) { b.Per = 1 << 62 },
		"too many": func(b *catalog.Budget) { b.N = 11 }, "negative": func(b *catalog.Budget) { b.N = -1 },
	} {
		b := good
		spoil(&b)
		if b.Check() == nil {
			t.Errorf("%s: %+v is accepted", name, b)
		}
	}
}
