package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// stands is what the tests look at of a provenance.
type stands struct {
	Objects  struct{ Selected, Columns, Verified int }
	Coverage struct {
		Complete   bool
		Incomplete []struct{ State string }
	}
	Stats *struct {
		Rows       int64
		PeakMemory int64   `json:"peak_memory"`
		Scan       float64 `json:"scan_seconds"`
	}
}

// newHoled is a site of three hours, of which the middle one was not collected.
func newHoled(t *testing.T) (s *site, from, to string) {
	t.Helper()
	s = newSite(t, traffic(t, 20_000), logpulltest.Faults{})
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	start, end := hours(3)
	s.ok("pull", "shop.example.eu", "--from", stamp(start), "--to", stamp(start.Add(time.Hour)))
	s.ok("pull", "shop.example.eu", "--from", stamp(end.Add(-time.Hour)), "--to", stamp(end))
	return s, stamp(start), stamp(end)
}

func readProvenance(t *testing.T, path string) (p stands) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	must(t, json.Unmarshal(b, &p))
	return p
}

// TestAnswersOverAHole: in each format the answer says that a window is missing.
func TestAnswersOverAHole(t *testing.T) {
	t.Parallel()
	s, from, to := newHoled(t)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	for _, f := range []string{"table", "csv", "tsv", "json", "ndjson", "markdown", "parquet", "duckdb"} {
		out := file("answer." + f)
		r := s.run("query", "--from", from, "--to", to, "--format", f, "-o", out, "SELECT ClientIP, EdgeStartTimestamp FROM logs")
		if info, err := os.Stat(out); r.code != 0 || err != nil || info.Size() == 0 {
			t.Fatalf("%s: exit %d, %v: %s", f, r.code, err, r.stderr)
		}
		if f == "json" {
			var document struct{ Provenance stands }
			b, err := os.ReadFile(out)
			must(t, err)
			must(t, json.Unmarshal(b, &document))
			if document.Provenance.Coverage.Complete || document.Provenance.Coverage.Incomplete[0].State != "missing" {
				t.Errorf("json: %+v", document.Provenance)
			}
			continue
		}
		p := readProvenance(t, out+".provenance.json")
		if p.Coverage.Complete || p.Coverage.Incomplete[0].State != "missing" || p.Objects.Verified != 24 {
			t.Errorf("%s: beside it %+v", f, p)
		}
		if !strings.Contains(r.stderr, "coverage INCOMPLETE") {
			t.Errorf("%s: standard error does not say so: %s", f, r.stderr)
		}
	}
	s.ok("logs", "--from", from, "--to", to, "-o", file("all.ndjson"))
	s.ok("logs", "--from", from, "--to", to, "--where", "EdgeResponseStatus >= 500", "-o", file("some.ndjson"))
	for _, name := range []string{"all.ndjson", "some.ndjson"} {
		if p := readProvenance(t, file(name)+".provenance.json"); p.Coverage.Complete || p.Objects.Verified != 24 {
			t.Errorf("%s: beside it %+v", name, p)
		}
	}
	if drafts, _ := filepath.Glob(file("*.draft")); len(drafts) != 0 {
		t.Errorf("left %v", drafts)
	}

	absence := func(from, to string) string {
		t.Helper()
		return s.ok("query", "--saved", "absence", "--param", "ip=203.0.113.250", "--from", from, "--to", to, "--format", "csv")
	}
	start, err := time.Parse(time.RFC3339, from)
	must(t, err)
	if out := absence(from, to); !strings.Contains(out, "not proven: windows are incomplete") || !strings.Contains(out, "missing") {
		t.Errorf("over the hole: %s", out)
	}
	if out := absence(from, stamp(start.Add(40*time.Minute))); !strings.Contains(out, "no request in what was collected") {
		t.Errorf("beside the hole: %s", out)
	}
}

