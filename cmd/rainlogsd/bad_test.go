package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/pgtest"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

var plenty = rates{zone: 100_000, user: 100_000, five: 400_000}

// onFile is a site with a catalog in a file, its zones entered, and a server.
func onFile(t *testing.T, zones int, back time.Duration) (*site, *sqlite.Catalog) {
	t.Helper()
	s := newSite(t, zones, back, plenty, logpulltest.Faults{})
	s.catalog, s.listen = "sqlite:./catalog.db", "127.0.0.1:0"
	cat, err := sqlite.Open(t.Context(), filepath.Join(s.dir, "catalog.db"))
	s.must(err)
	t.Cleanup(func() { s.must(cat.Close()) })
	s.addZones(cat)
	return s, cat
}

// collected waits until all is collected, and judges it.
func (s *site) collected(c catalog.Catalog) {
	s.Helper()
	at := time.Now()
	s.until("all is collected", 3*time.Minute, func() bool { return s.done(s.Context(), c, at) })
	s.judged(at.Add(-10 * time.Minute))
}

func (s *site) blocked(c catalog.Catalog, i int) string {
	s.Helper()
	st, err := c.Standing(s.Context(), chainOf(i))
	s.must(err)
	return st.Blocked
}

func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	s := newSite(t, 2, 2*time.Hour, plenty, logpulltest.Faults{})
	s.catalog, s.listen = "file:./dsn", "127.0.0.1:0"
	dsn := server.DSN(t)
	s.must(os.WriteFile(filepath.Join(s.dir, "dsn"), []byte(dsn), 0o600))
	cat, err := postgres.Open(t.Context(), dsn)
	s.must(err)
	defer func() { s.must(cat.Close()) }()
	s.addZones(cat)

	server.Stop(t, pgtest.Fast)
	p := s.start("one")
	s.until("it says what it waits for", 3*time.Minute, func() bool {
		return strings.Contains(p.output.String(), "cannot begin yet") && strings.Contains(p.get("/health"), "is not open yet")
	})
	server.Start(t)
	s.until("it has begun", 3*time.Minute, func() bool { return s.objects() > 2 })
	server.Stop(t, pgtest.Immediate)
	s.until("health tells", 3*time.Minute, func() bool { return strings.Contains(p.get("/health"), `"catalog":{"status":"failing"`) })
	server.Start(t)
	s.collected(cat)
	s.until("health is well again", 3*time.Minute, func() bool { return strings.Contains(p.get("/health"), `"status":"ok"`) })
	p.stop(t)
}

// TestTokenExpired: the zone is blocked, an alarm is raised, and all goes on by
// itself when the token's file has another in it.
func TestTokenExpired(t *testing.T) {
	t.Parallel()
	s, cat := onFile(t, 1, time.Hour)
	file := filepath.Join(s.dir, "token")
	s.must(os.WriteFile(file, []byte("an-expired-token-000000"), 0o600))
	p := s.start("one")
	s.until("the zone is blocked", 3*time.Minute, func() bool { return s.blocked(cat, 0) == source.ReasonCredential })
	s.until("metrics and health tell", 3*time.Minute, func() bool {
		return strings.Contains(p.get("/metrics"), `reason="credential"`) && strings.Contains(p.get("/health"), "1 zones are blocked")
	})
	if n := s.objects(); n != 0 {
		t.Errorf("%d objects by a refused token", n)
	}
	s.must(os.WriteFile(file, []byte(token), 0o600))
	s.collected(cat)
	if r := s.blocked(cat, 0); r != "" {
		t.Errorf("the zone is blocked still: %s", r)
	}
	p.stop(t)
	if strings.Contains(p.output.String(), "an-expired-token") || strings.Contains(p.output.String(), token) {
		t.Error("a token was told")
	}
}

// TestZoneDeleted: a zone that is gone at the source blocks itself alone.
func TestZoneDeleted(t *testing.T) {
	t.Parallel()
	s, cat := onFile(t, 2, 2*time.Hour)
	s.emulator.SetDeleted(zoneID(0), true)
	p := s.start("one")
	s.until("the zone is blocked", 3*time.Minute, func() bool { return s.blocked(cat, 0) == source.ReasonNotEntitled })
	s.until("the other is collected", 3*time.Minute, func() bool {
		backlog, err := cat.Backlog(t.Context())
		s.must(err)
		for _, b := range backlog {
			if b.Chain == chainOf(1) {
				return false
			}
		}
		return s.objectsOf(1) > 0
	})
	if n := s.objectsOf(0); n != 0 {
		t.Errorf("%d objects of a zone that is gone", n)
	}
	s.emulator.SetDeleted(zoneID(0), false)
	s.collected(cat)
	p.stop(t)
}

// TestSpoolFull fills the file system of the spool: windows stay open, and are
// collected once there is room.
func TestSpoolFull(t *testing.T) {
	t.Parallel()
	s, cat := onFile(t, 1, 2*time.Hour)
	mount := filepath.Join(s.dir, "spool-one")
	s.must(os.Mkdir(mount, 0o700))
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("cannot mount a small file system here (%v): not run", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(mount, syscall.MNT_DETACH) })
	filler := filepath.Join(mount, "filler")
	if err := os.WriteFile(filler, make([]byte, 60<<10), 0o600); err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	p := s.start("one")
	s.until("a window is set back for it", 3*time.Minute, func() bool {
		open, err := cat.Windows(t.Context(), chainOf(0), s.from, time.Now(), catalog.Retrying)
		s.must(err)
		for _, w := range open {
			if w.Reason == "spool_full" {
				return true
			}
		}
		return false
	})
	s.must(os.Remove(filler))
	s.must(syscall.Mount("tmpfs", mount, "tmpfs", syscall.MS_REMOUNT, "size=64m"))
	s.collected(cat)
	p.stop(t)
}

// TestReloadIntoAMistake: a config that cannot be used changes nothing, one
// that only cannot be opened is waited out.
func TestReloadIntoAMistake(t *testing.T) {
	t.Parallel()
	s, cat := onFile(t, 1, time.Hour)
	p := s.start("one")
	s.collected(cat)
	path := filepath.Join(s.dir, "one.yaml")
	good, err := os.ReadFile(path)
	s.must(err)
	reload := func(text, says string) {
		t.Helper()
		s.must(os.WriteFile(path, []byte(text), 0o600))
		s.must(p.Process.Signal(syscall.SIGHUP))
		s.until(says, 3*time.Minute, func() bool { return strings.Contains(p.output.String(), says) })
	}
	reload("collector: {windo: 5m}\n"+string(good), "config cannot be used; the present one stays in force")
	reload(strings.Replace(string(good), "file:./signing.key", "file:./none.key", 1), "cannot begin yet")
	s.must(os.WriteFile(path, good, 0o600))
	s.must(p.Process.Signal(syscall.SIGHUP))
	s.until("it works again", 3*time.Minute, func() bool { return strings.Contains(p.get("/health"), `"status":"ok"`) })
	p.stop(t)
}
