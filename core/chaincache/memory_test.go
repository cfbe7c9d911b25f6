//go:build unix

package chaincache_test

import (
	"errors"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/chaincache"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

// TestMemory: a chain is read anew when its head is another one, and only then.
func TestMemory(t *testing.T) {
	t.Parallel()
	b := setup(t, 300)
	var m chaincache.Memory
	reads := 0
	read := func() []verify.Chain {
		t.Helper()
		chains, err := m.ReadChains(t.Context(), b.archive, b.options(), func(o verify.Options) ([]verify.Chain, error) {
			reads++
			return verify.ReadChains(t.Context(), b.archive, o)
		})
		if err != nil {
			t.Fatal(err)
		}
		return chains
	}
	demand := func(n int) {
		t.Helper()
		for range 2 {
			if got := read(); len(got) != 1 || len(got[0].Entries) != len(b.chain.Entries) || reads != n {
				t.Fatalf("%d chains by %d reads, want %d", len(got), reads, n)
			}
		}
	}
	demand(1)
	b.chain.Hourly(2)
	b.chain.Seal()
	demand(2)

	failed := errors.New("the store is away")
	b.chain.Hourly(1)
	b.chain.Seal()
	if _, err := m.ReadChains(t.Context(), b.archive, b.options(), func(verify.Options) ([]verify.Chain, error) { return nil, failed }); !errors.Is(err, failed) {
		t.Errorf("a failed read is %v", err)
	}
	demand(3)
}

// TestMemoryOfAChangingHead: what is sealed while a chain is read is not taken for what was read.
func TestMemoryOfAChangingHead(t *testing.T) {
	t.Parallel()
	b := setup(t, 300)
	var m chaincache.Memory
	reads := 0
	for range 2 {
		_, err := m.ReadChains(t.Context(), b.archive, b.options(), func(o verify.Options) ([]verify.Chain, error) {
			reads++
			chains, err := verify.ReadChains(t.Context(), b.archive, o)
			if reads == 1 {
				b.chain.Hourly(1)
				b.chain.Seal()
			}
			return chains, err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if reads != 2 {
		t.Errorf("%d reads, want one more for the head that came meanwhile", reads)
	}
}
