package selfcheck_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/selfcheck"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// notes are a Memory's notes, in memory.
type notes map[string][]byte

func (n notes) PutNote(_ context.Context, key string, value []byte) error {
	n[key] = bytes.Clone(value)
	return nil
}

func (n notes) Note(_ context.Context, key string) ([]byte, error) {
	b, ok := n[key]
	if !ok {
		return nil, catalog.ErrNotFound
	}
	return b, nil
}

var key = verifytest.NewKey(1)

// bundle is a Checker over an archive of 120 objects, at the begin of a cycle.
type bundle struct {
	t        *testing.T
	a        *verifytest.Archive
	keys     []string
	notes    notes
	now      time.Time
	reads    map[string]int
	log      bytes.Buffer
	recorded []selfcheck.Result
	*selfcheck.Checker
}

// cycle begins a cycle of 28 days.
var cycle = time.Unix(736*28*24*3600, 0).UTC()

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, a: verifytest.New(key), notes: notes{}, now: cycle.Add(5 * time.Hour), reads: map[string]int{}}
	c := b.a.Chain(1, key)
	for i := range 120 {
		b.keys = append(b.keys, c.Log(i, 1))
	}
	b.a.Opened = func(k string) error {
		if strings.HasPrefix(k, "logs/") {
			b.reads[k]++
		}
		return nil
	}
	pub := key.Public(verifytest.UUID)
	var err error
	b.Checker, err = selfcheck.New(selfcheck.Config{
		Store: b.a, Notes: b.notes, Archive: verifytest.UUID, Key: &pub, Known: verify.Known{Dir: t.TempDir()}, Workers: 1,
		Now: func() time.Time { return b.now }, Record: func(r selfcheck.Result) { b.recorded = append(b.recorded, r) },
		Log: slog.New(slog.NewTextHandler(&b.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bundle) run() selfcheck.Result {
	b.t.Helper()
	r, err := b.Run(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bundle) days(n int) { b.now = b.now.Add(time.Duration(n) * 24 * time.Hour) }

// reading demands that every object was read exactly so many times.
func (b *bundle) reading(times int) {
	b.t.Helper()
	for _, k := range b.keys {
		if b.reads[k] != times {
			b.t.Errorf("%s was read %d times, want %d", k, b.reads[k], times)
		}
	}
}

// TestShares: over each cycle every object once, in shares that are about even.
func TestShares(t *testing.T) {
	t.Parallel()
	const n = 28_000
	for c := range int64(3) {
		var shares [selfcheck.Days]int
		moved := 0
		for i := range n {
			w := verifytest.Window(i)
			k := fmt.Sprintf("logs/%s", w)
			bucket := selfcheck.Bucket(verifytest.UUID, 736+c, k)
			shares[bucket]++ // the one bucket of this key in this cycle
			if bucket != selfcheck.Bucket(verifytest.UUID, 737+c, k) {
				moved++
			}
		}
		// Chi-square with 27 degrees of freedom exceeds 55.5 once in a thousand.
		chi := 0.0
		for _, s := range shares {
			chi += float64((s-n/selfcheck.Days)*(s-n/selfcheck.Days)) / (n / selfcheck.Days)
		}
		if chi > 55.5 || moved < n*26/28 || moved > n*28/28-n/56 {
			t.Errorf("cycle %d: chi-square %.1f, %d of %d dealt anew: %v", c, chi, moved, n, shares)
		}
	}
	if selfcheck.Bucket("a", 1, "k") == selfcheck.Bucket("b", 1, "k") && selfcheck.Bucket("a", 1, "l") == selfcheck.Bucket("b", 1, "l") {
		t.Error("another archive has the same shares")
	}
}

func TestCycle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	objects := int64(0)
	for d := range selfcheck.Days {
		r := b.run()
		if d := cmp.Diff([]int{d}, r.Buckets); d != "" || r.Found != 0 || r.Missed != 0 || r.Chains != 1 || !r.At.Equal(b.now) {
			t.Errorf("%s %+v", d, r)
		}
		objects += r.Objects
		if again := b.run(); !cmp.Equal(again, r) {
			t.Errorf("again on the same day: %+v", again)
		}
		b.days(1)
	}
	b.reading(1)
	if objects != 120 || len(b.recorded) != selfcheck.Days {
		t.Errorf("%d objects in %d results", objects, len(b.recorded))
	}
	for range selfcheck.Days {
		b.run()
		b.days(1)
	}
	b.reading(2)
	s, err := b.Status(t.Context())
	if want := b.now.Add(-24 * time.Hour); err != nil || !s.Clean.Equal(want) || !s.Last.At.Equal(want) {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestMissed: who was down makes up for it, some buckets a day, over the
// cycle's end too.
func TestMissed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.days(9) // installed on the tenth day
	r := b.run()
	if d := cmp.Diff([]int{9, 0, 1, 2}, r.Buckets); d != "" || r.Missed != 6 {
		t.Error(d, r.Missed)
	}
	b.days(13)
	for range 5 { // days 22 to 26: buckets 10 to 21 and 3 to 8 are open
		r = b.run()
		b.days(1)
	}
	if d := cmp.Diff([]int{26, 16, 17, 18}, r.Buckets); d != "" || r.Missed != 3 {
		t.Error(d, r.Missed)
	}
	b.days(2) // bucket 27's day is missed, and a new cycle has begun
	r = b.run()
	if d := cmp.Diff([]int{1, 19, 20, 21}, r.Buckets); d != "" || r.Missed != 2 {
		t.Error(d, r.Missed)
	}
	b.days(1)
	r = b.run()
	if d := cmp.Diff([]int{2, 27, 0}, r.Buckets); d != "" || r.Missed != 0 {
		t.Error(d, r.Missed)
	}
	first := 0
	for _, k := range b.keys {
		n := b.reads[k]
		if bucket := selfcheck.Bucket(verifytest.UUID, 737, k); bucket > 2 && n != 1 || n < 1 {
			t.Errorf("%s (bucket %d now) was read %d times", k, bucket, n)
		}
		first += n
	}
	b.days(70) // away for more than a cycle: nothing is to be made up of the one before
	if r = b.run(); r.Buckets[0] != 16 || r.Missed != 13 || first < 120 {
		t.Errorf("%+v, %d reads", r, first)
	}
}

// TestDamage: a damaged object is told as an error and read every day until it
// is whole; a rolled-back chain is an alarm on any day.
func TestDamage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i := slices.IndexFunc(b.keys, func(k string) bool { return selfcheck.Bucket(verifytest.UUID, 736, k) == 1 })
	whole := b.a.Files[b.keys[i]]
	b.a.Files[b.keys[i]] = append(bytes.Clone(whole), 'x')
	if r := b.run(); r.Found != 0 {
		t.Errorf("found before its day: %+v", r.List)
	}
	for range 3 {
		b.days(1)
		r := b.run()
		if r.Found != 2 || r.List[0].Key != b.keys[i] || r.List[0].Seq != int64(i+1) {
			t.Errorf("day %v: %+v", r.Buckets, r.List)
		}
	}
	if text := b.log.String(); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, b.keys[i]) || !strings.Contains(text, fmt.Sprintf("seq=%d", i+1)) {
		t.Errorf("logged %s", text)
	}
	s, err := b.Status(t.Context())
	if err != nil || s.Last.Found != 2 || !s.Clean.Equal(cycle.Add(5*time.Hour)) {
		t.Errorf("%+v, %v", s, err)
	}
	b.a.Files[b.keys[i]] = whole
	b.days(1)
	if r := b.run(); r.Found != 0 {
		t.Errorf("mended: %+v", r.List)
	}
	b.days(1)
	n := b.reads[b.keys[i]]
	if b.run(); b.reads[b.keys[i]] != n {
		t.Error("read again though it is whole")
	}
	var c *verifytest.Chain
	for _, c = range b.a.Chains { // the only one
	}
	b.a.Files[c.ID.CheckpointKey()] = b.a.Files[c.ID.CheckpointAt(50)]
	b.days(1)
	if r := b.run(); r.Found == 0 || !slices.ContainsFunc(r.List, func(f verify.Finding) bool { return f.Code == verify.CodeRollback }) {
		t.Errorf("rolled back: %+v", r.List)
	}
}

// TestUnavailable: a store that cannot be read leaves the day's bucket open.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	opened := b.a.Opened
	b.a.Opened = func(k string) error {
		if strings.HasPrefix(k, "logs/") {
			return storage.ErrUnavailable
		}
		return nil
	}
	if err := b.Check(t.Context()); !errors.Is(err, storage.ErrUnavailable) || len(b.recorded) != 0 {
		t.Errorf("%v, %d recorded", err, len(b.recorded))
	}
	b.a.Opened = opened
	if r := b.run(); !slices.Equal(r.Buckets, []int{0}) || r.Objects == 0 {
		t.Errorf("%+v", r)
	}
	b.notes["selfcheck/state"] = []byte("{") // a memory that is lost costs a cycle
	if r := b.run(); !slices.Equal(r.Buckets, []int{0}) || r.Found != 0 {
		t.Errorf("%+v", r)
	}
}
