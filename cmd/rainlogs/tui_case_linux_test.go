package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWorkstationCase: a case is worked on in the workstation: a note, the
// rules, the export; and the journal says so.
func TestWorkstationCase(t *testing.T) {
	t.Parallel()
	s, temp := newCollected(t)
	links := s.linksTo("EdgeResponseStatus >= 400", 2)
	s.ok("case", "new", "Card theft")
	s.ok("case", "mark", links[0], links[1])
	out := t.TempDir()
	c := s.onScreen(t, temp, "tui", "--theme", "dark")
	c.draws(120, 40, "coverage of shop.example.eu")
	c.types(":case\r")
	c.draws(120, 40, "records 2")
	c.types("n")
	c.draws(120, 40, "note on the record:")
	c.types("seen by me\r")
	c.draws(120, 40, "note kept")
	c.types(":hunt\r")
	c.draws(120, 40, "6 rules; r runs them")
	c.types("r")
	c.draws(120, 40, "6 of 6 rules run")
	c.types(":case\r")
	c.draws(120, 40, "queries 6")
	c.types("x")
	c.draws(120, 40, "export into a new folder under:")
	c.types("\x15" + out + "\r") // Ctrl-U
	c.draws(120, 40, "Write 2 records")
	c.types("y")
	c.draws(120, 40, "2 records with their proofs are in")
	c.types("\x11") // Ctrl-Q
	must(t, c.cmd.Wait())

	bundles, err := filepath.Glob(filepath.Join(out, "rainlogs-card-theft-*"))
	must(t, err)
	if len(bundles) != 1 {
		t.Fatalf("exported: %v", bundles)
	}
	if text := s.ok("case", "check", bundles[0], "--key", s.path("..", "verifier.pub")); !strings.Contains(text, "2 proven") {
		t.Error(text)
	}
	if csv, err := os.ReadFile(filepath.Join(bundles[0], "records.csv")); err != nil || !strings.Contains(string(csv), "seen by me") {
		t.Errorf("%v: %s", err, csv)
	}
	var shown struct{ Events []struct{ Event string } }
	must(t, json.Unmarshal([]byte(s.ok("case", "show", "--json")), &shown))
	var order []string
	for _, e := range shown.Events {
		order = append(order, e.Event)
	}
	want := "created bookmark bookmark opened note query query query query query query export closed"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("the journal has %s, want %s", got, want)
	}
}
