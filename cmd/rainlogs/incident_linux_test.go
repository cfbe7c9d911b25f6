package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var updateScreens = flag.Bool("update", false, "write the golden screens anew")

// tmux is a terminal with the program in it, driven and read from outside.
type tmux struct {
	t      *testing.T
	socket string
	said   chan struct{} // the program has written something
}

// inTmux runs a shell's command in a terminal of that size.
func inTmux(t *testing.T, width, height int, env []string, command string) *tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("RAINLOGS_REQUIRE_TMUX") != "" {
			t.Fatal(err)
		}
		t.Skip("there is no tmux")
	}
	dir, err := os.MkdirTemp("", "rlm") //nolint:usetesting // a socket's path is short
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	m := &tmux{t: t, socket: filepath.Join(dir, "s"), said: make(chan struct{}, 1)}
	conf := filepath.Join(dir, "conf")
	must(t, os.WriteFile(conf, []byte("set -g status off\nset -sg escape-time 0\nset -g remain-on-exit on\n"), 0o600))
	cmd := exec.Command("tmux", "-S", m.socket, "-f", conf, "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), command) //nolint:gosec,noctx // the terminal
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", m.socket, "kill-server").Run() }) //nolint:noctx // as above
	pipe := filepath.Join(dir, "pipe")
	must(t, syscall.Mkfifo(pipe, 0o600))
	r, err := os.OpenFile(pipe, os.O_RDWR, 0) // it has no end before the test
	must(t, err)
	t.Cleanup(func() { _ = r.Close() })
	go func() {
		buf := make([]byte, 64<<10)
		for {
			if _, err := r.Read(buf); err != nil {
				return
			}
			select {
			case m.said <- struct{}{}:
			default:
			}
		}
	}()
	m.do("pipe-pane", "cat > "+pipe)
	return m
}

