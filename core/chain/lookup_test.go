package chain_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// TestLookup reads single entries at the edges of bundles and tiles, and takes
// none that the tree does not hold.
func TestLookup(t *testing.T) {
	t.Parallel()
	s, k := newMemStore(), testKey(t, 1)
	l := open(t, s, k)
	lookup := chain.Lookup{Store: s, Archive: archive, Key: k.Public()}
	for _, size := range []int64{1, 2, 255, 256, 257, 513, 700} {
		for l.Size() < size {
			must(t, l.Append(t.Context(), entry(t, l, fmt.Sprint(l.Size()))))
		}
		seqs := []int64{size - 1, 0, size / 2, size / 2, max(0, size-200)}
		entries, err := lookup.At(t.Context(), id, seqs)
		must(t, err)
		for i, e := range entries {
			if e.Seq != seqs[i] || string(e.Observation.Value) != fmt.Sprintf("%q", fmt.Sprint(seqs[i])) {
				t.Fatalf("size %d: entry %d is %d, %s", size, seqs[i], e.Seq, e.Observation.Value)
			}
		}
	}
	if entries, err := lookup.At(t.Context(), id, nil); err != nil || len(entries) != 0 {
		t.Errorf("nothing asked for: %v, %v", entries, err)
	}
	for _, seq := range []int64{-1, 700} {
		if _, err := lookup.At(t.Context(), id, []int64{0, seq}); !errors.Is(err, chain.ErrDamaged) {
			t.Errorf("entry %d: %v, want ErrDamaged", seq, err)
		}
	}
	stranger := lookup
	stranger.Key = testKey(t, 2).Public()
	if _, err := stranger.At(t.Context(), id, []int64{0}); !errors.Is(err, chain.ErrDamaged) {
		t.Errorf("another's key: %v, want ErrDamaged", err)
	}
}

// TestLookupTampered changes each file that entry 300 of 700 rests on.
func TestLookupTampered(t *testing.T) {
	t.Parallel()
	s, k := newMemStore(), testKey(t, 1)
	l := open(t, s, k)
	for l.Size() < 700 {
		must(t, l.Append(t.Context(), entry(t, l, "x")))
	}
	lookup := chain.Lookup{Store: s, Archive: archive, Key: k.Public()}
	files := []string{"tile/entries/001", "tile/0/001", "tile/1/000.p/2", "tile/0/002.p/188", "checkpoint"}
	for _, name := range files {
		key := id.Prefix() + name
		good := s.objects[key]
		if good == nil {
			t.Fatalf("there is no %s", key)
		}
		s.objects[key] = slices.Clone(good)
		at := 40
		if strings.Contains(name, "entries") { // the byte of an entry's text, not of a length
			at = (300-256)*(len(good)/evidence.BundleSize) + 100
		}
		s.objects[key][at] ^= 1
		if _, err := lookup.At(t.Context(), id, []int64{300}); !errors.Is(err, chain.ErrDamaged) {
			t.Errorf("%s changed: %v, want ErrDamaged", name, err)
		}
		s.objects[key] = good
	}
	if _, err := lookup.At(t.Context(), id, []int64{300}); err != nil {
		t.Errorf("put right again: %v", err)
	}
}
