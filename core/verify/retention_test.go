package verify_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

// TestExpired: an object may be absent once its entry is expired, and not
// before; as long as it is there it has to be what was sealed.
func TestExpired(t *testing.T) {
	t.Parallel()
	build := func() (*verifytest.Archive, []string) {
		a := verifytest.New(key1)
		c := a.Chain(1, key1)
		keys := []string{c.Log(0, 3), c.Log(1, 4), c.Log(2, 5)}
		c.Expire(1, 2)
		return a, keys
	}
	for name, tc := range map[string]struct {
		change  func(a *verifytest.Archive, keys []string)
		want    []string
		notice  string
		objects int64
	}{
		"still there": {func(*verifytest.Archive, []string) {}, []string{}, "2 expired objects are still in the store", 3},
		"one removed": {func(a *verifytest.Archive, k []string) { delete(a.Files, k[0]) }, []string{}, "1 expired objects", 2},
		"removed":     {func(a *verifytest.Archive, k []string) { delete(a.Files, k[0]); delete(a.Files, k[1]) }, []string{}, "", 1},
		"still there, changed": {func(a *verifytest.Archive, k []string) { a.Files[k[1]] = append(a.Files[k[1]], 'x') },
			[]string{"frames-invalid 2 " + window(1), "object-changed 2 " + window(1)}, "2 expired objects", 3},
		"not expired, removed": {func(a *verifytest.Archive, k []string) { delete(a.Files, k[2]) },
			[]string{"object-missing 3 " + window(2)}, "2 expired objects", 2},
		"another generation": {func(a *verifytest.Archive, _ []string) {
			a.Files[evidence.ObjectKey(chain1, verifytest.Window(0), 2)] = nil
		}, []string{"unexplained -1 " + strings.Replace(window(0), ".ndjson", "-g2.ndjson", 1)}, "2 expired objects", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, keys := build()
			tc.change(a, keys)
			r := run(t, a, verify.Options{})
			if d := cmp.Diff(tc.want, short(r)); d != "" {
				t.Error(d)
			}
			if all := strings.Join(r.Notices, "\n"); !strings.Contains(all, tc.notice) || tc.notice == "" && strings.Contains(all, "expired") {
				t.Errorf("notices are %q", all)
			}
			if r.Objects != tc.objects || r.Objects > r.ObjectsDue || r.Chains[0].Expired != 2 || r.Bytes > r.BytesDue+1 {
				t.Errorf("%d of %d objects, %d of %d bytes, %d expired", r.Objects, r.ObjectsDue, r.Bytes, r.BytesDue, r.Chains[0].Expired)
			}
		})
	}
}

