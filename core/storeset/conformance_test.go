package storeset

import (
	"fmt"
	"testing"

	"github.com/fabriziosalmi/rainlogs/plugins/storage/fs"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/storage/storagetest"
)

// TestConformance: a set over folders is a storage like any other.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode   Mode
		n      int
		ledger bool
	}{{Failover, 1, true}, {Failover, 2, true}, {Mirror, 3, true}, {Mirror, 1, false}} {
		t.Run(fmt.Sprintf("%d-%s-%v", test.n, test.mode, test.ledger), func(t *testing.T) {
			t.Parallel()
			storagetest.Run(t, func(t *testing.T) storage.Storage { return folders(t, test.mode, test.n, test.ledger) })
		})
	}
}

func folders(t *testing.T, mode Mode, n int, ledger bool) storage.Storage {
	t.Helper()
	cfg := Config{Mode: mode}
	if ledger {
		cfg.Ledger = newMemLedger()
	}
	for i := range n {
		f, err := fs.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		cfg.Stores = append(cfg.Stores, Named{Name: fmt.Sprintf("store-%d", i), Store: f})
	}
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s.Storage()
}
