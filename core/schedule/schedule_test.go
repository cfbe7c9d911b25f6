package schedule_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

var now = time.Date(2026, 11, 24, 12, 34, 56, 7, time.UTC)

func policy() schedule.Policy {
	return schedule.Policy{
		Window: 5 * time.Minute, Lag: 5 * time.Minute, Backfill: 72 * time.Hour,
		Limits: source.Limits{MaxWindow: time.Hour, MinLag: time.Minute, MaxAge: 168 * time.Hour},
	}
}

func at(day, hour, minute, second int) time.Time {
	return time.Date(2026, 11, day, hour, minute, second, 0, time.UTC)
}

func span(from, to time.Time) evidence.Window { return evidence.Window{Start: from, End: to} }

func TestPlanLiveEdge(t *testing.T) {
	t.Parallel()
	got := policy().Plan(now, at(24, 12, 15, 0), nil)
	want := []evidence.Window{span(at(24, 12, 15, 0), at(24, 12, 20, 0)), span(at(24, 12, 20, 0), at(24, 12, 25, 0))}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := policy().Plan(now, at(24, 12, 25, 0), nil); got != nil {
		t.Errorf("nothing is owed, and %v is planned", got)
	}
}

// TestPlanAfterOutage: eight days without a collector are one gap, hours, and
// the live edge.
func TestPlanAfterOutage(t *testing.T) {
	t.Parallel()
	p := policy()
	from := at(16, 12, 25, 0)
	got := p.Plan(now, from, nil)
	edge := at(17, 12, 34, 57)
	if got[0] != span(from, edge) {
		t.Errorf("what is gone is %v, want one window to %s", got[0], edge)
	}
	if got[1] != span(edge, at(17, 13, 0, 0)) || got[2] != span(at(17, 13, 0, 0), at(17, 14, 0, 0)) {
		t.Errorf("the backlog begins with %v, %v", got[1], got[2])
	}
	live := 0
	for _, w := range got {
		if !w.Start.Before(p.Live(now)) {
			live++
		}
	}
	if live != 3 || len(got) != 1+169+3 {
		t.Errorf("%d windows, %d of them live; want the gap, 169 of the backlog and 3", len(got), live)
	}
}

// TestPlanTiles: whatever the ledger holds, with it the plan covers all up to
// the edge, once.
func TestPlanTiles(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		p := policy()
		p.Window = []time.Duration{time.Minute, 5 * time.Minute, time.Hour}[rng.IntN(3)]
		from := now.Add(-time.Duration(rng.IntN(200*60)) * time.Minute).Truncate(time.Second)
		if !from.Before(p.Edge(now)) {
			continue
		}
		var rows []catalog.Window
		for at := from.Add(-time.Hour); at.Before(now); {
			w := span(at, at.Add(time.Duration(1+rng.IntN(7200))*time.Second))
			if rng.IntN(2) == 0 {
				rows = append(rows, catalog.Window{Window: w})
			}
			at = w.End
		}
		all := append([]catalog.Window(nil), rows...)
		for _, w := range p.Plan(now, from, rows) {
			if d := w.Duration(); d <= 0 || d > time.Hour && w.End.After(now.Add(-168*time.Hour).Add(time.Second)) {
				t.Fatalf("window %s of %s", w, d)
			}
			all = append(all, catalog.Window{Window: w})
		}
		slices.SortFunc(all, func(a, b catalog.Window) int { return a.Window.Start.Compare(b.Window.Start) })
		for i, w := range all[1:] {
			if before := all[i].Window; !w.Window.Start.Equal(before.End) && w.Window.Start.After(from) && before.End.Before(p.Edge(now)) {
				t.Fatalf("%s follows %s", w.Window, before)
			}
		}
		if first, last := all[0].Window, all[len(all)-1].Window; first.Start.After(from) || last.End.Before(p.Edge(now)) {
			t.Fatalf("from %s to %s is covered, not from %s to %s", first.Start, last.End, from, p.Edge(now))
		}
	}
}

func TestBegin(t *testing.T) {
	t.Parallel()
	p := policy()
	z := catalog.Zone{AddedAt: now}
	if got, want := p.Begin(z), at(21, 12, 30, 0); !got.Equal(want) {
		t.Errorf("a zone begins at %s, want %s", got, want)
	}
	p.Backfill = 1000 * time.Hour
	if got := p.Begin(z); now.Sub(got) >= 168*time.Hour {
		t.Errorf("a new zone begins at %s, which its source has forgotten", got)
	}
	z.From = at(1, 0, 0, 0)
	if got := p.Begin(z); !got.Equal(z.From) {
		t.Errorf("the operator's word is %s, got %s", z.From, got)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		"": "empty", "*/5 * * *": "cron expression", "61 * * * *": "cron expression", "0 0 30 2 *": "never comes",
	} {
		if _, err := schedule.ParseTimes(expr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", expr, err, want)
		}
	}
	times, err := schedule.ParseTimes("*/5 * * * *")
	if err != nil {
		t.Fatal(err)
	}
	for last, due := range map[time.Time]bool{
		{}: true, at(24, 12, 29, 59): true, at(24, 12, 30, 0): false, at(24, 12, 30, 1): false, at(1, 0, 0, 0): true,
	} {
		if got := schedule.Due(times, last, now.Truncate(time.Minute)); got != due {
			t.Errorf("last plan at %s: due %t, want %t", last, got, due)
		}
	}
}

// TestEvery: "@every D" comes once in D however often it is asked after, and each time when it is asked more seldom.
func TestEvery(t *testing.T) {
	t.Parallel()
	times, err := schedule.ParseTimes("@every 10m")
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for ask, want := range map[time.Duration]int{time.Second: 6, 7 * time.Minute: 6, 10 * time.Minute: 6, 15 * time.Minute: 4} {
		got := 0
		for last := begin; last.Before(begin.Add(time.Hour)); last = last.Add(ask) {
			if schedule.Due(times, last, last.Add(ask)) {
				got++
			}
		}
		if got != want {
			t.Errorf("asked each %s it came %d times in an hour, want %d", ask, got, want)
		}
	}
}
