package retention_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/retention"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/plugins/storage/fs"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const archive = "5b0c2c3e-0d6a-4c1c-8f0e-0d3f6b1a2c4d"

var id = evidence.ChainID{Zone: "0123456789abcdef0123456789abcdef", Dataset: "http_requests"}

// lineSource serves one record a window, a minute older than it, and nothing
// in every fourth window.
type lineSource struct{ collect.NoSource }

func (lineSource) Describe(context.Context) (source.Description, error) {
	return source.Description{
		Datasets: []source.Dataset{{Name: "http_requests", TimeField: "EdgeStartTimestamp", ClassField: "EdgeResponseStatus"}},
		Limits:   source.Limits{MaxWindow: time.Hour, MaxAge: 168 * time.Hour},
	}, nil
}

func (lineSource) Pull(_ context.Context, req source.Request) (*source.Stream, error) {
	line := ""
	if req.Start.Minute()/10%4 != 3 {
		line = fmt.Sprintf(`{"EdgeStartTimestamp":%d,"EdgeResponseStatus":200}`+"\n", req.Start.Add(-time.Minute).UnixNano())
	}
	return &source.Stream{
		Encoding: source.Identity, Fields: []string{"EdgeStartTimestamp", "EdgeResponseStatus"}, Timestamps: source.UnixNano,
		Body: io.NopCloser(strings.NewReader(line)),
		Trailer: func() (source.Trailer, error) {
			return source.Trailer{Lines: -1, Complete: true, RetrievedAt: req.End.Add(time.Minute)}, nil
		},
	}, nil
}

// faultyStore refuses deletions as it is told.
type faultyStore struct {
	*fs.FS
	refuse  func(key string) error
	until   time.Time
	deleted []string
}

func (f *faultyStore) Delete(ctx context.Context, key string) error {
	if strings.HasPrefix(key, "logs/") && f.refuse != nil {
		if err := f.refuse(key); err != nil {
			return fmt.Errorf("delete %s: %w", key, err)
		}
	}
	err := f.FS.Delete(ctx, key)
	if err == nil && strings.HasPrefix(key, "logs/") {
		f.deleted = append(f.deleted, key)
	}
	return err
}

func (f *faultyStore) LockedUntil(_ context.Context, key string) (time.Time, error) {
	if f.refuse != nil && errors.Is(f.refuse(key), storage.ErrLocked) {
		return f.until, nil
	}
	return time.Time{}, nil
}

// bundle is a Keeper over a real folder, catalog and chain.
type bundle struct {
	t         *testing.T
	from      time.Time
	now       time.Time
	store     *faultyStore
	cat       *sqlite.Catalog
	key       chain.PrivateKey
	collector *collect.Collector
	*retention.Keeper
}

// setup seals hours of ten-minute windows: entry 1 is the first.
func setup(t *testing.T, hours int) *bundle {
	t.Helper()
	now := time.Now().UTC()
	b := &bundle{t: t, now: now, from: now.Truncate(time.Hour).Add(-24 * time.Hour)}
	dir := t.TempDir()
	folder, err := fs.Open(filepath.Join(dir, "archive"))
	b.must(err)
	t.Cleanup(func() { b.must(folder.Close()) })
	b.store = &faultyStore{FS: folder}
	b.cat, err = sqlite.Open(t.Context(), filepath.Join(dir, "catalog.db"))
	b.must(err)
	t.Cleanup(func() { b.must(b.cat.Close()) })
	b.key, err = chain.GenerateKey(rand.NewChaCha8([32]byte{1}), evidence.KeyName(archive))
	b.must(err)
	text, err := evidence.EncodeDescriptor(evidence.Descriptor{Format: evidence.FormatName, V: evidence.Version, Archive: archive, VKey: b.key.Public().VKey()})
	b.must(err)
	b.put(evidence.DescriptorKey, text)
	b.collector, err = collect.New(collect.Config{
		Store: b.store, Source: lineSource{}, Catalog: b.cat, Archive: archive, Key: b.key,
		Collector: evidence.Collector{Name: "test", Version: "1", Host: "h"}, Plugin: collect.Plugin{Name: "line", Version: "1"},
		SpoolDir: filepath.Join(dir, "spool"), Now: func() time.Time { return b.now }, Concurrency: 1,
	})
	b.must(err)
	t.Cleanup(func() { b.must(b.collector.Close()) })
	b.Keeper = b.keeper(retention.Policy{Keep: 400 * 24 * time.Hour, Reason: "test"})
	if hours > 0 {
		_, err = b.collector.Collect(t.Context(), collect.Request{Chain: id, From: b.from, To: b.from.Add(time.Duration(hours) * time.Hour), Window: 10 * time.Minute})
		b.must(err)
	}
	b.now = b.now.Add(400 * 24 * time.Hour) // all is old enough
	return b
}

