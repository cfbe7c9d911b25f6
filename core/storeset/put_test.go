package storeset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const (
	object  = "logs/00000000000000000000000000000001/one"
	tileKey = "chain/00000000000000000000000000000001/http_requests/tile/0/000"
	pointer = "chain/00000000000000000000000000000001/http_requests/checkpoint"
)

// checkpoint is a signed head of that size.
func checkpoint(t *testing.T, size int64) string {
	t.Helper()
	key := verifytest.NewKey(1)
	origin := evidence.Origin(verifytest.UUID, evidence.ChainID{Zone: "00000000000000000000000000000001", Dataset: "http_requests"})
	b, err := evidence.SignCheckpoint(evidence.Checkpoint{Origin: origin, Size: size}, key.Signer(origin))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWhereThingsGo(t *testing.T) {
	t.Parallel()
	for mode, want := range map[Mode]string{Failover: "a", Mirror: "abc"} {
		b := setup(t, mode, 3)
		b.mustPut(object, "x")
		b.mustPut(tileKey, "y")
		b.holds(object, "x", want)
		b.holds(tileKey, "y", "abc")
		names, err := b.set.Located(t.Context(), object)
		if err != nil || strings.Join(names, "") != want {
			t.Errorf("%s: located in %q, %v", mode, names, err)
		}
		if d := cmp.Diff([]string(nil), b.ledger.keys("b")); d != "" {
			t.Errorf("%s: %s", mode, d)
		}
	}
	alone := setup(t, Failover, 1)
	alone.mustPut(object, "x")
	if names, err := alone.set.Located(t.Context(), object); names != nil || err != nil {
		t.Errorf("a single store is located: %q, %v", names, err)
	}
}

// TestStandIn: whatever keeps the first store from taking an object, the next
// one does, and the first has it once healed.
func TestStandIn(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault{"unavailable": down, "full": full, "permission": forbidden, "hanging": hanging} {
		synctest.Test(t, func(t *testing.T) {
			b := setup(t, Failover, 2)
			b.stores[0].set(f)
			b.mustPut(object, "x")
			b.mustPut(tileKey, "y")
			b.holds(object, "x", "b")
			if d := cmp.Diff([]string{tileKey, object}, b.ledger.keys("a")); d != "" {
				t.Errorf("%s: recorded: %s", name, d)
			}
			want := name
			if f == hanging {
				want = "unavailable"
			}
			if h := b.set.Health()[0]; h.Trouble != want || !h.Member || h.State != "closed" {
				t.Errorf("%s: health %+v", name, h)
			}
			if names, err := b.set.Located(t.Context(), object); err != nil || strings.Join(names, "") != "b" {
				t.Errorf("%s: located in %q, %v", name, names, err)
			}
			b.restart()
			b.want(object, "x", nil)
			if err := b.put(object, "other"); !errors.Is(err, storage.ErrExists) {
				t.Errorf("%s: put over it: %v, want ErrExists", name, err)
			}
			b.stores[0].set(fine)
			time.Sleep(time.Minute)
			if r := b.heal("a"); r.Copied != 2 || r.Bytes != 2 || r.Left != 0 {
				t.Errorf("%s: healed %+v", name, r)
			}
			b.holds(object, "x", "ab")
			b.holds(tileKey, "y", "ab")
			if keys := b.ledger.keys("a"); len(keys) != 0 {
				t.Errorf("%s: left %q", name, keys)
			}
			if r := b.heal("a"); r.Copied+r.Present+r.Left != 0 {
				t.Errorf("%s: healed again %+v", name, r)
			}
		})
	}
}

// TestNotFoundIsKnown: a store in step answers for all, one that is behind for nobody.
func TestNotFoundIsKnown(t *testing.T) {
	t.Parallel()
	b := setup(t, Mirror, 2)
	b.mustPut(tileKey, "old")
	b.stores[1].set(down)
	b.mustPut(pointer, checkpoint(t, 1)) // b misses it
	b.stores[0].set(down)
	b.stores[1].set(fine)
	b.restart()
	b.want("chain/absent", "", storage.ErrNotFound) // by b's word
	b.want(tileKey, "old", nil)
	b.want(pointer, "", storage.ErrUnavailable)
	if err := b.put(pointer, checkpoint(t, 9)); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("a chain was begun anew: %v", err)
	}
	b.holds(pointer, checkpoint(t, 1), "a")

	f := setup(t, Failover, 2)
	f.stores[0].set(down)
	f.want(object, "", storage.ErrUnavailable)      // a would have it
	f.want("chain/absent", "", storage.ErrNotFound) // b would have it, too
	f.stores[0].set(fine)
	f.restart()
	f.want(object, "", storage.ErrNotFound)
}

