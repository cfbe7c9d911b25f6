package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWorkstationChain: the chain is looked at and verified on a real terminal,
// and an object that was changed is found and pinned to its entry.
func TestWorkstationChain(t *testing.T) {
	t.Parallel()
	s, temp := newCollected(t)
	c := s.onScreen(t, temp, "tui", "--theme", "dark")
	c.sees("entries,") // the overview has verified the chain
	c.keys(":chain\r")
	c.sees("by the pinned key")
	c.keys("vt")
	c.sees("INTACT")
	objects, err := filepath.Glob(s.path("logs", zoneID, "*", "*", "*", "*", "*.zst"))
	must(t, err)
	s.edit(objects[len(objects)-1], flip(60))
	c.keys("vo")
	c.sees("tampered") // what is said of it: words stand apart where they are underlined
	c.keys("\t")
	c.sees("Bring the sealed bytes back")
	c.keys("\r") // its entry, all of it beside the list
	c.sees("object-changed:")
	c.sees("proven: ")
	if r := s.run("verify"); r.code != 3 {
		t.Errorf("rainlogs verify says %d where the screen says damaged", r.code)
	}
	c.keys("\x11") // Ctrl-Q
	must(t, c.cmd.Wait())
}

// TestWorkstationCollector: a zone is paused, resumed and pulled with keys,
// each after a yes, and the catalog says so.
func TestWorkstationCollector(t *testing.T) {
	t.Parallel()
	from, to := hours(1)
	s, temp := newCollectedOf(t, from.Add(-2*time.Hour), to.Add(-2*time.Hour)) // so that something is due
	c := s.onScreen(t, temp, "tui", "--theme", "dark")
	c.sees("entries,")
	c.keys(":collector\r")
	c.sees("no queue: none has run yet")
	c.keys("p")
	c.sees("Pause shop.example.eu?")
	c.keys("n")
	c.sees("nothing was done")
	if list := s.ok("zone", "list"); strings.Contains(list, "paused") {
		t.Errorf("paused without a yes:\n%s", list)
	}
	c.keys("py")
	c.sees("leaves it alone")
	if list := s.ok("zone", "list"); !strings.Contains(list, "paused") {
		t.Errorf("not paused:\n%s", list)
	}
	c.keys("cy")
	c.sees(" is collected") // the terminal is sent what differs alone
	before := s.ok("coverage")
	c.keys("Py")
	c.sees("windows sealed")
	if after := s.ok("coverage"); after == before {
		t.Errorf("nothing was pulled:\n%s", after)
	}
	c.keys("\t\t\t")
	c.sees("sources.logpull")
	c.keys("\tr")
	c.sees("its schema is current")
	c.keys("\x11")
	must(t, c.cmd.Wait())
}
