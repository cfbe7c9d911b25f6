package collect_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// TestAnotherHostTakesOver ends a collector before and after each write to the store,
// and lets another go on that has the same catalog and not its spool: whatever the
// dead one had begun, nothing has to wait until it is stale.
func TestAnotherHostTakesOver(t *testing.T) {
	t.Parallel()
	req := request(1)
	req.To = from.Add(2 * req.Window)
	for put := range 12 {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("put %d, done %t", put, after), func(t *testing.T) {
				t.Parallel()
				b, other := setup(t), setup(t)
				b.says = func() ([]evidence.Observation, error) {
					return []evidence.Observation{{Topic: evidence.TopicStores, Value: []byte(`[]`)}}, nil
				}
				b.store = &crashStore{Store: b.fs, left: put, after: after}
				if _, err := b.collect(req); !errors.Is(err, errCrash) {
					t.Fatal(err)
				}
				b.must(other.cat.Close())
				other.fs, other.store, other.cat, other.key, other.source, other.says = b.fs, b.fs, b.cat, b.key, b.source, b.says
				_, err := other.collect(req)
				other.must(err)
				other.checkSealed(req)
			})
		}
	}
}
