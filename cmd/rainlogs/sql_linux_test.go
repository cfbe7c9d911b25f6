package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// stubborn is a statement that DuckDB does not interrupt for half a minute.
const stubborn = "SELECT levenshtein(repeat(left(_zone, 1), 60000), repeat('x', 60000)) FROM logs LIMIT 1"

// newCollected is a site with an hour of records, more than one chunk of DuckDB's, and a temporary folder of
// its own in which nothing may be left.
func newCollected(t *testing.T) (s *site, temp string) {
	t.Helper()
	from, to := hours(1)
	return newCollectedOf(t, from, to)
}

// newCollectedOf is newCollected of another range.
func newCollectedOf(t *testing.T, from, to time.Time) (s *site, temp string) {
	t.Helper()
	s = newSite(t, traffic(t, 200_000), logpulltest.Faults{})
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))
	temp, err := os.MkdirTemp("", "s") //nolint:usetesting // short: sockets are in it
	must(t, err)
	t.Cleanup(func() {
		left, _ := filepath.Glob(filepath.Join(temp, "*"))
		if len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		_ = os.RemoveAll(temp)
	})
	return s, temp
}

// screen is a program on a terminal of its own, and what it has shown.
type screen struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File

	mu    sync.Mutex
	shown []byte
	more  chan struct{} // closed and replaced when something is shown
	ended bool
}

func (s *site) onScreen(t *testing.T, temp string, args ...string) *screen {
	t.Helper()
	return show(t, temp, s.command(args...))
}

// show starts a program on a terminal.
func show(t *testing.T, temp string, cmd *exec.Cmd) *screen {
	t.Helper()
	master, tty := terminal(t)
	must(t, unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 120}))
	c := &screen{t: t, cmd: cmd, master: master, more: make(chan struct{})}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = tty, tty, tty
	c.cmd.Env = append(c.cmd.Env, "TERM=xterm", "TMPDIR="+temp)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // Ctrl-C is a signal to it
	must(t, c.cmd.Start())
	must(t, tty.Close())
	go c.read()
	return c
}

