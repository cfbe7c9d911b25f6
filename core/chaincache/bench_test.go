//go:build unix

package chaincache_test

import (
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/chaincache"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

// BenchmarkReadChains reads 13 months of hourly windows from a local folder:
// from the store alone, and with the full bundles kept.
func BenchmarkReadChains(b *testing.B) {
	a := verifytest.New(key)
	c := a.Chain(1, key)
	c.Lazy = true
	c.Hourly(verifytest.ThirteenMonths)
	c.Seal()
	dir := b.TempDir()
	if err := a.Write(dir); err != nil {
		b.Fatal(err)
	}
	store, err := verify.OpenFolder(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	b.Logf("%d entries, the last of %d bytes", len(c.Entries), len(c.Entries[len(c.Entries)-1]))
	opts := verify.Options{Key: &pinned}
	b.Run("store", func(b *testing.B) {
		began := cpu(b)
		for b.Loop() {
			if _, err := verify.ReadChains(b.Context(), store, opts); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric((cpu(b)-began).Seconds()*1000/float64(b.N), "cpu-ms/op")
	})
	b.Run("kept", func(b *testing.B) {
		cache := chaincache.New(chaincache.Config{Dir: b.TempDir()})
		if _, err := cache.ReadChains(b.Context(), store, verifytest.UUID, opts); err != nil {
			b.Fatal(err)
		}
		began := cpu(b)
		for b.Loop() {
			chains, err := cache.ReadChains(b.Context(), store, verifytest.UUID, opts)
			if err != nil || len(chains[0].Entries) != verifytest.ThirteenMonths+1 {
				b.Fatal(err)
			}
		}
		b.ReportMetric((cpu(b)-began).Seconds()*1000/float64(b.N), "cpu-ms/op")
	})
}
