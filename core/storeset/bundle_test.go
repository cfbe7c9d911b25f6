package storeset

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

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
