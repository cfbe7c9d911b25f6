package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// archiveID is the id in the site's rainlogs.json.
func (s *site) archiveID() string {
	s.t.Helper()
	b, err := os.ReadFile(s.path("rainlogs.json"))
	must(s.t, err)
	var desc struct {
		Archive string `json:"archive"`
	}
	must(s.t, json.Unmarshal(b, &desc))
	return desc.Archive
}

// session is the file in which the workstation keeps what is open.
func (s *site) session() string {
	return filepath.Join(filepath.Dir(s.dir), "state", "rainlogs", "tui", s.archiveID()+".json")
}

// holds waits until a file has a text in it.
func holds(t *testing.T, path, text string) {
	t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		b, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(b), text) {
			return
		}
		select {
		case <-look.C:
		case <-late.C:
			t.Fatalf("%s has no %q: %s, %v", path, text, b, err)
		}
	}
}

// TestSessionSurvives: after kill -9 the terminal is usable after a reset, and
// the workstation opens where it was.
func TestSessionSurvives(t *testing.T) {
	t.Parallel()
	s, temp := newCollected(t)
	c := s.onScreen(t, temp, "tui")
	c.sees("entries,")
	n, err := unix.IoctlGetInt(int(c.master.Fd()), unix.TIOCGPTN)
	must(t, err)
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	defer tty.Close() //nolint:errcheck // a terminal
	c.keys("8")
	c.sees("ACTION")
	c.keys("/zone\r")
	c.sees("keys")
	holds(t, s.session(), `"query":"zone"`)
	must(t, c.cmd.Process.Kill())
	_ = c.cmd.Wait()
	raw, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	must(t, err)
	if raw.Lflag&unix.ICANON != 0 {
		t.Error("it was not in raw mode: nothing is tested")
	}
	reset := exec.CommandContext(t.Context(), "stty", "sane")
	reset.Stdin = tty
	if path, err := exec.LookPath("reset"); err == nil {
		reset = exec.CommandContext(t.Context(), path)
		reset.Stdin, reset.Stdout, reset.Stderr, reset.Env = tty, tty, tty, append(os.Environ(), "TERM=xterm")
	}
	must(t, reset.Run())
	if sane, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS); err != nil || sane.Lflag&unix.ICANON == 0 || sane.Lflag&unix.ECHO == 0 {
		t.Errorf("after reset: %+v, %v", sane, err)
	}

	c = s.onScreen(t, temp, "tui")
	c.sees("/zone")
	c.keys("\x11")
	must(t, c.cmd.Wait())
	c = s.onScreen(t, temp, "tui", "--fresh")
	c.sees("coverage of shop.example.eu")
	must(t, c.cmd.Process.Signal(syscall.SIGTERM)) // kept when it is told to end, too
	_ = c.cmd.Wait()
	holds(t, s.session(), `"here":"overview"`)

	must(t, os.WriteFile(s.session(), []byte(`{"v":1,"archive":"other"}`), 0o600))
	c = s.onScreen(t, temp, "tui")
	c.sees("begun anew")
	c.keys("\x11")
	must(t, c.cmd.Wait())
	if _, err := os.Stat(s.session() + ".bad"); err != nil {
		t.Error(err)
	}
}

// TestReadOnly: asked for, and where nothing can be kept.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	s, temp := newCollected(t)
	c := s.onScreen(t, temp, "tui", "--read-only")
	if shown := drawn(c.sees("entries,"), 120, 40); !strings.Contains(shown, " read-only site") {
		t.Errorf("it is not marked:\n%s", shown)
	}
	c.keys("\x11")
	must(t, c.cmd.Wait())
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	cmd := s.command("tui")
	cmd.Env = append(cmd.Env, "XDG_STATE_HOME="+file)
	c = show(t, temp, cmd)
	shown := c.sees("not a directory")
	if !strings.Contains(drawn(shown, 120, 40), " read-only site") {
		t.Errorf("it is not marked:\n%s", drawn(shown, 120, 40))
	}
	c.keys("\x11")
	must(t, c.cmd.Wait())
}

// TestTUIConfig: mistakes in tui.keys are told with the config's key, by check and at the start.
func TestTUIConfig(t *testing.T) {
	t.Parallel()
	s, _ := newCollected(t)
	for keys, want := range map[string]string{
		"{fly: [f]}":                  `tui.keys: there is no action "fly"`,
		"{overview.reload: [ctrl+q]}": "ctrl+q",
		"{reload: [j]}":               "action reload is in several places",
		"{overview.reload: []}":       "",
		"{overview.reload: [R, 9]}":   "",
	} {
		s.configure("tui: {keys: " + keys + "}")
		r := s.run("config", "check")
		if want == "" && r.code != 0 || want != "" && (r.code != 2 || !strings.Contains(r.stderr, want)) {
			t.Errorf("%s: exit %d: %s", keys, r.code, r.stderr)
		}
	}
	s.configure("tui: {keys: {overview.reload: [R, 9]}}")
	if out := s.ok("tui", "--keys"); !strings.Contains(out, "R 9") {
		t.Errorf("keys: %s", out)
	}
}

