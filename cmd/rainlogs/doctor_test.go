package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// diagnosis is what rainlogs doctor --json says.
type diagnosis struct {
	Status string
	Checks []struct{ Status, Check, Subject, Found, Remedy string }
}

const noDaemon = "server: {listen: \"\"}\n"

// patient is a site with an archive in which all is well.
func patient(t *testing.T) *site {
	t.Helper()
	s := newSite(t, traffic(t, 5_000), logpulltest.Faults{})
	s.configure(noDaemon)
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	from, to := hours(1)
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to), "--window", "1h")
	return s
}

// diagnose runs a doctor. What is wrong has to have a remedy, and only that.
func (s *site) diagnose(cmd *exec.Cmd, code int) diagnosis {
	s.t.Helper()
	r := runCommand(s.t, cmd)
	var d diagnosis
	if err := json.Unmarshal([]byte(r.stdout), &d); err != nil || r.code != code {
		s.t.Fatalf("%v: exit %d, want %d, %v\n%s%s", cmd.Args, r.code, code, err, r.stdout, r.stderr)
	}
	for _, c := range d.Checks {
		if (c.Status == "ok") != (c.Remedy == "") || c.Found == "" {
			s.t.Errorf("%+v", c)
		}
	}
	return d
}

// wants demands a finding of a status, with words of what was found and of the remedy.
func (d diagnosis) wants(t *testing.T, status, check, found, remedy string) {
	t.Helper()
	for _, c := range d.Checks {
		if c.Status == status && c.Check == check && strings.Contains(c.Found, found) && strings.Contains(c.Remedy, remedy) {
			return
		}
	}
	t.Errorf("no %s of %s that says %q and %q in %+v", status, check, found, remedy, d.Checks)
}

// others demands that all else is well; how full the test's disk is does not count.
func (d diagnosis) others(t *testing.T, but ...string) {
	t.Helper()
	for _, c := range d.Checks {
		full := c.Check == "disk" || c.Check == "spool" && strings.Contains(c.Found, "free")
		if c.Status != "ok" && !full && !strings.Contains(strings.Join(but, " "), c.Check) {
			t.Errorf("%+v", c)
		}
	}
}

// snapshot is every file of the site with its time of change.
func (s *site) snapshot() map[string]string {
	s.t.Helper()
	files := map[string]string{}
	must(s.t, filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "catalog.db") {
			return err
		}
		info, err := d.Info()
		files[path] = fmt.Sprint(info.ModTime(), info.Size())
		return err
	}))
	return files
}

// TestDoctorOfTheHealthy finds nothing, and changes nothing.
func TestDoctorOfTheHealthy(t *testing.T) {
	t.Parallel()
	s := patient(t)
	before := s.snapshot()
	d := s.diagnose(s.command("doctor", "--json"), 0)
	d.others(t)
	var checks []string
	for _, c := range d.Checks {
		checks = append(checks, strings.TrimSpace(c.Check+" "+c.Subject))
	}
	want := []string{
		"config", "storage local", "disk local", "key", "spool", "catalog", "chains", "backlog",
		"zone shop.example.eu", "clock", "daemon",
	}
	if diff := cmp.Diff(want, checks); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
	d.wants(t, "ok", "zone", "token active, permission true, retention true, fields", "")
	d.wants(t, "ok", "clock", "agrees with the source's", "")
	d.wants(t, "ok", "chains", "1 chain ends", "")
	if out := s.ok("doctor", "--offline"); strings.Contains(out, "shop.example.eu") || !strings.Contains(out, "of the future") {
		t.Errorf("offline:\n%s", out)
	}
	if diff := cmp.Diff(before, s.snapshot()); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
	if code, findings, _ := s.report(); code != 0 {
		t.Errorf("verify: exit %d, %v", code, findings)
	}
}

