package collect_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/plugins/storage/fs"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const archive = "5b0c2c3e-0d6a-4c1c-8f0e-0d3f6b1a2c4d"

var (
	id = evidence.ChainID{Zone: "0123456789abcdef0123456789abcdef", Dataset: "http_requests"}
	// The store's clock is the real one, and a collector compares its own with it.
	from = time.Now().UTC().Truncate(time.Hour).Add(-12 * time.Hour)
)

// bundle is a collector over a real folder and a real catalog, whose clock
// moves only when somebody waits.
type bundle struct {
	t      testing.TB
	dir    string
	source *fakeSource
	store  collect.Store
	fs     *fs.FS
	cat    *sqlite.Catalog
	key    chain.PrivateKey
	busy   time.Duration
	retain time.Duration
	says   func() ([]evidence.Observation, error)
	tidy   time.Duration

	mu  sync.Mutex
	now time.Time
}

func setup(t testing.TB) *bundle {
	t.Helper()
	b := &bundle{t: t, dir: t.TempDir(), now: time.Now()}
	b.source = newFakeSource(b.clock)
	var err error
	b.fs, err = fs.Open(filepath.Join(b.dir, "archive"))
	b.must(err)
	b.store = b.fs
	t.Cleanup(func() { _ = b.fs.Close() })
	b.cat, err = sqlite.Open(t.Context(), filepath.Join(b.dir, "catalog.db"))
	b.must(err)
	t.Cleanup(func() { _ = b.cat.Close() })
	b.key, err = chain.GenerateKey(rand.NewChaCha8([32]byte{1}), evidence.KeyName(archive))
	b.must(err)
	return b
}

func (b *bundle) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bundle) wait(ctx context.Context, d time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
	return ctx.Err()
}

func (b *bundle) collector() *collect.Collector {
	b.t.Helper()
	c, err := collect.New(collect.Config{
		Store: b.store, Source: b.source, Catalog: b.cat, Archive: archive, Key: b.key,
		Collector: evidence.Collector{Name: "test", Version: "1", Host: "h"},
		Plugin:    collect.Plugin{Name: "fake", Version: "1"},
		SpoolDir:  filepath.Join(b.dir, "spool"), Now: b.clock, Wait: b.wait,
		Log: slog.New(slog.DiscardHandler), Concurrency: 3, Busy: b.busy, Statements: b.says, Retain: b.retain, Tidy: b.tidy,
	})
	b.must(err)
	return c
}

// collect runs one collector from its start to its end.
func (b *bundle) collect(req collect.Request) (collect.Summary, error) {
	b.t.Helper()
	c := b.collector()
	sum, err := c.Collect(b.t.Context(), req)
	if closeErr := c.Close(); closeErr != nil {
		b.t.Error(closeErr)
	}
	return sum, err
}

func request(hours int) collect.Request {
	return collect.Request{Chain: id, From: from, To: from.Add(time.Duration(hours) * time.Hour), Window: 10 * time.Minute}
}

// entries opens the chain anew and returns all its entries.
func (b *bundle) entries() []*evidence.Entry {
	b.t.Helper()
	l, err := chain.Open(b.t.Context(), chain.Config{
		Store: b.fs, Archive: archive, Chain: id, Key: b.key, Now: b.clock, Log: slog.New(slog.DiscardHandler),
	})
	b.must(err)
	var out []*evidence.Entry
	for e, err := range l.Entries(b.t.Context(), 0) {
		b.must(err)
		out = append(out, e)
	}
	return out
}

// checkSealed demands that the log and gap entries tile the range, each
// window once, that their objects hold exactly the source's lines, and that
// the spool is empty.
func (b *bundle) checkSealed(req collect.Request) []*evidence.Entry {
	b.t.Helper()
	entries := b.entries()
	var windows []*evidence.Entry
	for _, e := range entries {
		if e.Window != nil {
			windows = append(windows, e)
		}
	}
	slices.SortFunc(windows, func(a, c *evidence.Entry) int { return a.Window.Start.Compare(c.Window.Start) })
	at := req.From
	var got []byte
	for _, e := range windows {
		if !e.Window.Start.Equal(at) {
			b.t.Fatalf("window %s does not begin where the one before ends (%s)", e.Window, at)
		}
		at = e.Window.End
		if e.Object != nil {
			content := b.object(e.Object)
			got = append(got, content...)
			if want := windowLines(e.Window.Start, e.Window.End); !bytes.Equal(content, want) {
				b.t.Fatalf("window %s holds %d bytes, want %d", e.Window, len(content), len(want))
			}
		}
	}
	if !at.Equal(req.To) {
		b.t.Fatalf("windows end at %s, want %s", at, req.To)
	}
	if len(got) == 0 {
		b.t.Fatal("nothing was collected")
	}
	files, err := os.ReadDir(filepath.Join(b.dir, "spool"))
	b.must(err)
	for _, f := range files {
		if f.Name() != ".lock" {
			b.t.Errorf("left in the spool: %s", f.Name())
		}
	}
	return entries
}

