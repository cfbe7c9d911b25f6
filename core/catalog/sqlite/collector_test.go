package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

// One file stands one daemon, and says which.
func TestLockCollector(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	one, two := open(t, path), open(t, path)
	unlock, err := one.LockCollector(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = two.LockCollector(t.Context())
	if who := fmt.Sprintf("pid %d", os.Getpid()); !errors.Is(err, catalog.ErrBusy) || !strings.Contains(err.Error(), who) {
		t.Errorf("error is %v, want %v that names %s", err, catalog.ErrBusy, who)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	unlock, err = two.LockCollector(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}

func TestQueuePath(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	link := filepath.Join(t.TempDir(), "link.db")
	c := open(t, path)
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	want, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{c.QueuePath(), open(t, link).QueuePath()} {
		if got != want+".queue" {
			t.Errorf("queue is at %s, want %s", got, want+".queue")
		}
	}
}
