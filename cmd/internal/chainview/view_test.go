package chainview_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/chainview"
	"github.com/fabriziosalmi/rainlogs/core/chaincache"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
	"github.com/fabriziosalmi/rainlogs/tui/screen/chain"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	key, next = verifytest.NewKey(1), verifytest.NewKey(2)
	at        = verifytest.Epoch.Add(48 * time.Hour)
)

// sample is a chain with an entry of each kind.
func sample() (*verifytest.Archive, *verifytest.Chain) {
	a := verifytest.New(key)
	c := a.Chain(1, key)
	for i := range 4 {
		c.Log(i, 20+i)
	}
	c.Log(4, 0)
	c.Gap(5, evidence.GapTooOld)
	c.Hold("case-7", 2, true)
	c.Rotate(next)
	c.Log(6, 5)
	c.Expire(1)
	return a, c
}

func view(a *verifytest.Archive) *chainview.View {
	pinned := key.Public(a.UUID)
	return chainview.New(chainview.Config{
		Store: a, Archive: a.UUID, Now: func() time.Time { return at },
		Options: verify.Options{Key: &pinned, Now: func() time.Time { return at }},
		Names: func(context.Context) (map[evidence.ChainID]string, error) {
			return map[evidence.ChainID]string{{Zone: strings.Repeat("0", 31) + "1", Dataset: "http_requests"}: "shop.example"}, nil
		},
	})
}

func idOf(c *verifytest.Chain) chain.ID { return chain.ID{Zone: c.ID.Zone, Dataset: c.ID.Dataset} }

