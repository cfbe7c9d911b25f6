package logpulltest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

var faultStart, faultEnd = now.Add(-time.Hour), now.Add(-58 * time.Minute)

func retryAfter(want string) func(*testing.T, *bundle, answer) {
	return func(t *testing.T, _ *bundle, a answer) {
		if got := a.header.Get("Retry-After"); got != want {
			t.Errorf("Retry-After %q, want %q", got, want)
		}
	}
}

// part wants whole lines of the window first, but not all of it.
func part(t *testing.T, b *bundle, a answer) {
	t.Helper()
	truth := map[string]bool{}
	for _, line := range b.truth(zoneA, faultStart, faultEnd) {
		truth[line] = true
	}
	lines := a.lines()
	if len(lines) < 5 || len(lines) >= len(truth) {
		t.Fatalf("%d lines of %d", len(lines), len(truth))
	}
	for _, line := range lines[:5] {
		if !truth[line] {
			t.Fatalf("line %s is not of the window", line)
		}
	}
}

// faultRows says how each fault that passes shows itself.
var faultRows = []struct {
	fault  logpulltest.Fault
	status int
	check  func(*testing.T, *bundle, answer)
}{
	{logpulltest.Fault{Kind: logpulltest.FaultTooManySeconds, RetryAfter: 7 * time.Second}, 429, retryAfter("7")},
	{logpulltest.Fault{Kind: logpulltest.FaultTooManyDate, RetryAfter: 90 * time.Second}, 429, retryAfter(now.Add(90 * time.Second).Format(http.TimeFormat))},
	{logpulltest.Fault{Kind: logpulltest.FaultTooManyBare}, 429, retryAfter("")},
	{logpulltest.Fault{Kind: logpulltest.Fault500}, 500, nil},
	{logpulltest.Fault{Kind: logpulltest.Fault502}, 502, nil},
	{logpulltest.Fault{Kind: logpulltest.Fault503}, 503, nil},
	{logpulltest.Fault{Kind: logpulltest.Fault408}, 408, nil},
	{logpulltest.Fault{Kind: logpulltest.FaultV4Error}, 200, func(t *testing.T, _ *bundle, a answer) {
		if !strings.HasPrefix(a.body, `{"success":false`) || !strings.Contains(a.body, `"code":10000`) {
			t.Errorf("body %s", a.body)
		}
	}},
	{logpulltest.Fault{Kind: logpulltest.FaultCut, Lines: 20}, 200, func(t *testing.T, b *bundle, a answer) {
		if a.err == nil {
			t.Error("a cut connection read to its end")
		}
		part(t, b, a)
	}},
	{logpulltest.Fault{Kind: logpulltest.FaultStreamError, Lines: 20}, 200, func(t *testing.T, b *bundle, a answer) {
		part(t, b, a)
		if lines := a.lines(); a.err != nil || len(lines) != 21 || lines[20] != "Error streaming data." {
			t.Errorf("%d lines, last %q, %v", len(lines), lines[len(lines)-1], a.err)
		}
	}},
	{logpulltest.Fault{Kind: logpulltest.FaultTruncatedGzip, Lines: 20}, 200, func(t *testing.T, b *bundle, a answer) {
		part(t, b, a)
		if last := a.lines()[20]; a.err != nil || json.Valid([]byte(last)) {
			t.Errorf("last line %q, %v", last, a.err)
		}
	}},
	{logpulltest.Fault{Kind: logpulltest.FaultUnordered}, 200, func(t *testing.T, b *bundle, a answer) {
		if diff := cmp.Diff(b.truth(zoneA, faultStart, faultEnd), sorted(a.lines())); diff != "" {
			t.Errorf("unordered set:\n%.500s", diff)
		}
		if a.body == b.get(window(zoneA, faultStart, faultEnd)).body {
			t.Error("unordered lines are in order")
		}
	}},
}

// TestFaults orders each fault once: the request meets it, the next one does
// not and gets everything.
func TestFaults(t *testing.T) {
	t.Parallel()
	path := window(zoneA, faultStart, faultEnd)
	for _, row := range faultRows {
		t.Run(string(row.fault.Kind), func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			b.e.Queue(zoneA, row.fault)
			a := b.get(path)
			if a.status != row.status {
				t.Fatalf("status %d, want %d (%v)", a.status, row.status, a.err)
			}
			if row.check != nil {
				row.check(t, b, a)
			}
			if diff := cmp.Diff(b.truth(zoneA, faultStart, faultEnd), sorted(b.get(path).lines())); diff != "" {
				t.Errorf("the retry is not whole:\n%.500s", diff)
			}
			if n := b.e.Stats().Faults[row.fault.Kind]; n != 1 {
				t.Errorf("counted %d", n)
			}
			served := b.e.Served()
			if s := served[0]; s.Fault != row.fault.Kind || s.Complete != (row.fault.Kind == logpulltest.FaultUnordered) {
				t.Errorf("recorded %+v", s)
			}
			if s := served[len(served)-1]; !s.Complete || s.Fault != "" || s.Lines != int64(len(b.truth(zoneA, faultStart, faultEnd))) {
				t.Errorf("recorded of the retry %+v", s)
			}
		})
	}
}

// TestTruncatedGzip: HTTP says that the answer is whole; gzip says it is not.
func TestTruncatedGzip(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.e.Queue(zoneA, logpulltest.Fault{Kind: logpulltest.FaultTruncatedGzip, Lines: 100})
	a := b.get(window(zoneA, now.Add(-time.Hour), now.Add(-58*time.Minute)), "Authorization", "Bearer "+reader, "Accept-Encoding", "gzip")
	text, err := gunzip(a.body)
	if a.err != nil || err == nil || strings.Count(text, "\n") != 100 {
		t.Errorf("HTTP %v, gzip %v, %d lines", a.err, err, strings.Count(text, "\n"))
	}
}

