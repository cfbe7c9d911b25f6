package storeset

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/plugins/storage/fs"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// TestJoin: a store that joins an archive has no say until it was compared,
// and holds everything once healed.
func TestJoin(t *testing.T) {
	t.Parallel()
	b := setup(t, Mirror, 2)
	all := b.cfg.Stores
	b.cfg.Stores = all[:1]
	b.restart()
	v1, v2 := checkpoint(t, 1), checkpoint(t, 2)
	for _, key := range []string{object, tileKey, "rainlogs.json"} {
		b.mustPut(key, "x")
	}
	b.mustPut(pointer, v2)
	b.mem[1].objects[pointer] = []byte(v1) // a copy of long ago
	b.mem[1].objects[tileKey] = []byte("x")

	b.cfg.Stores = []Named{all[1], all[0]} // even as the first
	b.stores[1].set(down)
	b.restart()
	if h := b.set.Health(); h[0].Member || !h[1].Member {
		t.Errorf("health %+v", h)
	}
	b.stores[1].set(fine)
	b.stores[0].set(down)
	b.restartFails()
	b.stores[0].set(fine)
	b.restart()
	b.want(pointer, v2, nil)
	if d := cmp.Diff([]string{pointer, object, "rainlogs.json"}, b.ledger.keys("b")); d != "" {
		t.Error(d)
	}
	if r := b.heal("b"); r.Copied != 3 || r.Left != 0 {
		t.Errorf("healed %+v", r)
	}
	b.stores[0].set(down)
	b.restart()
	b.want(pointer, v2, nil)
	b.want("chain/absent", "", storage.ErrNotFound)

	// What leaves the config is a stranger when it comes back.
	b.stores[0].set(fine)
	b.cfg.Stores = all[:1]
	b.restart()
	if err := b.replace(pointer, checkpoint(t, 3), v2); err != nil {
		t.Fatal(err)
	}
	b.cfg.Stores = all
	b.restart()
	b.stores[0].set(down)
	b.want(pointer, "", storage.ErrUnavailable)
}

// restartFails opens the set in a state in which nobody's word can be had.
func (b *bundle) restartFails() {
	b.Helper()
	ledger := newMemLedger() // the catalog was lost
	cfg := b.cfg
	cfg.Ledger = ledger
	if _, err := Open(b.Context(), cfg); !errors.Is(err, storage.ErrUnavailable) {
		b.Errorf("open of strangers with one down: %v, want ErrUnavailable", err)
	}
}

// TestLostCatalog: without its memory the set compares the stores, and takes
// the greatest pointer.
func TestLostCatalog(t *testing.T) {
	t.Parallel()
	b := setup(t, Failover, 2)
	v1, v2 := checkpoint(t, 1), checkpoint(t, 2)
	b.mem[0].objects[pointer] = []byte(v1)
	b.mem[1].objects[pointer] = []byte(v2)
	b.mem[1].objects[object] = []byte("x")
	b.mem[1].objects[tileKey] = []byte("y")
	b.ledger = newMemLedger()
	b.cfg.Ledger = b.ledger
	b.restart()
	b.want(pointer, v2, nil)
	b.heal("a")
	b.heal("b")
	b.holds(pointer, v2, "ab")
	b.holds(object, "x", "ab")
	if err := Disband(t.Context(), b.ledger); err != nil {
		t.Fatal(err)
	}
	r, err := readRoll(t.Context(), b.ledger)
	if err != nil || len(r.Stores) != 0 {
		t.Errorf("roll %+v, %v", r, err)
	}
}

// TestStrict: without a ledger a Put reaches all stores or none.
func TestStrict(t *testing.T) {
	t.Parallel()
	b := setup(t, Failover, 2)
	b.cfg.Ledger = nil
	b.restart()
	b.stores[1].set(down)
	if err := b.put("rainlogs.json", "x"); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("put: %v", err)
	}
	b.holds("rainlogs.json", "", "")
	b.stores[1].set(fine)
	b.mustPut("rainlogs.json", "x")
	b.holds("rainlogs.json", "x", "ab")
	if err := b.put("rainlogs.json", "x"); !errors.Is(err, storage.ErrExists) {
		t.Errorf("put again: %v", err)
	}
	if _, err := b.set.Heal(t.Context(), "a"); err == nil {
		t.Error("healed without a ledger")
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	s := newMemStore()
	for what, cfg := range map[string]Config{
		"0 stores": {},
		"9 stores": {Stores: make([]Named, 9)},
		"mode":     {Mode: "raid", Stores: []Named{{"a", s}}},
		"twice":    {Stores: []Named{{"a", s}, {"a", s}}},
		"name":     {Stores: []Named{{"A b", s}}},
		"is nil":   {Stores: []Named{{"a", nil}}},
	} {
		if _, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestLocalPath(t *testing.T) {
	t.Parallel()
	b := setup(t, Failover, 2)
	if _, ok := b.set.Storage().(storage.LocalPather); ok {
		t.Error("a set over memory has local paths")
	}
	f, err := fs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	b.cfg.Stores[0].Store = f
	b.restart()
	local, ok := b.set.Storage().(storage.LocalPather)
	if !ok {
		t.Fatal("a set over a folder has no local paths")
	}
	b.mustPut(object, "x")
	if path, err := local.LocalPath(t.Context(), object); err != nil || !strings.HasSuffix(path, object) {
		t.Errorf("path %s, %v", path, err)
	}
	if _, err := local.LocalPath(t.Context(), object+"2"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("path of nothing: %v", err)
	}
}
