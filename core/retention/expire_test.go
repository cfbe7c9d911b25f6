package retention_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/retention"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func (b *bundle) leftAre(want ...int) {
	b.t.Helper()
	if d := cmp.Diff(append([]int{}, want...), b.left()); d != "" {
		b.t.Errorf("objects left: %s", d)
	}
}

// TestExpire: windows 3 and 9 are empty, as minute 30 of each hour is.
func TestExpire(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	b.leftAre(0, 1, 2, 4, 5, 6, 7, 8, 10, 11)
	b.now = b.from.Add(time.Hour).Add(400 * 24 * time.Hour) // the first hour's end, exactly
	plan, err := b.Plan(t.Context(), id)
	b.must(err)
	s := b.expire()
	if s.Entries != 1 || s.Declared != 5 || s.Removed != 5 || s.Objects != 5 || s.Held != 0 || !s.From.Equal(b.from) || !s.To.Equal(b.from.Add(time.Hour)) {
		t.Errorf("%+v", s)
	}
	if plan.Windows != 5 || plan.Objects != s.Objects || plan.Bytes != s.Bytes || s.Bytes == 0 || !plan.From.Equal(s.From) || !plan.To.Equal(s.To) {
		t.Errorf("planned %+v, done %+v", plan, s)
	}
	b.leftAre(6, 7, 8, 10, 11)
	b.verify()
	b.state(catalog.Removed, 0)
	b.state(catalog.Kept, 3) // empty
	e := b.entries(evidence.KindExpiry)
	if len(e) != 1 || e[0].Expiry.Policy != "400d" || e[0].Expiry.Reason != "test" || len(e[0].Expiry.Seqs) != 5 {
		t.Errorf("entries %+v", e)
	}
	if again := b.expire(); again.Entries != 0 || again.Removed != 0 {
		t.Errorf("again: %+v", again)
	}
	b.now = b.now.Add(time.Hour)
	b.must(b.ExpireChain(t.Context(), id))
	b.leftAre()
	b.verify()
}

func TestForEver(t *testing.T) {
	t.Parallel()
	b := setup(t, 1)
	b.Keeper = b.keeper(retention.Policy{})
	if s := b.expire(); s.Declared != 0 {
		t.Errorf("%+v", s)
	}
	b.leftAre(0, 1, 2, 4, 5)
}

// TestHeld: overlap counts, in receive time and in the events' time; a hold
// lifted lets go.
func TestHeld(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	// From the middle of window 4 to the end of 5; events of 6 happened in it.
	w := b.window(4, 2)
	w.Start = w.Start.Add(5 * time.Minute)
	h, err := b.Hold(t.Context(), id, w, "", "case 7")
	b.must(err)
	if h.ID != "hold-1" || h.Seq != 13 || h.Reason != "case 7" {
		t.Errorf("hold is %+v", h)
	}
	plan, err := b.Plan(t.Context(), id)
	b.must(err)
	if s := b.expire(); s.Held != 3 || s.Removed != 7 || plan.Held != 3 || plan.Windows != 7 {
		t.Errorf("%+v, planned %+v", s, plan)
	}
	b.leftAre(4, 5, 6)
	b.verify()
	_, err = b.Lift(t.Context(), id, "hold-1", "case 7 is closed")
	b.must(err)
	if s := b.expire(); s.Held != 0 || s.Removed != 3 {
		t.Errorf("%+v", s)
	}
	b.leftAre()
	b.verify()
}

// TestHeldFirst: what is held comes first each time, and is looked behind.
func TestHeldFirst(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	_, err := b.Hold(t.Context(), id, b.window(0, 8), "old", "case 9")
	b.must(err)
	for limit, want := range map[int]int{1: 1, 2: 2, 3: 2, 100: 2} { // 10 and 11: an event of 8 happened in 7
		if found, held, err := retention.Due(t.Context(), b.Keeper, id, limit); err != nil || found != want || limit > 2 && held != 8 {
			t.Errorf("limit %d: %d found, %d held, %v", limit, found, held, err)
		}
	}
	if s := b.expire(); s.Removed != 2 || s.Held != 8 {
		t.Errorf("%+v", s)
	}
	b.leftAre(0, 1, 2, 4, 5, 6, 7, 8)
}

// TestHeldAfterwards: a hold stops deletions that have not happened yet.
func TestHeldAfterwards(t *testing.T) {
	t.Parallel()
	b := setup(t, 1)
	down := errors.New("down")
	b.store.refuse = func(string) error { return down }
	if s := b.expire(); s.Declared != 5 || s.FailedCount != 5 || s.Removed != 0 || !strings.Contains(s.Failed[0].Text, "down") {
		t.Errorf("%+v", s)
	}
	if err := b.ExpireChain(t.Context(), id); err == nil {
		t.Error("what failed is no error to a job")
	}
	_, err := b.Hold(t.Context(), id, b.window(1, 1), "late", "case 8")
	b.must(err)
	b.store.refuse = nil
	if s := b.expire(); s.Removed != 3 || s.Held != 2 || s.Declared != 0 {
		t.Errorf("%+v", s)
	}
	b.leftAre(1, 2) // an event of 2 happened in 1
	b.state(catalog.Expiring, 1)
	b.verify()
	_, err = b.Lift(t.Context(), id, "late", "done")
	b.must(err)
	if s := b.expire(); s.Removed != 2 {
		t.Errorf("%+v", s)
	}
	b.leftAre()
	b.verify()
}