func (b *bundle) object(o *evidence.Object) []byte {
	b.t.Helper()
	body, err := b.fs.Get(b.t.Context(), o.Key, 0, -1)
	b.must(err)
	stored, err := io.ReadAll(body)
	b.must(err)
	b.must(body.Close())
	dec, err := zstd.NewReader(nil)
	b.must(err)
	defer dec.Close()
	out, err := dec.DecodeAll(stored, nil)
	b.must(err)
	return out
}

func TestCollect(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sum, err := b.collect(request(2))
	b.must(err)
	if sum.Sealed != 12 || !sum.Complete() || sum.Lines == 0 {
		t.Errorf("summary %+v", sum)
	}
	entries := b.checkSealed(request(2))
	if entries[0].Kind != evidence.KindObservation || len(entries) != 13 {
		t.Errorf("%d entries, the first %s; want the fields and 12 windows", len(entries), entries[0].Kind)
	}
	again, err := b.collect(request(3))
	b.must(err)
	if again.Sealed != 6 || again.Already != 12 {
		t.Errorf("second run: %+v", again)
	}
	b.checkSealed(request(3))
}

func TestFieldsAreSealedWhenTheyChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for hours, fields := range [][]string{{"A"}, {"A"}, {"A", "B"}, {"A", "B"}} {
		b.source.fields = fields
		_, err := b.collect(request(hours + 1))
		b.must(err)
	}
	seqs := map[int64]bool{}
	for _, e := range b.checkSealed(request(4)) {
		if e.Kind == evidence.KindLog {
			seqs[e.Source.FieldsSeq] = true
		}
	}
	if len(seqs) != 2 {
		t.Errorf("fields observed at %v, want two entries", seqs)
	}
}

// TestFaults serves every kind of failure and demands that each window is
// sealed in the end, whole.
func TestFaults(t *testing.T) {
	t.Parallel()
	classed := func(c source.Class) error { return &source.Error{Op: "pull", Class: c, Msg: "ordered"} }
	for name, fault := range map[string]func(b *bundle, req source.Request, attempt int) (*source.Stream, error){
		"retry": func(_ *bundle, _ source.Request, attempt int) (*source.Stream, error) {
			if attempt < 4 {
				return nil, &source.Error{Op: "pull", Class: source.ClassRetry, After: 20 * time.Second}
			}
			return nil, nil
		},
		"plain error": func(_ *bundle, _ source.Request, attempt int) (*source.Stream, error) {
			if attempt < 3 {
				return nil, io.ErrUnexpectedEOF
			}
			return nil, nil
		},
		"split down to a minute": func(_ *bundle, req source.Request, _ int) (*source.Stream, error) {
			if req.End.Sub(req.Start) > 2*time.Minute {
				return nil, classed(source.ClassSplit)
			}
			return nil, nil
		},
		"cut gzip": func(b *bundle, req source.Request, attempt int) (*source.Stream, error) {
			if attempt > 1 {
				return nil, nil
			}
			st := b.source.stream(nil, windowLines(req.Start, req.End))
			zipped := zip(windowLines(req.Start, req.End))
			st.Body = io.NopCloser(bytes.NewReader(zipped[:len(zipped)/2]))
			return st, nil
		},
		"streaming error": func(b *bundle, req source.Request, attempt int) (*source.Stream, error) {
			if attempt > 1 {
				return nil, nil
			}
			return b.source.stream(nil, append(windowLines(req.Start, req.End), "Error streaming data.\n"...)), nil
		},
		"cut record": func(b *bundle, req source.Request, attempt int) (*source.Stream, error) {
			lines := windowLines(req.Start, req.End)
			if attempt > 1 || len(lines) == 0 {
				return nil, nil
			}
			return b.source.stream(nil, lines[:len(lines)-5]), nil
		},
		"trailer disagrees": func(b *bundle, req source.Request, attempt int) (*source.Stream, error) {
			if attempt > 1 {
				return nil, nil
			}
			st := b.source.stream(nil, windowLines(req.Start, req.End))
			st.Trailer = func() (source.Trailer, error) { return source.Trailer{Lines: 1 << 40}, nil }
			return st, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.source.fault = func(req source.Request, attempt int) (*source.Stream, error) { return fault(b, req, attempt) }
			sum, err := b.collect(request(1))
			b.must(err)
			if !sum.Complete() {
				t.Errorf("left open: %+v", sum)
			}
			b.checkSealed(request(1))
		})
	}
}