// TestPermalinks: an address is a record for ever, and only of its own archive.
func TestPermalinks(t *testing.T) {
	t.Parallel()
	s, temp := newCollected(t)
	objects, err := filepath.Glob(s.path("logs", zoneID, "*", "*", "*", "*", "*.zst"))
	must(t, err)
	key, err := filepath.Rel(s.path(), objects[3])
	must(t, err)
	var entry struct {
		Seq     int64
		Content struct{ Lines int64 }
	}
	must(t, json.Unmarshal([]byte(s.ok("archive", "stat", key)), &entry))
	whole := strings.SplitAfter(s.ok("archive", "cat", key), "\n")
	link := func(archive string, seq, line int64) string {
		return fmt.Sprintf("rainlogs://%s/%s/http_requests/%d/%d", archive, zoneID, seq, line)
	}
	for _, line := range []int64{1, 2, entry.Content.Lines} {
		if got := s.ok("archive", "cat", link(s.archiveID(), entry.Seq, line)); got != whole[line-1] {
			t.Errorf("line %d is %q, sealed was %q", line, got, whole[line-1])
		}
	}
	const other = "00000000-0000-4000-8000-000000000000"
	for address, want := range map[string]string{
		link(other, entry.Seq, 1): "is a record of archive " + other, link(s.archiveID(), 9999, 1): "none of number 9999",
		link(s.archiveID(), entry.Seq, entry.Content.Lines+1): "none of number", link(s.archiveID(), 0, 1): "no records",
		"rainlogs://" + s.archiveID() + "/nowhere/http_requests/1/1": "no chain of nowhere", "rainlogs://x": "want rainlogs://ARCHIVE",
	} {
		if r := s.run("archive", "cat", address); r.code != 2 || !strings.Contains(r.stderr, want) || r.stdout != "" {
			t.Errorf("%s: exit %d: %s%s", address, r.code, r.stdout, r.stderr)
		}
	}
	c := s.onScreen(t, temp, "tui", link(other, 1, 1))
	c.sees("is a record of archive " + other)
	_ = c.cmd.Wait()
	if code := c.cmd.ProcessState.ExitCode(); code != 2 {
		t.Errorf("tui with another archive's record: exit %d", code)
	}
	b, err := os.ReadFile(objects[3])
	must(t, err)
	b[len(b)/2] ^= 1
	must(t, os.Chmod(objects[3], 0o600))
	must(t, os.WriteFile(objects[3], b, 0o600))
	if r := s.run("archive", "cat", link(s.archiveID(), entry.Seq, 1)); r.code != 3 || r.stdout != "" {
		t.Errorf("a damaged object: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
}

// bare is the program without a config, in a folder where there is none.
func bare(t *testing.T, args ...string) (cmd *exec.Cmd, dir string) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	dir = t.TempDir()
	cmd = exec.CommandContext(t.Context(), self, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), asProgram+"=1", "XDG_STATE_HOME="+filepath.Join(dir, "state"), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"),
		"XDG_CONFIG_HOME="+filepath.Join(dir, "config"), "RAINLOGS_CONFIG=", "NO_COLOR=1")
	return cmd, dir
}

// TestFirstStart: without an archive one is made, after a yes, and opened.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	cmd, dir := bare(t, "tui")
	c := show(t, temp, cmd)
	c.sees("There is no archive yet")
	c.keys("i\r")
	c.sees("any other key")
	c.keys("n")
	c.sees("nothing was done")
	if _, err := os.Stat(filepath.Join(dir, "evidence")); err == nil {
		t.Error("made without a yes")
	}
	c.keys("\ry")
	if shown := c.sees("Pin this verifier key"); !strings.Contains(shown, "signing.key") {
		t.Errorf("shown %q", shown)
	}
	c.keys("\r")
	if shown := c.sees("The archive has no zone yet"); !strings.Contains(shown, "\x1b[?1049l") || !strings.Contains(shown, "Pin this verifier key") {
		t.Errorf("the key is not told where it stays: %q", shown)
	}
	c.keys("\x11")
	c.sees("tui opens this archive again")
	must(t, c.cmd.Wait())

	named, _ := bare(t, "--config", "/nonexistent", "tui")
	c = show(t, temp, named)
	c.sees("no rainlogs.yaml found")
	_ = c.cmd.Wait()
	if code := c.cmd.ProcessState.ExitCode(); code != 2 {
		t.Errorf("a config that is named and missing: exit %d", code)
	}
	plain, _ := bare(t, "tui")
	if r := runCommand(t, plain); r.code != 2 || !strings.Contains(r.stderr, "needs a terminal") {
		t.Errorf("without a terminal: exit %d: %s", r.code, r.stderr)
	}
}

