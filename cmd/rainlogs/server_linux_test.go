package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestWorkstationOverServer: the overview and the collector of the workstation, by a
// collector's API alone.
func TestWorkstationOverServer(t *testing.T) {
	t.Parallel()
	s := newOverAPI(t)
	s.done("zone", "add", zoneID, "--name", "shop.example.eu")
	s.done("pull", "shop.example.eu")
	s.until("all that is due to be sealed", func() bool {
		return s.done("jobs", "list", "--state", "sealed", "--json") != "[]\n" && s.done("jobs", "list", "--json") == "[]\n"
	})
	s.refuses(2, "over --server", s.remote("tui", "--ssh", "127.0.0.1:0"))
	c := s.onScreen(t, t.TempDir(), "--server", s.url, "--api-key-file", s.keyFile, "tui", "--theme", "dark")
	shown := c.draws(120, 40, "coverage of shop.example.eu")
	for _, want := range []string{"1 overview", "2 collector", "collecting", "nothing is verified"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not on the screen:\n%s", want, shown)
		}
	}
	if rows := regexp.MustCompile(`(?m)^ *(Mon|Tue|Wed|Thu|Fri|Sat|Sun) `).FindAllString(shown, -1); len(rows) < 1 || len(rows) > 2 {
		t.Errorf("days are %q, of which one or two have windows:\n%s", rows, shown)
	}
	if strings.Contains(shown, "entries,") || strings.Contains(shown, "investigate") {
		t.Errorf("it shows what it cannot know:\n%s", shown)
	}
	c.types("2")
	shown = c.draws(120, 40, "answers at "+s.url)
	if !strings.Contains(shown, "its queue is not to be seen from here") {
		t.Errorf("the collector is\n%s", shown)
	}
	c.types("p")
	c.draws(120, 40, "shop.example.eu")
	c.types("y")
	c.draws(120, 40, "is paused")
	if list := s.ok("zone", "list", "--json"); !strings.Contains(list, `"state": "paused"`) {
		t.Errorf("zones are %s", list)
	}
	c.types("\x11") // Ctrl-Q
	if err := c.cmd.Wait(); err != nil {
		t.Error(err)
	}
}
