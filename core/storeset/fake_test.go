package storeset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
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
