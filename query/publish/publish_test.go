package publish_test

import (
	"bytes"
	gocmp "cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/publish"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	window = 5 * time.Minute
	base   = "columns/http_requests/"
)

var start = time.Date(2026, 1, 1, 23, 50, 0, 0, time.UTC)

func at(n int) time.Time { return start.Add(time.Duration(n) * window) }

// record is one of n nanoseconds behind a microsecond.
func record(t time.Time, n int) string {
	return fmt.Sprintf(`{"EdgeStartTimestamp":%d,"RayID":"ray%d","ClientIP":"192.0.2.%d","EdgeResponseStatus":%d,"BotTags":["a"],"Cookies":{"k":%d}}`+"\n",
		t.Add(time.Duration(n)).UnixNano(), n, n%250, 200+n%5, n)
}

func lines(t time.Time, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(record(t.Add(-time.Duration(i)*time.Second), i+1))
	}
	return b.String()
}

type bundle struct {
	t *testing.T
	*datasettest.Archive
	cfg publish.Config
}

func setup(t *testing.T) *bundle {
	t.Helper()
	cache, err := columns.Open(columns.Config{Dir: filepath.Join(t.TempDir(), "columns")})
	if err != nil {
		t.Fatal(err)
	}
	a := datasettest.New(t, datasettest.Zone)
	id := int64(0)
	return &bundle{t, a, publish.Config{
		Store: a.Store, Location: "file:///archive", Archive: "a-1", Dataset: "http_requests", Cache: cache, TempDir: t.TempDir(),
		NewID: func() int64 { id++; return id },
	}}
}

func (b *bundle) try(change ...func(*publish.Config)) (publish.Summary, error) {
	b.t.Helper()
	cfg := b.cfg
	cfg.Chains = []dataset.Chain{b.Chain()}
	for _, f := range change {
		f(&cfg)
	}
	return publish.Run(context.Background(), cfg)
}

func (b *bundle) run(change ...func(*publish.Config)) publish.Summary {
	b.t.Helper()
	s, err := b.try(change...)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bundle) want(s publish.Summary, added, removed, files int) {
	b.t.Helper()
	if s.Added != added || s.Removed != removed || s.Files != files || len(s.Problems) > 0 {
		b.t.Errorf("added %d, removed %d, of %d files, problems %v; want %d, %d, %d", s.Added, s.Removed, s.Files, s.Problems, added, removed, files)
	}
	if n := len(b.Store.Keys(base + "data/")); n != files {
		b.t.Errorf("%d files in the store, want %d", n, files)
	}
}

func (b *bundle) metadata(version int64) map[string]any {
	b.t.Helper()
	var m map[string]any
	if err := json.Unmarshal(b.Store.Objects[fmt.Sprintf("%smetadata/v%d.metadata.json", base, version)], &m); err != nil {
		b.t.Fatal(err)
	}
	return m
}

func (b *bundle) snapshots(version int64) int {
	b.t.Helper()
	return len(b.metadata(version)["snapshots"].([]any))
}

func TestRunIsIncremental(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Window(at(0), window, lines(at(0), 10))
	b.Window(at(1), window, "")
	b.Window(at(2), window, lines(at(2), 7)+"no record\n") // the next day
	if s := b.run(func(c *publish.Config) { c.DryRun = true }); s.Added != 2 || s.AddedRows != 18 || len(b.Store.Keys("columns/")) != 0 {
		t.Errorf("dry run: %+v, %v", s, b.Store.Keys("columns/"))
	}
	first := b.run()
	b.want(first, 2, 0, 2)
	if first.Rows != 18 || first.Version != 1 {
		t.Errorf("summary %+v", first)
	}
	for _, key := range b.Store.Keys(base + "data/") {
		if !strings.HasPrefix(key, base+"data/zone="+datasettest.Zone+"/date=2026-01-0") || !strings.Contains(key, "/hour=") {
			t.Errorf("key %s", key)
		}
	}
	before := b.Store.Keys("columns/")
	b.want(b.run(), 0, 0, 2)
	if diff := cmp.Diff(before, b.Store.Keys("columns/")); diff != "" {
		t.Errorf("a second run changed the store:\n%s", diff)
	}
	b.Window(at(3), window, lines(at(3), 1))
	later := b.run()
	b.want(later, 1, 0, 3)
	if later.Version != 2 || later.Rows != 19 || b.snapshots(2) != 2 || string(b.Store.Objects[base+"metadata/version-hint.text"]) != "2" {
		t.Errorf("summary %+v, %d snapshots", later, b.snapshots(2))
	}
}

