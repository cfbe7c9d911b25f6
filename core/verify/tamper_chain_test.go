package verify_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

const size1 = 12 // entries of the sample's first chain

func flipAt(rest string, at int) func(*verifytest.Archive) {
	return func(a *verifytest.Archive) { flip(a.Files[chainKey(rest)], at) }
}

func putAt(rest string, b []byte) func(*verifytest.Archive) {
	return func(a *verifytest.Archive) { a.Files[chainKey(rest)] = b }
}

func chainTamperings() []tampering {
	original := sample()
	c := original.Chains[chain1]
	const pointer = "http_requests/checkpoint"
	forged := func(n int64) []byte { // the right text under a signature of another
		text, _, _ := bytes.Cut(original.Files[chainKey(fmt.Sprintf("checkpoints/%d", n))], []byte("\n\n"))
		_, signature, _ := bytes.Cut(c.Checkpoint(n, tlog.Hash{1}, key1), []byte("\n\n"))
		return slices.Concat(text, []byte("\n\n"), signature)
	}
	otherRoot := func(n int64, keys ...verifytest.Key) []byte { return c.Checkpoint(n, tlog.Hash{1}, keys...) }
	return exactly([]exact{
		{"the latest tile", flipAt("tile/0/000.p/12", 40), []string{"tile-changed 0 000.p/12"}},
		{"the latest tile deleted", func(a *verifytest.Archive) { delete(a.Files, chainKey("tile/0/000.p/12")) }, []string{"tile-changed 0 000.p/12"}},
		{"the latest tile longer", func(a *verifytest.Archive) {
			k := chainKey("tile/0/000.p/12")
			a.Files[k] = append(a.Files[k], make([]byte, 32)...)
		}, []string{"tile-changed 0 000.p/12"}},
		{"an older tile", flipAt("tile/0/000.p/7", 40), []string{"tile-changed -1 000.p/7"}},
		{"an older bundle", flipAt("tile/entries/000.p/7", 40), []string{"tile-changed -1 000.p/7"}},
		{"the latest bundle cut short", func(a *verifytest.Archive) {
			k := chainKey("tile/entries/000.p/12")
			a.Files[k] = a.Files[k][:3000]
		}, []string{"bundle-damaged 0 000.p/12"}},
		{"the latest bundle deleted", func(a *verifytest.Archive) { delete(a.Files, chainKey("tile/entries/000.p/12")) }, []string{"bundle-damaged 0 000.p/12"}},
		{"checkpoint put back", func(a *verifytest.Archive) { a.Files[chainKey("checkpoint")] = a.Files[chainKey("checkpoints/10")] },
			[]string{"rollback -1 " + pointer, "rollback 10 " + pointer}},
		{"older whole state put back", func(a *verifytest.Archive) {
			older := verifytest.New(key1)
			b := older.Chain(1, key1)
			for i := range 4 {
				b.Log(i, 20+i)
			}
			other := older.Chain(2, key1)
			other.Log(0, 10)
			other.Log(1, 10)
			a.Files = older.Files
		}, []string{"rollback 5 " + pointer}},
		{"checkpoint deleted", func(a *verifytest.Archive) { delete(a.Files, chainKey("checkpoint")) }, []string{"checkpoint-missing -1 " + pointer}},
		{"checkpoint of another chain", func(a *verifytest.Archive) {
			a.Files[chainKey("checkpoint")] = a.Files[strings.Replace(chainKey("checkpoint"), "1/", "2/", 1)]
		}, []string{"checkpoint-invalid -1 " + pointer}},
		{"checkpoint overwritten", putAt("checkpoint", []byte("gone")), []string{"checkpoint-invalid -1 " + pointer}},
		{"checkpoint's signature", putAt("checkpoint", forged(12)), []string{"checkpoint-changed -1 checkpoints/12", "checkpoint-unsigned -1 " + pointer}},
		{"the latest published checkpoint", putAt("checkpoints/12", forged(12)), []string{"checkpoint-changed -1 checkpoints/12", "checkpoint-unsigned 11 checkpoints/12"}},
		{"the latest published checkpoint deleted", func(a *verifytest.Archive) { delete(a.Files, chainKey("checkpoints/12")) }, []string{"checkpoint-missing -1 checkpoints/12"}},
		{"an older checkpoint's signature", putAt("checkpoints/5", forged(5)), []string{"checkpoint-unsigned 4 checkpoints/5"}},
		{"an older checkpoint's root", putAt("checkpoints/5", otherRoot(5, stranger)), []string{"checkpoint-changed 4 checkpoints/5"}},
		{"an older checkpoint of another history", putAt("checkpoints/5", otherRoot(5, key1)), []string{"fork 4 checkpoints/5"}},
		{"a later checkpoint", putAt("checkpoints/20", otherRoot(20, key1)), []string{"rollback -1 " + pointer}},
		{"a later checkpoint by a stranger", putAt("checkpoints/20", otherRoot(20, stranger)), []string{"checkpoint-unsigned -1 checkpoints/20"}},
		{"a file in the chain", putAt("notes", nil), []string{"unexplained -1 http_requests/notes"}},
		{"a checkpoint's second name", putAt("checkpoints/05", nil), []string{"unexplained -1 checkpoints/05"}},
		{"a tile that cannot be", putAt("tile/0/000.p/300", nil), []string{"unexplained -1 000.p/300"}},
		{"a tile's second name", putAt("tile/0/x000/000", nil), []string{"unexplained -1 x000/000"}},
		{"a level that cannot be", putAt("tile/9/000", nil), []string{"unexplained -1 9/000"}},
		{"a chain without a checkpoint", func(a *verifytest.Archive) {
			a.Files[fmt.Sprintf("chain/%032x/http_requests/tile/0/000.p/1", 3)] = nil
		}, []string{"checkpoint-missing -1 " + pointer}},
		{"a name that must not stall the search for chains", putAt("\xff~", nil), []string{"unexplained -1 http_requests/\xff~"}},
		{"a chain deleted", func(a *verifytest.Archive) {
			maps.DeleteFunc(a.Files, func(k string, _ []byte) bool { return strings.HasPrefix(k, chain1.Prefix()) })
		}, []string{"checkpoint-missing -1 " + pointer}},
		{"the descriptor's key", func(a *verifytest.Archive) { a.Descriptor(stranger) }, []string{"key-mismatch -1 rainlogs.json"}},
	})
}

