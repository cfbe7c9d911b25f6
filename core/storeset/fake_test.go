package storeset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// memStore is a storage in memory.
type memStore struct {
	mu      sync.Mutex
	objects map[string][]byte
	locked  map[string]bool
}

func newMemStore() *memStore {
	return &memStore{objects: map[string][]byte{}, locked: map[string]bool{}}
}

func (m *memStore) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	b, err := io.ReadAll(body)
	if err != nil {
		return storage.Info{}, fmt.Errorf("read body: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, exists := m.objects[req.Key]
	switch {
	case ctx.Err() != nil:
		return storage.Info{}, ctx.Err()
	case int64(len(b)) != req.Size || digestOf(b) != req.SHA256:
		return storage.Info{}, storage.ErrCorrupt
	case req.Replaces == "" && exists:
		return storage.Info{}, storage.ErrExists
	case req.Replaces != "" && (!exists || digestOf(old) != req.Replaces):
		return storage.Info{}, storage.ErrChanged
	}
	m.objects[req.Key] = b
	return storage.Info{Key: req.Key, Size: req.Size, Modified: time.Now().UTC()}, nil
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
	return storage.Info{Key: key, Size: int64(len(b))}, nil
}

func (m *memStore) List(_ context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	m.mu.Lock()
	keys := slices.Sorted(maps.Keys(m.objects))
	m.mu.Unlock()
	return func(yield func(storage.Info, error) bool) {
		for _, key := range keys {
			if strings.HasPrefix(key, prefix) && key > after && !yield(storage.Info{Key: key, Size: m.size(key)}, nil) {
				return
			}
		}
	}
}

func (m *memStore) size(key string) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.objects[key]))
}

func (m *memStore) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.objects[key] == nil:
		return storage.ErrNotFound
	case m.locked[key]:
		return storage.ErrLocked
	}
	delete(m.objects, key)
	return nil
}

func (m *memStore) has(key string) bool {
	_, err := m.Stat(context.Background(), key)
	return err == nil
}

// faulty is a store that fails as it is told, and the port to all of a
// process's outside that can be cut at any operation.
type faulty struct {
	storage.Storage
	mu    sync.Mutex
	fault fault
	// lose is called after each change; true loses its answer.
	lose func() bool
	// step is called before each operation; an error is the process's death.
	step func() error
	puts int
}

type fault int

const (
	fine fault = iota
	down
	full
	forbidden
	hanging
)

func (f *faulty) set(v fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = v
}

func (f *faulty) before(ctx context.Context, write bool) error {
	f.mu.Lock()
	v := f.fault
	f.mu.Unlock()
	if f.step != nil {
		if err := f.step(); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case v == down:
		return storage.ErrUnavailable
	case v == full && write:
		return storage.ErrFull
	case v == forbidden && write:
		return storage.ErrPermission
	case v == hanging:
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (f *faulty) after(err error) error {
	if f.step != nil && err == nil {
		if err := f.step(); err != nil {
			return err
		}
	}
	if err == nil && f.lose != nil && f.lose() {
		return fmt.Errorf("connection reset: %w", storage.ErrUnavailable)
	}
	return err
}

func (f *faulty) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	if err := f.before(ctx, true); err != nil {
		return storage.Info{}, err
	}
	f.mu.Lock()
	f.puts++
	f.mu.Unlock()
	info, err := f.Storage.Put(ctx, req, body)
	return info, f.after(err)
}

func (f *faulty) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := f.before(ctx, false); err != nil {
		return nil, err
	}
	return f.Storage.Get(ctx, key, offset, length)
}

func (f *faulty) Stat(ctx context.Context, key string) (storage.Info, error) {
	if err := f.before(ctx, false); err != nil {
		return storage.Info{}, err
	}
	return f.Storage.Stat(ctx, key)
}

func (f *faulty) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	if err := f.before(ctx, false); err != nil {
		return func(yield func(storage.Info, error) bool) { yield(storage.Info{}, err) }
	}
	return f.Storage.List(ctx, prefix, after)
}

func (f *faulty) Delete(ctx context.Context, key string) error {
	if err := f.before(ctx, true); err != nil {
		return err
	}
	return f.after(f.Storage.Delete(ctx, key))
}

// memLedger is a ledger in memory.
type memLedger struct {
	mu     sync.Mutex
	missed map[string]map[string]catalog.Missed
	notes  map[string][]byte
	step   func() error
	fail   error
	// inclusive reads "from after on" as the port's words may be read, too.
	inclusive bool
}

func newMemLedger() *memLedger {
	return &memLedger{missed: map[string]map[string]catalog.Missed{}, notes: map[string][]byte{}}
}

func (l *memLedger) enter() error {
	if l.step != nil {
		if err := l.step(); err != nil {
			return err
		}
	}
	l.mu.Lock()
	if l.fail != nil {
		l.mu.Unlock()
		return l.fail
	}
	return nil
}

