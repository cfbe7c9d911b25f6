package storeset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const walkWindows = 12

// drafted is a window's evidence before it has a place in the chain.
type drafted struct {
	entry  evidence.Entry
	object []byte
}

// drafts are the same for every walk: compressing them is what takes time.
var drafts = sync.OnceValue(func() (out []drafted) {
	key := verifytest.NewKey(7)
	c := verifytest.New(key).Chain(1, key)
	for i := range walkWindows {
		w := verifytest.Window(i)
		e, object := c.LogEntry(w, verifytest.Lines(w, 3+i), 1)
		e.Source.FieldsSeq = 0
		out = append(out, drafted{*e, object})
	}
	return out
})

// errDead is what everything says once the process has been killed.
var errDead = errors.New("process is dead")

// walk is a collector over a set of stores that fail at random and die with it.
type walk struct {
	*testing.T
	rng    *rand.Rand
	b      *bundle
	key    chain.PrivateKey
	fuse   int // operations until the process is killed; -1 never
	dead   bool
	lossy  bool
	log    *chain.Log
	next   int      // window to be sealed
	stores []string // of its object, once asked
	entry  []byte   // of the pending window, once made: kept as the catalog keeps it
	seq    int64
	sealed int // appends that returned nil
	mu     sync.Mutex
}

func (w *walk) step() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fuse == 0 {
		w.dead = true
	}
	if w.dead {
		return errDead
	}
	if w.fuse > 0 {
		w.fuse--
	}
	return nil
}

func (w *walk) lose() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lossy && w.rng.IntN(25) == 0
}