func open(t *testing.T, v *chainview.View, id chain.ID) chain.Book {
	t.Helper()
	book, err := v.Open(t.Context(), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func TestOpen(t *testing.T) {
	t.Parallel()
	a, c := sample()
	a.Files[c.ID.TimestampAt(3)] = []byte("token")
	v := view(a)
	chains, err := v.Chains(t.Context())
	if diff := cmp.Diff([]chain.Chain{{ID: idOf(c), Name: "shop.example"}}, chains); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	var told []chain.Progress
	book, err := v.Open(t.Context(), idOf(c), func(p chain.Progress) { told = append(told, p) })
	if err != nil {
		t.Fatal(err)
	}
	want := []chain.State{chain.Observation, chain.Sealed, chain.Sealed, chain.Sealed, chain.Sealed, chain.Empty, chain.Gap, chain.Hold, chain.Key, chain.Sealed, chain.Expiry}
	want[1] = chain.Expired
	if diff := cmp.Diff(want, book.Entries); diff != "" {
		t.Errorf("states: %s", diff)
	}
	if book.Starts[1] != verifytest.Window(0).Start.Unix() || book.Starts[0] != 0 || book.Windows != 6 || book.Gaps != 1 || book.Expired != 1 || book.Complete {
		t.Errorf("book is %+v", book)
	}
	if diff := cmp.Diff([]chain.Hole{{From: verifytest.Window(5).Start, To: verifytest.Window(5).End, What: "gap (too_old)"}}, book.Holes); diff != "" {
		t.Errorf("holes: %s", diff)
	}
	h := book.Head
	if h.Size != 11 || h.Root != c.Root().String() || h.Trust != chain.Pinned || h.Remembered != -1 || h.Note != string(a.Files[c.ID.CheckpointKey()]) ||
		len(h.Handovers) != 1 || h.Handovers[0].Seq != 8 || !strings.HasSuffix(h.Key, strings.SplitN(next.Public(a.UUID).VKey(), "+", 3)[2]) || len(h.Timestamps) != 1 {
		t.Errorf("head is %+v", h)
	}
	if len(book.Findings) > 0 || len(told) == 0 || told[len(told)-1].Done != 11 {
		t.Errorf("found %v, told %v", book.Findings, told)
	}
	rows, err := v.Rows(t.Context(), idOf(c), []int64{6, 2, 8})
	if err != nil {
		t.Fatal(err)
	}
	if rows[0].Text != "too_old" || rows[1].Lines != 21 || !rows[1].From.Equal(verifytest.Window(1).Start) || !strings.HasPrefix(rows[2].Text, "new key ") {
		t.Errorf("rows are %+v", rows)
	}
	if _, err := v.Rows(t.Context(), idOf(c), []int64{11}); err == nil {
		t.Error("there is a row behind the last")
	}
}

func facts(e chain.Entry) string {
	var b strings.Builder
	for _, s := range e.Sections {
		for _, f := range s.Facts {
			b.WriteString(s.Title + "|" + f.Name + "|" + f.Value + "\n")
		}
	}
	return b.String()
}

func TestEntry(t *testing.T) {
	t.Parallel()
	a, c := sample()
	v := view(a)
	if _, err := v.Entry(t.Context(), idOf(c), 0); err == nil {
		t.Error("an entry of a chain that was not read")
	}
	open(t, v, idOf(c))
	for seq := range int64(11) {
		e, err := v.Entry(t.Context(), idOf(c), seq)
		if err != nil {
			t.Fatal(err)
		}
		if text := facts(e); !strings.Contains(text, "|inclusion|proven: ") || strings.Contains(text, "CHANGED") || e.Raw != string(c.Entries[seq]) {
			t.Errorf("entry %d: %s", seq, text)
		}
	}
	e, err := v.Entry(t.Context(), idOf(c), 3)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for _, b := range e.Tally.Buckets {
		for _, count := range b {
			n += count
		}
	}
	if n != 22 || e.Object == "" || len(e.SHA256) != 64 || e.First.IsZero() || !e.From.Equal(verifytest.Window(2).Start) {
		t.Errorf("entry is %+v", e)
	}
	for seq, want := range map[int64]string{0: "topic|fields", 5: "none|the window was collected", 6: "too_old: the source no longer had it", 7: "placed|case-7", 8: "from here on|rainlogs/", 10: "entries|1"} {
		e, err := v.Entry(t.Context(), idOf(c), seq)
		if err != nil || !strings.Contains(facts(e), want) {
			t.Errorf("entry %d: %v, no %q in %s", seq, err, want, facts(e))
		}
	}
	// The store's bytes become others after the chain was read.
	bundle := a.Files[c.ID.BundleKey(0, 11)]
	bundle[strings.Index(string(bundle), `"host":"host"`)+9]++
	e, err = v.Entry(t.Context(), idOf(c), 0)
	if text := facts(e); err != nil || !strings.Contains(text, "CHANGED") || strings.Contains(text, "proven") {
		t.Errorf("changed since: %v, %s", err, text)
	}
}

// TestDamaged: what is left of a chain is shown, and what is wrong with it.
func TestDamaged(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(a *verifytest.Archive, c *verifytest.Chain)
		code   string
		states map[int]chain.State
	}{
		"an entry": {func(a *verifytest.Archive, c *verifytest.Chain) {
			b := a.Files[c.ID.BundleKey(0, 11)]
			copy(b[strings.Index(string(b), `"lines":21`):], `"lines":x1`)
		}, verify.CodeEntry, map[int]chain.State{1: chain.Expired, 2: chain.Unreadable, 3: chain.Sealed}},
		"no bundle": {func(a *verifytest.Archive, c *verifytest.Chain) { delete(a.Files, c.ID.BundleKey(0, 11)) },
			verify.CodeBundle, map[int]chain.State{0: chain.Unreadable, 10: chain.Unreadable}},
		"another checkpoint": {func(a *verifytest.Archive, c *verifytest.Chain) {
			a.Files[c.ID.CheckpointKey()] = c.Checkpoint(11, c.Root(), verifytest.NewKey(9))
		}, verify.CodeCheckpointUnsigned, map[int]chain.State{2: chain.Sealed}},
		"rolled back": {func(a *verifytest.Archive, c *verifytest.Chain) {
			a.Files[c.ID.CheckpointKey()] = a.Files[c.ID.CheckpointAt(4)]
		}, verify.CodeRollback, map[int]chain.State{3: chain.Sealed}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, c := sample()
			test.change(a, c)
			v := view(a)
			book := open(t, v, idOf(c))
			found := false
			for _, f := range book.Findings {
				found = found || f.Code == test.code && f.Meaning != "" && f.Remedy != "" && (f.Chain == idOf(c))
			}
			if !found {
				t.Errorf("no %s in %+v", test.code, book.Findings)
			}
			for seq, want := range test.states {
				if seq >= len(book.Entries) || book.Entries[seq] != want {
					t.Errorf("entry %d of %v is not %v", seq, book.Entries, want)
				}
			}
			for seq := range book.Entries {
				e, err := v.Entry(t.Context(), idOf(c), int64(seq))
				if err == nil && strings.Contains(facts(e), "|proven") {
					t.Errorf("entry %d of a damaged chain is proven", seq)
				}
				if (err != nil) != (name == "no bundle") {
					t.Errorf("entry %d: %v", seq, err)
				}
			}
		})
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	a, c := sample()
	object := c.Log(7, 30)
	v := view(a)
	var told chain.Progress
	got, err := v.Verify(t.Context(), chain.Job{Level: chain.LevelContent}, func(p chain.Progress) { told = p })
	if err != nil || !got.Intact || got.Objects == 0 || got.Objects != got.ObjectsDue || !told.Bytes || told.Done != told.Total {
		t.Errorf("%v: %+v, told %+v", err, got, told)
	}
	a.Files[object][40] ^= 1
	got, err = v.Verify(t.Context(), chain.Job{Level: chain.LevelObjects, Chain: idOf(c)}, nil)
	if err != nil || got.Intact || len(got.Findings) != 1 || got.Findings[0].Object != object || got.Findings[0].Seq != 11 || got.Findings[0].Want == "" {
		t.Errorf("%v: %+v", err, got)
	}
	got, err = v.Verify(t.Context(), chain.Job{Level: chain.LevelContent, Chain: idOf(c), Object: object}, nil)
	if err != nil || got.Intact || got.ObjectsDue != 1 {
		t.Errorf("one object: %v: %+v", err, got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Verify(ctx, chain.Job{Level: chain.LevelChain}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestEveryCode: no finding is without words.
func TestEveryCode(t *testing.T) {
	t.Parallel()
	for _, code := range []string{
		verify.CodeDescriptor, verify.CodeKeyMismatch, verify.CodeKeyHandover, verify.CodeCheckpointMissing, verify.CodeCheckpointInvalid, verify.CodeCheckpointUnsigned,
		verify.CodeCheckpointChanged, verify.CodeRollback, verify.CodeFork, verify.CodeBundle, verify.CodeEntry, verify.CodePrev, verify.CodeRoot, verify.CodeTile, verify.CodeObjectMissing,
		verify.CodeObjectUnreadable, verify.CodeObjectChanged, verify.CodeUnexplained, verify.CodeFrames, verify.CodeContent, verify.CodeHoldBroken, verify.CodeCovered,
	} {
		if !chainview.Explains(code) {
			t.Errorf("%s has no words", code)
		}
	}
}

// TestLong reads 13 months of hourly windows, through what is kept of them here too.
func TestLong(t *testing.T) {
	t.Parallel()
	a := verifytest.New(key)
	c := a.Chain(1, key)
	c.Lazy = true
	c.Hourly(3000)
	c.Seal()
	pinned := key.Public(a.UUID)
	v := chainview.New(chainview.Config{
		Store: a, Archive: a.UUID, Now: func() time.Time { return at }, Options: verify.Options{Key: &pinned},
		Cache: chaincache.New(chaincache.Config{Dir: t.TempDir()}),
	})
	for range 2 {
		if book := open(t, v, idOf(c)); len(book.Entries) != 3001 || len(book.Findings) > 0 {
			t.Fatalf("%d entries, %v", len(book.Entries), book.Findings)
		}
	}
	e, err := v.Entry(t.Context(), idOf(c), 2999)
	if err != nil || !strings.Contains(facts(e), "proven: ") {
		t.Errorf("%v, %s", err, facts(e))
	}
}
