package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestWorkstationInTrouble: a full disk and a damaged object are told with what to do about
// them, and the next question is answered.
func TestWorkstationInTrouble(t *testing.T) {
	t.Parallel()
	s, temp := newCollected(t)
	full := t.TempDir()
	if err := syscall.Mount("tmpfs", full, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("cannot mount a small file system here (%v): not run", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(full, syscall.MNT_DETACH) })
	path := filepath.Join(full, "answer.csv")
	must(t, os.WriteFile(path, []byte("mine"), 0o600))

	c := s.onScreen(t, temp, "tui", "--theme", "dark")
	c.draws(120, 40, "entries, by the pinned key")
	c.types(":sql\r")
	c.draws(120, 40, "asked of all zones, all times")
	c.types("SELECT line FROM raw", ctrlR)
	c.draws(120, 40, "coverage complete")
	c.types(f8)
	c.draws(120, 40, "export the answer")
	c.types(ctrlU, path, enter)
	c.draws(120, 40, "replace the file?")
	c.types("y")
	shown := unwrapped(c.draws(120, 40, "nothing was exported"))
	for _, want := range []string{"no space left on device", "make room there, or choose a place on another disk"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not shown:\n%s", want, shown)
		}
	}
	left, err := os.ReadDir(full)
	must(t, err)
	if kept, _ := os.ReadFile(path); string(kept) != "mine" || len(left) != 1 {
		t.Errorf("the file is %q, beside it is %v", kept, left)
	}

	objects, err := filepath.Glob(s.path("logs", zoneID, "*", "*", "*", "*", "*.zst"))
	must(t, err)
	s.edit(objects[0], flip(60))
	c.types(ctrlL, "SELECT count(*) FROM raw", ctrlR)
	shown = unwrapped(c.draws(120, 40, "SHA-256 is"))
	for _, want := range []string{"of " + zoneID, "answers without it and says so", "rainlogs verify"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not shown:\n%s", want, shown)
		}
	}
	c.types(ctrlL, "SELECT 'forty' || '-two' AS answer", ctrlR)
	c.draws(120, 40, "> forty-two")
	c.types(ctrlQ)
	must(t, c.cmd.Wait())
}

// unwrapped is a screen's text without the ends of its lines.
func unwrapped(shown string) string { return strings.Join(strings.Fields(shown), " ") }
