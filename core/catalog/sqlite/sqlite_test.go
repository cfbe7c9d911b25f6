package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/catalogtest"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/tenant/tenanttest"
)

var (
	chain = evidence.ChainID{Zone: strings.Repeat("0123456789abcdef", 2), Dataset: "http_requests"}
	epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
)

// minutes tiles n minutes from the given one on.
func minutes(from, n int) []evidence.Window {
	ws := make([]evidence.Window, n)
	for i := range ws {
		ws[i].Start = epoch.Add(time.Duration(from+i) * time.Minute)
		ws[i].End = ws[i].Start.Add(time.Minute)
	}
	return ws
}

func open(t testing.TB, path string) *sqlite.Catalog {
	t.Helper()
	c, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func newPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "catalog.db")
}

func ledger(t testing.TB, c catalog.Ledger) []catalog.Window {
	t.Helper()
	rows, err := c.Windows(t.Context(), chain, epoch.AddDate(-1, 0, 0), epoch.AddDate(100, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestConformance(t *testing.T) {
	t.Parallel()
	catalogtest.Run(t, func(t testing.TB) catalog.Catalog { return open(t, newPath(t)) })
}

func TestTenants(t *testing.T) {
	t.Parallel()
	tenanttest.Run(t, func(t testing.TB) tenanttest.Store { return open(t, newPath(t)) })
}

func TestReopened(t *testing.T) {
	t.Parallel()
	// Characters that mean something in a URI are part of the name.
	path := filepath.Join(t.TempDir(), "a b?mode=memory&x#1%41;.db")
	c := open(t, path)
	if err := c.Plan(t.Context(), chain, minutes(0, 3)); err != nil {
		t.Fatal(err)
	}
	head := catalog.Head{Chain: chain, Size: 7, LastHash: evidence.Digest{1}, Checkpoint: []byte("note"), FieldsSeq: 2}
	if err := c.Commit(t.Context(), catalog.Commit{Head: head}); err != nil {
		t.Fatal(err)
	}
	want := ledger(t, c)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, want 0600", info.Mode())
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("write-ahead log is left behind by Close: %v", err)
	}
	again := open(t, path)
	if diff := cmp.Diff(want, ledger(t, again)); diff != "" || len(want) != 3 {
		t.Errorf("ledger (-before +after):\n%s", diff)
	}
	got, err := again.Head(t.Context(), chain)
	if diff := cmp.Diff(head, got); err != nil || diff != "" {
		t.Errorf("error %v, head (-want +got):\n%s", err, diff)
	}
	if _, err := c.ListZones(t.Context()); err == nil {
		t.Error("a closed catalog answers")
	}
}

// Two handles of one process, as two of two processes, see each other's
// commits and exclude each other's writes.
func TestTwoHandles(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	link := filepath.Join(t.TempDir(), "link.db")
	one := open(t, path)
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	two := open(t, link)
	const rounds = 40
	var wg sync.WaitGroup
	for i, c := range []*sqlite.Catalog{one, two, one, two} {
		wg.Go(func() {
			for n := range rounds {
				if err := c.Plan(t.Context(), chain, minutes((n*4+i)*2, 2)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	rows := ledger(t, one)
	if diff := cmp.Diff(rows, ledger(t, two)); diff != "" || len(rows) != rounds*8 {
		t.Errorf("%d rows, want %d; (-one +two):\n%s", len(rows), rounds*8, diff)
	}
	// The link leads to the same locks.
	unlock, err := one.Lock(t.Context(), chain)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := two.Lock(t.Context(), chain); !errors.Is(err, catalog.ErrBusy) {
		t.Errorf("lock through a link: error is %v, want %v", err, catalog.ErrBusy)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

// Processes that start at once make one schema.
func TestOpenedAtOnce(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			if err := c.Plan(t.Context(), chain, minutes(i, 1)); err != nil {
				t.Error(err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(ledger(t, open(t, path))); n != 8 {
		t.Errorf("%d windows, want 8", n)
	}
}

func TestOpenRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), dangling); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path string
		says string
	}{
		"no path":        {"", "path is empty"},
		"no folder":      {filepath.Join(dir, "none", "catalog.db"), "no such file"},
		"folder":         {dir, "is not a file"},
		"under a file":   {filepath.Join(file, "catalog.db"), "not a directory"},
		"dangling link":  {dangling, "no such file"},
		"locks in place": {lockFolderTaken(t), "locks"},
	} {
		got, err := sqlite.Open(t.Context(), c.path)
		if err == nil {
			t.Errorf("%s: opened: %v", name, got.Close())
		} else if !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "open catalog") {
			t.Errorf("%s: error is %q, want one that says %q", name, err, c.says)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a folder was made")
	}
}

// lockFolderTaken returns a catalog's path where the folder of locks is a file.
func lockFolderTaken(t *testing.T) string {
	t.Helper()
	path := newPath(t)
	if err := os.WriteFile(path+".locks", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "catalog.db")
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("new catalog: error is %v, want %v", err, fs.ErrPermission)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.Open(t.Context(), path)
	if err == nil {
		err = c.Close()
	}
	if err == nil {
		err = os.Chmod(path, 0o400)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err = sqlite.Open(t.Context(), path)
	if err == nil {
		err = errors.Join(c.Plan(t.Context(), chain, minutes(0, 1)), c.Close())
	}
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("catalog that cannot be written: error is %v, want %v", err, fs.ErrPermission)
	}
}
