//go:build unix

package verify_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

// cpu is what this process has used.
func cpu(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkChain verifies a chain of log entries of some 1.2 kB, in memory.
func BenchmarkChain(b *testing.B) {
	const n = 100_000
	a := verifytest.New(key1)
	c := a.Chain(1, key1)
	c.Lazy = true
	w := verifytest.Window(0)
	e, _ := c.LogEntry(w, verifytest.Lines(w, 400), 1)
	for i := range int64(6) { // as many rows as a window of five minutes has
		e.Content.Tally.Rows = append(e.Content.Tally.Rows, [7]int64{i + 5, 0, 812, 40, 13, 1, 0})
	}
	for len(c.Entries) < n {
		w := verifytest.Window(len(c.Entries))
		e.Seq, e.Prev, e.Window = int64(len(c.Entries)), evidence.HashEntry(c.Entries[len(c.Entries)-1]), &w
		e.Object.Key = evidence.ObjectKey(c.ID, w, 1)
		c.Add(e)
	}
	c.Seal()
	b.Logf("%d bytes an entry", len(c.Entries[n-1]))
	began := cpu(b)
	for b.Loop() {
		r, err := verify.Run(b.Context(), a, verify.Options{Level: verify.LevelChain, Key: &pinned})
		if err != nil || !r.Intact {
			b.Fatalf("%v, %+v", err, r)
		}
	}
	b.ReportMetric(float64((cpu(b)-began).Nanoseconds())/float64(b.N)/n, "cpu-ns/entry")
}
