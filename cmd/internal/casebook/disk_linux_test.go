package casebook_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/casebook"
)

// TestFullDisk: what does not fit is said, and the case is as it was.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	mount := filepath.Join(t.TempDir(), "small")
	must(t, os.Mkdir(mount, 0o700))
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=256k,mode=0700"); err != nil {
		t.Skipf("cannot mount a small file system here (%v): not run", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(mount, syscall.MNT_DETACH) })
	b, c := incident(t, mount)
	kept := 0
	for {
		err := c.Note(t.Context(), strings.Repeat("x", 50_000))
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		must(t, err)
		if kept++; kept > 10 {
			t.Fatal("the disk is never full")
		}
	}
	check := func(c *casebook.Case, notes int) {
		t.Helper()
		if s := state(t, c); len(s.Notes) != notes || s.Torn != 0 || s.Damage != nil {
			t.Errorf("%d notes, torn %d, %v", len(s.Notes), s.Torn, s.Damage)
		}
	}
	check(c, kept)
	fresh, err := open(t, filepath.Dir(b.Dir())).Case("incident")
	must(t, err)
	check(fresh, kept)
	must(t, syscall.Mount("tmpfs", mount, "tmpfs", syscall.MS_REMOUNT, "size=1m"))
	must(t, c.Note(t.Context(), "with room again"))
	check(fresh, kept+1)
}
