package storeset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const chainDir = "chain/00000000000000000000000000000001/http_requests/"

// TestHealOrder: a checkpoint never stands in the healed store before its tile.
func TestHealOrder(t *testing.T) {
	t.Parallel()
	b := setup(t, Failover, 2)
	b.stores[0].set(down)
	for i := range 300 { // more than a page
		b.mustPut(fmt.Sprintf("%s%03d", object, i), "x")
	}
	v1 := checkpoint(t, 1)
	for _, key := range []string{"rainlogs.json", pointer, chainDir + "checkpoints/1", tileKey} {
		b.mustPut(key, v1)
	}
	if err := b.set.Delete(t.Context(), object+"000"); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("delete: %v, want ErrUnavailable", err)
	}
	b.stores[0].set(fine)
	b.restart()
	order := &recorder{faulty: b.stores[0]}
	b.set.members[0].store = order
	b.stores[1].set(down)
	if r := b.heal("a"); r.Copied != 0 || r.Left != 303 { // nothing to copy from: tiles and checkpoints wait
		t.Errorf("healed %+v", r)
	}
	b.stores[1].set(fine)
	b.restart()
	b.set.members[0].store = order
	if r := b.heal("a"); r.Copied != 303 || r.Left != 0 {
		t.Errorf("healed %+v", r)
	}
	last := order.puts[len(order.puts)-3:]
	if d := cmp.Diff([]string{chainDir + "checkpoints/1", pointer, "rainlogs.json"}, last); d != "" {
		t.Error(d)
	}
	if b.mem[0].has(object + "000") {
		t.Error("a deleted object was brought back")
	}
}

type recorder struct {
	*faulty
	puts []string
}

func (r *recorder) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	r.puts = append(r.puts, req.Key)
	return r.faulty.Put(ctx, req, body)
}

func TestHealConflicts(t *testing.T) {
	t.Parallel()
	b := setup(t, Mirror, 2)
	b.stores[1].set(down)
	b.mustPut(object, "right")
	b.mustPut(tileKey, "right")
	b.mustPut(chainDir+"checkpoints/1", "cp")
	b.stores[1].set(fine)
	b.restart()
	b.mem[1].objects[object] = []byte("wrong")
	b.mem[1].objects[tileKey] = []byte("wrong")
	for range 2 {
		r := b.heal("b")
		if len(r.Conflicts) != 2 || r.Left != 3 || r.Copied != 0 {
			t.Errorf("healed %+v", r)
		}
		for _, c := range r.Conflicts {
			if c.Store != "b" || c.Other != "a" || c.SHA256 != digestOf([]byte("wrong")) || c.Wanted != digestOf([]byte("right")) {
				t.Errorf("conflict %+v", c)
			}
		}
	}
	if string(b.mem[1].objects[object]) != "wrong" || b.mem[1].has(chainDir+"checkpoints/1") {
		t.Error("a conflict was overwritten, or a checkpoint came before its tile")
	}
	b.want(object, "right", nil)
	delete(b.mem[1].objects, object) // an operator has looked at it
	delete(b.mem[1].objects, tileKey)
	if r := b.heal("b"); r.Copied != 3 || r.Left != 0 {
		t.Errorf("healed %+v", r)
	}
}

// TestHealReplacedTile: a crash's tile that was taken over while a store was
// down is replaced there, and only if it is that one.
func TestHealReplacedTile(t *testing.T) {
	t.Parallel()
	for old, want := range map[string]string{"crashed": "committed", "tampered": "tampered"} {
		b := setup(t, Mirror, 2)
		b.mustPut(tileKey, "crashed")
		b.stores[1].set(down)
		if err := b.replace(tileKey, "committed", "crashed"); err != nil {
			t.Fatal(err)
		}
		b.stores[1].set(fine)
		b.restart()
		b.mem[1].objects[tileKey] = []byte(old)
		r := b.heal("b")
		if have := string(b.mem[1].objects[tileKey]); have != want || (len(r.Conflicts) == 1) != (old == "tampered") {
			t.Errorf("%s became %s: %+v", old, have, r)
		}
		if keys := b.ledger.keys("b"); (len(keys) == 0) != (old == "crashed") {
			t.Errorf("%s: recorded %q", old, keys)
		}
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	b := setup(t, Mirror, 3)
	b.mustPut(object, "x")
	b.stores[2].set(down)
	if err := b.set.Delete(t.Context(), object); !errors.Is(err, storage.ErrUnavailable) || !strings.Contains(err.Error(), `"c"`) {
		t.Errorf("delete with c down: %v", err)
	}
	b.holds(object, "x", "c")
	b.stores[2].set(fine)
	b.restart()
	b.want(object, "", storage.ErrNotFound)
	for info := range b.set.List(t.Context(), "", "") {
		t.Errorf("listed %s", info.Key)
	}
	if r := b.heal("a"); r.Copied != 0 {
		t.Errorf("brought back: %+v", r)
	}
	if r := b.heal("c"); r.Deleted != 1 || r.Left != 0 {
		t.Errorf("healed %+v", r)
	}
	b.holds(object, "", "")
	if err := b.set.Delete(t.Context(), object); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("delete again: %v", err)
	}
	b.mustPut(object, "y") // a new life
	b.holds(object, "y", "abc")

	b.mem[1].locked[object] = true
	if err := b.set.Delete(t.Context(), object); !errors.Is(err, storage.ErrLocked) || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("delete of a locked object: %v", err)
	}
	b.holds(object, "y", "b")
	b.want(object, "y", nil)
	for _, s := range []string{"a", "b", "c"} {
		if keys := b.ledger.keys(s); len(keys) != 0 {
			t.Errorf("recorded of %s: %q", s, keys)
		}
	}
}

