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

// TestHostileSource: what a hostile source does to some zones is told of, and
// harms neither the daemon nor another source, nor a zone to which it is good.
func TestHostileSource(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1, time.Hour, plenty, logpulltest.Faults{})
	s.catalog, s.listen = "sqlite:./catalog.db", ""
	s.collector = `{window: 1m, lag: 5m, concurrency: 8, tick: 1s, recheck: 2s, drain: 10s, schedule: "* * * * *"}`
	plugins := filepath.Join(s.dir, "plugins")
	s.must(os.Mkdir(plugins, 0o755))
	program := filepath.Join(plugins, "rainlogs-source-hostile")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./testdata/hostile").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.extra = "plugins:\n  dir: ./plugins\n  pin:\n" + s.pinned("source/hostile", program)
	cat, err := sqlite.Open(t.Context(), filepath.Join(s.dir, "catalog.db"))
	s.must(err)
	defer cat.Close()
	s.addZones(cat)
	begun := time.Now()
	p := s.start("one")
	// The one that takes its process down comes last: it is every zone's of the plugin.
	for _, wants := range []map[string]string{
		{"lines": "1099511627776", "garbage": "cut short or damaged", "cut": "cut in the middle", "words": "so many words", "noise": "", "good": ""},
		{"crash": "process"},
	} {
		for zone := range wants {
			s.must(cat.PutZone(t.Context(), hostileZone(zone, begun)))
		}
		for zone, want := range wants {
			id := hostileZone(zone, begun).Chain()
			s.until("zone "+zone+" is as it should be", 3*time.Minute, func() bool { return s.told(cat, id, begun, want) })
		}
	}
	s.until("Cloudflare's zone is collected", 3*time.Minute, func() bool {
		_, last, err := cat.Bounds(t.Context(), chainOf(0))
		backlog, backlogErr := cat.Backlog(t.Context())
		for _, b := range backlog {
			if b.Chain == chainOf(0) && b.Oldest.Before(begun.Add(-12*time.Minute)) {
				return false
			}
		}
		return err == nil && backlogErr == nil && last.After(begun.Add(-12*time.Minute))
	})
	if kib := residentPeak(t, p.Process.Pid); kib > 600<<10 {
		t.Errorf("the daemon took %d MiB", kib>>10)
	}
	if strings.Contains(p.output.String(), "\x1b") {
		t.Error("a source's escape sequence is in the daemon's output")
	}
	p.stop(t)
}

func hostileZone(name string, now time.Time) catalog.Zone {
	return catalog.Zone{
		ID: evidence.ZoneID("hostile", name), Name: name, Dataset: "lies", Source: "hostile", Subject: name,
		AddedAt: now.UTC().Truncate(time.Millisecond), From: now.UTC().Add(-20 * time.Minute).Truncate(time.Minute),
	}
}

// told reports whether the ledger says of an open window what was wrong with
// it, and that none of its chain is sealed; for "" whether some are sealed.
func (s *site) told(cat catalog.Catalog, id evidence.ChainID, begun time.Time, want string) bool {
	s.Helper()
	sealed, err := cat.Windows(s.Context(), id, begun.Add(-time.Hour), begun, catalog.Sealed)
	s.must(err)
	if want == "" {
		return len(sealed) > 1
	}
	if len(sealed) > 0 {
		s.Fatalf("%+v is sealed, want %q", sealed[0], want)
	}
	open, err := cat.Windows(s.Context(), id, begun.Add(-time.Hour), begun, catalog.Retrying, catalog.Blocked)
	s.must(err)
	for _, w := range open {
		if strings.Contains(w.Detail, want) && len(w.Detail) < 10_000 {
			return true
		}
	}
	return false
}

// residentPeak is the most memory that a process has had, in KiB.
func residentPeak(t *testing.T, pid int) (kib int64) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	t.Logf("peak %d MiB", kib>>10)
	return kib
}
