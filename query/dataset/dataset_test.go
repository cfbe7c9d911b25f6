package dataset_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

const window = 5 * time.Minute

func at(offset time.Duration) time.Time { return start.Add(offset) }

func record(t time.Time, name string) string {
	return fmt.Sprintf(`{"EdgeStartTimestamp":%d,"name":%q}`+"\n", t.UnixNano(), name)
}

func TestSelect(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	a.Window(at(0), window, record(at(-time.Hour), "late"))                                   // 1
	a.Window(at(window), window, record(at(time.Minute), "x")+record(at(2*time.Minute), "y")) // 2
	a.Window(at(2*window), window, "no record\n")                                             // 3: untimed only
	a.Window(at(3*window), window, "")                                                        // 4: empty
	a.Window(at(4*window), window, record(at(20*time.Minute), "z")+"{}\n")                    // 5: partly untimed
	a.Window(at(-window), window, record(at(-time.Minute), "first"))                          // 6: sealed later
	a.Window(at(5*window), window, record(at(25*time.Minute), "gone"))                        // 7
	a.Append(&evidence.Entry{Kind: evidence.KindExpiry, Expiry: &evidence.Expiry{Seqs: []int64{7}, Policy: "1d"}})
	for _, c := range []struct {
		name     string
		from, to time.Time
		want     []int64
	}{
		{"open", time.Time{}, time.Time{}, []int64{6, 1, 2, 3, 5}},
		{"event time, not window", at(-time.Hour), at(-time.Hour + 1), []int64{1}},
		{"first event is included", at(time.Minute), at(time.Minute + 1), []int64{2}},
		{"to is excluded", at(0), at(time.Minute), nil},
		{"last event is included", at(2 * time.Minute), at(3 * time.Minute), []int64{2}},
		{"behind the last event", at(2*time.Minute + 1), at(3 * time.Minute), nil},
		{"untimed by window", at(2 * window), at(2*window + 1), []int64{3}},
		{"untimed by window, half-open", at(3 * window), at(3*window + time.Minute), nil},
		{"partly untimed by window", at(24 * time.Minute), at(25 * time.Minute), []int64{5}},
		{"expired", at(25 * time.Minute), at(26 * time.Minute), nil},
		{"from only", at(20 * time.Minute), time.Time{}, []int64{5}},
		{"to only", time.Time{}, at(-time.Minute), []int64{1}},
	} {
		var got []int64
		for _, e := range dataset.Select(a.Entries, dataset.Range{From: c.from, To: c.to}) {
			got = append(got, e.Seq)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	a.Window(at(0), window, record(at(0), "a"))
	a.Window(at(window), window, "")
	a.Append(&evidence.Entry{Kind: evidence.KindGap, Window: &evidence.Window{Start: at(2 * window), End: at(3 * window)},
		Gap: &evidence.Gap{Reason: evidence.GapTooOld}})
	// 15 to 20 minutes is missing; then a gap that was collected after all.
	a.Append(&evidence.Entry{Kind: evidence.KindGap, Window: &evidence.Window{Start: at(4 * window), End: at(5 * window)},
		Gap: &evidence.Gap{Reason: evidence.GapOperator}})
	a.Window(at(4*window), window, "")
	partial := a.Window(at(5*window), window, "{}\n")
	partial.Source.Complete = false

	states := func(from, to time.Duration) (bool, []string) {
		d := a.Open(dataset.Options{Range: dataset.Range{From: at(from), To: at(to)}})
		c := d.Provenance(dataset.Use{}).Coverage
		var out []string
		for _, s := range c.Incomplete {
			out = append(out, fmt.Sprintf("%s %s %s", s.Start.Format("15:04"), s.End.Format("15:04"), s.State))
		}
		return c.Complete, out
	}
	for _, c := range []struct {
		from, to time.Duration
		want     []string
	}{
		// The tail of 15 minutes reaches into what follows.
		{-20 * time.Minute, -15 * time.Minute, []string{"11:40 12:00 missing"}},
		{0, time.Minute, []string{"12:10 12:15 gap", "12:15 12:16 missing"}},
		{20 * time.Minute, 21 * time.Minute, []string{"12:25 12:30 partial", "12:30 12:36 missing"}},
		{15 * time.Minute, 15*time.Minute + 1, []string{"12:15 12:20 missing", "12:25 12:30 partial", "12:30 12:30 missing"}},
	} {
		complete, got := states(c.from, c.to)
		if diff := cmp.Diff(c.want, got); diff != "" || complete {
			t.Errorf("%s to %s: complete %v, %s", c.from, c.to, complete, diff)
		}
	}
	whole := datasettest.New(t, datasettest.Zone)
	for i := range 6 {
		whole.Window(at(time.Duration(i)*window), window, "")
	}
	if c := whole.Open(dataset.Options{Range: dataset.Range{From: at(0), To: at(window)}}).Provenance(dataset.Use{}).Coverage; !c.Complete || c.Windows != 4 {
		t.Errorf("coverage %+v, want complete with 4 windows", c)
	}
	if c := datasettest.New(t, datasettest.Zone).Open(dataset.Options{}).Provenance(dataset.Use{}).Coverage; c.Complete {
		t.Error("nothing is sealed, and the coverage is called complete")
	}
}

func TestDamage(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(s *datasettest.Store, key, other string){
		"one bit":          func(s *datasettest.Store, key, _ string) { s.Objects[key][3] ^= 4 },
		"deleted":          func(s *datasettest.Store, key, _ string) { delete(s.Objects, key) },
		"bytes appended":   func(s *datasettest.Store, key, _ string) { s.Objects[key] = append(s.Objects[key], 0) },
		"cut":              func(s *datasettest.Store, key, _ string) { s.Objects[key] = s.Objects[key][:9] },
		"another's object": func(s *datasettest.Store, key, other string) { s.Objects[key] = s.Objects[other] },
		"huge":             func(s *datasettest.Store, key, _ string) { s.Objects[key] = make([]byte, 32<<20) },
	} {
		for _, local := range []bool{false, true} {
			a := datasettest.New(t, datasettest.Zone)
			bad := a.Window(at(0), window, record(at(0), "a"))
			good := a.Window(at(window), window, record(at(window), "b")+record(at(window), "c"))
			harm(a.Store, bad.Object.Key, good.Object.Key)
			var store dataset.Objects = a.Store
			if local {
				store = a.NewLocal()
			}
			chains := []dataset.Chain{a.Chain()}
			opts := dataset.Options{TempDir: t.TempDir()}
			d, err := dataset.Open(context.Background(), store, chains, opts)
			if err != nil {
				t.Fatal(err)
			}
			err = errors.Join(d.Check(context.Background(), d.Objects()), d.Close())
			var damage *dataset.DamageError
			if !errors.As(err, &damage) || damage.Seq != bad.Seq || damage.Key != bad.Object.Key ||
				!strings.Contains(err.Error(), bad.Object.Key) || !strings.Contains(err.Error(), "entry 1") {
				t.Errorf("%s, local %v: error %v", name, local, err)
			}
			if left, _ := filepath.Glob(filepath.Join(opts.TempDir, "*")); len(left) != 0 {
				t.Errorf("%s: left behind %v", name, left)
			}
			opts.SkipDamaged = true
			d, err = dataset.Open(context.Background(), store, chains, opts)
			if err == nil {
				err = d.Check(context.Background(), d.Objects())
			}
			if err != nil {
				t.Fatalf("%s, local %v: %v", name, local, err)
			}
			if s := d.Spans()[0].State; s != dataset.Damaged {
				t.Errorf("%s: the window is %s", name, s)
			}
			p := d.Provenance(dataset.Use{Read: d.Objects()})
			if p.Objects.Selected != 2 || p.Objects.Verified != 1 || len(p.Objects.Damaged) != 1 || p.Objects.Lines != 2 || p.Coverage.Complete {
				t.Errorf("%s: provenance %+v", name, p)
			}
			if n := len(texts(t, d)); n != 2 {
				t.Errorf("%s: %d lines, want 2", name, n)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func texts(t *testing.T, d *dataset.Dataset) []string {
	t.Helper()
	var out []string
	for line, err := range d.Lines(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(line.Text))
	}
	return out
}

// What was checked is what is read, even if the file changes in between.
func TestChangedAfterCheck(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	e := a.Window(at(0), window, record(at(0), "sealed"))
	store := a.NewLocal()
	d, err := dataset.Open(context.Background(), store, []dataset.Chain{a.Chain()}, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Check(context.Background(), d.Objects()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(store.Dir, e.Object.Key)
	for name, b := range map[string][]byte{
		"same length": bytes.Replace(a.Store.Objects[e.Object.Key], []byte{0}, []byte{1}, 1),
		"forged":      datasettest.Compress(t, record(at(0), "forged")),
		"empty":       nil,
	} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, err = range d.Lines(context.Background()) {
			break
		}
		var damage *dataset.DamageError
		if !errors.As(err, &damage) || damage.Seq != e.Seq {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestContentIsNotAsSealed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*evidence.Content){
		"longer":     func(c *evidence.Content) { c.Bytes-- },
		"shorter":    func(c *evidence.Content) { c.Bytes++ },
		"more lines": func(c *evidence.Content) { c.Lines-- },
	} {
		a := datasettest.New(t, datasettest.Zone)
		e := a.Window(at(0), window, record(at(0), "a")+record(at(0), "b"))
		change(e.Content)
		d := a.Open(dataset.Options{})
		var err error
		for _, err = range d.Lines(context.Background()) {
			if err != nil {
				break
			}
		}
		var damage *dataset.DamageError
		if !errors.As(err, &damage) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestLinesAreExact(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300<<10)
	contents := []string{
		"{}\n\n \r\n\xff\xfe\n",
		`{"a":"` + long + `"}` + "\n" + `{"no":"line feed"}`,
		strings.Repeat("{\"k\":1}\n", 100_000),
		"\n",
	}
	a := datasettest.New(t, datasettest.Zone)
	var want []string
	for i, c := range contents {
		a.Window(at(time.Duration(i)*window), window, c)
		want = append(want, strings.Split(strings.TrimSuffix(c, "\n"), "\n")...)
	}
	d := a.Open(dataset.Options{})
	if got := texts(t, d); !cmp.Equal(want, got) {
		t.Errorf("%d lines differ from the %d stored", len(got), len(want))
	}
	// Numbers and offsets find the bytes again.
	object := 0
	for line, err := range d.Lines(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if line.Number == 1 {
			object++
		}
		if c := contents[object-1]; c[line.Offset:line.Offset+int64(len(line.Text))] != string(line.Text) {
			t.Fatalf("line %d of object %d is not at offset %d", line.Number, object, line.Offset)
		}
	}
	var picked []int64
	for line, err := range d.Pick(context.Background(), map[int][]int64{2: {1, 5, 100_000}, 0: {4}}) {
		if err != nil {
			t.Fatal(err)
		}
		picked = append(picked, line.Number)
	}
	if diff := cmp.Diff([]int64{4, 1, 5, 100_000}, picked); diff != "" {
		t.Error(diff)
	}
}

// Each line with a time belongs to exactly one of ranges that tile the time.
func TestRangesTile(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	total := 0
	for i := range 12 {
		var b strings.Builder
		for j := range 40 {
			switch j % 8 {
			case 6:
				b.WriteString("not json\n")
			case 7: // malformed, yet the sealed measure reads a time from it
				fmt.Fprintf(&b, `{"EdgeStartTimestamp":%d,oops`+"\n", at(time.Duration(i*40-j*j)*time.Second).UnixNano())
			default:
				b.WriteString(record(at(time.Duration(i*300-j*j)*time.Second+time.Duration(j)), "r"))
			}
			total++
		}
		a.Window(at(time.Duration(i)*window), window, b.String())
	}
	timed, untimed := 0, 0
	for from := at(-2 * time.Hour); from.Before(at(3 * time.Hour)); from = from.Add(7 * time.Minute) {
		d := a.Open(dataset.Options{Range: dataset.Range{From: from, To: from.Add(7 * time.Minute)}})
		for _, text := range texts(t, d) {
			if text == "not json" {
				untimed++
			} else {
				timed++
			}
		}
	}
	// A window may meet two ranges: its lines without a time are then in both.
	if timed != total-12*5 || untimed < 12*5 || untimed > 2*12*5 {
		t.Errorf("%d timed and %d untimed lines in ranges that tile, of %d and %d stored", timed, untimed, total-12*5, 12*5)
	}
}

func TestFieldNames(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone, "Asked")
	a.Window(at(0), window, `{"Delivered":1,"ClientIP":"x"}`+"\n")
	a.Window(at(window), window, `{"Other":1}`+"\n")
	unknown := func(known func(*dataset.Object) ([]string, bool)) (got []string) {
		fields, err := a.Open(dataset.Options{}).Columns(t.Context(), nil, known)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range fields {
			if f.State == "unknown" {
				got = append(got, f.Name)
			}
		}
		return got
	}
	if diff := cmp.Diff([]string{"Asked", "Delivered"}, unknown(nil)); diff != "" {
		t.Error(diff)
	}
	a.Store.Fetched = nil
	named := func(o *dataset.Object) ([]string, bool) { return []string{"InFile"}, o.Index == 1 }
	if diff := cmp.Diff([]string{"Asked", "InFile"}, unknown(named)); diff != "" || len(a.Store.Fetched) != 0 {
		t.Errorf("fetched %v, %s", a.Store.Fetched, diff)
	}
}

// Nothing is fetched before it is used, once by however many, and a failure of the store is no verdict.
func TestObjectsAreCheckedWhenUsed(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	for i := range 4 {
		a.Window(at(time.Duration(i)*window), window, record(at(time.Duration(i)*window), "a"))
	}
	d := a.Open(dataset.Options{})
	objects := d.Objects()
	if d.Spans(); len(a.Store.Fetched) != 0 {
		t.Fatalf("opening fetched %v", a.Store.Fetched)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := objects[0].Check(cancelled); !errors.Is(err, context.Canceled) || objects[0].Damage() != nil {
		t.Errorf("cancelled: error %v, damage %v", err, objects[0].Damage())
	}
	before := len(a.Store.Fetched)
	var group errgroup.Group
	for range 8 {
		group.Go(func() error { return d.Check(t.Context(), objects[:2]) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := len(a.Store.Fetched) - before; n != 2 {
		t.Errorf("%d fetches of 2 objects by 8 readers", n)
	}
	if n := len(texts(t, d)); n != 4 || len(a.Store.Fetched)-before != 4 {
		t.Errorf("%d lines, fetched %v", n, a.Store.Fetched)
	}
	want := dataset.ObjectCount{Selected: 4, Columns: 2, Verified: 2, Lines: 3}
	for _, o := range objects[1:] {
		want.Bytes += o.Entry.Object.Bytes
	}
	use := dataset.Use{Columns: objects[1:3], Read: []*dataset.Object{objects[2], objects[3], objects[3]}}
	if diff := cmp.Diff(want, d.Provenance(use).Objects); diff != "" {
		t.Error(diff)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	e := a.Window(at(0), window, record(at(0), "a"))
	open := func(ctx context.Context, chains []dataset.Chain, opts dataset.Options) error {
		opts.TempDir = t.TempDir()
		d, err := dataset.Open(ctx, a.Store, chains, opts)
		if err == nil {
			err = errors.Join(d.Check(ctx, d.Objects()), d.Close())
		}
		return err
	}
	ctx := context.Background()
	if err := open(ctx, []dataset.Chain{a.Chain()}, dataset.Options{Range: dataset.Range{From: at(1), To: at(1)}}); err == nil {
		t.Error("an empty range is accepted")
	}
	other := a.Chain()
	other.ID.Dataset = "firewall_events"
	if err := open(ctx, []dataset.Chain{a.Chain(), other}, dataset.Options{}); err == nil {
		t.Error("chains of two datasets are accepted")
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := open(cancelled, []dataset.Chain{a.Chain()}, dataset.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	e.Object.Encryption = &evidence.Encryption{Scheme: "age/1"}
	if err := open(ctx, []dataset.Chain{a.Chain()}, dataset.Options{SkipDamaged: true}); !errors.Is(err, dataset.ErrEncrypted) {
		t.Errorf("encrypted: %v", err)
	}
}

func TestProgressAndPrivacy(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	for i := range 5 {
		a.Window(at(time.Duration(i)*window), window, record(at(0), "a"))
	}
	var calls []int
	dir := t.TempDir()
	d, err := dataset.Open(context.Background(), a.Store, []dataset.Chain{a.Chain()},
		dataset.Options{TempDir: dir, Progress: func(done, total int, _ int64) { calls = append(calls, done*10+total) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Check(context.Background(), d.Objects()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{15, 25, 35, 45, 55}, calls); diff != "" {
		t.Error(diff)
	}
	made, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(made) != 1 {
		t.Fatalf("folders %v", made)
	}
	if info, err := os.Stat(made[0]); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder %v, %v", info.Mode(), err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		t.Errorf("records outlive the dataset: %v", left)
	}
}