// TestRecordComesFirst: when the first store is written, the others are on record.
func TestRecordComesFirst(t *testing.T) {
	t.Parallel()
	for _, key := range []string{object, tileKey} {
		b := setup(t, Mirror, 2)
		seen := 0
		b.stores[0].step = func() error {
			if seen++; !slices.Equal(b.ledger.keys("b"), []string{key}) {
				t.Errorf("%s: recorded %q", key, b.ledger.keys("b"))
			}
			return nil
		}
		b.stores[1].set(down)
		b.mustPut(key, "x")
		if seen == 0 {
			t.Error("nothing was seen")
		}
	}
}

// TestPointerIsNeverOld swaps the pointer while a store is down.
func TestPointerIsNeverOld(t *testing.T) {
	t.Parallel()
	b := setup(t, Failover, 2)
	v1, v2, v3 := checkpoint(t, 1), checkpoint(t, 2), checkpoint(t, 3)
	b.mustPut(pointer, v1)
	b.stores[0].set(down)
	if err := b.replace(pointer, v2, v1); err != nil {
		t.Fatal(err)
	}
	b.stores[0].set(fine)
	b.restart()
	b.want(pointer, v2, nil) // although a is first, and has one
	if err := b.replace(pointer, v3, v1); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("swap against what a holds: %v, want ErrChanged", err)
	}
	b.stores[1].set(down)
	b.restart()
	b.want(pointer, "", storage.ErrUnavailable)
	b.stores[1].set(fine)
	b.restart()
	if err := b.replace(pointer, v3, v2); err != nil {
		t.Fatal(err)
	}
	if r := b.heal("a"); r.Copied != 1 || len(r.Conflicts) != 0 {
		t.Errorf("healed %+v", r)
	}
	b.holds(pointer, v3, "ab")

	// Without a ledger the greatest tree is taken.
	b.mem[0].objects[pointer] = []byte(v1)
	b.cfg.Ledger = nil
	b.restart()
	b.want(pointer, v3, nil)
	b.stores[1].set(down)
	b.want(pointer, v1, nil)
	b.want("chain/absent", "", storage.ErrUnavailable)
}

// TestAllBehind: a swap that nobody answered leaves all on record; when all
// answer, the greatest tree decides.
func TestAllBehind(t *testing.T) {
	t.Parallel()
	v1, v2, v3 := checkpoint(t, 1), checkpoint(t, 2), checkpoint(t, 3)
	for _, healFirst := range []string{"", "a", "b"} {
		b := setup(t, Mirror, 2)
		b.mustPut(pointer, v1)
		b.stores[0].lose = func() bool { return true }
		b.stores[1].set(down)
		if err := b.replace(pointer, v2, v1); !errors.Is(err, storage.ErrUnavailable) {
			t.Fatalf("swap that nobody answered: %v", err)
		}
		b.want(pointer, "", storage.ErrUnavailable)
		b.stores[0].lose = nil
		b.stores[1].set(fine)
		b.restart()
		b.want(pointer, v2, nil)
		if healFirst != "" {
			if r := b.heal(healFirst); len(r.Conflicts) > 0 {
				t.Errorf("heal %s: %+v", healFirst, r)
			}
			b.want(pointer, v2, nil)
		}
		if err := b.replace(pointer, v3, v2); err != nil {
			t.Errorf("next swap: %v", err)
		}
		b.heal("a")
		b.heal("b")
		b.holds(pointer, v3, "ab")
	}
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var changes []string
		b := setup(t, Mirror, 2)
		b.cfg.OnChange = func(h Health) { changes = append(changes, h.Name+" "+h.State) }
		b.restart()
		b.stores[0].set(down)
		for i := range 10 {
			b.mustPut(fmt.Sprint(object, i), "x")
		}
		if n := b.stores[0].puts; n != 0 {
			t.Errorf("%d puts reached it", n)
		}
		b.stores[0].set(fine)
		b.mustPut(object, "x")
		b.holds(object, "x", "b") // it is not asked yet
		time.Sleep(31 * time.Second)
		b.mustPut(tileKey, "x")
		b.holds(tileKey, "x", "ab")
		if d := cmp.Diff([]string{"a open", "a half-open", "a closed"}, changes); d != "" {
			t.Error(d)
		}
		// Answers are no failures, whatever they are.
		for range 5 {
			_ = b.put(tileKey, "y")
			b.want("chain/absent", "", storage.ErrNotFound)
		}
		if h := b.set.Health()[0]; h.State != "closed" || h.Trouble != "" {
			t.Errorf("health %+v", h)
		}
	})
}

