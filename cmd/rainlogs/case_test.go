package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// linksTo are the addresses of the first records of a query's answer.
func (s *site) linksTo(condition string, n int) (links []string) {
	s.t.Helper()
	var d struct{ Archive string }
	b, err := os.ReadFile(s.path("rainlogs.json"))
	must(s.t, err)
	must(s.t, json.Unmarshal(b, &d))
	sql := fmt.Sprintf("SELECT 'rainlogs://%s/' || _zone || '/http_requests/' || _seq || '/' || _line FROM logs WHERE %s ORDER BY 1 LIMIT %d", d.Archive, condition, n)
	out := s.ok("query", "--format", "csv", sql)
	return strings.Split(strings.TrimSpace(out), "\n")[1:]
}

// TestCase: a case from its beginning to a bundle that an outsider checks.
func TestCase(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 20_000), logpulltest.Faults{})
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	from, to := hours(1)
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))
	if r := s.run("case", "show"); r.code != 2 || !strings.Contains(r.stderr, "no case yet") {
		t.Errorf("without a case: exit %d, %s", r.code, r.stderr)
	}
	links := s.linksTo("EdgeResponseStatus >= 400", 3)
	if name := s.ok("case", "new", "Card theft"); name != "card-theft\n" {
		t.Errorf("its name is %q", name)
	}
	s.ok("case", "mark", links[0], links[1], "--note", "=the first")
	s.ok("case", "mark", links[2])
	s.ok("case", "mark", "--remove", links[1])
	s.ok("case", "note", "called the bank")
	for _, args := range [][]string{{"mark", "x"}, {"mark", strings.Replace(links[0], "://", "://x", 1)}, {"mark", links[0] + "9999999"}, {"show", "none"}, {"export", "none"}, {"check", s.dir}} {
		if r := s.run(append([]string{"case"}, args...)...); r.code != 2 {
			t.Errorf("%v: exit %d, %s", args, r.code, r.stderr)
		}
	}
	var shown struct {
		Case      struct{ Bookmarks, Notes int }
		Bookmarks []struct{ Link, Note, Line, Time string }
		Events    []struct{ Event string }
	}
	must(t, json.Unmarshal([]byte(s.ok("case", "show", "--json")), &shown))
	if shown.Case.Bookmarks != 2 || shown.Case.Notes != 1 || shown.Bookmarks[0].Time == "" || !strings.Contains(shown.Bookmarks[0].Line, "shop.example.eu ") {
		t.Errorf("%+v", shown)
	}
	if text := s.ok("case", "show", "--log"); !strings.Contains(text, "called the bank") || !strings.Contains(text, "unbookmark") {
		t.Error(text)
	}
	var res struct {
		Folder, SHA256 string
		Records        int
	}
	must(t, json.Unmarshal([]byte(s.ok("case", "export", "--dir", s.path("..", "out"), "--json")), &res))
	raw, err := os.ReadFile(filepath.Join(res.Folder, "records.ndjson"))
	must(t, err)
	all := s.ok("logs")
	for _, line := range strings.SplitAfter(strings.TrimSuffix(string(raw), "\n"), "\n") {
		if !strings.Contains(all, strings.TrimSuffix(line, "\n")+"\n") {
			t.Errorf("not a line of the archive: %s", line)
		}
	}
	key := s.path("..", "verifier.pub")
	if text := s.ok("case", "check", res.Folder, "--key", key); res.Records != 2 || !strings.Contains(text, "records   2 proven") || !strings.Contains(text, "by the key given") {
		t.Errorf("%+v: %s", res, text)
	}
	if text := s.ok("case", "show", "--log"); !strings.Contains(text, res.SHA256) {
		t.Errorf("the case does not know of its export: %s", text)
	}
	must(t, os.WriteFile(filepath.Join(res.Folder, "records.csv"), nil, 0o600))
	if r := s.run("case", "check", res.Folder); r.code != 3 || !strings.Contains(r.stdout, "records.csv was changed") {
		t.Errorf("a changed bundle: exit %d, %s", r.code, r.stdout)
	}
	objects, err := filepath.Glob(s.path("logs", zoneID, "*", "*", "*", "*", "*.zst"))
	must(t, err)
	for _, path := range objects {
		must(t, os.Chmod(path, 0o600))
		must(t, os.WriteFile(path, []byte("x"), 0o600))
	}
	if r := s.run("case", "export", "--dir", s.path("..", "out")); r.code == 0 || !strings.Contains(r.stderr, "none of the 2 records") {
		t.Errorf("a damaged archive: exit %d, %s", r.code, r.stderr)
	}
	journal, err := filepath.Glob(filepath.Join(filepath.Dir(s.dir), "data", "rainlogs", "cases", "*", "card-theft", "case.jsonl"))
	must(t, err)
	text, err := os.ReadFile(journal[0])
	must(t, err)
	must(t, os.WriteFile(journal[0], []byte(strings.Replace(string(text), "=the first", "=the other", 1)), 0o600))
	for _, args := range [][]string{{"list"}, {"show"}, {"note", "x"}, {"export"}} {
		if r := s.run(append([]string{"case"}, args...)...); r.code != 3 && args[0] != "note" && args[0] != "export" || r.code == 0 || !strings.Contains(r.stderr, "does not follow") {
			t.Errorf("a changed journal, %v: exit %d, %s", args, r.code, r.stderr)
		}
	}
}
