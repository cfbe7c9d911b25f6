package chain_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const (
	archive = "5b0c2c3e-0d6a-4c1c-8f0e-0d3f6b1a2c4d"
	zone    = "0123456789abcdef0123456789abcdef"
)

var (
	id     = evidence.ChainID{Zone: zone, Dataset: "http_requests"}
	sealed = time.Date(2026, 11, 23, 14, 5, 11, 123e6, time.UTC)
)

// memStore is a storage in memory that can be told to fail.
type memStore struct {
	mu      sync.Mutex
	objects map[string][]byte
	times   map[string]time.Time
	now     time.Time
	// fail, if not nil, is asked before (after=false) and after each Put.
	fail func(key string, after bool) error
}

func newMemStore() *memStore {
	return &memStore{objects: map[string][]byte{}, times: map[string]time.Time{}, now: sealed}
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func (m *memStore) Put(_ context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		if err := m.fail(req.Key, false); err != nil {
			return storage.Info{}, err
		}
	}
	b, err := io.ReadAll(body)
	if err != nil || sum(b) != req.SHA256 || int64(len(b)) != req.Size || !storage.ValidKey(req.Key) {
		return storage.Info{}, fmt.Errorf("put %s: %w (%w)", req.Key, storage.ErrCorrupt, err)
	}
	old, exists := m.objects[req.Key]
	switch {
	case req.Replaces == "" && exists:
		return storage.Info{}, storage.ErrExists
	case req.Replaces != "" && sum(old) != req.Replaces:
		return storage.Info{}, storage.ErrChanged
	}
	m.objects[req.Key], m.times[req.Key] = b, m.now
	if m.fail != nil {
		if err := m.fail(req.Key, true); err != nil {
			return storage.Info{}, err
		}
	}
	return storage.Info{Key: req.Key, Size: req.Size, Modified: m.now}, nil
}

func (m *memStore) Get(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.objects[key]
	if !ok {
		return nil, storage.ErrNotFound
	}
	b = b[min(offset, int64(len(b))):]
	if length >= 0 {
		b = b[:min(length, int64(len(b)))]
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m *memStore) Stat(_ context.Context, key string) (storage.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.objects[key]
	if !ok {
		return storage.Info{}, storage.ErrNotFound
	}
	return storage.Info{Key: key, Size: int64(len(b)), Modified: m.times[key]}, nil
}

func (m *memStore) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.objects[key]; !ok {
		return storage.ErrNotFound
	}
	delete(m.objects, key)
	return nil
}

