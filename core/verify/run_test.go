package verify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func intact(t *testing.T, r *verify.Report, notices ...string) {
	t.Helper()
	if !r.Intact || len(r.Findings) > 0 {
		t.Errorf("found %+v", r.Findings)
	}
	for _, n := range notices {
		if !strings.Contains(strings.Join(r.Notices, "\n"), n) {
			t.Errorf("no notice of %q in %q", n, r.Notices)
		}
	}
}

func TestIntact(t *testing.T) {
	t.Parallel()
	a := sample()
	r := run(t, a, verify.Options{})
	intact(t, r, "found another's object")
	c := r.Chains[0]
	if r.Entries != 15 || r.Objects != 9 || r.ObjectsDue != 9 || r.Bytes != r.BytesDue || r.KeyTrust != verify.TrustPinned {
		t.Errorf("counts are %+v", r)
	}
	if c.Size != 12 || c.Windows != 9 || c.Gaps != 1 || c.Lines != 20+21+22+23+24+25+5+5 || c.Published != 12 || c.Remembered != -1 {
		t.Errorf("chain is %+v", c)
	}
	if r.Complete || c.Complete || !r.Chains[1].Complete {
		t.Errorf("complete %v %v %v, want a gap in the first chain alone", r.Complete, c.Complete, r.Chains[1].Complete)
	}
	var content int64
	for i := range 6 {
		content += int64(len(verifytest.Lines(verifytest.Window(i), 20+i)))
	}
	content += int64(len(verifytest.Lines(verifytest.Window(8), 5))) + 2*int64(len(verifytest.Lines(verifytest.Window(0), 10)))
	if r.Content != content {
		t.Errorf("%d bytes of content, want %d", r.Content, content)
	}
}

func TestLevels(t *testing.T) {
	t.Parallel()
	a := sample()
	flip(a.Files[objects(a)[2]], 30)
	for level, want := range map[verify.Level][]string{
		verify.LevelChain:   {},
		verify.LevelObjects: {"object-changed 3 " + window(2)},
		verify.LevelContent: {"frames-invalid 3 " + window(2), "object-changed 3 " + window(2)},
	} {
		if d := cmp.Diff(want, short(run(t, a, verify.Options{Level: level}))); d != "" {
			t.Errorf("%s: %s", level, d)
		}
	}
}

func TestRange(t *testing.T) {
	t.Parallel()
	a := sample()
	flip(a.Files[objects(a)[0]], 30)
	r := run(t, a, verify.Options{From: verifytest.Window(3).Start, To: verifytest.Window(5).Start, Chains: []evidence.ChainID{chain1}})
	intact(t, r)
	// Windows 3 and 4, and 5 by its events: they are older than it.
	if r.Objects != 3 || !r.Complete || len(r.Chains) != 1 {
		t.Errorf("%d objects of %d chains, complete %v", r.Objects, len(r.Chains), r.Complete)
	}
	// A record of window 0 happened before it: a range in event time meets it too.
	r = run(t, a, verify.Options{To: verifytest.Window(0).Start, From: verifytest.Window(-1).Start})
	if r.Intact || r.Objects != 2 {
		t.Errorf("event times are not looked at: %d objects, %+v", r.Objects, r.Findings)
	}
}