// TestPutAfterDelete: what is put anew under a key that is still to be deleted
// somewhere is not deleted.
func TestPutAfterDelete(t *testing.T) {
	t.Parallel()
	b := setup(t, Mirror, 2)
	b.mustPut(object, "old")
	b.stores[1].set(down)
	_ = b.set.Delete(t.Context(), object)
	b.mustPut(object, "new")
	b.want(object, "new", nil)
	b.stores[1].set(fine)
	b.restart()
	if r := b.heal("b"); r.Deleted != 1 || r.Copied != 1 {
		t.Errorf("healed %+v", r)
	}
	b.holds(object, "new", "ab")
}

// TestHealOfNothing: a record of what no store holds goes, but not while it
// may be another process's put.
func TestHealOfNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, Mirror, 2)
		for _, s := range b.stores {
			s.set(down)
		}
		if err := b.put(object, "x"); !errors.Is(err, storage.ErrUnavailable) {
			t.Fatalf("put: %v", err)
		}
		for _, s := range b.stores {
			s.set(fine)
		}
		b.restart()
		if r := b.heal("a"); r.Left != 1 {
			t.Errorf("healed %+v", r)
		}
		time.Sleep(10 * time.Minute)
		if r := b.heal("a"); r.Left != 0 || len(b.ledger.keys("a")) != 0 {
			t.Errorf("healed %+v", r)
		}
		if _, err := b.set.Heal(t.Context(), "z"); err == nil {
			t.Error("a store was healed that is not there")
		}
	})
}

// TestLostAnswer: the object of a put whose answer was lost is not taken for another.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t, Failover, 2)
	b.stores[0].lose = func() bool { return true }
	b.mustPut(object, "x")
	b.holds(object, "x", "ab")
	b.stores[0].lose = nil
	b.restart()
	if r := b.heal("a"); r.Present != 1 || r.Copied != 0 || len(b.ledger.keys("a")) != 0 {
		t.Errorf("healed %+v", r)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	b := setup(t, Failover, 2)
	var want []string
	for i := range 20 {
		b.stores[0].set([]fault{fine, down}[i%2])
		if i%2 == 0 {
			b.restart()
		}
		key := fmt.Sprintf("%s%02d", object, i)
		b.mustPut(key, "x")
		want = append(want, key)
	}
	b.stores[0].set(fine)
	b.restart()
	list := func(prefix, after string) (keys []string, err error) {
		for info, listErr := range b.set.List(t.Context(), prefix, after) {
			if listErr != nil {
				return keys, listErr
			}
			keys = append(keys, info.Key)
		}
		return keys, nil
	}
	if have, err := list("logs/", ""); err != nil || !slices.Equal(have, want) {
		t.Errorf("list: %q, %v", have, err)
	}
	if have, err := list("logs/", want[7]); err != nil || !slices.Equal(have, want[8:]) {
		t.Errorf("list after: %q, %v", have, err)
	}
	b.stores[1].set(down)
	if have, err := list("logs/", ""); !errors.Is(err, storage.ErrUnavailable) || len(have) != 10 {
		t.Errorf("list without the stand-in: %q, %v", have, err)
	}
	if _, err := list("chain/", ""); err != nil { // of these a lacks none
		t.Errorf("list of what is everywhere: %v", err)
	}
	b.stores[1].set(fine)
	b.restart()
	b.heal("a")
	b.stores[1].set(down)
	if have, err := list("", ""); err != nil || !slices.Equal(have, want) {
		t.Errorf("list of the healed store: %q, %v", have, err)
	}
}
