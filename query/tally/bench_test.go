//go:build unix

package tally_test

import (
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/chaincache"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/tally"
)

// BenchmarkThirteenMonths asks for totals and days of 13 months of hourly windows
// with a row a minute: of entries in memory, and with the chain opened from what is kept of it.
func BenchmarkThirteenMonths(b *testing.B) {
	key := verifytest.NewKey(1)
	pinned := key.Public(verifytest.UUID)
	a := verifytest.New(key)
	c := a.Chain(1, key)
	c.Lazy = true
	c.Hourly(verifytest.ThirteenMonths)
	c.Seal()
	cache := chaincache.New(chaincache.Config{Dir: b.TempDir()})
	open := func() []dataset.Chain {
		chains, err := cache.ReadChains(b.Context(), a, verifytest.UUID, verify.Options{Key: &pinned})
		if err != nil {
			b.Fatal(err)
		}
		return []dataset.Chain{{ID: chains[0].ID, Entries: chains[0].Entries}}
	}
	ask := func(chains []dataset.Chain) {
		answer, err := tally.Ask(chains, tally.Options{Step: "day"})
		if err != nil || len(answer.Buckets) != 396 || !answer.Totals.Exact() {
			b.Fatalf("%v, %d buckets", err, len(answer.Buckets))
		}
	}
	chains := open()
	b.Run("answer", func(b *testing.B) {
		began := cpu(b)
		for b.Loop() {
			ask(chains)
		}
		b.ReportMetric((cpu(b)-began).Seconds()*1000/float64(b.N), "cpu-ms/op")
	})
	b.Run("open-and-answer", func(b *testing.B) {
		began := cpu(b)
		for b.Loop() {
			ask(open())
		}
		b.ReportMetric((cpu(b)-began).Seconds()*1000/float64(b.N), "cpu-ms/op")
	})
}
