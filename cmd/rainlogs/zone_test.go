package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

var chainID = evidence.ChainID{Zone: zoneID, Dataset: "http_requests"}

// says runs a command that must end well and say something on standard error.
func (s *site) says(says string, args ...string) string {
	s.t.Helper()
	r := s.run(args...)
	if r.code != 0 || !strings.Contains(r.stderr, says) {
		s.t.Errorf("rainlogs %v: exit %d, want %q\n%s%s", args, r.code, says, r.stdout, r.stderr)
	}
	return r.stderr
}

// catalog opens the site's catalog beside the program.
func (s *site) catalog() *sqlite.Catalog {
	s.t.Helper()
	c, err := sqlite.Open(s.t.Context(), filepath.Join(s.dir, "catalog.db"))
	must(s.t, err)
	s.t.Cleanup(func() { must(s.t, c.Close()) })
	return c
}

type listedZone struct {
	Zone, Name, State, Schedule, Blocked, Detail, Remedy string
	AddedAt                                              time.Time `json:"added_at"`
	From                                                 time.Time
	SealedUntil                                          time.Time `json:"sealed_until"`
	LagSeconds                                           int64     `json:"lag_seconds"`
	Open                                                 int64
	OpenBy                                               map[string]int64 `json:"open_by_state"`
}

// listed is the one zone that zone list has.
func (s *site) listed() listedZone {
	s.t.Helper()
	var found []listedZone
	out := s.ok("zone", "list", "--json")
	must(s.t, json.Unmarshal([]byte(out), &found))
	if len(found) != 1 {
		s.t.Fatalf("zones: %s", out)
	}
	return found[0]
}

// TestZoneSet says things of a zone, and loses none of them.
func TestZoneSet(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 5_000), logpulltest.Faults{})
	s.refused(2, "cron expression", "zone", "add", zoneID, "--schedule", "every now and then")
	s.refused(2, "never comes", "zone", "add", zoneID, "--schedule", "0 0 30 2 *")
	s.refused(2, "schedule is empty", "zone", "add", zoneID, "--schedule", "")
	s.refused(2, "is not a time", "zone", "add", zoneID, "--from", "yesterday")
	s.refused(2, "--from is empty", "zone", "add", zoneID, "--from", "")
	s.refused(2, "is not a time zone", "zone", "add", zoneID, "--from", "2026-11-23 10:00", "--tz", "Mars")
	s.refused(2, "is not a name", "zone", "add", zoneID, "--name", "a\nb")
	s.says("is under collection", "zone", "add", zoneID, "--name", "shop.example.eu", "--schedule", "*/10 * * * *", "--from", "-2d")
	added := s.listed()
	if added.Name != "shop.example.eu" || added.Schedule != "*/10 * * * *" || added.State != "collecting" || time.Since(added.From).Round(time.Minute) != 48*time.Hour {
		t.Errorf("added %+v", added)
	}

	s.says("is paused", "zone", "pause", "shop.example.eu")
	s.says("was paused already", "zone", "pause", zoneID)
	// What is there already is not begun anew.
	said := s.says("was under collection already", "zone", "add", zoneID)
	if !strings.Contains(said, "it is paused, on its own schedule \"*/10 * * * *\", from "+stamp(added.From)) {
		t.Errorf("add: %s", said)
	}
	again := s.listed()
	if again.State != "paused" || again.Schedule != added.Schedule || !again.From.Equal(added.From) || !again.AddedAt.Equal(added.AddedAt) {
		t.Errorf("added again: %+v, was %+v", again, added)
	}
	s.says("was under collection already", "zone", "add", zoneID, "--name", "shop")
	if got := s.listed(); got.Name != "shop" || got.State != "paused" {
		t.Errorf("renamed %+v", got)
	}
	s.emulator.SetRetention(zoneID, false)
	s.refused(1, "stays as it was", "zone", "add", zoneID, "--name", "other")
	s.emulator.SetRetention(zoneID, true)

	s.refused(2, "nothing to set", "zone", "set", "shop")
	s.refused(2, "cron expression", "zone", "set", "shop", "--schedule", "soon")
	s.refused(2, "not under collection", "zone", "set", "elsewhere", "--name", "x")
	said = s.says("older than", "zone", "set", "shop", "--from", "2026-01-31 10:00", "--tz", "Europe/Rome", "--schedule", "default", "--name", "store")
	if !strings.Contains(said, "sealed as a gap") || !strings.Contains(said, "from 2026-01-31T09:00:00Z on") {
		t.Errorf("set: %s", said)
	}
	if got := s.listed(); got.Name != "store" || got.Schedule != "" || got.State != "paused" || got.From.Hour() != 9 {
		t.Errorf("set %+v", got)
	}
	s.says("is collected again", "zone", "resume", "store")
	s.says("was not paused", "zone", "resume", "store")
	must(t, s.catalog().PutZone(t.Context(), catalog.Zone{ID: strings.Repeat("ab", 16), Dataset: "http_requests", Name: "other", AddedAt: time.Now().UTC()}))
	s.refused(2, "is called by", "zone", "set", "store", "--name", "other")
	s.refused(2, "is called by", "zone", "set", "store", "--name", strings.Repeat("ab", 16))
}

