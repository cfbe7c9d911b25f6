package schedule_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// counter grants so many events by key, and remembers what is asked of it.
type counter struct {
	mu    sync.Mutex
	left  map[string]int
	again time.Duration
	rests map[string]time.Duration
}

func (c *counter) Take(_ context.Context, budgets []catalog.Budget) (time.Duration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range budgets {
		if left, ok := c.left[b.Key]; ok && left < max(b.N, 1) {
			return c.again, nil
		}
	}
	for _, b := range budgets {
		if _, ok := c.left[b.Key]; ok {
			c.left[b.Key] -= max(b.N, 1)
		}
	}
	return 0, nil
}

func (c *counter) Rest(_ context.Context, key string, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rests[key] = d
	return nil
}

// answering is a source with one answer.
type answering struct {
	source.Source
	err  error // of Pull
	body error // of reading
}

func (a answering) Describe(context.Context) (source.Description, error) {
	return source.Description{Limits: source.Limits{Rates: []source.Rate{
		{Scope: source.PerZone, Limit: 15, Per: time.Minute},
		{Scope: source.PerCredential, Limit: 180, Per: time.Minute},
		{Scope: source.TimeoutsPerZone, Limit: 11, Per: time.Hour},
	}}}, nil
}

func (a answering) Pull(context.Context, source.Request) (*source.Stream, error) {
	if a.err != nil {
		return nil, a.err
	}
	return &source.Stream{Body: io.NopCloser(io.MultiReader(strings.NewReader("x"), failing{a.body}))}, nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

func budgeted(t *testing.T, a answering, c *counter) *schedule.Budgeted {
	t.Helper()
	c.rests = map[string]time.Duration{}
	b, err := schedule.NewBudgeted(t.Context(), a, "x", c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const zoneKey, credentialKey = "zone/x/z/1m0s", "credential/x/1m0s"

// TestWaitsForItsTurn: long for the credential's, and not for the zone's.
func TestWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: map[string]int{credentialKey: 0}, again: 20 * time.Second}
		b := budgeted(t, answering{}, c)
		go func() {
			time.Sleep(15 * time.Second)
			c.mu.Lock()
			c.left[credentialKey] = 1
			c.mu.Unlock()
		}()
		begun := time.Now()
		if _, err := b.Pull(t.Context(), source.Request{Zone: "z"}); err != nil || time.Since(begun) != 20*time.Second {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
		c.left = map[string]int{zoneKey: 0}
		begun = time.Now()
		_, err := b.Pull(t.Context(), source.Request{Zone: "z"})
		var e *source.Error
		if !errors.As(err, &e) || e.Class != source.ClassRetry || e.Reason != schedule.ReasonBudget || e.After != 20*time.Second || time.Since(begun) != 0 {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
	})
}

// TestRestsForAll: what one process is told, all obey.
func TestRestsForAll(t *testing.T) {
	t.Parallel()
	refused := func(reason string) error {
		return &source.Error{Op: "pull", Class: source.ClassRetry, Reason: reason, After: 17 * time.Second}
	}
	for name, tc := range map[string]struct {
		answer answering
		left   map[string]int
		rests  map[string]time.Duration
	}{
		"zone":             {answering{err: refused(source.ReasonRate)}, nil, map[string]time.Duration{zoneKey: 17 * time.Second}},
		"credential":       {answering{err: refused(source.ReasonRateCredential)}, nil, map[string]time.Duration{credentialKey: 17 * time.Second}},
		"timeout":          {answering{err: refused(source.ReasonTimeout)}, nil, nil},
		"too many":         {answering{err: refused(source.ReasonTimeout)}, map[string]int{"zone-timeouts/x/z/1h0m0s": 0}, map[string]time.Duration{zoneKey: 5 * time.Second}},
		"too many, midway": {answering{body: refused(source.ReasonTimeout)}, map[string]int{"zone-timeouts/x/z/1h0m0s": 0}, map[string]time.Duration{zoneKey: 5 * time.Second}},
		"others":           {answering{err: errors.New("cut")}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &counter{left: tc.left, again: 5 * time.Second}
			b := budgeted(t, tc.answer, c)
			st, err := b.Pull(t.Context(), source.Request{Zone: "z"})
			if err == nil {
				_, err = io.ReadAll(st.Body)
			}
			if err == nil {
				t.Error("no error")
			}
			if len(c.rests) != len(tc.rests) {
				t.Errorf("rests %v, want %v", c.rests, tc.rests)
			}
			for key, d := range tc.rests {
				if c.rests[key] != d {
					t.Errorf("rests %v, want %v", c.rests, tc.rests)
				}
			}
		})
	}
}
