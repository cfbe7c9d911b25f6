package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// pinned returns a file's line under plugins.pin.
func (s *site) pinned(key, path string) string {
	s.Helper()
	b, err := os.ReadFile(path)
	s.must(err)
	sum := sha256.Sum256(b)
	return fmt.Sprintf("    %s: sha256:%s\n", key, hex.EncodeToString(sum[:]))
}

// TestForeignSources collects from Cloudflare's emulator and from a third
// party's source at once, while another third party's cannot even be started.
func TestForeignSources(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1, time.Hour, plenty, logpulltest.Faults{})
	s.catalog, s.listen = "sqlite:./catalog.db", ""
	plugins := filepath.Join(s.dir, "plugins")
	s.must(os.Mkdir(plugins, 0o755))
	hello, broken := filepath.Join(plugins, "rainlogs-source-hello"), filepath.Join(plugins, "rainlogs-source-broken")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-C", "../../examples/source-hello", "-o", hello, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.must(os.WriteFile(broken, []byte("#!/bin/sh\necho no producer >&2\nexit 3\n"), 0o755))
	s.extra = "plugins:\n  dir: ./plugins\n  pin:\n" + s.pinned("source/hello", hello) + s.pinned("broken", broken)
	cat, err := sqlite.Open(t.Context(), filepath.Join(s.dir, "catalog.db"))
	s.must(err)
	defer cat.Close()
	s.addZones(cat)
	chains := map[string]evidence.ChainID{}
	for _, source := range []string{"hello", "broken"} {
		z := catalog.Zone{ID: evidence.ZoneID(source, "world"), Name: source, Dataset: "greetings", Source: source, Subject: "world", AddedAt: time.Now().UTC().Truncate(time.Millisecond), From: s.from}
		s.must(cat.PutZone(t.Context(), z))
		chains[source] = z.Chain()
	}
	begun := time.Now()
	p := s.start("one")
	s.until("the sources that work are collected", 3*time.Minute, func() bool {
		_, last, err := cat.Bounds(t.Context(), chains["hello"])
		return err == nil && last.After(begun.Add(-12*time.Minute)) && s.done(t.Context(), cat, begun)
	})
	s.until("the zone without a source is blocked", time.Minute, func() bool {
		standing, err := cat.Standing(t.Context(), chains["broken"])
		return err == nil && standing.Blocked == "source" && strings.Contains(standing.Detail, `source plugin "broken"`)
	})
	rows, err := cat.Windows(t.Context(), chains["hello"], s.from, begun, catalog.Sealed)
	s.must(err)
	for _, w := range rows {
		if want := int64(w.Window.Duration() / time.Second); w.Lines != want {
			t.Errorf("%s: %d greetings, want %d", w.Window, w.Lines, want)
		}
	}
	if len(rows) == 0 {
		t.Error("nothing is sealed of the third party's source")
	}
	p.stop(t)
	s.judged(rows[len(rows)-1].Window.Start)
}
