package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"golang.org/x/sys/unix"
)

// drawn is what a terminal of that size shows after the bytes it was sent.
func drawn(bytes string, width, height int) string {
	screen := vt.NewEmulator(width, height)
	answered := make(chan struct{})
	go func() { // it answers what it is asked, and waits until that is read
		defer close(answered)
		_, _ = io.Copy(io.Discard, screen)
	}()
	_, _ = screen.WriteString(bytes)
	text := screen.String()
	_ = screen.Close()
	<-answered
	return text
}

// TestWorkstation: the overview on a real terminal, its keys, a resize, and an
// end that leaves nothing behind.
func TestWorkstation(t *testing.T) {
	t.Parallel()
	s, temp := newCollected(t)
	if r := s.run("tui"); r.code != 2 || !strings.Contains(r.stderr, "needs a terminal") {
		t.Errorf("without a terminal: exit %d, %s", r.code, r.stderr)
	}
	if r := s.run("tui", "--keys"); r.code != 0 || !strings.Contains(r.stdout, "look again") {
		t.Errorf("keys: exit %d, %s", r.code, r.stdout)
	}
	c := s.onScreen(t, temp, "tui", "--theme", "dark")
	shown := drawn(c.sees("entries,"), 120, 40)
	for _, want := range []string{"1 overview", "shop.example.eu", "coverage of shop.example.eu, hours in UTC", "entries, by the pinned key"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not on the screen:\n%s", want, shown)
		}
	}
	c.keys("?")
	c.sees("go to a screen by name")
	c.keys("x")
	must(t, unix.IoctlSetWinsize(int(c.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}))
	c.keys("r")
	c.sees("as of")
	c.keys("\x11") // Ctrl-Q
	must(t, c.cmd.Wait())
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// types types, and keeps what was shown before.
func (c *screen) types(keys ...string) {
	c.t.Helper()
	_, err := c.master.WriteString(strings.Join(keys, ""))
	must(c.t, err)
}

// draws waits until text stands on the terminal, and returns all that does. What
// a program sends are differences: a text may not be among them in one piece.
func (c *screen) draws(width, height int, text string) string {
	c.t.Helper()
	return c.comesTo(width, height, text, func(shown string) bool { return strings.Contains(shown, text) })
}

// comesTo waits until what stands on the terminal is as wanted, and returns it.
func (c *screen) comesTo(width, height int, text string, wanted func(shown string) bool) string {
	c.t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for {
		c.mu.Lock()
		bytes, more, ended := string(c.shown), c.more, c.ended
		c.mu.Unlock()
		shown := drawn(bytes, width, height)
		if wanted(shown) {
			return shown
		}
		if ended {
			c.t.Fatalf("it ended without %q:\n%s", text, shown)
		}
		select {
		case <-more:
		case <-late.C:
			_ = c.cmd.Process.Kill()
			c.t.Fatalf("%q is not on the terminal:\n%s", text, shown)
		}
	}
}

// TestInvestigating: the records on a real terminal, over real questions: a
// filter, a record whole, a narrow terminal, and an end that leaves nothing behind.
func TestInvestigating(t *testing.T) {
	t.Parallel()
	s, temp := newCollected(t)
	c := s.onScreen(t, temp, "tui", "--theme", "dark")
	c.draws(120, 40, "entries,")
	c.types("2")
	c.draws(120, 40, "row 1 of ")
	c.types("fEdgeResponseStatus=200")
	c.draws(120, 40, "filter: EdgeResponseStatus=200")
	c.types("\r")
	c.draws(120, 40, "view 2/2")
	c.types("\r") // the record
	c.draws(120, 40, "EdgeStartTimestamp")
	shown := c.draws(120, 40, "entries verified, key pin")
	for _, want := range []string{"2 investigate", "shop.example.eu http_requests", "+ EdgeResponseStatus=200", "records  view 2/2", "FIELDS", "RECORD "} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not on the screen:\n%s", want, shown)
		}
	}
	c.types("\t/sha256\r")
	c.draws(120, 40, "with sha256")
	c.keys("")
	must(t, unix.IoctlSetWinsize(int(c.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}))
	c.comesTo(80, 24, "the record, searched, alone", func(shown string) bool {
		return strings.Contains(shown, "with sha256") && strings.Count(shown, "sha256") > 1 && !strings.Contains(shown, "FIELDS")
	})
	c.types("\x1bp\x11") // another range, whose questions Ctrl-Q interrupts
	must(t, c.cmd.Wait())
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