func TestBlockedStopsAndResumes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.source.fault = func(source.Request, int) (*source.Stream, error) {
		return nil, &source.Error{Op: "pull", Class: source.ClassBlocked, Reason: source.ReasonCredential, Msg: "no"}
	}
	sum, err := b.collect(request(2))
	b.must(err)
	if sum.Complete() || sum.Sealed != 0 || sum.LastErr == nil {
		t.Errorf("summary %+v", sum)
	}
	if n := len(b.source.pulls); n > 4 {
		t.Errorf("%d windows were asked for with a refused credential, want no more than the workers", n)
	}
	b.source.fault = nil
	_, err = b.collect(request(2))
	b.must(err)
	b.checkSealed(request(2))
}

func TestGoneBecomesGap(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.source.fault = func(req source.Request, _ int) (*source.Stream, error) {
		if req.Start.Before(from.Add(20 * time.Minute)) {
			return nil, &source.Error{Op: "pull", Class: source.ClassGone, Reason: source.ReasonTooOld, Msg: "too early"}
		}
		return nil, nil
	}
	sum, err := b.collect(request(1))
	b.must(err)
	if sum.Gaps != 2 || sum.Sealed != 4 || !sum.Complete() {
		t.Errorf("summary %+v", sum)
	}
	gaps := 0
	for _, e := range b.checkSealed(request(1)) {
		if e.Kind == evidence.KindGap && e.Gap.Reason == evidence.GapTooOld {
			gaps++
		}
	}
	if gaps != 2 {
		t.Errorf("%d gap entries, want 2", gaps)
	}
}

// crashStore fails for good after a number of calls, as a killed process
// would; the call itself may or may not have taken effect.
type crashStore struct {
	collect.Store
	mu    sync.Mutex
	left  int
	after bool
}

var errCrash = errors.New("crash")

func (c *crashStore) step() (crash, after bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left--
	return c.left < 0, c.left == -1 && c.after
}

func (c *crashStore) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	if crash, after := c.step(); crash {
		if after {
			_, _ = c.Store.Put(ctx, req, body)
		}
		return storage.Info{}, errCrash
	}
	return c.Store.Put(ctx, req, body)
}

// TestCrashAtEveryPut ends the collector before and after each write to the
// store and starts it again over the same folder and catalog.
func TestCrashAtEveryPut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var req collect.Request
	for at := 0; ; at++ {
		b.store = &crashStore{Store: b.fs, left: at % 12, after: at%2 == 1}
		req = request(1 + at/4)
		_, err := b.collect(req)
		if err != nil && !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		if at == 40 {
			break
		}
	}
	b.store = b.fs
	_, err := b.collect(req)
	b.must(err)
	b.checkSealed(req)
}

// TestLostCatalog throws the catalog away in the middle of things.
func TestLostCatalog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.store = &crashStore{Store: b.fs, left: 15}
	if _, err := b.collect(request(1)); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	b.must(b.cat.Close())
	var err error
	b.cat, err = sqlite.Open(t.Context(), filepath.Join(b.dir, "other.db"))
	b.must(err)
	b.store = b.fs
	_, err = b.collect(request(1))
	if errors.Is(err, chain.ErrContended) {
		b.mu.Lock()
		b.now = time.Now().Add(chain.StaleAfter)
		b.mu.Unlock()
		b.source.now = b.clock
		req := request(1)
		_, err = b.collect(req)
	}
	b.must(err)
	b.checkSealed(request(1))
}

func TestDamagedSpoolIsPulledAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.store = &crashStore{Store: b.fs, left: 0}
	if _, err := b.collect(request(1)); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	spool := filepath.Join(b.dir, "spool")
	files, err := filepath.Glob(filepath.Join(spool, "*", "*.zst"))
	b.must(err)
	if len(files) == 0 {
		t.Fatal("nothing in the spool to damage")
	}
	b.must(os.WriteFile(files[0], []byte("garbage"), 0o600))
	b.store = b.fs
	_, err = b.collect(request(1))
	b.must(err)
	aside, err := filepath.Glob(filepath.Join(spool, "*", "*.damaged"))
	b.must(err)
	if len(aside) != 1 {
		t.Errorf("%d files set aside, want the damaged one", len(aside))
	}
	for _, f := range aside {
		b.must(os.Remove(f))
	}
	b.must(b.collector().Close())
	b.checkSealed(request(1))
}

// TestForeignObjectIsDisplaced finds another's bytes under the window's key.
func TestForeignObjectIsDisplaced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := evidence.Window{Start: from, End: from.Add(10 * time.Minute)}
	key := evidence.ObjectKey(id, w, 1)
	path := filepath.Join(b.dir, "archive", filepath.FromSlash(key))
	b.must(os.MkdirAll(filepath.Dir(path), 0o755))
	b.must(os.WriteFile(path, []byte("planted"), 0o644))
	_, err := b.collect(request(1))
	b.must(err)
	for _, e := range b.checkSealed(request(1)) {
		if e.Kind == evidence.KindLog && *e.Window == w {
			if !strings.HasSuffix(e.Object.Key, "-g2.ndjson.zst") || len(e.Object.Displaced) != 1 || e.Object.Displaced[0].Key != key {
				t.Errorf("object %+v", e.Object)
			}
		}
	}
}

func TestTwoCollectors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	unlock, err := b.cat.Lock(t.Context(), id)
	b.must(err)
	b.busy = 50 * time.Millisecond
	if _, err := b.collect(request(1)); !errors.Is(err, catalog.ErrBusy) {
		t.Errorf("a second collector with the same catalog got %v, want ErrBusy", err)
	}
	b.must(unlock())

	// Two catalogs, one archive: the store decides, and nobody seals a window twice.
	other := setup(t)
	other.store, other.fs, other.key, other.source = b.fs, b.fs, b.key, b.source
	var wg sync.WaitGroup
	for _, x := range []*bundle{b, other} {
		wg.Go(func() {
			for {
				_, err := x.collect(request(2))
				if err == nil {
					return
				}
				if !errors.Is(err, chain.ErrContended) && !errors.Is(err, chain.ErrMoved) {
					t.Errorf("a losing collector got %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.checkSealed(request(2))
}

// flakyStore fails to read, at random: one in n.
type flakyStore struct {
	collect.Store
	mu  sync.Mutex
	rng *rand.Rand
	n   int
}

func (f *flakyStore) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	f.mu.Lock()
	fails := f.rng.IntN(f.n) == 0
	f.mu.Unlock()
	if fails {
		return nil, fmt.Errorf("flaky: %w", storage.ErrUnavailable)
	}
	return f.Store.Get(ctx, key, offset, length)
}

// TestTwoCollectorsOverAFlakyStore: one that was overtaken and could not read by
// what must not seal again what the other has sealed.
func TestTwoCollectorsOverAFlakyStore(t *testing.T) {
	t.Parallel()
	b, other := setup(t), setup(t)
	other.fs, other.key, other.source = b.fs, b.key, b.source
	var wg sync.WaitGroup
	for i, x := range []*bundle{b, other} {
		x.store = &flakyStore{Store: b.fs, rng: rand.New(rand.NewPCG(7, uint64(i))), n: 6}
		wg.Go(func() {
			for {
				_, err := x.collect(request(3))
				if err == nil {
					return
				}
				if !errors.Is(err, chain.ErrContended) && !errors.Is(err, chain.ErrMoved) && !errors.Is(err, storage.ErrUnavailable) {
					t.Errorf("got %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.checkSealed(request(3))
}

func TestFullSpool(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.source.fault = func(source.Request, int) (*source.Stream, error) {
		return nil, fmt.Errorf("write spool file: %w", syscall.ENOSPC)
	}
	if _, err := b.collect(request(1)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want ENOSPC", err)
	}
	b.source.fault = nil
	_, err := b.collect(request(1))
	b.must(err)
	b.checkSealed(request(1))
}