// TestRotation: keys that take over, the trap of a key rotated at the edge.
func TestRotation(t *testing.T) {
	t.Parallel()
	key3 := verifytest.NewKey(3)
	rotated := func() (*verifytest.Archive, *verifytest.Chain) {
		a := verifytest.New(key1)
		c := a.Chain(1, key1)
		c.Log(0, 3)
		c.Rotate(key2) // entry 2
		c.Log(1, 3)
		c.Rotate(key3) // entry 4, the chain's last
		return a, c
	}
	a, _ := rotated()
	for n, k := range []verifytest.Key{key1, key2, key3} {
		p := k.Public(verifytest.UUID)
		if n == 1 {
			continue // in the middle: see below
		}
		r := run(t, a, verify.Options{Key: &p})
		intact(t, r, "from entry 3 on key")
		if want := key3.Public(verifytest.UUID); r.Chains[0].VKey != want.VKey() {
			t.Errorf("key in force is %s", r.Chains[0].VKey)
		}
	}
	p := key2.Public(verifytest.UUID)
	intact(t, run(t, a, verify.Options{Key: &p}))
	p = stranger.Public(verifytest.UUID)
	if got := short(run(t, a, verify.Options{Key: &p, Level: verify.LevelChain})); len(got) < 2 {
		t.Errorf("a stranger's key finds only %q", got)
	}

	for name, tc := range map[string]struct {
		change func(a *verifytest.Archive, c *verifytest.Chain)
		want   []string
	}{
		"old key's signature missing": {func(a *verifytest.Archive, c *verifytest.Chain) {
			a.Files[chainKey("checkpoints/5")] = c.Checkpoint(5, c.Root(), key3)
			a.Files[chainKey("checkpoint")] = a.Files[chainKey("checkpoints/5")]
		}, []string{"checkpoint-unsigned 4 checkpoints/5", "key-handover 4 checkpoints/5"}},
		"new key's signature missing": {func(a *verifytest.Archive, c *verifytest.Chain) {
			a.Files[chainKey("checkpoints/5")] = c.Checkpoint(5, c.Root(), key2)
			a.Files[chainKey("checkpoint")] = a.Files[chainKey("checkpoints/5")]
		}, []string{"checkpoint-unsigned -1 http_requests/checkpoint", "key-handover 4 checkpoints/5"}},
		"handover's checkpoint deleted": {func(a *verifytest.Archive, _ *verifytest.Chain) { delete(a.Files, chainKey("checkpoints/3")) },
			[]string{"key-handover 2 checkpoints/3"}},
		"goes on under the old key": {func(_ *verifytest.Archive, c *verifytest.Chain) {
			c.Keys = []verifytest.Key{key2}
			c.Log(2, 3)
		}, []string{"checkpoint-unsigned -1 http_requests/checkpoint"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, c := rotated()
			tc.change(a, c)
			if d := cmp.Diff(tc.want, short(run(t, a, verify.Options{}))); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestCrashed: what a collector leaves behind between two steps is no damage.
func TestCrashed(t *testing.T) {
	t.Parallel()
	a := sample()
	a.Files[chainKey("checkpoint")] = a.Files[chainKey("checkpoints/11")]
	r := run(t, a, verify.Options{})
	intact(t, r, "entry 11 is committed and the checkpoint was not moved yet")
	if r.Chains[0].Size != 12 {
		t.Errorf("size is %d, want the committed 12", r.Chains[0].Size)
	}

	first := verifytest.New(key1)
	first.Chain(1, key1)
	delete(first.Files, chainKey("checkpoint"))
	intact(t, run(t, first, verify.Options{}), "entry 0 is committed")

	uncommitted := sample()
	c := uncommitted.Chains[chain1]
	c.Observe("x", 1)
	delete(uncommitted.Files, chainKey("checkpoints/13"))
	uncommitted.Files[chainKey("checkpoint")] = uncommitted.Files[chainKey("checkpoints/12")]
	intact(t, run(t, uncommitted, verify.Options{}), "is not covered by the checkpoint")
}

// TestLive: a collector appends and tidies up while the verifier reads.
func TestLive(t *testing.T) {
	t.Parallel()
	a := sample()
	c := a.Chains[chain1]
	grown := false
	a.Opened = func(key string) error {
		if grown || key != chainKey("tile/entries/000.p/12") {
			return nil
		}
		grown = true
		c.Log(12, 3)
		c.Expire(1) // its object goes at once
		delete(a.Files, objects(a)[0])
		for _, k := range []string{"tile/entries/000.p/12", "tile/0/000.p/12"} {
			delete(a.Files, chainKey(k))
		}
		return nil
	}
	r := run(t, a, verify.Options{Workers: 1})
	intact(t, r, "grew to 14 entries")
	if r.Chains[0].Size != 12 || !grown {
		t.Errorf("size %d, grown %v", r.Chains[0].Size, grown)
	}
	// The same, but what was added is not signed by the key.
	b := sample()
	c = b.Chains[chain1]
	c.Keys = []verifytest.Key{stranger}
	b.Opened = func(key string) error {
		if key == chainKey("tile/entries/000.p/12") && len(c.Entries) == size1 {
			c.Log(12, 3)
			c.Log(13, 3)
		}
		return nil
	}
	want := []string{"unexplained -1 " + window(12), "unexplained -1 " + window(13)}
	if d := cmp.Diff(want, short(run(t, b, verify.Options{Workers: 1}))); d != "" {
		t.Error(d)
	}
}

// TestAwaited: an object that was put a moment ago is waited for, for a while.
func TestAwaited(t *testing.T) {
	t.Parallel()
	want := []string{"unexplained -1 " + window(12)}
	for name, tc := range map[string]struct {
		patience, age time.Duration
		looks         int // at the checkpoint, until the entry is there
		want          []string
	}{
		"at work":   {time.Hour, time.Second, 4, []string{}},
		"impatient": {0, time.Second, 4, want},
		"died here": {time.Hour, time.Hour, 4, want},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := sample()
			a.Modified = time.Now().Add(-tc.age)
			c := a.Chains[chain1]
			w := verifytest.Window(12)
			e, object := c.LogEntry(w, verifytest.Lines(w, 3), 1)
			a.Files[e.Object.Key] = object
			looks := 0
			a.Opened = func(key string) error {
				if key == chainKey("checkpoint") {
					if looks++; looks == tc.looks {
						c.Add(e)
					}
				}
				return nil
			}
			r := run(t, a, verify.Options{Workers: 1, Patience: tc.patience})
			if d := cmp.Diff(tc.want, short(r)); d != "" {
				t.Error(d)
			}
			if len(tc.want) == 0 {
				intact(t, r, "grew to 13 entries")
			}
		})
	}
}

// TestChangedBetween: the entries are read twice, and must be the same twice.
func TestChangedBetween(t *testing.T) {
	t.Parallel()
	a := sample()
	reads := 0
	bundle := chainKey("tile/entries/000.p/12")
	a.Opened = func(key string) error {
		if key != bundle {
			return nil
		}
		if reads++; reads == 3 { // once walked, once for the older partials
			a.Files[key] = bytes.Replace(a.Files[key], []byte(`"lines":22`), []byte(`"lines":99`), 1)
		}
		return nil
	}
	if d := cmp.Diff([]string{"bundle-damaged -1 "}, short(run(t, a, verify.Options{Workers: 1}))); d != "" {
		t.Error(d)
	}
}

func TestMoved(t *testing.T) {
	t.Parallel()
	a := sample()
	memory := known(t, a)
	for _, dir := range []string{filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "else where", "ü")} {
		if err := a.Write(dir); err != nil {
			t.Fatal(err)
		}
		folder, err := verify.OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer folder.Close() //nolint:errcheck // only read
		r := run(t, folder, verify.Options{Known: memory})
		intact(t, r)
		if r.Objects != 9 || r.Chains[0].Remembered != 12 {
			t.Errorf("%+v", r)
		}
	}
}

// TestBig crosses the borders of tiles: full ones, two levels up, and a
// damaged bundle in the middle.
func TestBig(t *testing.T) {
	t.Parallel()
	const n = 256*256 + 300
	a := verifytest.New(key1)
	c := a.Chain(1, key1)
	c.Lazy = true
	e := c.Entry("weather")
	for len(c.Entries) < n {
		e.Seq, e.Prev = int64(len(c.Entries)), evidence.HashEntry(c.Entries[len(c.Entries)-1])
		c.Add(e)
	}
	c.Seal()
	r := run(t, a, verify.Options{Level: verify.LevelChain})
	intact(t, r)
	if r.Entries != n {
		t.Errorf("%d entries", r.Entries)
	}
	for name, tc := range map[string]struct {
		keys, want []string // emptied: the trap of an empty first tile
		lost       int64
	}{
		"tiles": {[]string{"tile/0/000", "tile/0/256", "tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"}, []string{
			"tile-changed -1 000.p/1", "tile-changed -1 001.p/1", "tile-changed -1 1/000", "tile-changed 0 0/000", "tile-changed 65536 0/256",
		}, 0},
		"bundles": {[]string{"tile/entries/000", "tile/entries/100"}, []string{"bundle-damaged 0 entries/000", "bundle-damaged 25600 entries/100"}, 512},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := a.Clone()
			for _, k := range tc.keys {
				b.Files[chainKey(k)] = nil
			}
			r := run(t, b, verify.Options{Level: verify.LevelChain})
			if d := cmp.Diff(tc.want, short(r)); d != "" {
				t.Error(d)
			}
			if r.Entries != n-tc.lost {
				t.Errorf("%d entries read, want all but %d", r.Entries, tc.lost)
			}
		})
	}
}

