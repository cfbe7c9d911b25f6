package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// expect runs the program and demands its exit code and words on standard error.
func (s *site) expect(code int, words []string, args ...string) {
	s.t.Helper()
	r := s.run(args...)
	if r.code != code {
		s.t.Errorf("rainlogs %v: exit %d, want %d\n%s%s", args, r.code, code, r.stdout, r.stderr)
	}
	for _, w := range words {
		if !strings.Contains(r.stdout+r.stderr, w) {
			s.t.Errorf("rainlogs %v does not say %q:\n%s%s", args, w, r.stdout, r.stderr)
		}
	}
}

// TestBadInput gives each wrong thing a clear word, and shows that nothing is
// lost by it.
func TestBadInput(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 5_000), logpulltest.Faults{})
	from, to := hours(1)
	pull := []string{"pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to)}
	now := time.Now()

	s.expect(2, []string{"32 lower-case hex"}, "zone", "add", "example.com")
	s.expect(2, []string{"not under collection", "zone add"}, pull...)
	s.expect(5, []string{"was not added"}, "zone", "add", strings.Repeat("ab", 16))
	s.emulator.SetRetention(zoneID, false)
	s.expect(1, []string{"retention", "fail"}, "zone", "add", zoneID, "--name", "shop.example.eu")
	s.emulator.SetRetention(zoneID, true)
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu", "--force")

	s.expect(2, []string{"unknown command"}, "frobnicate")
	s.expect(2, []string{"unknown command"}, "zone", "frobnicate")
	s.expect(2, []string{"unknown flag"}, "pull", "shop.example.eu", "--form", "-1h")
	s.expect(2, []string{"is not a time"}, "pull", "shop.example.eu", "--from", "yesterday")
	s.expect(2, []string{"no longer has it", "earliest now"}, "pull", "shop.example.eu", "--from", "-9d")
	s.expect(2, []string{"serves nothing so young"}, "pull", "shop.example.eu", "--from", "-1h", "--to", "now")
	s.expect(2, []string{"not before"}, "pull", "shop.example.eu", "--from", stamp(now.Add(-time.Hour)), "--to", stamp(now.Add(-2*time.Hour)))
	s.expect(2, []string{"widest window"}, append(pull, "--window", "2h")...)

	s.configure("collector: {window: 5m}\ncolector: {lag: 5m}\n")
	s.expect(2, []string{`unknown key "colector.lag"`, `did you mean "collector.lag"?`}, "config", "check")
	s.configure("")

	wrong := s.command(pull...)
	wrong.Env = append(wrong.Env, "CLOUDFLARE_API_TOKEN=wrong-but-well-formed-token-000000000000")
	if r := runCommand(t, wrong); r.code != 5 || !strings.Contains(r.stderr, "stay open") {
		t.Errorf("wrong token: %+v", r)
	}
	unset := s.command(pull...)
	unset.Env = append(unset.Env, "CLOUDFLARE_API_TOKEN=")
	if r := runCommand(t, unset); r.code != 2 || !strings.Contains(r.stderr, "CLOUDFLARE_API_TOKEN is empty") {
		t.Errorf("no token: %+v", r)
	}

	s.ok(pull...)
	s.checkLines(from, to)
	s.expect(2, []string{"Binder Error"}, "query", "SELECT nothing FROM logs")
	s.expect(2, nil, "query", "COPY logs TO '/tmp/stolen.csv'")
	s.corruptCatalog(pull)
	s.newerArchive()
}

// corruptCatalog damages the catalog, rebuilds it from the archive and goes on.
func (s *site) corruptCatalog(pull []string) {
	t := s.t
	t.Helper()
	path := filepath.Join(s.dir, "catalog.db")
	for _, side := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + side); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	must(t, os.WriteFile(path, []byte(strings.Repeat("this is no database ", 1000)), 0o600))
	s.expect(1, []string{"rebuild-catalog"}, pull...)
	if out := s.ok("archive", "rebuild-catalog"); !strings.Contains(out, zoneID) {
		t.Errorf("rebuild says %s", out)
	}
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu", "--force")
	if out := s.ok(pull...); !strings.Contains(out, "0 windows sealed") {
		t.Errorf("after the rebuild windows are sealed again: %s", out)
	}
	if code, findings, _ := s.report(); code != 0 {
		t.Errorf("verify: exit %d, %v", code, findings)
	}
}

