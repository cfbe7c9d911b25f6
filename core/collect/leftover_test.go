package collect_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/collect"
)

// TestFindLeftovers counts the files of the dead, and leaves the living alone.
func TestFindLeftovers(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, name := range []string{
		"run-1/a.ndjson.zst", "run-1/b.ndjson.zst.part", "run-1/c.ndjson.zst.damaged", // no lock any more
		"run-2/a.ndjson.zst", "run-2.lock", // a lock that nobody holds
		"run-3/a.ndjson.zst", "run-3.lock", // at work
		"run-4.lock", "other/a.ndjson.zst", "file",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "run-4"), 0o700); err != nil {
		t.Fatal(err)
	}
	living := flock.New(filepath.Join(root, "run-3.lock"))
	if ok, err := living.TryLock(); err != nil || !ok {
		t.Fatal(ok, err)
	}
	t.Cleanup(func() { _ = living.Unlock() })
	got, err := collect.FindLeftovers(root)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(collect.Leftovers{Processes: 2, Files: 3, Bytes: 15, SetAside: 1}, got); diff != "" {
		t.Errorf("leftovers (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(root, "run-1.lock")); !os.IsNotExist(err) {
		t.Errorf("a lock was made: %v", err)
	}
	if got, err := collect.FindLeftovers(filepath.Join(root, "none")); err != nil || got != (collect.Leftovers{}) {
		t.Errorf("of no folder: %+v, %v", got, err)
	}
	if _, err := collect.FindLeftovers(filepath.Join(root, "file")); err == nil {
		t.Error("a file was read as a folder")
	}
}
