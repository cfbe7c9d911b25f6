package storeset

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// keeper is a store that keeps first versions.
type keeper struct {
	*memStore
	first map[string]string
	err   error
}

func newKeeper(first string) *keeper {
	return &keeper{memStore: newMemStore(), first: map[string]string{"logs/k": first}}
}

func (k *keeper) GetFirst(_ context.Context, key string, _, _ int64) (io.ReadCloser, error) {
	switch {
	case k.err != nil:
		return nil, k.err
	case k.first[key] == "":
		return nil, storage.ErrNotFound
	}
	return io.NopCloser(strings.NewReader(k.first[key])), nil
}

func (k *keeper) Uncover(_ context.Context, key, sha256 string) error {
	switch {
	case k.err != nil:
		return k.err
	case k.first[key] == "":
		return storage.ErrNotFound
	case digestOf([]byte(k.first[key])) != sha256:
		return storage.ErrChanged
	}
	k.objects[key] = []byte(k.first[key])
	return nil
}

// with puts something where readers find it.
func with[S interface{ put(key, text string) }](s S, text string) S {
	s.put("logs/k", text)
	return s
}

func (m *memStore) put(key, text string) { m.objects[key] = []byte(text) }

func TestFirstVersionIsOfTheStoreThatIsRead(t *testing.T) {
	t.Parallel()
	unsupported := func() *keeper { k := newKeeper(""); k.err = errors.ErrUnsupported; return k }
	away := func() *keeper { k := newKeeper("sealed"); k.err = storage.ErrUnavailable; return k }
	for name, tc := range map[string]struct {
		stores []storage.Storage
		want   string
		err    error
	}{
		"hidden":                          {[]storage.Storage{newKeeper("sealed")}, "sealed", nil},
		"covered":                         {[]storage.Storage{with(newKeeper("sealed"), "forged")}, "sealed", nil},
		"none remembered":                 {[]storage.Storage{newKeeper(""), newKeeper("")}, "", storage.ErrNotFound},
		"only in the second":              {[]storage.Storage{newKeeper(""), newKeeper("sealed")}, "sealed", nil},
		"no versions anywhere":            {[]storage.Storage{newMemStore(), unsupported()}, "", errors.ErrUnsupported},
		"readers get what has no version": {[]storage.Storage{with(newMemStore(), "forged"), newKeeper("sealed")}, "", errors.ErrUnsupported},
		"behind one without versions":     {[]storage.Storage{newMemStore(), newKeeper("sealed")}, "sealed", nil},
		"away":                            {[]storage.Storage{away()}, "", storage.ErrUnavailable},
	} {
		set := setOf(t, tc.stores...)
		body, err := set.GetFirst(t.Context(), "logs/k", 0, -1)
		if !errors.Is(err, tc.err) || (err == nil) != (tc.err == nil) {
			t.Errorf("%s: %v, want %v", name, err, tc.err)
			continue
		}
		if err != nil {
			continue
		}
		b, err := io.ReadAll(body)
		if err = errors.Join(err, body.Close()); err != nil || string(b) != tc.want {
			t.Errorf("%s: %q, %v, want %q", name, b, err, tc.want)
		}
	}
}

func TestUncoverInEveryStore(t *testing.T) {
	t.Parallel()
	locked := func() *keeper { k := newKeeper("sealed"); k.err = storage.ErrLocked; return k }
	for name, tc := range map[string]struct {
		stores []storage.Storage
		err    error
	}{
		"both":                 {[]storage.Storage{with(newKeeper("sealed"), "forged"), newKeeper("sealed")}, nil},
		"one has none":         {[]storage.Storage{newKeeper(""), newMemStore(), newKeeper("sealed")}, nil},
		"one is locked":        {[]storage.Storage{newKeeper("sealed"), locked()}, storage.ErrLocked},
		"one has other bytes":  {[]storage.Storage{newKeeper("other"), newKeeper("sealed")}, storage.ErrChanged},
		"none has any":         {[]storage.Storage{newKeeper(""), newMemStore()}, storage.ErrNotFound},
		"none has the power":   {[]storage.Storage{newMemStore(), newMemStore()}, errors.ErrUnsupported},
		"the bytes are others": {[]storage.Storage{newKeeper("other")}, storage.ErrChanged},
	} {
		err := setOf(t, tc.stores...).Uncover(t.Context(), "logs/k", digestOf([]byte("sealed")))
		if !errors.Is(err, tc.err) || (err == nil) != (tc.err == nil) {
			t.Errorf("%s: %v, want %v", name, err, tc.err)
		}
		for _, s := range tc.stores {
			if k, ok := s.(*keeper); ok && k.err == nil && k.first["logs/k"] == "sealed" && string(k.objects["logs/k"]) != "sealed" {
				t.Errorf("%s: a store is left covered", name)
			}
		}
	}
}

func setOf(t *testing.T, stores ...storage.Storage) *Set {
	t.Helper()
	cfg := Config{Mode: Mirror}
	for i, s := range stores {
		cfg.Stores = append(cfg.Stores, Named{Name: string(rune('a' + i)), Store: s})
	}
	set, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
