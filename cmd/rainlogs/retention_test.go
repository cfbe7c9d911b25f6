package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

func (s *site) objects() int {
	s.t.Helper()
	found, err := filepath.Glob(s.path("logs", zoneID, "*", "*", "*", "*", "*.zst"))
	must(s.t, err)
	return len(found)
}

// refused runs a command that must end with a code and say something.
func (s *site) refused(code int, says string, args ...string) {
	s.t.Helper()
	if r := s.run(args...); r.code != code || !strings.Contains(r.stderr, says) {
		s.t.Errorf("rainlogs %v: exit %d, want %d and %q\n%s%s", args, r.code, code, says, r.stdout, r.stderr)
	}
}

// TestRetention pulls, holds, expires, lifts and expires again; the archive
// verifies all the time.
func TestRetention(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 40_000), logpulltest.Faults{})
	from, to := hours(2)
	mid := from.Add(time.Hour)
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))
	all := s.objects()
	if all != 24 {
		t.Fatalf("%d objects", all)
	}
	intact := func() {
		t.Helper()
		if code, findings, text := s.report(); code != 0 {
			t.Errorf("verify: exit %d, %v\n%s", code, findings, text)
		}
	}

	// Nothing is as old as the policy says, and nothing goes unasked.
	if out := s.ok("archive", "expire", "--dry-run"); !strings.Contains(out, "400d") {
		t.Errorf("dry run: %s", out)
	}
	s.refused(2, "--yes", "archive", "expire", "--older-than", "1s")
	s.refused(2, "--older-than", "archive", "expire", "--older-than", "soon", "--yes")
	s.refused(2, "zone add", "archive", "expire", "nowhere.example", "--yes")

	hold := []string{"archive", "hold", "place", "shop.example.eu", "--from", stamp(mid.Add(20 * time.Minute)), "--to", stamp(mid.Add(25 * time.Minute)), "--id", "case-1"}
	s.refused(2, "--reason", hold...)
	if out := s.ok(append(hold, "--reason", "matter 1")...); !strings.Contains(out, "case-1") {
		t.Errorf("place: %s", out)
	}
	s.ok(append(hold, "--reason", "matter 1")...) // the same again
	s.refused(2, "in force already", append(hold, "--reason", "matter 2")...)
	s.refused(2, "no such hold", "archive", "hold", "lift", "shop.example.eu", "case-2", "--reason", "x")
	if out := s.ok("archive", "hold", "list", "--json"); !strings.Contains(out, `"matter 1"`) {
		t.Errorf("list: %s", out)
	}

	var plan []struct {
		Plan struct{ Windows, Objects, Held int }
		Done *struct{ Declared, Removed, Held int }
	}
	decode := func(text string) {
		t.Helper()
		plan = nil
		must(t, json.Unmarshal([]byte(text), &plan))
		if len(plan) != 1 {
			t.Fatalf("%d chains: %s", len(plan), text)
		}
	}
	decode(s.ok("archive", "expire", "shop.example.eu", "--older-than", "1s", "--dry-run", "--json"))
	held := plan[0].Plan.Held
	// The window itself, and later ones with events of its time.
	if held < 1 || held > 3 || plan[0].Plan.Windows != all-held || s.objects() != all || plan[0].Done != nil {
		t.Errorf("planned %+v", plan)
	}
	decode(s.ok("archive", "expire", "shop.example.eu", "--older-than", "1s", "--yes", "--json", "--reason", "test"))
	if d := plan[0].Done; d == nil || d.Removed != all-held || d.Held != held || s.objects() != held {
		t.Errorf("done %+v, %d objects left", plan, s.objects())
	}
	intact()
	if out := s.ok("coverage"); strings.Count(out, "expired") != 2 || strings.Count(out, "collected") != 1 {
		t.Errorf("coverage: %s", out)
	}
	// The catalog can be made again, holds and all.
	s.ok("archive", "rebuild-catalog")
	if z := s.listed(); z.Name != "shop.example.eu" {
		t.Errorf("rebuilt: zone is named %q", z.Name)
	}
	decode(s.ok("archive", "expire", zoneID, "--older-than", "1s", "--yes", "--json"))
	if plan[0].Done != nil && plan[0].Done.Held != held || s.objects() != held {
		t.Errorf("rebuilt: %+v, %d objects left", plan, s.objects())
	}

	s.ok("archive", "hold", "lift", zoneID, "case-1", "--reason", "closed")
	if out := s.ok("archive", "expire", "--older-than", "1s", "--yes"); !strings.Contains(out, "0 windows held") {
		t.Errorf("expire: %s", out)
	}
	if n := s.objects(); n != 0 {
		t.Errorf("%d objects left", n)
	}
	intact()
	if out := s.ok("coverage"); strings.Contains(out, "collected") {
		t.Errorf("coverage: %s", out)
	}
}