// TestDoctor breaks one thing at a time: it is named with a remedy, and all
// that does not depend on it is still looked at.
func TestDoctor(t *testing.T) {
	t.Parallel()
	healthy := patient(t)
	key := func(s *site) string { return filepath.Join(s.dir, "signing.key") }
	for _, c := range []struct {
		name          string
		hurt          func(t *testing.T, s *site)
		env           string
		code          int
		status, check string
		found, remedy string
		but           []string // what suffers from it too
	}{
		{"config", func(_ *testing.T, s *site) { s.configure("colector: {lag: 5m}\n") }, "", 1, "fail", "config", `did you mean "collector.lag"?`, "mend the config", nil},
		{"key that others can read", func(t *testing.T, s *site) { must(t, os.Chmod(key(s), 0o644)) }, "", 1, "fail", "key", "mode 0644", "chmod 600", nil},
		{"key of another mode", func(t *testing.T, s *site) { must(t, os.Chmod(key(s), 0o700)) }, "", 0, "warn", "key", "mode 0700", "chmod 600", nil},
		{"no key", func(t *testing.T, s *site) { must(t, os.Remove(key(s))) }, "", 1, "fail", "key", "no such file", "backup", nil},
		{"another archive's key", func(t *testing.T, s *site) {
			must(t, os.Remove(key(s)))
			s.ok("key", "generate", "--out", key(s))
		}, "", 1, "fail", "key", "another archive's key", "set key", nil},
		{"store that cannot be read", func(t *testing.T, s *site) {
			must(t, os.RemoveAll(s.path()))
			must(t, os.WriteFile(s.path(), nil, 0o600))
		}, "", 1, "fail", "storage", "cannot be opened", "archive.storage", []string{"key"}},
		{"store that cannot be written", func(t *testing.T, s *site) {
			must(t, os.RemoveAll(s.path(".tmp")))
			must(t, os.WriteFile(s.path(".tmp"), nil, 0o600))
		}, "", 1, "fail", "storage", "cannot be written", "archive.storage", nil},
		{"store without an archive", func(t *testing.T, s *site) { must(t, os.RemoveAll(s.path())) }, "", 1, "fail", "storage", "there is no archive", "rainlogs init", []string{"key"}},
		{"store put back", func(t *testing.T, s *site) { must(t, os.RemoveAll(s.path("chain"))) }, "", 1, "fail", "chains", "the stores have 0", "rainlogs verify", nil},
		{"catalog lost", func(t *testing.T, s *site) { must(t, os.Remove(filepath.Join(s.dir, "catalog.db"))) }, "", 0, "warn", "catalog", "is not there", "rebuild-catalog", nil},
		{"catalog damaged", func(t *testing.T, s *site) {
			must(t, os.WriteFile(filepath.Join(s.dir, "catalog.db"), []byte(strings.Repeat("no database ", 999)), 0o600))
		}, "", 1, "fail", "catalog", "damaged", "rebuild-catalog", nil},
		{"catalog behind", func(t *testing.T, s *site) {
			must(t, os.Remove(filepath.Join(s.dir, "catalog.db")))
			s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
		}, "", 0, "warn", "chains", "the catalog is behind: it knows 0", "catches up by itself", nil},
		{"spool is a file", func(t *testing.T, s *site) {
			must(t, os.RemoveAll(filepath.Join(s.dir, "spool")))
			must(t, os.WriteFile(filepath.Join(s.dir, "spool"), nil, 0o600))
		}, "", 1, "fail", "spool", "is not a folder", "set spool", nil},
		{"leftovers", func(t *testing.T, s *site) {
			must(t, os.MkdirAll(filepath.Join(s.dir, "spool", "run-7"), 0o700))
			must(t, os.WriteFile(filepath.Join(s.dir, "spool", "run-7", "x.part"), make([]byte, 2000), 0o600))
		}, "", 0, "warn", "spool", "1 files (2.0 kB) of 1 processes that died", "run the collector", []string{"spool"}},
		{"broken token", nil, "CLOUDFLARE_API_TOKEN=wrong-but-well-formed-token-000000000000", 1, "fail", "zone", "token: ", "token", nil},
		{"no token", nil, "CLOUDFLARE_API_TOKEN=", 1, "fail", "source", "CLOUDFLARE_API_TOKEN is empty", "sources", nil},
		{"source away", func(_ *testing.T, s *site) { s.url = "http://127.0.0.1:1/client/v4"; s.configure(noDaemon) }, "", 1, "fail", "zone", "no answer from 127.0.0.1:1", "network", nil},
		{"daemon away", func(_ *testing.T, s *site) { s.configure("server: {listen: 127.0.0.1:1}\n") }, "", 0, "warn", "daemon", "none answers at 127.0.0.1:1", "start rainlogsd", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := *healthy
			s.t, s.dir = t, filepath.Join(t.TempDir(), "site")
			copyTree(t, healthy.dir, s.dir)
			must(t, os.Chmod(key(&s), 0o600))
			if c.hurt != nil {
				c.hurt(t, &s)
			}
			cmd := s.command("doctor", "--json")
			if c.env != "" {
				cmd.Env = append(cmd.Env, c.env)
			}
			d := s.diagnose(cmd, c.code)
			d.wants(t, c.status, c.check, c.found, c.remedy)
			d.others(t, append(c.but, c.check)...)
			if d.Status != c.status {
				t.Errorf("status %s", d.Status)
			}
			if len(d.Checks) < 6 && c.check != "config" {
				t.Errorf("only these were looked at: %+v", d.Checks)
			}
			shown := runCommand(t, cmdLike(&s, cmd, "doctor"))
			if shown.code != c.code || !strings.Contains(shown.stdout, "→ ") || strings.Contains(shown.stdout+shown.stderr, "wrong-but-well-formed") {
				t.Errorf("doctor: %+v", shown)
			}
		})
	}
}

