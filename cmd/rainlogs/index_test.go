package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// TestIndex builds columns ahead, shows them, builds around a damaged object, and drops them.
func TestIndex(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 20_000), logpulltest.Faults{})
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	from, to := hours(1)
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))

	type counts struct {
		Objects, Present, Built, Failed int
		Lines, Bytes                    int64
		Damaged                         []struct{ Object string }
	}
	decode := func(text string, into any) {
		t.Helper()
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	status := func() (c struct {
		Dir   string
		Files int
		Zones []counts
	}) {
		t.Helper()
		decode(s.ok("index", "--status", "--json"), &c)
		return c
	}
	before := status()
	if before.Files != 0 || len(before.Zones) != 1 || before.Zones[0].Objects != 12 {
		t.Fatalf("before: %+v", before)
	}
	if !strings.HasPrefix(before.Dir, filepath.Dir(s.dir)) {
		t.Fatalf("the cache is in %s", before.Dir)
	}
	var built, again counts
	decode(s.ok("index", "--json", "--jobs", "2"), &built)
	decode(s.ok("index", "--json"), &again)
	if built.Built != 12 || built.Lines == 0 || built.Bytes == 0 || again.Built != 0 || again.Present != 12 {
		t.Errorf("built %+v, then %+v", built, again)
	}
	after := status()
	if after.Files != 12 || after.Zones[0].Present != 12 || after.Zones[0].Bytes != built.Bytes {
		t.Errorf("after: %+v", after)
	}
	if out := s.ok("index", "--drop"); !strings.Contains(out, "in 12 files") {
		t.Errorf("dropped: %s", out)
	}

	damageOne(t, filepath.Join(s.dir, "archive", "logs"))
	r := s.run("index", "--json")
	decode(r.stdout, &built)
	if r.code != 3 || built.Built != 11 || !strings.Contains(r.stderr, "SHA-256") {
		t.Errorf("with a damaged object: exit %d, %+v\n%s", r.code, built, r.stderr)
	}
	s.configure(`query: {columns: {limit: "off"}}`)
	if r := s.run("index"); r.code != 2 || !strings.Contains(r.stderr, "columns are off") {
		t.Errorf("off: exit %d, %s", r.code, r.stderr)
	}
	s.configure(`query: {columns: {limit: much}}`)
	if r := s.run("index"); r.code != 2 || !strings.Contains(r.stderr, "query.columns.limit") {
		t.Errorf("no limit: exit %d, %s", r.code, r.stderr)
	}
}

// damageOne flips a bit of the first object in a folder.
func damageOne(t *testing.T, dir string) {
	t.Helper()
	var path string
	must(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			path = p
			return fs.SkipAll
		}
		return err
	}))
	b, err := os.ReadFile(path)
	must(t, err)
	b[len(b)/2] ^= 1
	must(t, os.Chmod(path, 0o600))
	must(t, os.WriteFile(path, b, 0o600))
}