func TestLocked(t *testing.T) {
	t.Parallel()
	b := setup(t, 1)
	key := evidence.ObjectKey(id, b.window(2, 1), 1)
	b.store.until = b.now.Add(time.Hour)
	b.store.refuse = func(k string) error {
		if k == key {
			return storage.ErrLocked
		}
		return nil
	}
	plan, err := b.Plan(t.Context(), id)
	b.must(err)
	want := []retention.Locked{{Key: key, Until: b.store.until}}
	s := b.expire()
	if d := cmp.Diff(want, s.Locked); d != "" || s.LockedCount != 1 || s.Removed != 4 || s.FailedCount != 0 {
		t.Errorf("%s %+v", d, s)
	}
	if d := cmp.Diff(want, plan.Locked); d != "" {
		t.Error(d)
	}
	b.must(b.ExpireChain(t.Context(), id)) // reported, and no failure
	b.leftAre(2)
	b.verify()
	b.store.refuse = nil
	b.expire()
	b.leftAre()
	b.verify()
}

// TestDisplaced: what was found under a window's key goes with its own object.
func TestDisplaced(t *testing.T) {
	t.Parallel()
	b := setup(t, 0)
	b.now = b.from.Add(24 * time.Hour)
	b.put(evidence.ObjectKey(id, b.window(0, 1), 1), []byte("another's"))
	b.collectHour()
	b.now = b.now.Add(400 * 24 * time.Hour)
	if s := b.expire(); s.Removed != 5 || s.Objects != 6 {
		t.Errorf("%+v", s)
	}
	b.leftAre()
	b.verify()
}

// TestKilled ends a run at each deletion and each step after it, and lets the next
// run finish.
func TestKilled(t *testing.T) {
	t.Parallel()
	for at := range 6 {
		b := setup(t, 1)
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		b.store.refuse = func(string) error {
			if n++; n > at {
				cancel()
				return ctx.Err()
			}
			return nil
		}
		s, err := b.Expire(ctx, id)
		if at < 5 && (!errors.Is(err, context.Canceled) || s.Removed != int64(at)) {
			t.Errorf("killed at %d: %v, %+v", at, err, s)
		}
		b.verify()
		b.store.refuse = nil
		if at == 3 { // removed, and the catalog was not told
			b.must(b.store.FS.Delete(t.Context(), evidence.ObjectKey(id, b.window(5, 1), 1)))
		}
		b.expire()
		b.leftAre()
		b.verify()
		if e := b.entries(evidence.KindExpiry); len(e) != 1 {
			t.Errorf("%d expiry entries", len(e))
		}
		b.state(catalog.Removed, 5)
		cancel()
	}
}

// TestDisagree: the catalog alone deletes nothing.
func TestDisagree(t *testing.T) {
	t.Parallel()
	b := setup(t, 1)
	head, err := b.cat.Head(t.Context(), id)
	b.must(err)
	w := b.window(0, 1)
	w.Start, w.End = w.Start.Add(-time.Hour), w.End.Add(-time.Hour)
	for name, seq := range map[string]int64{"another's entry": 2, "no log entry": 0} {
		row := catalog.Window{Chain: id, Window: w, State: catalog.Sealed, Seq: seq, Lines: 1, Bytes: 1, Object: catalog.Kept}
		if err := b.cat.Commit(t.Context(), catalog.Commit{Head: head, Windows: []catalog.Window{row}}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Expire(t.Context(), id); !errors.Is(err, retention.ErrDisagree) {
			t.Errorf("%s: %v, want ErrDisagree", name, err)
		}
	}
	b.leftAre(0, 1, 2, 4, 5)
	if e := b.entries(evidence.KindExpiry); len(e) != 0 {
		t.Errorf("%d expiry entries", len(e))
	}
}

func TestHoldRules(t *testing.T) {
	t.Parallel()
	b := setup(t, 1)
	ctx, w := t.Context(), b.window(0, 2)
	_, err := b.Hold(ctx, id, w, "a-1", "r")
	b.must(err)
	again, err := b.Hold(ctx, id, w, "a-1", "r")
	b.must(err)
	if holds := b.entries(evidence.KindHold); len(holds) != 1 || again.Seq != holds[0].Seq {
		t.Errorf("the same hold again: %+v, %d entries", again, len(holds))
	}
	for name, tc := range map[string]struct {
		w          evidence.Window
		id, reason string
		want       error
	}{
		"other window": {b.window(1, 1), "a-1", "r", retention.ErrHoldExists},
		"other reason": {w, "a-1", "s", retention.ErrHoldExists},
		"no reason":    {w, "b", " ", retention.ErrInvalid},
		"two lines":    {w, "b", "a\nb", retention.ErrInvalid},
		"long reason":  {w, "b", strings.Repeat("x", 2001), retention.ErrInvalid},
		"id":           {w, "A", "r", retention.ErrInvalid},
		"id begins":    {w, "-a", "r", retention.ErrInvalid},
		"long id":      {w, strings.Repeat("a", 65), "r", retention.ErrInvalid},
		"empty window": {evidence.Window{Start: w.Start, End: w.Start}, "b", "r", retention.ErrInvalid},
	} {
		if _, err := b.Hold(ctx, id, tc.w, tc.id, tc.reason); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	if _, err := b.Lift(ctx, id, "b", "r"); !errors.Is(err, retention.ErrNoHold) {
		t.Errorf("lifting an unknown hold: %v", err)
	}
	for range 2 { // an id is free again once it is lifted
		_, err = b.Lift(ctx, id, "a-1", "r")
		b.must(err)
		_, err = b.Hold(ctx, id, b.window(1, 1), "a-1", "r")
		b.must(err)
	}
	b.verify()
}
