package sqlite

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// BenchmarkLedger shows that a day's windows and an hour's planning cost the
// same in a small ledger and in one of a million windows of five minutes (nine
// and a half years of one chain). The time of plan-hour-new is the disk's sync.
func BenchmarkLedger(b *testing.B) {
	const size = 5 * time.Minute
	for _, rows := range []int{1000, 1_000_000} {
		c := testOpen(b)
		fill(b, c, rows, size)
		day := testEpoch.Add(time.Duration(rows/2) * size)
		perDay, perHour := int(24*time.Hour/size), int(time.Hour/size)
		ask := func(b *testing.B, want int, states ...catalog.State) {
			b.Helper()
			for b.Loop() {
				got, err := c.Windows(b.Context(), testChain, day, day.AddDate(0, 0, 1), states...)
				if err != nil || len(got) != want {
					b.Fatalf("%d windows, %v", len(got), err)
				}
			}
		}
		b.Run(fmt.Sprintf("windows-day/rows=%d", rows), func(b *testing.B) { ask(b, perDay) })
		b.Run(fmt.Sprintf("windows-day-open/rows=%d", rows), func(b *testing.B) {
			ask(b, 0, catalog.Planned, catalog.Retrying)
		})
		b.Run(fmt.Sprintf("windows-all-open/rows=%d", rows), func(b *testing.B) {
			for b.Loop() {
				got, err := c.Windows(b.Context(), testChain, testEpoch, testEpoch.AddDate(1000, 0, 0), catalog.Retrying)
				if err != nil || len(got) != 0 {
					b.Fatalf("%d windows, %v", len(got), err)
				}
			}
		})
		b.Run(fmt.Sprintf("plan-hour-known/rows=%d", rows), func(b *testing.B) {
			hour := testWindows(rows/2, perHour, size)
			for b.Loop() {
				if err := c.Plan(b.Context(), testChain, hour); err != nil {
					b.Fatal(err)
				}
			}
		})
		next := rows
		b.Run(fmt.Sprintf("plan-hour-new/rows=%d", rows), func(b *testing.B) {
			for b.Loop() {
				if err := c.Plan(b.Context(), testChain, testWindows(next, perHour, size)); err != nil {
					b.Fatal(err)
				}
				next += perHour
			}
		})
		b.Run(fmt.Sprintf("open/rows=%d", rows), func(b *testing.B) {
			for b.Loop() {
				again, err := Open(b.Context(), c.path)
				if err != nil {
					b.Fatal(err)
				}
				if err := again.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// fill enters sealed windows, many a transaction.
func fill(b *testing.B, c *Catalog, rows int, size time.Duration) {
	b.Helper()
	const batch = 50_000
	for from := 0; from < rows; from += batch {
		err := c.write(b.Context(), func(q *dbsqlc.Queries) error {
			for i, w := range testWindows(from, min(batch, rows-from), size) {
				if err := insertSealed(b.Context(), q, w, int64(from+i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func insertSealed(ctx context.Context, q *dbsqlc.Queries, w evidence.Window, seq int64) error {
	return q.InsertWindow(ctx, toWindow(catalog.Window{
		Chain: testChain, Window: w, State: catalog.Sealed, Seq: seq, Lines: 12345, Bytes: 23456789, Object: catalog.Kept,
	}))
}
