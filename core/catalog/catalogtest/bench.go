package catalogtest

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// BenchZones is how many zones a benchmark's ledger has. Zone i has the id %032x.
const BenchZones = 1000

// benchEnv sets the rows of the ledger that benchmarks ask; a year of hours of
// BenchZones zones is 8,760,000.
const benchEnv = "RAINLOGS_BENCH_ROWS"

// BenchHours returns how many hours each zone's ledger has to have, from
// BenchEpoch on: sealed with content and with the hour as seq, the first half
// Removed, the ten behind Expiring, and the last two open: Retrying without
// NextAt, and Planned.
func BenchHours(b *testing.B) int {
	b.Helper()
	rows := 200_000
	if s := os.Getenv(benchEnv); s != "" {
		var err error
		if rows, err = strconv.Atoi(s); err != nil || rows < 100*BenchZones {
			b.Fatalf("%s is %q, not a number of at least %d rows", benchEnv, s, 100*BenchZones)
		}
	}
	return rows / BenchZones
}

// BenchEpoch is the start of the first hour in a benchmark's ledger.
func BenchEpoch() time.Time { return epoch }

// Bench asks a catalog, filled as BenchHours says, what a daemon asks: no
// answer takes longer in a longer ledger.
func Bench(b *testing.B, c catalog.Catalog, hours int) {
	b.Helper()
	chain := evidence.ChainID{Zone: fmt.Sprintf("%032x", BenchZones/2), Dataset: "http_requests"}
	hour := func(i int) evidence.Window { return win(i*3600, i*3600+3600) }
	ctx := b.Context()
	list := func(name string, want int, ask func() ([]catalog.Window, error)) {
		b.Helper()
		b.Run(fmt.Sprintf("%s/rows=%d", name, hours*BenchZones), func(b *testing.B) {
			for b.Loop() {
				if ws, err := ask(); err != nil || len(ws) != want {
					b.Fatalf("%d windows, want %d: %v", len(ws), want, err)
				}
			}
		})
	}
	list("due", 2, func() ([]catalog.Window, error) { return c.Due(ctx, chain, hour(hours).End, 100) })
	list("windows-day", 24, func() ([]catalog.Window, error) {
		return c.Windows(ctx, chain, hour(hours/2-24).Start, hour(hours/2).Start)
	})
	b.Run(fmt.Sprintf("stretches-day/rows=%d", hours*BenchZones), func(b *testing.B) {
		for b.Loop() {
			got, err := c.Stretches(ctx, chain, hour(hours/2-24).Start, hour(hours/2).Start)
			if err != nil || len(got) != 1 || got[0].Windows != 24 {
				b.Fatalf("%+v: %v", got, err)
			}
		}
	})
	list("expirable", 20, func() ([]catalog.Window, error) { return c.Expirable(ctx, chain, hour(hours).End, 20) })
	list("expiring", 10, func() ([]catalog.Window, error) { return c.Expiring(ctx, chain, epoch, 100) })
	b.Run(fmt.Sprintf("backlog/rows=%d", hours*BenchZones), func(b *testing.B) {
		for b.Loop() {
			if sums, err := c.Backlog(ctx); err != nil || len(sums) != 2*BenchZones {
				b.Fatalf("%d sums: %v", len(sums), err)
			}
		}
	})
	b.Run(fmt.Sprintf("bounds/rows=%d", hours*BenchZones), func(b *testing.B) {
		for b.Loop() {
			if first, last, err := c.Bounds(ctx, chain); err != nil || first != hour(0).Start || last != hour(hours-1).End {
				b.Fatalf("bounds %s, %s: %v", first, last, err)
			}
		}
	})
	next := hours
	b.Run(fmt.Sprintf("plan-hour/rows=%d", hours*BenchZones), func(b *testing.B) {
		for b.Loop() {
			if err := c.Plan(ctx, chain, []evidence.Window{hour(next)}); err != nil {
				b.Fatal(err)
			}
			next++
		}
	})
	b.Run(fmt.Sprintf("commit-window/rows=%d", hours*BenchZones), func(b *testing.B) {
		for b.Loop() {
			seq := int64(next)
			err := c.Commit(ctx, catalog.Commit{Head: head(chain, seq+1), Windows: []catalog.Window{sealed(chain, hour(next), seq)}})
			if err != nil {
				b.Fatal(err)
			}
			next++
		}
	})
}