// rewrites change the entries themselves: much follows from that.
func rewrites() []tampering {
	return []tampering{
		{"an entry", func(a *verifytest.Archive) {
			k := chainKey("tile/entries/000.p/12")
			a.Files[k] = bytes.Replace(a.Files[k], []byte(`"lines":23`), []byte(`"lines":24`), 1)
		}, []string{"content-mismatch 4 " + window(3), "prev-broken 5 000.p/12", "root-mismatch -1 http_requests/checkpoint", "tile-changed 0 000.p/12"}, true},
		{"an entry's form", func(a *verifytest.Archive) {
			k := chainKey("tile/entries/000.p/12")
			a.Files[k] = bytes.Replace(a.Files[k], []byte(`"kind":"gap"`), []byte(`"kind" :"ga"`), 1)
		}, []string{"entry-invalid 8 000.p/12", "prev-broken 9 000.p/12", "root-mismatch -1 http_requests/checkpoint"}, true},
		{"entries dropped from the end", func(a *verifytest.Archive) {
			a.Files[chainKey("checkpoint")] = a.Files[chainKey("checkpoints/5")]
			for n := 6; n <= size1; n++ {
				for _, k := range []string{"checkpoints/%d", "tile/0/000.p/%d", "tile/entries/000.p/%d"} {
					delete(a.Files, chainKey(fmt.Sprintf(k, n)))
				}
			}
		}, []string{"rollback 5 http_requests/checkpoint", "unexplained -1 " + window(5)}, true},
		{"rewritten with another key", func(a *verifytest.Archive) { a.Files = sampleBy(stranger, 1).Files },
			[]string{"checkpoint-unsigned -1 http_requests/checkpoint", "fork 11 http_requests/checkpoint", "key-mismatch -1 rainlogs.json"}, true},
		{"rewritten with the stolen key", func(a *verifytest.Archive) { a.Files = sampleBy(key1, 1).Files },
			[]string{"fork 11 http_requests/checkpoint"}, false},
		{"checkpoint claims what is not there", func(a *verifytest.Archive) {
			c := sample().Chains[chain1]
			a.Files[chainKey("checkpoint")] = c.Checkpoint(1<<50, tlog.Hash{1}, stranger)
		}, []string{"bundle-damaged 0 entries/000", "checkpoint-unsigned -1 http_requests/checkpoint"}, true},
	}
}