// TestConditions: what is no failure stays so on every later read.
func TestConditions(t *testing.T) {
	t.Parallel()
	start, end := now.Add(-time.Hour), now.Add(-58*time.Minute)
	b := setup(t, nil)
	b.e.Queue(zoneA, logpulltest.Fault{Kind: logpulltest.FaultEmpty}, logpulltest.Fault{}, logpulltest.Fault{Kind: logpulltest.FaultLongLines})
	for range 2 {
		if a := b.get(window(zoneA, start, end)); a.status != 200 || a.body != "" {
			t.Errorf("empty window: %d, %d lines", a.status, len(a.lines()))
		}
	}
	if got := b.truth(zoneA, start, end.Add(time.Minute)); len(got) == 0 || len(got) != len(b.truth(zoneA, end, end.Add(time.Minute))) {
		t.Errorf("the truth holds %d lines", len(got))
	}
	start, end = now.Add(-30*time.Minute), now.Add(-28*time.Minute)
	fields := []string{"fields", "RayID,ClientRequestUserAgent"}
	first := b.get(window(zoneA, start, end, fields...)).lines()
	long := 0
	for _, line := range first {
		if !json.Valid([]byte(line)) {
			t.Fatal("a long line is no JSON")
		}
		if len(line) >= 300<<10 {
			long++
		}
	}
	if long < 2 || long > len(first)/8 {
		t.Errorf("%d long lines of %d", long, len(first))
	}
	halves := append(b.get(window(zoneA, start, start.Add(time.Minute), fields...)).lines(), b.get(window(zoneA, start.Add(time.Minute), end, fields...)).lines()...)
	if diff := cmp.Diff(sorted(first), sorted(halves)); diff != "" {
		t.Error("the long lines of the halves are others than those of the whole")
	}
	for _, line := range b.get(window(zoneA, start, end, "fields", "EdgeResponseBytes")).lines() {
		if !json.Valid([]byte(line)) {
			t.Fatalf("not JSON: %.80s", line)
		}
	}
}

func TestSlow(t *testing.T) {
	t.Parallel()
	var waits []time.Duration
	b := setup(t, func(c *logpulltest.Config) {
		c.Wait = func(_ context.Context, d time.Duration) error {
			waits = append(waits, d)
			return nil
		}
	})
	start, end := now.Add(-time.Hour), now.Add(-58*time.Minute)
	b.e.Queue(zoneA, logpulltest.Fault{Kind: logpulltest.FaultSlow, Pause: 3 * time.Second, Pauses: 2})
	a := b.get(window(zoneA, start, end))
	if diff := cmp.Diff(b.truth(zoneA, start, end), sorted(a.lines())); diff != "" {
		t.Errorf("slow answer:\n%.500s", diff)
	}
	if diff := cmp.Diff([]time.Duration{3 * time.Second, 3 * time.Second}, waits); diff != "" {
		t.Errorf("waits:\n%s", diff)
	}
}

// TestWeatherKeepsWindowsStable: what was read once is not changed by a lasting
// fault that comes later; what is empty at first stays empty.
func TestWeatherKeepsWindowsStable(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *logpulltest.Config) {
		c.Faults = logpulltest.Faults{Seed: 4, Chance: map[logpulltest.FaultKind]float64{logpulltest.FaultEmpty: 0.5}}
	})
	empty := 0
	for i := range 20 {
		path := window(zoneA, now.Add(-time.Hour+time.Duration(i)*time.Minute), now.Add(-time.Hour+time.Duration(i)*time.Minute+time.Second))
		first := b.get(path).body
		if first == "" {
			empty++
		}
		for range 5 {
			if b.get(path).body != first {
				t.Fatalf("window %d has changed", i)
			}
		}
	}
	if empty < 3 || empty > 17 {
		t.Errorf("%d of 20 windows are empty", empty)
	}
}

// TestWeather: faults by chance are the same for the same seed, whatever else
// is asked, and a window gets through in the end.
func TestWeather(t *testing.T) {
	t.Parallel()
	run := func(seed uint64, noise bool) (kinds []logpulltest.FaultKind) {
		b := setup(t, func(c *logpulltest.Config) {
			c.Faults = logpulltest.Faults{Seed: seed, Chance: map[logpulltest.FaultKind]float64{
				logpulltest.Fault503: 0.3, logpulltest.FaultTooManyBare: 0.2, logpulltest.FaultStreamError: 0.2}}
		})
		for i := range 20 {
			start := now.Add(-time.Hour + time.Duration(i)*time.Minute)
			if noise {
				b.get(window(zoneA, start.Add(-2*time.Hour), start.Add(-2*time.Hour+time.Second)))
			}
			for try := 0; ; try++ {
				b.get(window(zoneA, start, start.Add(time.Second)))
				served := b.e.Served()
				last := served[len(served)-1]
				kinds = append(kinds, last.Fault)
				if last.Fault == "" {
					break
				}
				if try == 50 {
					t.Fatal("a window never gets through")
				}
			}
		}
		return kinds
	}
	one, two, other := run(1, false), run(1, true), run(2, false)
	if diff := cmp.Diff(one, two); diff != "" {
		t.Errorf("same seed, other faults:\n%s", diff)
	}
	if len(one) < 30 || cmp.Equal(one, other) {
		t.Errorf("%d answers for 20 windows; another seed gives the same: %v", len(one), cmp.Equal(one, other))
	}
}
