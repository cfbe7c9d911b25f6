package collect_test

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// unexplained are the objects that a verifier finds no entry for.
func (b *bundle) unexplained() (keys []string) {
	b.t.Helper()
	key := b.key.Public()
	d, err := evidence.EncodeDescriptor(evidence.Descriptor{Format: evidence.FormatName, V: evidence.Version, Archive: archive, VKey: key.VKey(), CreatedAt: evidence.SealTime(b.clock())})
	b.must(err)
	b.must(os.WriteFile(filepath.Join(b.dir, "archive", evidence.DescriptorKey), d, 0o644))
	report, err := verify.Run(b.t.Context(), b.fs, verify.Options{Key: &key, Level: verify.LevelObjects})
	b.must(err)
	for _, f := range report.Findings {
		if f.Code != verify.CodeUnexplained {
			b.t.Errorf("finding %+v", f)
		}
		keys = append(keys, f.Key)
	}
	return keys
}

// leave puts an object under a window's key, so long ago.
func (b *bundle) leave(w evidence.Window, ago time.Duration) string {
	b.t.Helper()
	key := evidence.ObjectKey(id, w, 1)
	path := filepath.Join(b.dir, "archive", filepath.FromSlash(key))
	b.must(os.MkdirAll(filepath.Dir(path), 0o755))
	b.must(os.WriteFile(path, []byte("left behind"), 0o644))
	b.must(os.Chtimes(path, time.Time{}, b.clock().Add(-ago)))
	return key
}

// displacements are the keys that observations say are displaced.
func (b *bundle) displacements() (keys []string) {
	b.t.Helper()
	for _, e := range b.entries() {
		if e.Kind != evidence.KindObservation || e.Observation.Topic != evidence.TopicDisplaced {
			continue
		}
		var v evidence.DisplacedValue
		b.must(json.Unmarshal(e.Observation.Value, &v))
		for _, o := range v.Objects {
			keys = append(keys, o.Key)
		}
	}
	return keys
}

// stubborn does not let go of objects.
type stubborn struct{ collect.Store }

func (s stubborn) Delete(context.Context, string) error { return storage.ErrLocked }

// TestStrays: what lies under sealed windows and no entry names is sealed as
// displaced when a process first opens the chain, once; what is young, or may be
// all that there is of its window, is left alone.
func TestStrays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.source.fault = func(req source.Request, _ int) (*source.Stream, error) {
		if req.Start.Equal(from.Add(30 * time.Minute)) {
			return nil, &source.Error{Op: "pull", Class: source.ClassGone, Reason: source.ReasonTooOld, Msg: "gone"}
		}
		return nil, nil
	}
	_, err := b.collect(request(1))
	b.must(err)
	span := func(start, end int) evidence.Window {
		return evidence.Window{Start: from.Add(time.Duration(start) * time.Minute), End: from.Add(time.Duration(end) * time.Minute)}
	}
	stray := b.leave(span(0, 20), time.Hour)
	part := b.leave(span(10, 15), time.Hour)
	young := b.leave(span(5, 15), 0)
	gap := b.leave(span(25, 35), time.Hour)
	open := b.leave(span(50, 70), time.Hour)
	b.must(os.WriteFile(filepath.Join(b.dir, "archive", "logs", id.Zone, "notes.txt"), []byte("not ours"), 0o644))
	look := func(store collect.Store) {
		t.Helper()
		b.store = store
		c := b.collector()
		for range 2 { // the second time does not look for what was found
			b.must(c.CatchUp(t.Context(), id))
		}
		b.must(c.Close())
	}
	sorted := func(keys ...string) []string { slices.Sort(keys); return keys }

	look(b.fs)
	if got := b.displacements(); got != nil {
		t.Errorf("without being told to, %v were looked for", got)
	}
	b.tidy = 24 * time.Hour
	look(stubborn{b.fs})
	look(stubborn{b.fs})
	if d := cmp.Diff(sorted(stray, part), sorted(b.displacements()...)); d != "" {
		t.Error(d)
	}
	left := b.unexplained()
	for _, key := range []string{young, gap, open} {
		if !slices.Contains(left, key) {
			t.Errorf("%s is not among those left alone: %v", key, left)
		}
	}
	b.must(os.Chtimes(filepath.Join(b.dir, "archive", filepath.FromSlash(young)), time.Time{}, b.clock().Add(-time.Hour)))
	look(b.fs)
	if d := cmp.Diff(sorted(stray, part, young), sorted(b.displacements()...)); d != "" {
		t.Error(d)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "archive", filepath.FromSlash(young))); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", young, err)
	}
	for _, key := range b.unexplained() {
		if key == stray || key == part || key == young {
			t.Errorf("%s is not explained", key)
		}
	}
}

// meanwhile does something before the first object is put.
type meanwhile struct {
	collect.Store
	once sync.Once
	do   func()
}

func (m *meanwhile) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	if strings.HasPrefix(req.Key, evidence.LogsPrefix) {
		m.once.Do(m.do)
	}
	return m.Store.Put(ctx, req, body) //nolint:wrapcheck // a store's own
}

// TestForgottenRecord: while an object is on its way its pending record goes,
// as it does with a database's last transactions, and another collector seals the
// window in other parts, or does not. Each line is sealed once, and no object is left over.
func TestForgottenRecord(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]bool{"nobody else": false, "sealed by another": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.store = &meanwhile{Store: b.fs, do: func() {
				pending, err := b.cat.ListPending(t.Context(), id)
				b.must(err)
				for _, p := range pending {
					b.must(b.cat.DropPending(t.Context(), id, p.Window))
				}
				if !other {
					return
				}
				second := setup(t)
				second.dir, second.store, second.key, second.source = b.dir, b.fs, b.key, b.source
				req := request(1)
				req.Window = 5 * time.Minute
				_, err = second.collect(req)
				b.must(err)
			}}
			sum, err := b.collect(request(1))
			b.must(err)
			if !sum.Complete() {
				t.Errorf("%+v", sum)
			}
			b.checkSealed(request(1))
			if left := b.unexplained(); left != nil {
				t.Errorf("objects without an entry: %v", left)
			}
		})
	}
}
