package columns_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fabriziosalmi/rainlogs/query/columns"
)

// TestFullDisk builds on a file system that has room for one file: what is
// there stays usable, the rest waits for room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 3, 0)
	f.build()
	info, err := os.Stat(f.find(0))
	must(t, err)
	pages := info.Size()/int64(os.Getpagesize()) + 1
	mount := filepath.Join(t.TempDir(), "small")
	must(t, os.Mkdir(mount, 0o700))
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", pages*int64(os.Getpagesize()))); err != nil {
		t.Skipf("cannot mount a small file system here (%v): not run", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(mount, syscall.MNT_DETACH) })
	f.cache = f.open(mount, 0)
	err = f.cache.Build(context.Background(), f.data.Objects(), columns.BuildOptions{Jobs: 1})
	if !errors.Is(err, columns.ErrStopped) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("build ends with %v", err)
	}
	if n := strings.Count(f.log.String(), "columns are not built"); n != 1 {
		t.Errorf("%d warnings:\n%s", n, f.log)
	}
	if f.find(0) == "" || len(left(t, mount)) != 1 {
		t.Errorf("left are %q", left(t, mount))
	}
	must(t, syscall.Mount("tmpfs", mount, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=8m"))
	if f.find(0) == "" {
		t.Error("nothing is found on a disk that is read-only")
	}
	err = f.cache.Build(context.Background(), f.data.Objects(), columns.BuildOptions{})
	if !errors.Is(err, columns.ErrStopped) {
		t.Errorf("build on a disk that is read-only ends with %v", err)
	}
	must(t, syscall.Mount("tmpfs", mount, "tmpfs", syscall.MS_REMOUNT, "size=8m"))
	if p := f.build(); p.Built != 2 || p.Present != 1 {
		t.Errorf("with room again: %+v", p)
	}
}