// TestWalk: whatever outages, crashes and lost answers a chain is written
// under, once the stores are back and healed each of them is the archive.
func TestWalk(t *testing.T) {
	t.Parallel()
	seeds := 240
	if n, err := strconv.Atoi(os.Getenv("STORESET_SEEDS")); err == nil {
		seeds = n
	}
	const parts = 4
	for part := range parts {
		t.Run(strconv.Itoa(part), func(t *testing.T) {
			t.Parallel()
			for seed := part; seed < seeds; seed += parts {
				synctest.Test(t, func(t *testing.T) { walkOnce(t, uint64(seed)) })
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

func walkOnce(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 5))
	mode, n := Mirror, 2+int(seed/2%2)
	if seed%2 == 0 {
		mode = Failover
	}
	w := &walk{T: t, rng: rng, b: setup(t, mode, n), fuse: -1, seq: -1}
	key, err := chain.GenerateKey(rand.NewChaCha8([32]byte{byte(seed), 1}), evidence.KeyName(verifytest.UUID))
	if err != nil {
		t.Fatal(err)
	}
	w.key = key
	d, err := evidence.EncodeDescriptor(evidence.Descriptor{Format: evidence.FormatName, V: evidence.Version, Archive: verifytest.UUID, VKey: key.Public().VKey()})
	if err != nil {
		t.Fatal(err)
	}
	w.b.ledger.step, w.b.ledger.inclusive = w.step, seed%3 == 0
	for _, s := range w.b.stores {
		s.step, s.lose = w.step, w.lose
	}
	w.b.mustPut(evidence.DescriptorKey, string(d))
	w.lossy = true
	for range 45 {
		w.event()
		w.seal()
		time.Sleep(time.Duration(rng.IntN(40)) * time.Second)
	}
	w.finish()
}

// event changes the weather.
func (w *walk) event() {
	s := w.b.stores[w.rng.IntN(len(w.b.stores))]
	switch w.rng.IntN(9) {
	case 0, 1:
		s.set(fault(1 + w.rng.IntN(4)))
	case 2, 3, 4:
		s.set(fine)
	case 5: // killed at some operation from now on
		w.fuse = w.rng.IntN(40)
	case 6:
		if r, err := w.b.set.Heal(w.Context(), w.b.cfg.Stores[w.rng.IntN(len(w.b.stores))].Name); len(r.Conflicts) > 0 {
			w.Errorf("conflicts: %+v, %v", r.Conflicts, err)
		}
	case 7:
		w.orphan()
	}
	if w.dead {
		w.restart()
	}
}

// orphan puts an object that no entry will name, and withdraws it as a
// collector that was overtaken does: until the answer is clear.
func (w *walk) orphan() {
	win := verifytest.Window(100)
	key := evidence.ObjectKey(drafts()[0].entry.Chain(), win, 1)
	_ = w.b.put(key, "orphan") // may fail, and may have done it all the same
	if w.rng.IntN(2) == 0 {
		_ = w.b.set.Delete(w.Context(), key)
		return
	}
	if err := w.b.set.Delete(w.Context(), key); err == nil {
		if _, err := w.b.get(key); err == nil {
			w.Errorf("object is there after its deletion")
		}
	}
}

func (w *walk) restart() {
	w.dead, w.fuse, w.log = false, -1, nil
	w.b.restart()
}

func (w *walk) open(ctx context.Context) error {
	id := drafts()[0].entry.Chain()
	log, err := chain.Open(ctx, chain.Config{
		Store: w.b.set, Archive: verifytest.UUID, Chain: id, Key: w.key, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	if log.Size() < int64(w.sealed) {
		w.Errorf("chain of %d entries was opened with %d", w.sealed, log.Size())
	}
	w.log = log
	if w.entry != nil && log.Size() > w.seq { // our append went through after all
		w.done()
	}
	return nil
}

func (w *walk) done() {
	w.sealed++
	if w.sealed > 1 {
		w.next++
	}
	w.entry, w.stores, w.seq = nil, nil, -1
}

// seal tries to bring the next window into the chain, as core/collect does.
func (w *walk) seal() {
	if w.next == walkWindows {
		return
	}
	err := w.sealOnce(w.Context())
	if w.dead {
		w.restart()
		return
	}
	if err != nil {
		w.log = nil
		if !errors.Is(err, storage.ErrUnavailable) && !errors.Is(err, storage.ErrFull) && !errors.Is(err, storage.ErrPermission) {
			w.Errorf("seal: %v", err)
		}
	}
}

func (w *walk) sealOnce(ctx context.Context) error {
	if w.log == nil {
		if err := w.open(ctx); err != nil {
			return err
		}
		if w.next == walkWindows {
			return nil
		}
	}
	if w.entry == nil {
		if err := w.draft(ctx); err != nil {
			return err
		}
	}
	if err := w.log.Append(ctx, w.entry); err != nil {
		return err
	}
	w.done()
	return nil
}

// draft puts the object and makes the entry's bytes, once.
func (w *walk) draft(ctx context.Context) error {
	d := drafts()[w.next]
	e := d.entry
	if w.sealed == 0 {
		value, _ := json.Marshal(evidence.FieldsValue{Names: []string{"ClientIP"}})
		e.Kind, e.Window, e.Content, e.Source, e.Object = evidence.KindObservation, nil, nil, nil, nil
		e.Observation = &evidence.Observation{Topic: evidence.TopicFields, Value: value}
	} else {
		object := *d.entry.Object
		e.Object = &object
		_, err := w.b.set.Put(ctx, storage.PutRequest{Key: object.Key, Size: object.Bytes, SHA256: object.SHA256.String()}, bytes.NewReader(d.object))
		if errors.Is(err, storage.ErrExists) {
			var have string
			if have, err = w.b.get(object.Key); err == nil && sha256.Sum256([]byte(have)) != object.SHA256 {
				return fmt.Errorf("%s is taken by other bytes", object.Key)
			}
		}
		if err != nil {
			return err
		}
		if e.Object.Stores, err = w.b.set.Located(ctx, object.Key); err != nil {
			return err
		}
		if len(e.Object.Stores) == 0 {
			w.Errorf("%s is stored nowhere", object.Key)
		}
	}
	e.Seq, e.Prev = w.log.Size(), w.log.LastHash()
	b, err := evidence.Encode(&e)
	if err != nil {
		return err
	}
	w.entry, w.seq = b, e.Seq
	return nil
}

// finish ends all trouble, heals, and has every store verified on its own.
func (w *walk) finish() {
	w.lossy, w.fuse, w.dead = false, -1, false
	for _, s := range w.b.stores {
		s.set(fine)
	}
	time.Sleep(time.Hour)
	w.restart()
	for range walkWindows + 2 {
		w.seal()
	}
	orphan := evidence.ObjectKey(drafts()[0].entry.Chain(), verifytest.Window(100), 1)
	if err := w.b.set.Delete(w.Context(), orphan); err != nil && !errors.Is(err, storage.ErrNotFound) {
		w.Errorf("delete: %v", err)
	}
	time.Sleep(time.Hour)
	for range 3 {
		for _, s := range w.b.cfg.Stores {
			if r := w.b.heal(s.Name); len(r.Conflicts) > 0 {
				w.Errorf("store %s: %+v", s.Name, r)
			}
		}
	}
	for i, s := range w.b.cfg.Stores {
		if keys := w.b.ledger.keys(s.Name); len(keys) > 0 {
			w.Errorf("store %s is healed, and recorded are %q", s.Name, keys)
		}
		if w.b.cfg.Mode == Mirror || i == 0 {
			w.verify(s.Name, w.b.mem[i])
		}
	}
	w.verify("the set", w.b.set)
}

func (w *walk) verify(name string, store verify.Store) {
	pub := w.key.Public()
	r, err := verify.Run(w.Context(), store, verify.Options{Key: &pub, Workers: 1, Now: time.Now})
	if err != nil {
		w.Errorf("verify %s: %v", name, err)
		return
	}
	if !r.Intact || !r.Complete || r.Entries != walkWindows+1 || r.Objects != walkWindows {
		w.Errorf("%s: intact %v, complete %v, %d entries, %d objects: %+v", name, r.Intact, r.Complete, r.Entries, r.Objects, r.Findings)
	}
}