// TestDemoEndsInTheWorkstation: on a terminal; elsewhere it prints, and ends.
func TestDemoEndsInTheWorkstation(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	cmd, dir := bare(t, "demo", "--hours", "2", "--dir", "demo")
	c := show(t, temp, cmd)
	if shown := c.sees("coverage of"); !strings.Contains(shown, "What to look for: shop.example.eu") || !strings.Contains(drawn(shown, 120, 40), "what went out?") {
		t.Errorf("shown:\n%s", drawn(shown, 120, 40))
	}
	c.keys("\x11")
	must(t, c.cmd.Wait())
	printed, _ := bare(t, "demo", "--hours", "1", "--no-tui", "--dir", filepath.Join(dir, "second"))
	c = show(t, temp, printed)
	c.sees("all of it took")
	must(t, c.cmd.Wait())
}

// TestOverSSH: the workstation, with OpenSSH's client on a terminal.
func TestOverSSH(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh"); err != nil {
		if os.Getenv(requireSSH) != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	s, temp := newCollected(t)
	home := t.TempDir()
	key := filepath.Join(home, "key")
	must(t, exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).Run())
	public, err := os.ReadFile(key + ".pub")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(home, "authorized"), append([]byte("read-only "), public...), 0o600))
	if r := s.run("tui", "--ssh", "127.0.0.1:0"); r.code != 2 || !strings.Contains(r.stderr, "--ssh-authorized-keys") {
		t.Errorf("without keys: exit %d: %s", r.code, r.stderr)
	}
	for _, args := range [][]string{{"tui"}, {"collector"}} {
		server := s.command(append(args, "--ssh", "127.0.0.1:0", "--ssh-authorized-keys", filepath.Join(home, "authorized"))...)
		server.Env = append(server.Env, "TMPDIR="+temp, "RAINLOGS_SERVER_LISTEN=")
		stderr, err := server.StderrPipe()
		must(t, err)
		must(t, server.Start())
		port := portIn(t, stderr)
		client := exec.CommandContext(t.Context(), "ssh", "-F", "none", "-i", key, "-p", port, "-o", "IdentitiesOnly=yes", "-o", "UserKnownHostsFile="+filepath.Join(home, args[0]),
			"-o", "StrictHostKeyChecking=accept-new", "127.0.0.1")
		client.Env = append(os.Environ(), "LANG=C.UTF-8")
		c := show(t, temp, client)
		c.sees("site")
		c.types("1") // at the second visit it opens where the first one ended
		if shown := c.draws(120, 40, "entries,"); !strings.Contains(shown, " read-only site") || !strings.Contains(shown, "▌✓shop.example.eu") {
			t.Errorf("%s: shown:\n%s", args[0], shown)
		}
		c.types("8")
		c.draws(120, 40, "this SSH key may only read")
		must(t, unix.IoctlSetWinsize(int(c.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 90}))
		c.draws(90, 30, "lines ") // the foot of what does not fit any more
		if args[0] == "tui" {
			c.keys("\x11")
			must(t, c.cmd.Wait())
			must(t, server.Process.Signal(os.Interrupt))
		} else { // the server ends under a session
			must(t, server.Process.Signal(syscall.SIGTERM))
			c.sees("the server ends")
			_ = c.cmd.Wait()
		}
		_ = server.Wait()
		if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
			t.Errorf("%s: left behind: %v", args[0], left)
		}
	}
}

// portIn reads a server's log until it says where it listens; the rest is read and forgotten.
func portIn(t *testing.T, log io.Reader) string {
	t.Helper()
	buf, seen := make([]byte, 4096), []byte{}
	for {
		n, err := log.Read(buf)
		seen = append(seen, buf[:n]...)
		if _, rest, ok := bytes.Cut(seen, []byte("address=127.0.0.1:")); ok {
			if port, _, ok := bytes.Cut(rest, []byte(" ")); ok {
				go func() { _, _ = io.Copy(io.Discard, log) }()
				return string(port)
			}
		}
		if err != nil {
			t.Fatalf("it ended without serving: %s", seen)
		}
	}
}