// TestQueryFiles: what -o, --explain, --stats and --saved do besides.
func TestQueryFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 20_000), logpulltest.Faults{})
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	from, to := hours(1)
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))
	out := filepath.Join(t.TempDir(), "answer")

	for _, args := range [][]string{
		{"query", "--format", "parquet", "SELECT 1"}, {"query", "--format", "parquet", "-o", "/dev/null", "SELECT 1"},
		{"query", "--format", "xml", "SELECT 1"}, {"stats", "--format", "duckdb", "-o", out}, {"sql", "--format", "parquet"},
		{"query", "--format", "duckdb", "-o", out, "EXPLAIN SELECT 1"}, {"query", "--saved", "absence"}, {"query", "--saved", "show"},
	} {
		if r := s.run(args...); r.code != 2 {
			t.Errorf("%v: exit %d: %s", args, r.code, r.stderr)
		}
	}
	if r := s.run("sql", "--format", "parquet"); !strings.Contains(r.stderr, "rainlogs query --format parquet -o FILE") {
		t.Errorf("the shell says %s", r.stderr)
	}
	must(t, os.WriteFile(out, []byte("before"), 0o600))
	if r := s.run("query", "--format", "csv", "-o", out, "SELECT 1 WHERE error('no') IS NULL"); r.code == 0 {
		t.Error("an error is none")
	}
	if b, err := os.ReadFile(out); err != nil || string(b) != "before" {
		t.Errorf("a question that failed left %q, %v", b, err)
	}

	var plan struct {
		Plan    string
		Columns []string
		Objects struct{ Selected, Read int }
	}
	must(t, json.Unmarshal([]byte(s.ok("query", "--explain", "--format", "json", "SELECT ClientIP FROM logs")), &plan))
	if plan.Objects.Read != 12 || len(plan.Columns) != 1 || plan.Columns[0] != "ClientIP" || plan.Plan == "" {
		t.Errorf("plan %+v", plan)
	}
	s.ok("index")
	if text := s.ok("query", "--explain", "SELECT ClientIP FROM logs"); !strings.Contains(text, "12 from columns, 0 to be fetched") || !strings.Contains(text, "columns   ClientIP\n") {
		t.Errorf("plan %s", text)
	}
	var document struct{ Provenance stands }
	must(t, json.Unmarshal([]byte(s.ok("query", "--stats", "--format", "json", "SELECT ClientIP FROM logs LIMIT 7")), &document))
	if st := document.Provenance.Stats; st == nil || st.Rows != 7 || st.PeakMemory == 0 || st.Scan == 0 {
		t.Errorf("stats %+v", st)
	}
	if r := s.run("query", "--stats", "SELECT count(*) FROM logs"); !strings.Contains(r.stderr, "rows      1 from 12 objects by columns and 0 read") {
		t.Errorf("stats %s", r.stderr)
	}
	if p := s.run("query", "--format", "parquet", "-o", out, "--stats", "SELECT ClientIP FROM logs LIMIT 7"); p.code != 0 || !strings.Contains(p.stderr, "rows      7 from") {
		t.Errorf("exit %d: %s", p.code, p.stderr)
	}
}

// TestSavedFolder: a folder beside the config adds to the program's queries.
func TestSavedFolder(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 20_000), logpulltest.Faults{})
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	from, to := hours(1)
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))
	folder := s.path("..", "queries")
	must(t, os.MkdirAll(folder, 0o700))
	must(t, os.WriteFile(filepath.Join(folder, "mine.sql"), []byte("-- title: Mine\n-- param n = 2\nSELECT CAST($n AS INT) + 1 AS n\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(folder, "scanners.sql"), []byte("-- title: My scanners\nSELECT 1 AS mine\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(folder, "bad\x1b.sql"), []byte("SELECT 1\n"), 0o600))
	r := s.run("query", "--saved", "list")
	if r.code != 0 || !strings.Contains(r.stdout, filepath.Join(folder, "mine.sql")) || !strings.Contains(r.stdout, "ip=…") || !strings.Contains(r.stdout, " rainlogs\n") {
		t.Errorf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	if !strings.Contains(r.stderr, "is left out") || !strings.Contains(r.stderr, "instead of that of rainlogs") || strings.Contains(r.stderr, "\x1b") {
		t.Errorf("notices %q", r.stderr)
	}
	if got := s.ok("query", "--saved", "mine", "--param", "n=4", "--format", "csv"); got != "n\n5\n" {
		t.Errorf("mine: %s", got)
	}
	if got := s.ok("query", "--saved", "scanners", "--format", "csv"); got != "mine\n1\n" {
		t.Errorf("scanners: %s", got)
	}
	if got := s.ok("query", "--saved", "show", "mine"); !strings.Contains(got, "-- from: "+folder) || !strings.Contains(got, "SELECT CAST($n AS INT)") {
		t.Errorf("show: %s", got)
	}
	cmd := s.command("sql")
	cmd.Stdin = strings.NewReader(".format csv\n.saved mine n=1\n")
	if r := runCommand(t, cmd); r.code != 0 || !strings.Contains(r.stdout, "n\n2\n") {
		t.Errorf("shell: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
}