// read collects what is shown; it ends with the program.
func (c *screen) read() {
	buf := make([]byte, 4096)
	for {
		n, err := c.master.Read(buf)
		c.mu.Lock()
		c.shown = append(c.shown, buf[:n]...)
		c.ended = err != nil
		close(c.more)
		c.more = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// keys types, and forgets what was shown before.
func (c *screen) keys(text string) {
	c.t.Helper()
	c.mu.Lock()
	c.shown = nil
	c.mu.Unlock()
	_, err := c.master.WriteString(text)
	must(c.t, err)
}

// sees waits until text is shown, and returns all that is.
func (c *screen) sees(text string) string {
	c.t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for {
		c.mu.Lock()
		shown, more, ended := string(c.shown), c.more, c.ended
		c.mu.Unlock()
		if strings.Contains(shown, text) {
			return shown
		}
		if ended {
			c.t.Fatalf("it ended without %q: %q", text, shown)
		}
		select {
		case <-more:
		case <-late.C:
			_ = c.cmd.Process.Kill()
			c.t.Fatalf("%q is not shown: %q", text, shown)
		}
	}
}

func TestSQLShell(t *testing.T) {
	t.Parallel()
	s, temp := newCollected(t)
	history := filepath.Join(filepath.Dir(s.dir), "state", "rainlogs", "sql_history")
	c := s.onScreen(t, temp, "sql", "--zone", "shop.example.eu")
	c.sees("rainlogs> ")

	for shown := ""; !strings.Contains(shown, "EdgeResponseStatus"); { // until the words are learned
		c.keys("\x15SELECT EdgeResponseSta\t, 1")
		shown = c.sees(", 1")
	}
	c.keys(" FROM lo\t\r")
	c.sees("...> ")
	c.keys("LIMIT 1;\r")
	if shown := c.sees("engine "); !strings.Contains(shown, "(1 row)") || !strings.Contains(shown, "objects   ") {
		t.Errorf("answer: %q", shown)
	}

	c.sees("rainlogs> ")
	c.keys("dropped")
	c.sees("dropped") // the prompt has it: before, Ctrl-C would be a signal
	c.keys("\x03")    // Ctrl-C at the prompt drops the line
	c.sees("rainlogs> ")
	c.keys(stubborn + ";\r")
	c.sees("lines ") // the bar: the line is read, the call comes next
	c.keys("\x03")
	c.sees("interrupted")
	must(t, unix.IoctlSetWinsize(int(c.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 20, Col: 40}))
	c.keys("SELECT 6 * 7 AS answer, 'a line that is longer than the window', chr(27) || '[31m' AS hostile;\r")
	if shown := c.sees("engine "); !strings.Contains(shown, "42") || strings.Contains(shown, "\x1b[31m") || !strings.Contains(shown, `\x1b[31m`) {
		t.Errorf("after an interrupt and in a narrow window: %q", shown)
	}
	c.keys("SELECT * FROM nowhere;\r")
	c.sees("error: query refused by the SQL engine")
	c.keys("\x04") // Ctrl-D
	must(t, c.cmd.Wait())

	if info, err := os.Stat(history); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("history %v, %v", info, err)
	}
	before, err := os.ReadFile(history)
	must(t, err)
	if !strings.Contains(string(before), "FROM logs LIMIT 1;\n") {
		t.Errorf("history %q", before)
	}
	c = s.onScreen(t, temp, "sql", "--no-history")
	c.sees("rainlogs> ")
	c.keys("SELECT 'a secret';\r")
	c.sees("engine ")
	c.keys(".quit\r")
	must(t, c.cmd.Wait())
	if after, err := os.ReadFile(history); err != nil || !bytes.Equal(before, after) {
		t.Errorf("history %q, %v", after, err)
	}
	c = s.onScreen(t, temp, "sql")
	c.sees("rainlogs> ")
	c.keys("\x1b[A\x1b[A") // the statement before the last
	c.sees("6 * 7")
	c.keys("\r")
	c.sees("42")
	c.keys("\x04")
	must(t, c.cmd.Wait())
}

// TestSQLScript: without a terminal, the exit code is that of the first error.
func TestSQLScript(t *testing.T) {
	t.Parallel()
	s, temp := newCollected(t)
	script := func(text string, args ...string) result {
		t.Helper()
		cmd := s.command(append([]string{"sql"}, args...)...)
		cmd.Env = append(cmd.Env, "TMPDIR="+temp)
		cmd.Stdin = strings.NewReader(text)
		return runCommand(t, cmd)
	}
	if r := script("SELECT count(*) > 0 AS any FROM logs;\nSELECT 2", "--format", "csv"); r.code != 0 || r.stdout != "any\ntrue\n2\n2\n" {
		t.Errorf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	if r := script("SELECT 1;\nSELEC;\nSELECT 3;"); r.code != 2 || strings.Contains(r.stdout, "3") || !strings.Contains(r.stderr, "line 2: query refused") {
		t.Errorf("a mistake: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	if r := script("SELECT 1", "--zone", "nowhere.example"); r.code != 2 || !strings.Contains(r.stderr, "nowhere.example") {
		t.Errorf("no such zone: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	if r := script("SET threads = 1;"); r.code != 2 || !strings.Contains(r.stderr, "not allowed") {
		t.Errorf("forbidden: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	if r := script(".read /nonexistent"); r.code != 2 {
		t.Errorf("no such file: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	objects, err := filepath.Glob(s.path("logs", zoneID, "*", "*", "*", "*", "*.zst"))
	must(t, err)
	must(t, os.Truncate(objects[0], 100))
	if r := script("SELECT count(*) FROM logs"); r.code != 3 || !strings.Contains(r.stderr, "bytes, sealed were") {
		t.Errorf("damage: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	if r := script("SELECT count(*) FROM logs", "--skip-damaged"); r.code != 0 || !strings.Contains(r.stderr, "! damaged") {
		t.Errorf("damage skipped: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
}

// TestInterruptEnds: whoever runs a statement that does not stop, by itself or
// from a script, has the prompt back at once.
func TestInterruptEnds(t *testing.T) {
	t.Parallel()
	s, temp := newCollected(t)
	where := "levenshtein(repeat(left(_zone, 1), 60000), repeat('x', 60000)) > 0"
	for _, args := range [][]string{{"query", stubborn}, {"logs", "--where", where}, {"sql"}} {
		cmd := s.command(args...)
		var said bytes.Buffer
		cmd.Env = append(cmd.Env, "TMPDIR="+temp)
		cmd.Stdin, cmd.Stderr = strings.NewReader(stubborn), &said
		must(t, cmd.Start())
		running(t, temp)
		asked := time.Now()
		must(t, cmd.Process.Signal(os.Interrupt))
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 || !strings.Contains(said.String(), "interrupted") {
			t.Errorf("%v: %v: %s", args, err, said.String())
		}
		took := time.Since(asked)
		t.Logf("%v ended %s after the interrupt", args[0], took.Round(time.Millisecond))
		if took > 10*time.Second {
			t.Errorf("%v took %s", args, took)
		}
		if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
			t.Errorf("%v left behind: %v", args, left)
		}
	}
}

// running waits until a process is in the middle of a request. It cannot say
// so: its folder of the request shows, and the statement begins soon after.
func running(t *testing.T, temp string) {
	t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for requests := 0; requests == 0; {
		select {
		case <-look.C:
			for _, pattern := range []string{"*/rainlogs-duckdb-*/request-*", "*/*/rainlogs-duckdb-*/request-*"} {
				found, _ := filepath.Glob(filepath.Join(temp, pattern))
				requests += len(found)
			}
		case <-late.C:
			t.Fatal("no request is under way")
		}
	}
	<-time.After(2 * time.Second)
}
