package sqlite

import (
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

// Budgets go by the catalog's clock, over restarts too.
func TestBudgetsOverTime(t *testing.T) {
	t.Parallel()
	c := testOpen(t)
	now := testEpoch
	clock := func() time.Time { return now }
	c.now = clock
	budget := catalog.Budget{Key: "zone/x", Limit: 300, Per: 5 * time.Minute}
	take := func() time.Duration {
		t.Helper()
		wait, err := c.Take(t.Context(), []catalog.Budget{budget})
		if err != nil {
			t.Fatal(err)
		}
		return wait
	}
	for i := range 60 {
		if wait := take(); wait != 0 {
			t.Fatalf("event %d of the burst waits %s", i, wait)
		}
	}
	again, err := Open(t.Context(), c.path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close() //nolint:errcheck // only read
	first := c
	again.now = clock
	c = again
	wait := take()
	if wait < time.Second || wait > 2*time.Second { // 315 s / 241
		t.Fatalf("wait is %s", wait)
	}
	now = now.Add(wait - time.Microsecond)
	if left := take(); left != time.Microsecond {
		t.Errorf("left to wait: %s, want 1µs", left)
	}
	now = now.Add(time.Microsecond)
	if left := take(); left != 0 {
		t.Errorf("left to wait: %s after the wait", left)
	}
	if err := first.Rest(t.Context(), budget.Key, time.Minute); err != nil {
		t.Fatal(err)
	}
	now = now.Add(59 * time.Second)
	if left := take(); left != time.Second {
		t.Errorf("left to wait: %s, want the rest of the rest, 1s", left)
	}
	now = now.Add(time.Second)
	if left := take(); left != 0 {
		t.Errorf("left to wait: %s after the rest", left)
	}
}
