package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// TestMainJob collects, verifies and answers, and lets other people's tools
// agree.
func TestMainJob(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 40_000), logpulltest.Faults{})
	from, to := hours(2)
	if out := s.run("zone", "add", zoneID, "--name", "shop.example.eu"); out.code != 0 || !strings.Contains(out.stdout, "retention") {
		t.Fatalf("zone add: %+v", out)
	}
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))
	n := s.checkLines(from, to)
	if n < 1000 {
		t.Errorf("only %d lines", n)
	}
	if code, findings, _ := s.report(); code != 0 || len(findings) != 0 {
		t.Errorf("verify: exit %d, %v", code, findings)
	}
	out := s.ok("query", "--format", "csv", "SELECT count(*) AS n, count(DISTINCT ClientIP) > 1 AS many, typeof(EdgeStartTimestamp) FROM logs GROUP BY 3")
	if want := "TIMESTAMP_NS"; !strings.Contains(out, want) {
		t.Errorf("query says %q, want %s in it", out, want)
	}
	if out := s.ok("coverage", "--require-complete"); !strings.Contains(out, "collected") {
		t.Errorf("coverage: %s", out)
	}
	s.checkForeignTools()
}

// TestFaultyWeather pulls through every fault that a retry or a split can mend.
func TestFaultyWeather(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 20_000), weather(3))
	from, to := hours(2)
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu", "--force")
	for try := 0; ; try++ {
		r := s.run("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))
		if r.code == 0 {
			break
		}
		if try == 10 {
			t.Fatalf("still failing: %s%s", r.stdout, r.stderr)
		}
	}
	s.checkLines(from, to)
	s.ok("coverage", "--from", stamp(from), "--to", stamp(to), "--require-complete")
	if code, findings, _ := s.report(); code != 0 {
		t.Errorf("verify: exit %d, %v", code, findings)
	}
}

// weather gives every fault that does not last a small chance.
func weather(seed uint64) logpulltest.Faults {
	f := logpulltest.Faults{Seed: seed, Chance: map[logpulltest.FaultKind]float64{}, RetryAfter: time.Second, Pause: 10 * time.Millisecond, Pauses: 2}
	for _, k := range logpulltest.FaultKinds() {
		if k != logpulltest.FaultTooManyBare { // without Retry-After it is a minute's pause
			f.Chance[k] = 0.02
		}
	}
	return f
}

// copyTree copies an archive, writable, to be tampered with.
func copyTree(t testing.TB, from, to string) {
	t.Helper()
	must(t, filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o644)
	}))
}