func (l *memLedger) PutMissed(_ context.Context, missed []catalog.Missed) error {
	if err := l.enter(); err != nil {
		return err
	}
	defer l.mu.Unlock()
	for _, m := range missed {
		if l.missed[m.Store] == nil {
			l.missed[m.Store] = map[string]catalog.Missed{}
		}
		if _, ok := l.missed[m.Store][m.Key]; !ok {
			l.missed[m.Store][m.Key] = m
		}
	}
	return nil
}

func (l *memLedger) ListMissed(_ context.Context, store, after string, limit int) ([]catalog.Missed, error) {
	if err := l.enter(); err != nil {
		return nil, err
	}
	defer l.mu.Unlock()
	var out []catalog.Missed
	for _, key := range slices.Sorted(maps.Keys(l.missed[store])) {
		if (key > after || l.inclusive && key == after) && len(out) < limit {
			out = append(out, l.missed[store][key])
		}
	}
	return out, nil
}

func (l *memLedger) DropMissed(_ context.Context, store, key string) error {
	if err := l.enter(); err != nil {
		return err
	}
	defer l.mu.Unlock()
	delete(l.missed[store], key)
	return nil
}

func (l *memLedger) PutNote(_ context.Context, key string, value []byte) error {
	if err := l.enter(); err != nil {
		return err
	}
	defer l.mu.Unlock()
	l.notes[key] = value
	return nil
}

func (l *memLedger) Note(_ context.Context, key string) ([]byte, error) {
	if err := l.enter(); err != nil {
		return nil, err
	}
	defer l.mu.Unlock()
	if v, ok := l.notes[key]; ok {
		return v, nil
	}
	return nil, catalog.ErrNotFound
}

// keys returns a store's records.
func (l *memLedger) keys(store string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.missed[store]))
}

// bundle is a set of faulty stores in memory, a, b and c, over a ledger.
type bundle struct {
	*testing.T
	ledger *memLedger
	mem    []*memStore
	stores []*faulty
	cfg    Config
	set    *Set
}

func setup(t *testing.T, mode Mode, n int) *bundle {
	t.Helper()
	b := &bundle{T: t, ledger: newMemLedger(), cfg: Config{Mode: mode}}
	b.cfg.Ledger = b.ledger
	for i := range n {
		b.mem = append(b.mem, newMemStore())
		b.stores = append(b.stores, &faulty{Storage: b.mem[i]})
		b.cfg.Stores = append(b.cfg.Stores, Named{Name: string(rune('a' + i)), Store: b.stores[i]})
	}
	b.restart()
	return b
}

// restart opens the set anew, as another process would.
func (b *bundle) restart() {
	b.Helper()
	var err error
	if b.set, err = Open(b.Context(), b.cfg); err != nil {
		b.Fatal(err)
	}
}

func (b *bundle) put(key, content string) error {
	return b.replace(key, content, "")
}

func (b *bundle) replace(key, content, old string) error {
	req := storage.PutRequest{Key: key, Size: int64(len(content)), SHA256: digestOf([]byte(content))}
	if old != "" {
		req.Replaces = digestOf([]byte(old))
	}
	_, err := b.set.Put(b.Context(), req, strings.NewReader(content))
	return err
}

func (b *bundle) mustPut(key, content string) {
	b.Helper()
	if err := b.put(key, content); err != nil {
		b.Fatal(err)
	}
}

func (b *bundle) get(key string) (string, error) {
	r, err := b.set.Get(b.Context(), key, 0, -1)
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(r)
	return string(content), errors.Join(err, r.Close())
}

// want fails the test unless a read of the key through the set says so.
func (b *bundle) want(key, content string, wantErr error) {
	b.Helper()
	have, err := b.get(key)
	if have != content || !errors.Is(err, wantErr) || (wantErr == nil) != (err == nil) {
		b.Errorf("get %s: %q, %v; want %q, %v", key, have, err, content, wantErr)
	}
	if _, err := b.set.Stat(b.Context(), key); !errors.Is(err, wantErr) || (wantErr == nil) != (err == nil) {
		b.Errorf("stat %s: %v, want %v", key, err, wantErr)
	}
}

// holds fails the test unless exactly these stores have the content.
func (b *bundle) holds(key, content, stores string) {
	b.Helper()
	for i, m := range b.mem {
		m.mu.Lock()
		have, ok := m.objects[key]
		m.mu.Unlock()
		if want := strings.Contains(stores, string(rune('a'+i))); ok != want || ok && string(have) != content {
			b.Errorf("store %c has %q (%v) under %s, want %v", 'a'+i, have, ok, key, want)
		}
	}
}

func (b *bundle) heal(store string) HealResult {
	b.Helper()
	r, err := b.set.Heal(b.Context(), store)
	if err != nil {
		b.Fatal(err)
	}
	return r
}