// TestHolds: an expiry of what a hold before it covers is a finding, and only that.
func TestHolds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		seal func(c *verifytest.Chain)
		want []string
	}{
		"held": {func(c *verifytest.Chain) { c.Hold("a", 1, true); c.Expire(1, 2) }, []string{"hold-broken 2 "}},
		"held twice": {func(c *verifytest.Chain) {
			c.Hold("a", 1, true)
			c.Hold("b", 1, true)
			c.Hold("a", 1, false)
			c.Expire(2)
		}, []string{"hold-broken 2 "}},
		"lifted":            {func(c *verifytest.Chain) { c.Hold("a", 1, true); c.Hold("a", 1, false); c.Expire(1, 2) }, []string{}},
		"held afterwards":   {func(c *verifytest.Chain) { c.Expire(1, 2); c.Hold("a", 1, true) }, []string{}},
		"beside it":         {func(c *verifytest.Chain) { c.Hold("a", 1, true); c.Expire(1, 3) }, []string{}},
		"an empty window's": {func(c *verifytest.Chain) { c.Hold("a", 3, true); c.Expire(4) }, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := verifytest.New(key1)
			c := a.Chain(1, key1)
			for i := range 3 {
				c.Log(i, 3)
			}
			c.Log(3, 0)
			tc.seal(c)
			k := verify.Known{Dir: t.TempDir()}
			r := run(t, a, verify.Options{Known: k})
			if d := cmp.Diff(tc.want, short(r)); d != "" {
				t.Error(d)
			}
			// The chain itself is whole: it is remembered, and can be read.
			if r := run(t, a, verify.Options{Known: k, Level: verify.LevelChain}); r.Chains[0].Remembered != int64(len(c.Entries)) {
				t.Errorf("remembered %d", r.Chains[0].Remembered)
			}
			if _, err := verify.ReadChain(t.Context(), a, chain1, verify.Options{Key: &pinned}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSample reads what is asked for, and lists all.
func TestSample(t *testing.T) {
	t.Parallel()
	a := sample()
	o := objects(a)
	flip(a.Files[o[0]], 30)
	flip(a.Files[o[1]], 30)
	delete(a.Files, o[3])
	delete(a.Files, o[4])
	a.Files["logs/readme"] = nil
	a.Opened = func(key string) error {
		if key == o[0] || key == o[4] {
			t.Errorf("%s was read", key)
		}
		return nil
	}
	r := run(t, a, verify.Options{Sample: func(key string) bool { return key == o[1] || key == o[2] || key == o[3] }})
	want := []string{"frames-invalid 2 " + window(1), "object-changed 2 " + window(1), "object-missing 4 " + window(3), "unexplained -1 logs/readme"}
	if d := cmp.Diff(want, short(r)); d != "" {
		t.Error(d)
	}
	if r.Objects != 2 || r.ObjectsDue != 3 {
		t.Errorf("%d of %d objects", r.Objects, r.ObjectsDue)
	}
	intact(t, run(t, sample(), verify.Options{Sample: func(string) bool { return false }}))
}

func TestListChains(t *testing.T) {
	t.Parallel()
	a := sample()
	chains, err := verify.ListChains(t.Context(), a)
	if d := cmp.Diff([]evidence.ChainID{chain1, {Zone: strings.Replace(chain1.Zone, "01", "02", 1), Dataset: chain1.Dataset}}, chains); d != "" || err != nil {
		t.Error(d, err)
	}
}

// TestWalked: each entry is told as it is read, also of a chain that is damaged.
func TestWalked(t *testing.T) {
	t.Parallel()
	a := sample()
	var seqs []int64
	bad := int64(0)
	opts := verify.Options{Key: &pinned, Level: verify.LevelChain, Chains: []evidence.ChainID{chain1}, Walked: func(w verify.Walked) {
		seqs = append(seqs, w.Seq)
		if (w.Entry == nil) != (w.Err != nil) || w.Chain != chain1 {
			t.Errorf("told of %+v", w)
		}
		if w.Err != nil {
			bad++
		}
	}}
	want := []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	intact(t, run(t, a, opts))
	if d := cmp.Diff(want, seqs); d != "" || bad > 0 {
		t.Errorf("%s, %d bad", d, bad)
	}
	bundle := a.Files[chain1.BundleKey(0, 12)]
	copy(bundle[bytes.Index(bundle, []byte(`"lines":21`)):], `"lines":x1`)
	seqs = nil
	if r := run(t, a, opts); r.Intact || bad != 1 {
		t.Errorf("%d bad entries are told", bad)
	}
	if d := cmp.Diff(want, seqs); d != "" {
		t.Errorf("damaged: %s", d)
	}
	raw, err := verify.ReadEntry(t.Context(), a, chain1, 12, 3)
	if e, decodeErr := evidence.Decode(raw); err != nil || decodeErr != nil || e.Seq != 3 {
		t.Errorf("entry 3: %v, %v", err, decodeErr)
	}
	if _, err := verify.ReadEntry(t.Context(), a, chain1, 12, 12); err == nil {
		t.Error("there is an entry 12 of 12")
	}
}