func (b *bundle) keeper(p retention.Policy) *retention.Keeper {
	b.t.Helper()
	k, err := retention.New(retention.Config{
		Catalog: b.cat, Collector: b.collector, Store: b.store, Policy: p, Now: func() time.Time { return b.now },
		Reader: chain.Lookup{Store: b.store, Archive: archive, Key: b.key.Public()}, NewID: func() string { return "hold-1" },
	})
	b.must(err)
	return k
}

func (b *bundle) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) put(key string, data []byte) {
	b.t.Helper()
	_, err := b.store.Put(b.t.Context(), storage.PutRequest{Key: key, Size: int64(len(data)), SHA256: fmt.Sprintf("%x", sum(data))}, bytes.NewReader(data))
	b.must(err)
}

// window is the i-th ten minutes, or n of them.
func (b *bundle) window(i, n int) evidence.Window {
	start := b.from.Add(time.Duration(i) * 10 * time.Minute)
	return evidence.Window{Start: start, End: start.Add(time.Duration(n) * 10 * time.Minute)}
}

func (b *bundle) expire() retention.Summary {
	b.t.Helper()
	s, err := b.Expire(b.t.Context(), id)
	b.must(err)
	return s
}

// left are the indexes of the windows whose objects the store has.
func (b *bundle) left() []int {
	b.t.Helper()
	out := []int{}
	for info, err := range b.store.List(b.t.Context(), "logs/", "") {
		b.must(err)
		_, w, _, err := evidence.ParseObjectKey(info.Key)
		b.must(err)
		out = append(out, int(w.Start.Sub(b.from)/(10*time.Minute)))
	}
	slices.Sort(out)
	return out
}

// entries are the chain's of a kind.
func (b *bundle) entries(kind evidence.Kind) []*evidence.Entry {
	b.t.Helper()
	pub := b.key.Public()
	chains, err := verify.ReadChains(b.t.Context(), b.store, verify.Options{Key: &pub})
	b.must(err)
	return slices.DeleteFunc(chains[0].Entries, func(e *evidence.Entry) bool { return e.Kind != kind })
}

func (b *bundle) verify(codes ...string) {
	b.t.Helper()
	pub := b.key.Public()
	r, err := verify.Run(b.t.Context(), b.store, verify.Options{Key: &pub})
	b.must(err)
	var got []string
	for _, f := range r.Findings {
		got = append(got, f.Code)
	}
	if d := cmp.Diff(codes, got); d != "" {
		b.t.Errorf("findings: %s\n%v", d, r.Findings)
	}
}

func (b *bundle) state(want catalog.ObjectState, i int) {
	b.t.Helper()
	w := b.window(i, 1)
	rows, err := b.cat.Windows(b.t.Context(), id, w.Start, w.End)
	b.must(err)
	if len(rows) != 1 || rows[0].Object != want {
		b.t.Errorf("window %d is %+v, want %s", i, rows, want)
	}
}

func sum(b []byte) [32]byte { return sha256.Sum256(b) }

// collectHour seals the first hour.
func (b *bundle) collectHour() {
	b.t.Helper()
	_, err := b.collector.Collect(b.t.Context(), collect.Request{Chain: id, From: b.from, To: b.from.Add(time.Hour), Window: 10 * time.Minute})
	b.must(err)
}
