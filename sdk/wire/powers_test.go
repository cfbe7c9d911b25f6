package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/sdk/probe"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// powerful is a memory with every optional power but local files.
type powerful struct {
	*memory
	until  time.Time
	checks []probe.Check
	first  string
}

func (p *powerful) LockedUntil(_ context.Context, key string) (time.Time, error) {
	if key != "k" {
		return time.Time{}, storage.ErrNotFound
	}
	return p.until, nil
}

func (p *powerful) GetFirst(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if key != "k" {
		return nil, storage.ErrNotFound
	}
	first := p.first[offset:]
	if length >= 0 {
		first = first[:length]
	}
	return io.NopCloser(strings.NewReader(first)), nil
}

func (p *powerful) Uncover(_ context.Context, key, sha256 string) error {
	if sha256 != "sum" {
		return storage.ErrChanged
	}
	return fmt.Errorf("%w: %s until 2030", storage.ErrLocked, key)
}

func (p *powerful) Probe(context.Context) ([]probe.Check, error) { return p.checks, nil }

func TestPowers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := &powerful{memory: newMemory(), until: storage.LockedForEver, checks: []probe.Check{
		{Name: "lock", Status: probe.OK, Value: "compliance", Detail: "an object was locked, and could not be deleted"},
		{Name: "clock", Status: probe.Warn, Value: "7s", Remedy: "set the clock"},
	}}
	c, about := configured(t, storageOffer(p))
	s := c.Storage(about)
	if !about.Has(wire.PowerLocks) || !about.Has(wire.PowerProbe) {
		t.Errorf("capabilities %q", about.Capabilities)
	}
	locker := s.(storage.Locker)
	if until, err := locker.LockedUntil(ctx, "k"); err != nil || !until.Equal(storage.LockedForEver) {
		t.Errorf("locked until %s, %v", until, err)
	}
	p.until = time.Time{}
	if until, err := locker.LockedUntil(ctx, "k"); err != nil || !until.IsZero() {
		t.Errorf("not locked: until %s, %v", until, err)
	}
	if _, err := locker.LockedUntil(ctx, "none"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("no such object: %v", err)
	}
	if _, err := locker.LockedUntil(ctx, "\xff"); !errors.Is(err, storage.ErrInvalidKey) {
		t.Errorf("no text: %v", err)
	}
	checks, err := s.(storage.Prober).Probe(ctx)
	if d := cmp.Diff(p.checks, checks); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
	p.checks = []probe.Check{{Name: "lock", Status: "fine"}}
	if checks, err := s.(storage.Prober).Probe(ctx); !errors.Is(err, wire.ErrProtocol) {
		t.Errorf("%v, %v: a status that there is not", checks, err)
	}

	plain, about := configured(t, storageOffer(newMemory()))
	if _, err := plain.Storage(about).(storage.Versioner).GetFirst(ctx, "k", 0, -1); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("versions that were not announced: %v", err)
	}
	if err := plain.Storage(about).(storage.Versioner).Uncover(ctx, "k", "sum"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("versions that were not announced: %v", err)
	}
	if _, err := plain.Storage(about).(storage.Locker).LockedUntil(ctx, "k"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("locks that were not announced: %v", err)
	}
	if _, err := plain.Storage(about).(storage.Prober).Probe(ctx); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a probe that was not announced: %v", err)
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := &powerful{memory: newMemory(), first: strings.Repeat("first ", 100_000)} // more than two frames
	c, about := configured(t, storageOffer(p))
	if !about.Has(wire.PowerVersions) {
		t.Errorf("capabilities %q", about.Capabilities)
	}
	v := c.Storage(about).(storage.Versioner)
	for _, want := range []struct{ offset, length int64 }{{0, -1}, {6, 5}, {600_000, -1}} {
		r, err := v.GetFirst(ctx, "k", want.offset, want.length)
		if err != nil {
			t.Fatal(err)
		}
		have, err := io.ReadAll(r)
		end := int64(len(p.first))
		if want.length >= 0 {
			end = want.offset + want.length
		}
		if err = errors.Join(err, r.Close()); err != nil || string(have) != p.first[want.offset:end] {
			t.Errorf("from %d, %d bytes: %d, %v", want.offset, want.length, len(have), err)
		}
	}
	if _, err := v.GetFirst(ctx, "none", 0, -1); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("no such object: %v", err)
	}
	if err := v.Uncover(ctx, "k", "other"); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("other bytes: %v", err)
	}
	if err := v.Uncover(ctx, "k", "sum"); !errors.Is(err, storage.ErrLocked) || !strings.Contains(err.Error(), "k until 2030") {
		t.Errorf("locked: %v", err)
	}
	if err := v.Uncover(ctx, "\xff", "sum"); !errors.Is(err, storage.ErrInvalidKey) {
		t.Errorf("no text: %v", err)
	}
}