func (s *site) newerArchive() {
	c := *s
	c.dir = filepath.Join(s.t.TempDir(), "newer")
	copyTree(s.t, s.dir, c.dir)
	must(s.t, os.Chmod(filepath.Join(c.dir, "signing.key"), 0o600))
	c.edit(c.path("rainlogs.json"), func(b []byte) []byte { return []byte(strings.Replace(string(b), `"v": 1`, `"v": 2`, 1)) })
	c.expect(1, []string{"newer", "upgrade"}, "verify")
	c.expect(1, []string{"newer", "upgrade"}, "pull", "shop.example.eu")
}

// TestFullAndReadOnlyStore fills the archive's file system, and then makes it
// read-only, on a file system of its own.
func TestFullAndReadOnlyStore(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 400_000), logpulltest.Faults{})
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	mount := s.path()
	kept := filepath.Join(t.TempDir(), "kept")
	must(t, os.Rename(mount, kept))
	must(t, os.Mkdir(mount, 0o755))
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=1536k"); err != nil {
		t.Skipf("cannot mount a small file system here (%v): not run", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(mount, syscall.MNT_DETACH) })
	copyTree(t, kept, mount)
	from, to := hours(2)
	pull := []string{"pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to)}
	s.expect(1, []string{"full", "stay open"}, pull...)

	must(t, syscall.Mount("tmpfs", mount, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=64m"))
	s.expect(1, []string{"refuses to be written"}, pull...)
	if code, findings, _ := s.report(); code != 0 && !onlyUnexplained(findings) {
		t.Errorf("verify a read-only archive: exit %d, %v", code, findings)
	}
	must(t, syscall.Mount("tmpfs", mount, "tmpfs", syscall.MS_REMOUNT, "size=64m"))
	s.ok(pull...)
	s.checkLines(from, to)
	if code, findings, _ := s.report(); code != 0 {
		t.Errorf("verify: exit %d, %v", code, findings)
	}
}

// onlyUnexplained allows the one object that was put and not sealed yet.
func onlyUnexplained(findings []finding) bool {
	for _, f := range findings {
		if f.Code != "unexplained" {
			return false
		}
	}
	return len(findings) <= 1
}

// TestPluginKilledInMidUpload kills the storage plugin's process again and
// again while windows are sealed.
func TestPluginKilledInMidUpload(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 200_000), logpulltest.Faults{})
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	from, to := hours(3)
	cmd := s.command("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	must(t, cmd.Start())
	killed := 0
	stop := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		select {
		case err := <-done:
			tick.Stop()
			if killed == 0 {
				t.Error("no plugin process was killed")
			}
			if err != nil {
				t.Errorf("the run ended with %v after %d kills: %s", err, killed, &stderr)
			}
			s.checkLines(from, to)
			if code, findings, _ := s.report(); code != 0 {
				t.Errorf("verify: exit %d, %v", code, findings)
			}
			return
		case <-tick.C:
			// In the middle of things: not before the first windows are sealed.
			if sealed, _ := os.ReadDir(s.chain("checkpoints")); killed < 3 && len(sealed) > 4*(killed+1) {
				killed += killChildren(t, cmd.Process.Pid, "storage")
			}
		}
	}
}

// killChildren kills the plugin processes of a kind that a process has started.
func killChildren(t *testing.T, parent int, kind string) int {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*")
	must(t, err)
	killed := 0
	for _, p := range procs {
		status, err1 := os.ReadFile(filepath.Join(p, "status"))
		cmdline, err2 := os.ReadFile(filepath.Join(p, "cmdline"))
		if err1 != nil || err2 != nil { // has ended meanwhile
			continue
		}
		if !strings.Contains(string(status), "\nPPid:\t"+strconv.Itoa(parent)+"\n") ||
			!strings.Contains(string(cmdline), "plugin-serve\x00"+kind) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(p))
		must(t, err)
		if syscall.Kill(pid, syscall.SIGKILL) == nil {
			killed++
		}
	}
	return killed
}