// TestZoneList tells how far a zone is, without its key or its store.
func TestZoneList(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 5_000), logpulltest.Faults{})
	if out := s.ok("zone", "list", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("no zones: %s", out)
	}
	s.ok("zone", "add", zoneID)
	from, _ := hours(1)
	end := from.Add(10 * time.Minute)
	s.ok("pull", zoneID, "--from", stamp(from), "--to", stamp(end))
	must(t, os.Remove(filepath.Join(s.dir, "signing.key")))
	must(t, os.Rename(s.path(), filepath.Join(s.dir, "gone")))
	if got := s.listed(); !got.SealedUntil.Equal(end) || got.Open != 0 || got.LagSeconds < int64(time.Since(end)/time.Second)-60 {
		t.Errorf("all is sealed: %+v, want until %s", got, end)
	}
	c := s.catalog()
	open := []evidence.Window{{Start: end, End: end.Add(5 * time.Minute)}, {Start: end.Add(5 * time.Minute), End: end.Add(10 * time.Minute)}}
	must(t, c.Plan(t.Context(), chainID, open))
	must(t, c.Update(t.Context(), catalog.Window{Chain: chainID, Window: open[0], State: catalog.Retrying, NextAt: time.Now().UTC(), Seq: -1}))
	if got := s.listed(); !got.SealedUntil.Equal(end) || got.Open != 2 || got.OpenBy["retrying"] != 1 {
		t.Errorf("two are open: %+v", got)
	}

	rest := time.Now().UTC().Add(time.Hour).Truncate(time.Second)
	standing := catalog.Standing{Chain: chainID, NotBefore: rest}
	must(t, c.PutStanding(t.Context(), standing))
	s.lists("resting until " + stamp(rest))
	standing.Blocked, standing.Detail, standing.Since = "credential", "refused\n\x1b[2Jby Cloudflare", rest.Add(-2*time.Hour)
	must(t, c.PutStanding(t.Context(), standing))
	out := s.lists("blocked (credential)", "since "+stamp(standing.Since)+`: refused \x1b[2Jby Cloudflare → the token is refused: renew it`)
	if strings.Count(out, "\n") != 3 {
		t.Errorf("not two lines of one zone: %s", out)
	}
	standing.Detail = "the flag is off → switch it on"
	must(t, c.PutStanding(t.Context(), standing))
	s.says("is paused", "zone", "pause", zoneID)
	s.lists("paused, blocked (credential)", "the flag is off → switch it on")
	if got := s.listed(); got.State != "paused" || got.Detail != "the flag is off" || got.Remedy != "switch it on" || got.Blocked != "credential" {
		t.Errorf("paused and blocked: %+v", got)
	}
	s.says("no longer collected", "zone", "remove", zoneID)
}

