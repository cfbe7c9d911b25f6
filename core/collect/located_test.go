package collect_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/collect"
)

// setStore is several stores that never give the same answer twice to where
// an object is: a store was healed in between.
type setStore struct {
	*crashStore
	asked *atomic.Int64
}

func (s *setStore) Located(context.Context, string) ([]string, error) {
	return []string{"first", "store-" + strconv.FormatInt(s.asked.Add(1), 10)}, nil
}

// TestEntryNamesStores: the entry says which stores took the object, and a
// crash after its bytes were made does not change them.
func TestEntryNamesStores(t *testing.T) {
	t.Parallel()
	b := setup(t)
	asked := &atomic.Int64{}
	var req collect.Request
	for at := 0; ; at++ {
		b.store = &setStore{&crashStore{Store: b.fs, left: at % 12, after: at%2 == 1}, asked}
		req = request(1 + at/4)
		_, err := b.collect(req)
		if err != nil && !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		if at == 40 {
			break
		}
	}
	b.store = &setStore{&crashStore{Store: b.fs, left: 1 << 30}, asked}
	_, err := b.collect(req)
	b.must(err)
	objects, seen := 0, map[string]bool{}
	for _, e := range b.checkSealed(req) {
		if e.Object == nil {
			continue
		}
		objects++
		if len(e.Object.Stores) != 2 || e.Object.Stores[0] != "first" || seen[e.Object.Stores[1]] {
			t.Errorf("entry %d names %q", e.Seq, e.Object.Stores)
			continue
		}
		seen[e.Object.Stores[1]] = true
	}
	if objects == 0 || slices.Contains([]int64{0, int64(objects)}, asked.Load()) {
		t.Errorf("%d objects, asked %d times: no crash came between", objects, asked.Load())
	}
}
