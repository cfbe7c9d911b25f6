package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// terminal opens a pseudo-terminal's two ends.
func terminal(t *testing.T) (master, tty *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	must(t, err)
	t.Cleanup(func() { _ = master.Close() })
	must(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	must(t, err)
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	return master, tty
}

// onTerminal runs the program with a terminal as its standard output and
// returns what the terminal got.
func (s *site) onTerminal(t *testing.T, args ...string) string {
	t.Helper()
	master, tty := terminal(t)
	cmd := s.command(args...)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = tty, &stderr
	must(t, cmd.Start())
	must(t, tty.Close())
	shown, _ := io.ReadAll(master) // ends with EIO when the program has
	if err := cmd.Wait(); err != nil {
		t.Fatalf("rainlogs %v: %v\n%s%s", args, err, shown, stderr.String())
	}
	return strings.ReplaceAll(string(shown), "\r\n", "\n") // the line discipline's
}

// TestProgressIsForTerminals: a bar where somebody looks, nothing in a log file.
func TestProgressIsForTerminals(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 20_000), logpulltest.Faults{})
	from, to := hours(2)
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	if r := s.run("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to)); r.code != 0 || strings.ContainsAny(r.stderr, "\r█|") {
		t.Errorf("pull: exit %d, into a pipe: %q", r.code, r.stderr)
	}
	master, tty := terminal(t)
	cmd := s.command("verify", "--level", "objects")
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, tty
	cmd.Env = append(cmd.Env, "TERM=xterm")
	must(t, cmd.Start())
	must(t, tty.Close())
	shown, _ := io.ReadAll(master) // ends with EIO when the program has
	must(t, cmd.Wait())
	if !strings.Contains(string(shown), "verify objects") || !strings.Contains(string(shown), "B/s") {
		t.Errorf("no bar on a terminal: %q", shown)
	}
	if strings.Contains(string(shown), "\x1b[3") {
		t.Errorf("colours in spite of NO_COLOR: %q", shown)
	}
	if !strings.Contains(stdout.String(), "INTACT") {
		t.Errorf("verify: %s", stdout.String())
	}
}

// TestHostileLogsOnATerminal: whoever is logged chooses what stands in the
// logs. On a terminal it must be seen and not obeyed, elsewhere it is evidence, byte for byte.
func TestHostileLogsOnATerminal(t *testing.T) {
	t.Parallel()
	const hostile = "\u009b31m\u0085 \u202egnp.exe\u2066 \x7f é"
	agent, err := json.Marshal(hostile)
	must(t, err)
	from, to := hours(1)
	at := from.Add(10 * time.Minute)
	records, err := logpulltest.FromRecords([]logpulltest.Record{{Received: at, Fields: map[string]json.RawMessage{
		"ClientRequestUserAgent": agent, "EdgeResponseStatus": json.RawMessage("200"),
		"EdgeStartTimestamp": json.RawMessage(fmt.Sprint(at.Add(-time.Minute).UnixNano())),
	}}})
	must(t, err)
	s := newSite(t, records, logpulltest.Faults{})
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))
	s.checkLines(from, to)
	objects, err := filepath.Glob(s.path("logs", zoneID, "*", "*", "*", "*", "*.zst"))
	must(t, err)
	key, err := filepath.Rel(s.path(), objects[0])
	must(t, err)
	for _, args := range [][]string{
		{"logs"},
		{"archive", "cat", key},
		{"archive", "cat", "--raw", key},
		{"query", "SELECT ClientRequestUserAgent FROM logs"},
		{"query", "--format", "csv", "SELECT ClientRequestUserAgent FROM logs"},
		{"query", "--format", "ndjson", "SELECT ClientRequestUserAgent FROM logs"},
	} {
		shown := s.onTerminal(t, args...)
		for _, r := range shown {
			if strings.ContainsRune("\x1b\x7f\r\u0085\u009b\u202e\u2066", r) {
				t.Errorf("rainlogs %v: %q reaches the terminal in %q", args, r, shown)
			}
		}
		if args[0] != "archive" || args[2] != "--raw" {
			if !strings.Contains(shown, `\u202egnp.exe\u2066`) {
				t.Errorf("rainlogs %v: what was hidden is not seen: %q", args, shown)
			}
		}
	}
	for _, args := range [][]string{{"logs"}, {"archive", "cat", key}} {
		if out := s.ok(args...); !strings.Contains(out, hostile) {
			t.Errorf("rainlogs %v into a pipe is not what was received: %q", args, out)
		}
	}
}
