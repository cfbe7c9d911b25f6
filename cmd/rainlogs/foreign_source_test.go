package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// helloSite is a site that has the source of examples/source-hello, as its
// author builds it, and no other.
func helloSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "site")}
	s.ok("init", "--dir", s.dir, "--yes")
	plugins := filepath.Join(s.dir, "plugins")
	must(t, os.Mkdir(plugins, 0o755))
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../../examples/source-hello", "-o", filepath.Join(plugins, "rainlogs-source-hello"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	must(t, os.WriteFile(filepath.Join(s.dir, "rainlogs.yaml"), fmt.Appendf(nil, `archive:
  storage: [{name: local, plugin: fs, path: ./archive}]
sources:
  hello: {greeting: ciao}
known: %s
plugins: {dir: ./plugins}
`, filepath.Join(filepath.Dir(s.dir), "known")), 0o600))
	return s
}

// TestForeignSource collects from a source that is not ours, in a dataset that
// is not Cloudflare's, and has the archive verified, queried and told of.
func TestForeignSource(t *testing.T) {
	t.Parallel()
	s := helloSite(t)
	s.fails(2, "not built in", "zone", "add", "world", "--source", "hello")
	s.ok("plugin", "pin", "hello", "--write")
	s.fails(2, "no dataset", "zone", "add", "world", "--source", "hello", "--dataset", "partings")
	s.fails(1, "a check failed", "zone", "add", "No-Word", "--source", "hello")
	s.fails(2, "letters, digits", "zone", "add", "the world", "--source", "hello")
	s.ok("zone", "add", "world", "--source", "hello", "--dataset", "greetings")

	var zones []struct{ Zone, Name, Source, Dataset, Subject string }
	must(t, json.Unmarshal([]byte(s.ok("zone", "list", "--json")), &zones))
	id := evidence.ZoneID("hello", "world")
	if len(zones) != 1 || zones[0].Zone != id || zones[0].Name != "world" || zones[0].Source != "hello" || zones[0].Dataset != "greetings" || zones[0].Subject != "world" {
		t.Fatalf("zones %+v", zones)
	}
	to := time.Now().UTC().Truncate(time.Hour).Add(-time.Hour)
	from := to.Add(-2 * time.Hour)
	s.ok("pull", "world", "--from", stamp(from), "--to", stamp(to))
	s.fails(2, "widest window", "pull", "world", "--from", stamp(from), "--window", "2h")
	if code, findings, text := s.report(); code != 0 {
		t.Errorf("verify: exit %d, %v\n%s", code, findings, text)
	}
	for sql, want := range map[string]string{
		`SELECT count(*) AS n FROM logs`:                                             "7200",
		`SELECT DISTINCT Greeting->>'$' AS n FROM logs`:                              "ciao, world",
		`SELECT count(*) AS n FROM logs WHERE (Second->>'$')::INTEGER = 7`:           "120",
		`SELECT count(*) AS n FROM raw WHERE line LIKE '%"Greeting":"ciao, world"%'`: "7200",
	} {
		if got := s.ok("query", "--zone", "world", "--format", "csv", sql); !strings.Contains(got, "n\n"+want) && !strings.Contains(got, "n\n\""+want) {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	// The range is one of event times, and those are the dataset's own.
	got := s.ok("query", "--format", "csv", "--from", stamp(from.Add(10*time.Minute)), "--to", stamp(from.Add(11*time.Minute)), `SELECT count(*) AS n FROM logs`)
	if !strings.Contains(got, "n\n60\n") {
		t.Errorf("a minute holds %s", got)
	}
	if got := s.ok("coverage", "world", "--from", stamp(from), "--to", stamp(to), "--require-complete"); !strings.Contains(got, "collected") || strings.Contains(got, "missing") {
		t.Errorf("coverage:\n%s", got)
	}
	s.rebuilt(id, zones)
}

// rebuilt makes the catalog anew with nothing left of the old one: the chain
// knows where the zone comes from.
func (s *site) rebuilt(id string, want any) {
	s.t.Helper()
	for _, name := range []string{"catalog.db", "catalog.db-wal", "catalog.db-shm"} {
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil && !os.IsNotExist(err) {
			s.t.Fatal(err)
		}
	}
	s.ok("archive", "rebuild-catalog")
	var have []struct{ Zone, Name, Source, Dataset, Subject string }
	must(s.t, json.Unmarshal([]byte(s.ok("zone", "list", "--json")), &have))
	if diff := cmp.Diff(want, any(have)); diff != "" {
		s.t.Error(diff)
	}
}

// TestSourceAndStorageOfOneName: a pin says which of the two it is for.
func TestSourceAndStorageOfOneName(t *testing.T) {
	t.Parallel()
	s := helloSite(t)
	plugins := filepath.Join(s.dir, "plugins")
	source := filepath.Join(plugins, "rainlogs-source-hello")
	install(t, plugins, "hello")
	s.fails(2, "is a source and a storage", "plugin", "pin", "hello")
	var pin struct{ Pin string }
	must(t, json.Unmarshal([]byte(s.ok("plugin", "pin", source, "--json")), &pin))
	s.editConfig(`plugins: \{`, `plugins: {pin: {hello: "`+pin.Pin+`"}, `)
	s.fails(2, "write source/hello or storage/hello", "zone", "add", "world", "--source", "hello")
	if r := s.run("plugin", "pin", source, "--write"); r.code != 0 || !strings.Contains(r.stderr, "take it out") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	s.ok("zone", "add", "world", "--source", "hello")
	if list := s.ok("plugin", "list"); !strings.Contains(list, "sources.hello") || !strings.Contains(list, "wrong digest") && !strings.Contains(list, "not pinned") {
		t.Errorf("list:\n%s", list)
	}
}
