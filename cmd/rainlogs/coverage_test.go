package main

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// TestCalendar collects an hour, is too late for the next, collects a third,
// leaves a fourth out and expires the first: each is drawn as what it is.
func TestCalendar(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64 // of the emulator's clock
	s := newSiteAt(t, traffic(t, 5_000), logpulltest.Faults{}, func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	from, to := hours(6)
	hour := func(i int) time.Time { return from.Add(time.Duration(i) * time.Hour) }
	pull := func(i int) string {
		return s.ok("pull", "shop.example.eu", "--from", stamp(hour(i)), "--to", stamp(hour(i+1)), "--window", "30m")
	}
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	pull(0)
	pull(5)
	s.ok("archive", "expire", "--older-than", stampAge(hour(2)), "--yes")
	ahead.Store(int64(167 * time.Hour))
	if out := pull(1); !strings.Contains(out, "2 sealed as gaps") {
		t.Fatalf("pull of what is gone: %s", out)
	}
	ahead.Store(0)
	pull(2)

	cmd := s.command("coverage", "--calendar", "--from", stamp(from), "--to", stamp(to.Add(20*time.Minute)))
	cmd.Env = append(cmd.Env, "NO_COLOR=", "LC_ALL=en_IE.UTF-8")
	r := runCommand(t, cmd)
	if r.code != 0 {
		t.Fatalf("coverage: %+v", r)
	}
	cells := strings.Builder{}
	for _, line := range strings.Split(r.stdout, "\n") {
		if day, err := time.Parse("2006-01-02  ", line[:min(12, len(line))]); err == nil && !day.Before(from.Truncate(24*time.Hour)) {
			cells.WriteString(string([]rune(line[12:])[:24]))
		}
	}
	if got, want := strings.TrimSpace(cells.String()), "-✗█??█?"; got != want {
		t.Errorf("cells %q, want %q:\n%s", got, want, r.stdout)
	}
	for _, want := range []string{
		stamp(hour(1)) + " to " + stamp(hour(2)) + "  gap (too_old)\n",
		stamp(hour(3)) + " to " + stamp(hour(5)) + "  missing\n", "█ collected", zoneID + "/http_requests\n",
	} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("%q is not told:\n%s", want, r.stdout)
		}
	}
	for _, env := range [][]string{{"NO_COLOR=", "LC_ALL=C", "LANG=en_IE.UTF-8"}, {"NO_COLOR=1", "LC_ALL=en_IE.UTF-8"}} {
		cmd := s.command("coverage", "shop.example.eu", "--calendar")
		cmd.Env = append(cmd.Env, env...)
		r := runCommand(t, cmd)
		if r.code != 0 || !strings.Contains(r.stdout, "# collected") || strings.ContainsFunc(r.stdout, func(c rune) bool { return c > '~' }) {
			t.Errorf("%v: %+v", env, r)
		}
	}
	if out := s.ok("coverage"); !strings.Contains(out, "expired") || !strings.Contains(out, "gap (too_old)") {
		t.Errorf("table: %s", out)
	}
	plain := s.ok("coverage", "--json")
	if out := s.ok("coverage", "--json", "--calendar"); out != plain || !strings.Contains(out, `"state": "gap"`) {
		t.Errorf("JSON differs by --calendar: %s", out)
	}
	s.refused(4, "incomplete", "coverage", "--calendar", "--require-complete")
}

// stampAge is the age of an instant, for --older-than.
func stampAge(at time.Time) string { return time.Since(at).Round(time.Second).String() }