func TestTampering(t *testing.T) {
	t.Parallel()
	original := sample()
	memory := known(t, original)
	for _, tc := range slices.Concat(objectTamperings(), chainTamperings(), rewrites()) {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := original.Clone()
			tc.change(a)
			r := run(t, a, verify.Options{Known: memory})
			if r.Intact {
				t.Fatal("found nothing")
			}
			got := short(r)
			if tc.atLeast {
				got = slices.Compact(slices.DeleteFunc(got, func(s string) bool { return !slices.Contains(tc.want, s) }))
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("%s\n%+v", d, r.Findings)
			}
		})
	}
}

// TestSealedWrong: what the keeper of the key sealed wrongly is found by the
// entries alone.
func TestSealedWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		seal func(c *verifytest.Chain)
		want []string
	}{
		"not canonical": {func(c *verifytest.Chain) {
			e := c.Entry("weather")
			b, err := evidence.Encode(e)
			if err != nil {
				panic(err)
			}
			c.AddBytes(bytes.Replace(b, []byte(`"v":1`), []byte(`"v": 1`), 1))
		}, []string{"entry-invalid 2 000.p/3"}},
		"not an entry": {func(c *verifytest.Chain) { c.AddBytes(nil) }, []string{"entry-invalid 2 000.p/3"}},
		"seq":          {func(c *verifytest.Chain) { e := c.Entry("weather"); e.Seq = 7; c.Add(e) }, []string{"entry-invalid 2 000.p/3"}},
		"prev":         {func(c *verifytest.Chain) { e := c.Entry("weather"); e.Prev = evidence.Digest{1}; c.Add(e) }, []string{"prev-broken 2 000.p/3"}},
		"archive":      {func(c *verifytest.Chain) { e := c.Entry("weather"); e.Archive = strings.Repeat("a", 36); c.Add(e) }, []string{"entry-invalid 2 000.p/3"}},
		"zone":         {func(c *verifytest.Chain) { e := c.Entry("weather"); e.Zone = strings.Repeat("a", 32); c.Add(e) }, []string{"entry-invalid 2 000.p/3"}},
		"fields": {func(c *verifytest.Chain) {
			e, _ := c.LogEntry(verifytest.Window(1), nil, 1)
			e.Source.FieldsSeq = 1
			c.Add(e)
		}, []string{"entry-invalid 2 000.p/3"}},
		"expiry of the future": {func(c *verifytest.Chain) { c.Expire(2, 1<<60) }, []string{"entry-invalid 2 000.p/3", "entry-invalid 2 000.p/3"}},
		"key":                  {func(c *verifytest.Chain) { e := c.Entry(evidence.KindKey); e.Key = &evidence.Key{VKey: "x"}; c.Add(e) }, []string{"entry-invalid 2 000.p/3"}},
		"one event time": {func(c *verifytest.Chain) { // and no crash over it
			w := verifytest.Window(1)
			e, _ := c.LogEntry(w, verifytest.Lines(w, 3), 1)
			e.Content.LastEvent = nil
			c.Add(e)
		}, []string{"object-missing 2 " + window(1)}},
		"unknown kind":  {func(c *verifytest.Chain) { c.Add(c.Entry("weather")) }, []string{}},
		"first follows": {nil, []string{"prev-broken 0 000.p/1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := verifytest.New(key1)
			if tc.seal != nil {
				c := a.Chain(1, key1)
				c.Log(0, 4)
				tc.seal(c)
			} else {
				sealFollower(a)
			}
			r := run(t, a, verify.Options{})
			if d := cmp.Diff(tc.want, short(r)); d != "" {
				t.Errorf("%s\n%+v", d, r.Findings)
			}
			if name == "unknown kind" && !strings.Contains(strings.Join(r.Notices, "\n"), "weather") {
				t.Errorf("an unknown kind is not reported: %q", r.Notices)
			}
		})
	}
}

// sealFollower makes a chain whose first entry follows something.
func sealFollower(a *verifytest.Archive) {
	c := a.Chain(1, key1)
	e := c.Entry("weather")
	e.Seq = 0
	*c = verifytest.Chain{}
	maps.DeleteFunc(a.Files, func(k string, _ []byte) bool { return k != evidence.DescriptorKey })
	c = a.Empty(1, key1)
	c.Add(e)
}