func testKey(t testing.TB, seed uint64) chain.PrivateKey {
	t.Helper()
	var s [32]byte
	for i := range s {
		s[i] = byte(seed >> (8 * (i % 8)))
	}
	k, err := chain.GenerateKey(rand.NewChaCha8(s), evidence.KeyName(archive))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func open(t testing.TB, s *memStore, k chain.PrivateKey) *chain.Log {
	t.Helper()
	l, err := chain.Open(t.Context(), config(s, k))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func config(s *memStore, k chain.PrivateKey) chain.Config {
	return chain.Config{
		Store: s, Archive: archive, Chain: id, Key: k,
		Now: func() time.Time { return s.now }, Log: slog.New(slog.DiscardHandler),
	}
}

// entry makes the bytes of the log's next entry.
func entry(t testing.TB, l *chain.Log, value string) []byte {
	t.Helper()
	b, err := evidence.Encode(&evidence.Entry{
		V: evidence.Version, Archive: archive, Zone: id.Zone, Dataset: id.Dataset,
		Seq: l.Size(), Prev: l.LastHash(), Kind: evidence.KindObservation, SealedAt: sealed,
		Observation: &evidence.Observation{Topic: "test", Value: []byte(fmt.Sprintf("%q", value))},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAppendMatchesTlog(t *testing.T) {
	t.Parallel()
	s, k := newMemStore(), testKey(t, 1)
	l := open(t, s, k)
	verifier, err := k.Public().Verifier(evidence.Origin(archive, id))
	if err != nil {
		t.Fatal(err)
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = stored[x]
		}
		return out, nil
	})
	const n = 1200 // past several full tiles; edge_test.go goes past 256*256
	for i := range int64(n) {
		b := entry(t, l, fmt.Sprint(i))
		hashes, err := tlog.StoredHashesForRecordHash(i, tlog.RecordHash(b), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		if err := l.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if i > 520 && i%97 != 0 && i < n-3 {
			continue
		}
		cp, err := evidence.OpenCheckpoint(l.Checkpoint(), evidence.Origin(archive, id), verifier)
		if err != nil {
			t.Fatal(err)
		}
		want, err := tlog.TreeHash(i+1, reader)
		if err != nil {
			t.Fatal(err)
		}
		if cp.Size != i+1 || cp.Root != want {
			t.Fatalf("size %d: checkpoint has size %d root %s, tlog says %s", i+1, cp.Size, cp.Root, want)
		}
		if again := open(t, s, k); again.Size() != i+1 || again.LastHash() != l.LastHash() {
			t.Fatalf("reopened at %d: size %d", i+1, again.Size())
		}
	}
	partials := 0
	for key := range s.objects {
		if strings.Contains(key, ".p/") {
			partials++
		}
	}
	if partials > 30 {
		t.Errorf("%d partial tiles and bundles left, want a few", partials)
	}
}

// TestCrashAtEveryPut kills the writer before and after each put of a run and
// lets another take over with the same or with other bytes.
func TestCrashAtEveryPut(t *testing.T) {
	t.Parallel()
	crash := errors.New("crash")
	k, filled := testKey(t, 1), newMemStore()
	l := open(t, filled, k)
	for l.Size() < 253 { // near a tile's edge
		must(t, l.Append(t.Context(), entry(t, l, "fill")))
	}
	for _, same := range []bool{true, false} {
		for at := range 160 {
			s := newMemStore()
			if at >= 80 {
				maps.Copy(s.objects, filled.objects)
				maps.Copy(s.times, filled.times)
			}
			l := open(t, s, k)
			calls := 0
			s.fail = func(string, bool) error {
				if calls++; calls > at%80 {
					return crash
				}
				return nil
			}
			var err error
			var last []byte
			for i := 0; err == nil && i < 10; i++ {
				last = entry(t, l, fmt.Sprint(i))
				err = l.Append(t.Context(), last)
			}
			s.fail = nil
			if err == nil {
				continue
			}
			if !errors.Is(err, crash) {
				t.Fatal(err)
			}
			resume(t, s, k, last, same)
		}
	}
}

func resume(t *testing.T, s *memStore, k chain.PrivateKey, last []byte, same bool) {
	t.Helper()
	l := open(t, s, k)
	e, err := evidence.Decode(last)
	must(t, err)
	if e.Seq == l.Size() { // was not committed
		next := last
		if !same {
			next = entry(t, l, "other")
			if err := l.Append(t.Context(), next); err != nil && !errors.Is(err, chain.ErrContended) {
				t.Fatal(err)
			}
			s.now = s.now.Add(chain.StaleAfter)
		}
		if e.Seq == l.Size() {
			must(t, l.Append(t.Context(), next))
		}
	}
	must(t, l.Append(t.Context(), entry(t, l, "after")))
	again := open(t, s, k)
	n := int64(0)
	for e, err := range again.Entries(t.Context(), 0) {
		must(t, err)
		if e.Seq != n {
			t.Fatalf("entry %d has seq %d", n, e.Seq)
		}
		n++
	}
	if n != l.Size() {
		t.Fatalf("read %d entries of %d", n, l.Size())
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTwoWriters(t *testing.T) {
	t.Parallel()
	s, k := newMemStore(), testKey(t, 1)
	a, b := open(t, s, k), open(t, s, k)
	must(t, a.Append(t.Context(), entry(t, a, "a")))
	late := entry(t, b, "b")
	if err := b.Append(t.Context(), late); !errors.Is(err, chain.ErrMoved) {
		t.Fatalf("second writer got %v, want ErrMoved", err)
	}
	must(t, b.Reload(t.Context()))
	must(t, b.Append(t.Context(), entry(t, b, "b")))
	if b.Size() != 2 {
		t.Fatalf("size %d, want 2", b.Size())
	}
}

func TestForeignHeadIsRefused(t *testing.T) {
	t.Parallel()
	s := newMemStore()
	l := open(t, s, testKey(t, 1))
	must(t, l.Append(t.Context(), entry(t, l, "a")))
	if _, err := chain.Open(t.Context(), config(s, testKey(t, 2))); !errors.Is(err, chain.ErrDamaged) {
		t.Fatalf("opening with another key: %v, want ErrDamaged", err)
	}
	key := id.BundleKey(0, 1)
	s.objects[key] = append([]byte(nil), s.objects[key]...)
	s.objects[key][20] ^= 1
	if _, err := chain.Open(t.Context(), config(s, testKey(t, 1))); !errors.Is(err, chain.ErrDamaged) {
		t.Fatalf("opening a changed bundle: %v, want ErrDamaged", err)
	}
}

func TestKeyRoundTripAndSecrecy(t *testing.T) {
	t.Parallel()
	k := testKey(t, 3)
	again, err := chain.ParsePrivateKey(k.Marshal() + "\n")
	must(t, err)
	if again.Marshal() != k.Marshal() || !again.Public().Equal(k.Public()) {
		t.Error("key does not survive its text form")
	}
	secret := k.Marshal()[strings.LastIndex(k.Marshal(), "+")+1:]
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%#v", k), fmt.Sprintf("%+v", k), k.LogValue().String()} {
		if strings.Contains(text, secret) {
			t.Errorf("key prints its seed: %s", text)
		}
	}
	if _, err := chain.ParsePrivateKey(strings.Replace(k.Marshal(), "KEY", "KEx", 1)); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("malformed key: %v", err)
	}
}