func (m *tmux) do(args ...string) string {
	m.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", m.socket}, args...)...).CombinedOutput() //nolint:gosec,noctx // the terminal
	if err != nil {
		m.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

// keys sends keys by tmux's names.
func (m *tmux) keys(keys ...string) {
	m.t.Helper()
	m.do(append([]string{"send-keys"}, keys...)...)
}

// types sends a text letter by letter.
func (m *tmux) types(text string) {
	m.t.Helper()
	m.do("send-keys", "-l", text)
}

// shows waits until the screen shows each of the patterns and nothing that is still on its way, and returns it.
func (m *tmux) shows(patterns ...string) string {
	m.t.Helper()
	return m.settles(nil, patterns...)
}

// settles is shows, and waits a while longer for a screen that is wanted.
func (m *tmux) settles(wanted func(shown string) bool, patterns ...string) string {
	m.t.Helper()
	var other <-chan time.Time // it shows each of the patterns, and is another one
	late := time.NewTimer(2 * time.Minute)
	defer late.Stop()
	again := time.NewTicker(200 * time.Millisecond) // what was said before the pipe was laid, nobody tells
	defer again.Stop()
	for {
		shown := m.do("capture-pane", "-p")
		missing := ""
		for _, p := range patterns {
			if !regexp.MustCompile(p).MatchString(shown) {
				missing = p
			}
		}
		whole := missing == "" && !onItsWay.MatchString(shown)
		if whole && (wanted == nil || wanted(shown)) {
			return shown
		}
		if whole && other == nil {
			other = time.After(20 * time.Second)
		}
		select {
		case <-m.said:
		case <-again.C:
		case <-other:
			if whole {
				return shown
			}
		case <-late.C:
			m.t.Fatalf("%q is not shown, or not yet whole:\n%s", missing, shown)
		}
	}
}

// onItsWay is a facet, or rows, that are still asked for.
var onItsWay = regexp.MustCompile(`(?m)^[ ▌]*[-+] \w+ +…│|^ *│?[▌ ] *…|looking again|^asking|asking for`)

// golden compares the screen, once it shows what it should, with testdata/incident/NAME. It may be in the
// middle of being drawn: then it is looked at again.
func (m *tmux) golden(name string, patterns ...string) string {
	m.t.Helper()
	path := filepath.Join("testdata", "incident", name+".txt")
	if *updateScreens {
		raw := m.shows(patterns...)
		shown := withoutChance(raw)
		must(m.t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(m.t, os.WriteFile(path, []byte(shown), 0o644)) //nolint:gosec // a file of the repository
		return raw
	}
	want, err := os.ReadFile(path)
	if err != nil {
		m.t.Fatalf("%v: -update writes it", err)
	}
	raw := m.settles(func(shown string) bool { return withoutChance(shown) == string(want) }, patterns...)
	if diff := cmp.Diff(string(want), withoutChance(raw)); diff != "" {
		m.t.Errorf("%s: -want +got:\n%s", path, diff)
	}
	return raw
}

func withoutChance(shown string) string {
	for _, c := range chance {
		shown = c.pattern.ReplaceAllString(shown, c.with)
	}
	return shown
}

// chance is what differs from run to run: ids, keys, and how long things took.
var chance = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "00000000-0000-0000-0000-000000000000"},
	{regexp.MustCompile(`15:[345]\d:\d\d`), "15:30:00"},
	{regexp.MustCompile(`15:[345]\d`), "15:30"},
	{regexp.MustCompile(`[345]\dm\d\ds`), "30m00s"},
	{regexp.MustCompile(`(?m)^(journal|✓ \d+ records with their proofs are in) .*$`), "$1 …"},
	{regexp.MustCompile(`\d+ of 48 objects verified, .*`), "48 of 48 objects verified, …"}, // columns are built beside it
	{regexp.MustCompile(`root [0-9A-Za-z+/]{8,43}=?`), "root …"},
	{regexp.MustCompile(`by \S+@\S+`), "by somebody@somewhere"},
	{regexp.MustCompile(`entry \d+, line \d+`), "entry 16, line 1000"}, // windows are sealed as they come
	{regexp.MustCompile(`(http_requests/)\d+/\d+`), "${1}16/1000"},
	{regexp.MustCompile(`(?m)in \d+(\.\d+)?m?s *$`), "in 1s"},
}

// TestIncident solves the demo's incident by keys alone, as an analyst would: from the overview to the rule that has found
// something, its first request, its client's session, records that are kept and handed out, and the chain they stand in.
func TestIncident(t *testing.T) {
	t.Parallel()
	for _, size := range []struct{ width, height int }{{80, 24}, {120, 40}} {
		t.Run(fmt.Sprintf("%dx%d", size.width, size.height), func(t *testing.T) {
			t.Parallel()
			solve(t, size.width, size.height)
		})
	}
}

func solve(t *testing.T, width, height int) {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	must(t, err)
	ahead := time.Until(time.Date(2026, 3, 14, 15, 30, 0, 0, time.UTC)).Round(time.Second)
	env := append(os.Environ(), asProgram+"=1", aheadBy+"="+ahead.String(), "LANG=C.UTF-8", "NO_COLOR=")
	for _, kind := range []string{"STATE", "DATA", "CONFIG", "CACHE"} {
		env = append(env, "XDG_"+kind+"_HOME="+filepath.Join(dir, strings.ToLower(kind)))
	}
	m := inTmux(t, width, height, env, "exec env -u TMUX TERM=xterm-256color COLORTERM=truecolor "+self+" demo --dir "+filepath.Join(dir, "demo"))
	step, shots := 0, os.Getenv("RAINLOGS_SCREENSHOTS") // a folder: what is shown is kept there with its colours
	see := func(what string, patterns ...string) string {
		t.Helper()
		step++
		if shots != "" {
			shown := m.shows(patterns...)
			must(t, os.WriteFile(filepath.Join(shots, fmt.Sprintf("%dx%d-%s.ansi", width, height, what)), []byte(m.do("capture-pane", "-e", "-p")), 0o600))
			return shown
		}
		return m.golden(fmt.Sprintf("%dx%d-%d-%s", width, height, step, what), patterns...)
	}
	if shots != "" {
		m.shows(`entries, by the p`)
		m.keys("8")
		m.shows(`\(•\) auto`)
		m.keys("t")
		m.shows(`\(•\) dark`)
		m.keys("1")
		see("overview", `entries, by the p`)
	} else {
		see("overview", `shop\.example\.eu, from 14 Mar 03:00 UTC on`, `entries, by the p`)
	}
	m.keys("5")
	m.shows(`SQL injection that was answered`)
	m.keys("r")
	see("hunt", `6 of 6 rules run`)
	m.keys("Enter")
	see("hits", `203\.0\.113\.66`, `coverage complete`)
	m.keys("Enter")
	see("request", `\+ RayID=`, `1 record `, `row 1 of 1`)
	m.keys("c")
	m.shows(`\+ ClientIP=203\.0\.113\.66`, `row \d+ of 269`)
	m.keys("Home")
	see("session", `269 records`, `row 1 of 269`, `▌.*05:56:33\.460`)
	m.keys("b")
	m.shows(`★`)
	m.keys("Down", "b")
	m.shows(`★[^★]*★`)
	m.keys("n")
	m.shows(`note: *`)
	m.types("the first that the origin answered with an error")
	m.keys("Enter")
	see("kept", `✓ noted`, `✎`)
	m.keys("6")
	see("case", `records 2 `, `\+3\.3s`)
	m.keys("x")
	m.shows(`export into a new folder under`)
	m.keys("C-u")
	m.types(filepath.Join(dir, "out"))
	m.keys("Enter")
	m.shows(`y yes`)
	m.keys("y")
	see("exported", `✓ 2 records with their proofs`)
	m.keys("4")
	m.shows(`1 of 2`, `entries as signed`)
	m.keys("Right")
	m.shows(`2 of 2`, `entries as signed`)
	m.keys("v")
	m.shows(`content`)
	m.keys("t")
	m.shows(`INTACT|intact`, `2 of 2`)
	if shots != "" {
		see("verified")
		return
	}
	m.keys("C-q")
	handedOut(t, filepath.Join(dir, "out"))
}

// handedOut checks what was exported with other people's program, and with ours.
func handedOut(t *testing.T, dir string) {
	t.Helper()
	sums, err := filepath.Glob(filepath.Join(dir, "*", "SHA256SUMS"))
	if err != nil || len(sums) != 1 {
		t.Fatalf("%v, %v", sums, err)
	}
	cmd := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS") //nolint:noctx // it ends by itself
	cmd.Dir = filepath.Dir(sums[0])
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("records.ndjson: OK")) {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
	records, err := os.ReadFile(filepath.Join(cmd.Dir, "records.ndjson"))
	must(t, err)
	if lines := bytes.Count(records, []byte("\n")); lines != 2 || !bytes.Contains(records, []byte("sqlmap/")) {
		t.Errorf("%d lines were handed out:\n%s", lines, records)
	}
}
