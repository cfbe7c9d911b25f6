package storeset

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// lockTeller is a store that tells its locks, or why it cannot.
type lockTeller struct {
	*memStore
	until time.Time
	err   error
}

func (l *lockTeller) LockedUntil(context.Context, string) (time.Time, error) { return l.until, l.err }

func TestLockedUntil(t *testing.T) {
	t.Parallel()
	soon, late := time.Unix(1000, 0), time.Unix(2000, 0)
	for name, tc := range map[string]struct {
		stores []storage.Storage
		want   time.Time
		err    error
	}{
		"the last that lets go":  {[]storage.Storage{&lockTeller{until: soon}, newMemStore(), &lockTeller{until: late}}, late, nil},
		"not in one of them":     {[]storage.Storage{&lockTeller{err: storage.ErrNotFound}, &lockTeller{until: soon}}, soon, nil},
		"one cannot be asked":    {[]storage.Storage{&lockTeller{err: storage.ErrUnavailable}, &lockTeller{until: soon}}, soon, nil},
		"none that can be asked": {[]storage.Storage{&lockTeller{err: storage.ErrUnavailable}, newMemStore()}, time.Time{}, storage.ErrUnavailable},
		"none that knows locks":  {[]storage.Storage{newMemStore(), &lockTeller{err: errors.ErrUnsupported}}, time.Time{}, errors.ErrUnsupported},
		"free in all":            {[]storage.Storage{&lockTeller{}, &lockTeller{}}, time.Time{}, nil},
	} {
		cfg := Config{}
		for i, s := range tc.stores {
			cfg.Stores = append(cfg.Stores, Named{Name: string(rune('a' + i)), Store: s})
		}
		set, err := Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if until, err := set.LockedUntil(t.Context(), "k"); !until.Equal(tc.want) || !errors.Is(err, tc.err) {
			t.Errorf("%s: %s, %v, want %s, %v", name, until, err, tc.want, tc.err)
		}
	}
}