func TestEncrypted(t *testing.T) {
	t.Parallel()
	a := verifytest.New(key1)
	c := a.Chain(1, key1)
	w := verifytest.Window(0)
	e, object := c.LogEntry(w, verifytest.Lines(w, 3), 1)
	e.Object.Encryption = &evidence.Encryption{Scheme: "age/1", Period: "2026-11", Recipients: []string{"x"}}
	a.Files[e.Object.Key] = object
	c.Add(e)
	r := run(t, a, verify.Options{})
	intact(t, r, "is encrypted")
	if r.Encrypted != 1 || r.Objects != 1 || r.Content != 0 {
		t.Errorf("%+v", r)
	}
	flip(a.Files[e.Object.Key], 9)
	if d := cmp.Diff([]string{"object-changed 1 " + window(0)}, short(run(t, a, verify.Options{}))); d != "" {
		t.Error(d)
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	a := sample()
	k := verify.Known{Dir: t.TempDir()}
	r, err := verify.Run(t.Context(), a, verify.Options{Known: k})
	if err != nil {
		t.Fatal(err)
	}
	intact(t, r, "NOT pinned")
	if r.KeyTrust != verify.TrustUnpinned {
		t.Errorf("trust is %s", r.KeyTrust)
	}
	// From now on the key is remembered, and another one is an alarm.
	r, err = verify.Run(t.Context(), sampleBy(stranger, 0), verify.Options{Known: k})
	if err != nil {
		t.Fatal(err)
	}
	if r.KeyTrust != verify.TrustRemembered || r.Intact {
		t.Errorf("trust %s, intact %v", r.KeyTrust, r.Intact)
	}
	p := stranger.Public(verifytest.UUID)
	if got := short(run(t, sampleBy(stranger, 0), verify.Options{Known: k, Key: &p})); len(got) == 0 || !strings.HasPrefix(got[0], "key-mismatch") {
		t.Errorf("a pinned key other than the remembered one: %q", got)
	}
	// A damaged object does not keep the head from moving on.
	grown := sample()
	grown.Chains[chain1].Log(12, 2)
	flip(grown.Files[objects(grown)[0]], 30)
	if r := run(t, grown, verify.Options{Known: k}); r.Intact {
		t.Error("damage was not found")
	}
	if r := run(t, grown, verify.Options{Known: k}); r.Chains[0].Remembered != 13 {
		t.Errorf("remembered %d, want 13", r.Chains[0].Remembered)
	}
	// A head that this machine cannot read is not passed over.
	path := filepath.Join(k.Dir, verifytest.UUID, chain1.Zone+"-"+chain1.Dataset+".checkpoint")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := verify.Run(t.Context(), grown, verify.Options{Known: k, Key: &pinned}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged memory: %v", err)
	}
	// A memory that cannot be kept is said, and does not hide the report.
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := verify.Run(t.Context(), a, verify.Options{Key: &pinned, Known: verify.Known{Dir: file}}); err == nil {
		t.Error("a file where the memory should be is taken for none")
	}
}

func TestNotVerified(t *testing.T) {
	t.Parallel()
	newer := sample()
	newer.Files[evidence.DescriptorKey] = bytes.Replace(newer.Files[evidence.DescriptorKey], []byte(`"v": 1`), []byte(`"v": 2`), 1)
	unavailable := sample()
	unavailable.Opened = func(key string) error {
		if strings.HasPrefix(key, "logs/") {
			return fmt.Errorf("%s: %w", key, storage.ErrUnavailable)
		}
		return nil
	}
	tile := sample()
	tile.Opened = func(key string) error {
		if strings.Contains(key, "tile/0/") {
			return storage.ErrUnavailable
		}
		return nil
	}
	for name, tc := range map[string]struct {
		store verify.Store
		want  error
	}{
		"no archive":  {&verifytest.Archive{}, storage.ErrNotFound},
		"newer":       {newer, evidence.ErrNewer},
		"unavailable": {unavailable, storage.ErrUnavailable},
		"tile":        {tile, storage.ErrUnavailable},
	} {
		if _, err := verify.Run(t.Context(), tc.store, verify.Options{Key: &pinned}); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	broken := sample()
	broken.Opened = func(key string) error {
		if key == objects(broken)[1] {
			return io.ErrUnexpectedEOF // a bad sector, say
		}
		return nil
	}
	if d := cmp.Diff([]string{"object-unreadable 2 " + window(1)}, short(run(t, broken, verify.Options{}))); d != "" {
		t.Error(d)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"tile/entries", "checkpoints/5", "logs/"} {
		ctx, cancel := context.WithCancel(t.Context())
		a := sample()
		a.Opened = func(key string) error {
			if strings.Contains(key, at) {
				cancel()
			}
			return ctx.Err()
		}
		if _, err := verify.Run(ctx, a, verify.Options{Key: &pinned}); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at %s: %v", at, err)
		}
		cancel()
	}
}

func TestReadChain(t *testing.T) {
	t.Parallel()
	a := sample()
	r, err := verify.ReadChain(t.Context(), a, chain1, verify.Options{Key: &pinned})
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for e, err := range r.Entries(t.Context()) {
		if err != nil || e.Seq != n {
			t.Fatalf("entry %d is %+v, %v", n, e, err)
		}
		n++
	}
	head, note := r.Head()
	if n != 12 || head.Size != 12 || !bytes.Equal(note, a.Files[chainKey("checkpoint")]) || r.ID() != chain1 || r.Report().Size != 12 {
		t.Errorf("%d entries, head %+v", n, head)
	}
	chains, err := verify.ReadChains(t.Context(), a, verify.Options{Key: &pinned})
	if err != nil || len(chains) != 2 || len(chains[0].Entries) != 12 || chains[0].KeyTrust != verify.TrustPinned {
		t.Errorf("%d chains, %v", len(chains), err)
	}
	for _, change := range []func(*verifytest.Archive){
		flipAt("tile/entries/000.p/12", 100),
		func(a *verifytest.Archive) { a.Files[chainKey("checkpoint")] = a.Files[chainKey("checkpoints/9")] },
	} {
		b := a.Clone()
		change(b)
		var damaged *verify.DamagedError
		if _, err := verify.ReadChain(t.Context(), b, chain1, verify.Options{Key: &pinned}); !errors.As(err, &damaged) || damaged.Report.Intact {
			t.Errorf("a damaged chain: %v", err)
		}
	}
}

// TestProgress: totals are reached, and not passed.
func TestProgress(t *testing.T) {
	t.Parallel()
	last := map[string]verify.Progress{}
	r := run(t, sample(), verify.Options{Chains: []evidence.ChainID{chain1}, Progress: func(p verify.Progress) {
		if p.Done > p.Total {
			t.Errorf("%+v", p)
		}
		last[p.Stage] = p
	}, Now: func() time.Time { return verifytest.Epoch }})
	if last["entries"].Done != 12 || last["objects"].Done != r.Bytes || !r.CheckedAt.Equal(verifytest.Epoch) {
		t.Errorf("%+v", last)
	}
}