// cmdLike is a command in another's environment.
func cmdLike(s *site, other *exec.Cmd, args ...string) *exec.Cmd {
	cmd := s.command(args...)
	cmd.Env = other.Env
	return cmd
}

// TestDoctorOfZones: what the catalog knows of zones, and what the source says.
func TestDoctorOfZones(t *testing.T) {
	t.Parallel()
	s := patient(t)
	s.emulator.SetRetention(zoneID, false)
	s.diagnose(s.command("doctor", "--json"), 1).wants(t, "fail", "zone", "retention: log retention is off", "switch log retention on")
	s.emulator.SetRetention(zoneID, true)

	now := time.Now().UTC().Truncate(time.Hour)
	id := evidence.ChainID{Zone: zoneID, Dataset: "http_requests"}
	change := func(f func(c *sqlite.Catalog) error) {
		t.Helper()
		c, err := sqlite.Open(t.Context(), filepath.Join(s.dir, "catalog.db"))
		must(t, err)
		must(t, f(c))
		must(t, c.Close())
	}
	open := func(age time.Duration) func(c *sqlite.Catalog) error {
		return func(c *sqlite.Catalog) error {
			return c.Plan(t.Context(), id, []evidence.Window{{Start: now.Add(-age), End: now.Add(time.Hour - age)}})
		}
	}
	change(open(73 * time.Hour))
	d := s.diagnose(s.command("doctor", "--json", "--offline"), 0)
	d.wants(t, "warn", "backlog", "1 windows are open", "168 h")
	d.others(t, "backlog")
	change(open(145 * time.Hour))
	s.diagnose(s.command("doctor", "--json", "--offline"), 1).wants(t, "fail", "backlog", "2 windows are open", "168 h")
	change(func(c *sqlite.Catalog) error {
		return c.PutStanding(t.Context(), catalog.Standing{Chain: id, Blocked: "credential", Detail: "HTTP 401\x1b[2J", Since: now})
	})
	s.diagnose(s.command("doctor", "--json", "--offline"), 1).wants(t, "fail", "backlog", "is blocked since "+stamp(now)+" (credential): HTTP 401", "mend")
	if r := s.run("doctor", "--offline"); !strings.Contains(r.stdout, `HTTP 401\x1b[2J`) {
		t.Errorf("doctor: %+v", r)
	}
	change(func(c *sqlite.Catalog) error {
		return c.PutZone(t.Context(), catalog.Zone{ID: zoneID, Name: "shop.example.eu", Dataset: id.Dataset, AddedAt: now, Paused: true})
	})
	d = s.diagnose(s.command("doctor", "--json"), 0)
	d.wants(t, "warn", "backlog", "is paused", "168 h")
	d.others(t, "backlog")
}