// lists demands texts of the table of zones.
func (s *site) lists(texts ...string) string {
	s.t.Helper()
	out := s.ok("zone", "list")
	for _, text := range texts {
		if !strings.Contains(out, text) {
			s.t.Errorf("%q is not in\n%s", text, out)
		}
	}
	return out
}

// TestResumeProbes: a collector that would look at a blocked zone again only
// in an hour does so at once when the zone is resumed.
func TestResumeProbes(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 5_000), logpulltest.Faults{})
	s.configure("server: {listen: \"\"}\ncollector: {window: 5m, lag: 5m, backfill: 1h, tick: 1s, recheck: 1h, schedule: \"@every 1s\"}")
	s.ok("zone", "add", zoneID)
	s.emulator.SetRetention(zoneID, false)
	cmd := s.command("collector")
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() { // not in Cleanup: the command ends with the test's context
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
		if err := <-ended; err != nil {
			t.Errorf("collector: %v", err)
		}
	}()
	c := s.catalog()
	until := func(what string, ok func() bool) {
		t.Helper()
		deadline, again := time.NewTimer(time.Minute), time.NewTicker(100*time.Millisecond)
		defer deadline.Stop()
		defer again.Stop()
		for !ok() {
			select {
			case <-again.C:
			case <-deadline.C:
				t.Fatalf("never came: %s\n%s%s", what, s.ok("zone", "list"), s.ok("jobs", "list"))
			}
		}
	}
	blocked := func() bool {
		st, err := c.Standing(t.Context(), chainID)
		must(t, err)
		return st.Blocked != ""
	}
	until("the zone is blocked, and has been looked at", func() bool {
		return blocked() && strings.TrimSpace(s.ok("jobs", "list", "--kind", "window,observe", "--json")) == "[]"
	})
	s.emulator.SetRetention(zoneID, true)
	s.lists("blocked (retention_off)")
	s.says("a running collector probes it now", "zone", "resume", zoneID)
	until("the zone works again", func() bool { return !blocked() })
	// A pull in the foreground shares chain and budgets with the collector.
	to := time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Hour)
	s.ok("pull", zoneID, "--from", stamp(to.Add(-time.Hour)), "--to", stamp(to))
	s.ok("coverage", "--from", stamp(to.Add(-time.Hour)), "--to", stamp(to), "--require-complete")
}

// TestPullWaitsForBudget: what one command took is missing to the next one,
// which says that it waits.
func TestPullWaitsForBudget(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 5_000), logpulltest.Faults{})
	config := filepath.Join(s.dir, "rainlogs.yaml")
	b, err := os.ReadFile(config)
	must(t, err)
	text := strings.Replace(string(b), "requests_per_minute_zone: 100000", "requests_per_minute_zone: 5", 1)
	must(t, os.WriteFile(config, []byte(text), 0o600))
	s.ok("zone", "add", zoneID)
	from, _ := hours(1)
	s.ok("pull", zoneID, "--from", stamp(from), "--to", stamp(from.Add(5*time.Minute)))
	cmd := s.command("pull", zoneID, "--from", stamp(from.Add(5*time.Minute)), "--to", stamp(from.Add(10*time.Minute)))
	pipe, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	said, err := bufio.NewReader(pipe).ReadString('\n')
	if err != nil || !strings.Contains(said, "for requests that the source admits") {
		t.Errorf("pull says %q, %v", said, err)
	}
	must(t, cmd.Process.Signal(syscall.SIGINT))
	rest, err := io.ReadAll(pipe)
	must(t, err)
	if strings.Contains(string(rest), "admits") {
		t.Errorf("said twice: %s", rest)
	}
	_ = cmd.Wait() // the code tells
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit %d: %s", code, rest)
	}
}
