package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/pgtest"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// TestCluster: three daemons on one PostgreSQL; one is killed, one is stopped, the
// database is restarted under them. Every window is sealed exactly once, the
// budgets hold over all of them, the chains verify. RAINLOGS_ZONES sets the
// number of zones (make cluster: 200).
func TestCluster(t *testing.T) {
	t.Parallel()
	zones := 6
	if n, err := strconv.Atoi(os.Getenv("RAINLOGS_ZONES")); err == nil {
		zones = n
	}
	server := pgtest.New(t)
	s := newSite(t, zones, 2*time.Hour, rates{zone: 15, user: max(360, 4*zones), five: max(1600, 14*zones)}, logpulltest.Faults{})
	s.catalog = "file:./dsn"
	dsn := server.DSN(t)
	s.must(os.WriteFile(s.dir+"/dsn", []byte(dsn), 0o600))
	cat, err := postgres.Open(t.Context(), dsn)
	s.must(err)
	defer func() { s.must(cat.Close()) }()
	s.addZones(cat)

	a, b, c := s.start("a"), s.start("b"), s.start("c")
	sealed := func(n int) func() bool {
		return func() bool { return s.objects() >= n }
	}
	s.until("some windows are sealed", 5*time.Minute, sealed(zones/2))
	a.end(syscall.SIGKILL)
	s.until("more windows are sealed", 5*time.Minute, sealed(zones))
	if code := b.end(syscall.SIGTERM); code != 0 {
		t.Errorf("a daemon that was told to stop exits with %d:\n%s", code, b.output)
	}
	s.until("more windows are sealed", 5*time.Minute, sealed(2*zones))
	server.Restart(t, pgtest.Immediate)
	b = s.start("b")
	at := time.Now()
	s.until("everything is collected", 10*time.Minute, func() bool { return s.done(t.Context(), cat, at) })
	for _, p := range []*process{b, c} {
		if code := p.end(syscall.SIGTERM); code != 0 {
			t.Errorf("daemon %s exits with %d:\n%s", p.name, code, p.output)
		}
	}
	windows, lines := s.judged(at.Add(-10 * time.Minute))
	stats := s.emulator.Stats()
	for kind, n := range stats.Refusals {
		if strings.HasPrefix(kind, "rate-") {
			t.Errorf("%d requests were over a budget: %s", n, kind)
		}
	}
	for _, p := range []*process{a, b, c} {
		if strings.Contains(p.output.String(), token) {
			t.Errorf("daemon %s told the token", p.name)
		}
	}
	most := 0
	for _, z := range stats.Zones {
		most = max(most, z.MaxPerMinute)
	}
	t.Logf("%d zones, %d windows, %d lines, %d requests: at most %d a minute of %d, %d a minute of a zone of 15, %d in five minutes of %d",
		zones, windows, lines, stats.Requests, stats.MaxPerMinute, s.rates.user, most, stats.MaxPer5Min, s.rates.five)
}

// objects counts the archive's objects.
func (s *site) objects() int {
	s.Helper()
	n := 0
	for i := range s.zones {
		n += s.objectsOf(i)
	}
	return n
}