// TestDoctorOfTheClock puts the source's clock forward and back.
func TestDoctorOfTheClock(t *testing.T) {
	t.Parallel()
	s := patient(t)
	for _, c := range []struct {
		ahead        time.Duration
		code         int
		status, says string
	}{
		{-20 * time.Second, 0, "warn", "ahead of the source's"},
		{3 * time.Minute, 1, "fail", "behind the source's"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(c.ahead).UTC().Format(http.TimeFormat))
			s.emulator.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		s.url = server.URL + "/client/v4"
		s.configure(noDaemon)
		d := s.diagnose(s.command("doctor", "--json"), c.code)
		d.wants(t, c.status, "clock", c.says, "time service")
		d.others(t, "clock")
	}
	future := time.Now().Add(30 * time.Second)
	must(t, os.Chtimes(s.chain("checkpoint"), future, future))
	s.diagnose(s.command("doctor", "--json", "--offline"), 0).wants(t, "warn", "clock", "behind the store's", "time service")
}

// TestDoctorOfTheDaemon asks what listens where the daemon should.
func TestDoctorOfTheDaemon(t *testing.T) {
	t.Parallel()
	s := patient(t)
	for _, c := range []struct {
		body         string
		http, code   int
		status, says string
	}{
		{`{"status":"ok","checks":{}}`, 200, 0, "ok", "does its work"},
		{`{"status":"degraded","checks":{"zones":{"status":"degraded","detail":"2 zones are blocked","since":"2026-11-24T10:00:00Z"},"loop":{"status":"ok"}}}`, 200, 0, "warn", "with this: zones degraded: 2 zones are blocked"},
		{`{"status":"failing","checks":{"catalog":{"status":"failing","since":"2026-11-24T10:00:00Z"}}}`, 503, 1, "fail", "catalog failing"},
		{`<html>`, 200, 0, "warn", "not as a collector does"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.http)
			_, _ = fmt.Fprint(w, c.body)
		}))
		t.Cleanup(server.Close)
		s.configure("server: {listen: \"" + strings.TrimPrefix(server.URL, "http://") + "\"}\n")
		d := s.diagnose(s.command("doctor", "--json", "--offline"), c.code)
		d.wants(t, c.status, "daemon", c.says, "")
		d.others(t, "daemon")
	}
}

// TestDoctorOfStores: a store of several that is new, behind, or another archive's.
func TestDoctorOfStores(t *testing.T) {
	t.Parallel()
	s := patient(t)
	text, err := os.ReadFile(filepath.Join(s.dir, "rainlogs.yaml"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(s.dir, "rainlogs.yaml"), []byte(strings.Replace(string(text), "path: ./archive}]", "path: ./archive}, {name: second, plugin: fs, path: ./second}]", 1)), 0o600))
	second := filepath.Join(s.dir, "second")
	d := s.diagnose(s.command("doctor", "--json"), 0)
	d.wants(t, "warn", "storage", "is empty", "nothing if it is new")
	d.others(t, "storage")

	copyTree(t, s.path(), second)
	s.diagnose(s.command("doctor", "--json"), 0).others(t)
	must(t, os.RemoveAll(filepath.Join(second, "chain")))
	d = s.diagnose(s.command("doctor", "--json"), 0)
	d.wants(t, "warn", "chains", "store second has 0 entries, local has ", "brings it up to date")
	d.others(t, "chains")

	must(t, os.RemoveAll(second))
	must(t, os.Rename(s.path(), second))
	must(t, os.WriteFile(s.path(), nil, 0o600))
	must(t, os.RemoveAll(filepath.Join(second, "chain")))
	d = s.diagnose(s.command("doctor", "--json"), 1)
	d.wants(t, "fail", "storage", "cannot be opened", "archive.storage")
	d.wants(t, "warn", "chains", "the stores that can be read have 0", "other stores first")
	d.others(t, "storage", "chains")
	must(t, os.Remove(s.path()))
	copyTree(t, second, s.path())

	other := newSite(t, traffic(t, 10), logpulltest.Faults{})
	must(t, os.RemoveAll(second))
	copyTree(t, other.path(), second)
	d = s.diagnose(s.command("doctor", "--json", "--offline"), 1)
	d.wants(t, "fail", "storage", "holds archive ", "take one of the two out")
	d.others(t, "storage", "chains")
}