func TestNothingIsWrittenWithoutARecord(t *testing.T) {
	t.Parallel()
	b := setup(t, Mirror, 2)
	b.ledger.fail = catalog.ErrUnavailable
	for _, key := range []string{object, tileKey} {
		if err := b.put(key, "x"); !errors.Is(err, catalog.ErrUnavailable) {
			t.Errorf("put: %v", err)
		}
		b.holds(key, "", "")
	}
	if err := b.set.Delete(t.Context(), object); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("delete: %v", err)
	}
}

// TestRefusedPutLeavesNoTrace: what the deciding store refuses, the others do not keep.
func TestRefusedPutLeavesNoTrace(t *testing.T) {
	t.Parallel()
	b := setup(t, Mirror, 2)
	b.mem[0].objects[object] = []byte("planted")
	if err := b.put(object, "ours"); !errors.Is(err, storage.ErrExists) {
		t.Fatalf("put: %v", err)
	}
	b.holds(object, "planted", "a")
	b.heal("b")
	b.holds(object, "planted", "ab") // and a verifier says what it is

	same := setup(t, Mirror, 2)
	same.mem[0].objects[object] = []byte("ours")
	if err := same.put(object, "ours"); !errors.Is(err, storage.ErrExists) {
		t.Fatalf("put: %v", err)
	}
	same.holds(object, "ours", "ab")
	if keys := same.ledger.keys("b"); len(keys) != 0 {
		t.Errorf("recorded %q", keys)
	}
	if err := same.put("../x", ""); !errors.Is(err, storage.ErrInvalidKey) {
		t.Errorf("invalid key: %v", err)
	}
}

// TestBodies: what can be read again reaches all, what cannot reaches one, and a
// body that breaks is nobody's failure.
func TestBodies(t *testing.T) {
	t.Parallel()
	b := setup(t, Mirror, 3)
	req := func(key string) storage.PutRequest {
		return storage.PutRequest{Key: key, Size: 4, SHA256: digestOf([]byte("body"))}
	}
	seeker := struct{ io.ReadSeeker }{strings.NewReader("junkbody")}
	_, _ = seeker.Seek(4, io.SeekStart)
	if _, err := b.set.Put(t.Context(), req(object+"1"), seeker); err != nil {
		t.Error(err)
	}
	b.holds(object+"1", "body", "abc")
	if _, err := b.set.Put(t.Context(), req(object+"2"), io.MultiReader(strings.NewReader("body"))); err != nil {
		t.Error(err)
	}
	b.holds(object+"2", "body", "a")
	b.heal("b")
	b.holds(object+"2", "body", "ab")
	b.stores[0].set(down) // before its first byte
	if _, err := b.set.Put(t.Context(), req(object+"3"), io.MultiReader(strings.NewReader("body"))); err != nil {
		t.Error(err)
	}
	b.holds(object+"3", "body", "b")
	b.stores[0].set(fine)
	broken := iotest.ErrReader(fmt.Errorf("spool: %w", storage.ErrUnavailable))
	for range 5 {
		if _, err := b.set.Put(t.Context(), req(object+"4"), broken); err == nil || errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("broken body: %v", err)
		}
	}
	b.holds(object+"4", "", "")
	if h := b.set.Health()[1]; h.State != "closed" {
		t.Errorf("health %+v", h)
	}
}

// TestDamagedOnItsWay: one store's wrong bytes do not refuse an object that another has taken.
func TestDamagedOnItsWay(t *testing.T) {
	t.Parallel()
	b := setup(t, Mirror, 2)
	b.cfg.Stores[0].Store = corrupting{b.stores[0]}
	b.restart()
	b.mustPut(object, "x")
	b.holds(object, "x", "b")
	if d := cmp.Diff([]string{object}, b.ledger.keys("a")); d != "" {
		t.Error(d)
	}
}

type corrupting struct{ *faulty }

func (c corrupting) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	return c.faulty.Put(ctx, req, io.MultiReader(strings.NewReader("!"), body))
}
