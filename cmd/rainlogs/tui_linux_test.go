package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

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

// TestInvestigating: the records on a real terminal, over real questions: a
// filter, a record whole, a narrow terminal, and an end that leaves nothing behind.
func TestInvestigating(t *testing.T) {
	t.Parallel()
	s, temp := newCollected(t)
	c := s.onScreen(t, temp, "tui", "--theme", "dark")
	resized := func(width uint16, text string) string { // all is drawn anew
		t.Helper()
		must(t, unix.IoctlSetWinsize(int(c.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: width}))
		return drawn(c.sees(text), int(width), 40)
	}
	c.sees("entries,")
	c.keys("2")
	c.sees("row 1 of ")
	c.keys("fEdgeResponseStatus=200")
	resized(119, "filter: EdgeResponseStatus=200")
	c.keys("\r")
	resized(117, "view 2/2")
	c.keys("\r") // the record
	shown := resized(118, "EdgeStartTimestamp")
	for _, want := range []string{"2 investigate", "shop.example.eu http_requests", "+ EdgeResponseStatus=200", "records  view 2/2", "FIELDS", "RECORD ", "key pinned"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not on the screen:\n%s", want, shown)
		}
	}
	c.keys("\t/sha256\r")
	if shown := resized(80, "with sha256"); !strings.Contains(shown, "sha256") || strings.Contains(shown, "FIELDS") {
		t.Errorf("the record is not searched:\n%s", shown)
	}
	c.keys("\x11") // Ctrl-Q
	must(t, c.cmd.Wait())
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