func TestRunIsBoundedByRange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 6 {
		b.Window(at(i), window, lines(at(i), 1))
	}
	b.want(b.run(func(c *publish.Config) { c.Range = dataset.Range{From: at(1), To: at(3)} }), 2, 0, 2)
	s := b.run(func(c *publish.Config) { c.Portion = 1 })
	b.want(s, 4, 0, 6)
	if s.Version != 5 || b.snapshots(5) != 5 {
		t.Errorf("version %d with %d snapshots: four portions were to follow the first", s.Version, b.snapshots(5))
	}
}

func TestExpiryIsFollowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 4 {
		b.Window(at(i), window, lines(at(i), 3)) // seqs 1 to 4
	}
	b.run(func(c *publish.Config) { c.Portion = 2 })
	held := evidence.Window{Start: at(0), End: at(1)}
	b.Append(&evidence.Entry{Kind: evidence.KindHold, Window: &held, Hold: &evidence.Hold{ID: "case-1", Placed: true, Reason: "x"}})
	b.Append(&evidence.Entry{Kind: evidence.KindExpiry, Expiry: &evidence.Expiry{Seqs: []int64{1, 4}, Policy: "1d", Reason: "x"}})
	s := b.run()
	b.want(s, 0, 1, 3)
	if s.Rows != 9 || b.snapshots(s.Version) != 1 {
		t.Errorf("%d rows, %d snapshots: earlier ones name what is gone", s.Rows, b.snapshots(s.Version))
	}
	b.Append(&evidence.Entry{Kind: evidence.KindHold, Window: &held, Hold: &evidence.Hold{ID: "case-1", Reason: "x"}})
	b.want(b.run(), 0, 1, 2)
	b.want(b.run(), 0, 0, 2)
	// Whoever has read less of the chain would bring back what has expired.
	short := b.Chain()
	short.Entries = short.Entries[:5]
	if _, err := b.try(func(c *publish.Config) { c.Chains = []dataset.Chain{short} }); !errors.Is(err, publish.ErrBehind) {
		t.Errorf("a shorter chain: %v", err)
	}
	b.want(b.run(), 0, 0, 2)
}

// fault is a store that fails once, or lets another run in, before a Put.
type fault struct {
	storage.Storage
	mu     sync.Mutex
	before func(key string) error
}

func (f *fault) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	f.mu.Lock()
	err := f.before(req.Key)
	f.mu.Unlock()
	if err != nil {
		return storage.Info{}, err
	}
	return f.Storage.Put(ctx, req, body)
}

var errDied = errors.New("died")

func dyingAt(part string, count int) func(string) error {
	return func(key string) error {
		if strings.Contains(key, part) {
			if count--; count < 0 {
				return errDied
			}
		}
		return nil
	}
}

// A run that dies anywhere leaves no table that names what is not there, and
// the next run goes on.
func TestRunSurvivesDeath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		part  string
		count int
		dead  bool // the run says so
	}{{"/data/", 0, true}, {"/data/", 1, true}, {".m.avro", 0, true}, {"/snap-", 0, true}, {".metadata.json", 0, true}, {"version-hint", 0, false}} {
		b := setup(t)
		for i := range 3 {
			b.Window(at(i), window, lines(at(i), 3))
		}
		s, err := b.try(func(cfg *publish.Config) {
			cfg.Store = &fault{Storage: b.Store, before: dyingAt(c.part, c.count)}
			cfg.Jobs = 1
		})
		if !errors.Is(err, errDied) {
			t.Errorf("%s: %+v, %v", c.part, s, err)
		}
		s = b.run()
		want := 3
		if !c.dead {
			want = 0 // it had committed
		}
		b.want(s, want, 0, 3)
		if string(b.Store.Objects[base+"metadata/version-hint.text"]) != "1" {
			t.Errorf("%s: hint %q", c.part, b.Store.Objects[base+"metadata/version-hint.text"])
		}
		if left, _ := filepath.Glob(filepath.Join(b.cfg.TempDir, "*")); len(left) > 0 {
			t.Errorf("%s: left %v", c.part, left)
		}
	}
}

func TestTwoRunsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 3 {
		b.Window(at(i), window, strings.Replace(lines(at(i), 3), `"RayID"`, fmt.Sprintf(`"new%d":1,"RayID"`, i), 1))
	}
	other := sync.OnceFunc(func() {
		// It has another part, and so other new columns with the same ids.
		b.run(func(c *publish.Config) { c.Range.From = at(2); c.NewID = nil })
	})
	s := b.run(func(c *publish.Config) {
		c.Store = &fault{Storage: b.Store, before: func(key string) error {
			if strings.HasSuffix(key, ".metadata.json") {
				other()
			}
			return nil
		}}
	})
	if s.Version != 2 || s.Files != 3 || s.Added != 2 || s.Rows != 9 {
		t.Errorf("summary %+v", s)
	}
	ids := map[float64]bool{}
	schemas := b.metadata(2)["schemas"].([]any)
	for _, f := range schemas[len(schemas)-1].(map[string]any)["fields"].([]any) {
		id := f.(map[string]any)["id"].(float64)
		if ids[id] {
			t.Errorf("id %v twice", id)
		}
		ids[id] = true
	}
	// What the loser had put with ids that are another column's now is of no table, and goes once it is old.
	n := len(b.Store.Keys(base + "data/"))
	s = b.run(func(c *publish.Config) { c.Now = func() time.Time { return time.Now().Add(48 * time.Hour) } })
	if s.Added != 0 || s.Swept == 0 || len(b.Store.Keys(base+"data/")) != 3 {
		t.Errorf("of %d files: %+v", n, s)
	}
}

func TestFilesAreWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 3 {
		b.Window(at(i), window, lines(at(i), 3))
	}
	b.run()
	keys := b.Store.Keys(base + "data/")
	whole := bytes.Clone(b.Store.Objects[keys[0]])
	b.Store.Objects[keys[0]] = whole[:100]
	delete(b.Store.Objects, keys[1])
	s := b.run()
	b.want(s, 2, 0, 3)
	if !bytes.Equal(b.Store.Objects[keys[0]], whole) || s.Rows != 9 {
		t.Errorf("%+v", s)
	}
}

func TestDamagedObjectIsNotPublished(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad := b.Window(at(0), window, lines(at(0), 3))
	b.Window(at(1), window, lines(at(1), 3))
	b.Store.Objects[bad.Object.Key][9] ^= 1
	s := b.run()
	if s.Added != 1 || s.Damaged != 1 || len(s.Problems) != 1 || s.Problems[0].Key != bad.Object.Key {
		t.Errorf("%+v", s)
	}
}

func TestForeignTable(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(b *bundle){
		"another archive's": func(b *bundle) { b.cfg.Archive = "a-2" },
		"no JSON":           func(b *bundle) { b.Store.Objects[base+"metadata/v1.metadata.json"] = []byte("{") },
		"no Avro": func(b *bundle) {
			for _, key := range b.Store.Keys(base + "metadata/snap-") {
				b.Store.Objects[key] = []byte("Obj\x01")
			}
		},
		"manifest cut": func(b *bundle) {
			for _, key := range b.Store.Keys(base + "metadata/2026") {
				b.Store.Objects[key] = b.Store.Objects[key][:len(b.Store.Objects[key])/2]
			}
		},
	} {
		b := setup(t)
		b.Window(at(0), window, lines(at(0), 3))
		b.run()
		harm(b)
		if _, err := b.try(); !errors.Is(err, publish.ErrForeign) {
			t.Errorf("%s: %v", name, err)
		}
		s := b.run(func(c *publish.Config) { c.Anew = true })
		b.want(s, 1, 0, 1)
		if s.Version != 2 || s.Rows != 3 {
			t.Errorf("%s: anew: %+v", name, s)
		}
		b.want(b.run(), 0, 0, 1)
	}
}

// An archive that was moved names its files where they are now.
func TestTableMoves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Window(at(0), window, lines(at(0), 3))
	b.Window(at(5), window, lines(at(5), 3))
	b.run()
	b.cfg.Location = "s3://bucket/prefix"
	b.want(b.run(), 0, 0, 2)
	b.want(b.run(), 0, 0, 2)
	if m := b.metadata(2); m["location"] != "s3://bucket/prefix/columns/http_requests" || b.snapshots(2) != 1 {
		t.Errorf("location %v", m["location"])
	}
}

// TestDump writes a table into a folder, for readers that are not of this module.
func TestDump(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("RAINLOGS_DUMP_TABLE")
	if dir == "" {
		t.Skip("RAINLOGS_DUMP_TABLE names no folder")
	}
	b := setup(t)
	b.cfg.Location = gocmp.Or(os.Getenv("RAINLOGS_DUMP_LOCATION"), "file://"+dir)
	for i := range 30 {
		b.Window(at(i), window, strings.Replace(lines(at(i), 50), `"RayID"`, fmt.Sprintf(`"new%d":{"x":1},"RayID"`, i%3), 1)+"oops\n")
	}
	b.run(func(c *publish.Config) { c.Portion = 11 })
	b.Append(&evidence.Entry{Kind: evidence.KindExpiry, Expiry: &evidence.Expiry{Seqs: []int64{3, 4}, Policy: "1d", Reason: "x"}})
	t.Logf("%+v", b.run())
	for key, content := range b.Store.Objects {
		path := filepath.Join(dir, key)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}
