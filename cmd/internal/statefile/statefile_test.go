package statefile_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/statefile"
)

var now = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

func config(t *testing.T) statefile.Config {
	t.Helper()
	return statefile.Config{Path: filepath.Join(t.TempDir(), "a", "tui", "id.json"), Limit: 1 << 20, Now: now, Check: func(b []byte) error {
		if !bytes.HasPrefix(b, []byte("state ")) {
			return errors.New("it is damaged")
		}
		return nil
	}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, cfg statefile.Config) (f *statefile.File, state, notice string) {
	t.Helper()
	f, b, notice, err := statefile.Open(cfg)
	must(t, err)
	return f, string(b), notice
}

func TestKept(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	f, state, notice := open(t, cfg)
	if state != "" || notice != "" {
		t.Errorf("nothing yet: %q, %q", state, notice)
	}
	must(t, f.Save([]byte("state 1")))
	must(t, f.Close([]byte("state 2")))
	must(t, f.Save([]byte("state late")))
	must(t, f.Close([]byte("state late")))
	if _, state, notice = open(t, cfg); state != "state 2" || notice != "" {
		t.Errorf("state %q, notice %q", state, notice)
	}
	for path, mode := range map[string]os.FileMode{cfg.Path: 0o600, filepath.Dir(cfg.Path): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// TestPutAside: what is no state of this program is neither used nor lost, and
// nothing that is read blocks or leads elsewhere.
func TestPutAside(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(path string) error{
		"damaged": func(path string) error { return os.WriteFile(path, []byte("stat"), 0o600) },
		"too large": func(path string) error {
			return os.WriteFile(path, append([]byte("state "), make([]byte, 2<<20)...), 0o600)
		},
		"a folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"a pipe":   func(path string) error { return unix.Mkfifo(path, 0o600) },
		"a link":   func(path string) error { return os.Symlink("/etc/hostname", path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t)
			must(t, os.MkdirAll(filepath.Dir(cfg.Path), 0o700))
			must(t, put(cfg.Path))
			f, state, notice := open(t, cfg)
			if state != "" || !strings.Contains(notice, "id.json is not used: it ") || !strings.Contains(notice, "it is now id.json.bad") {
				t.Errorf("state %q, notice %q", state, notice)
			}
			if _, err := os.Lstat(cfg.Path + ".bad"); err != nil {
				t.Error(err)
			}
			must(t, f.Save([]byte("state 1")))
			if _, state, _ = open(t, cfg); state != "state 1" {
				t.Errorf("after it: %q", state)
			}
		})
	}
}

// TestTwoWriters: whoever reads while others write finds a whole state.
func TestTwoWriters(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	var group sync.WaitGroup
	for who := range 2 {
		f, _, _ := open(t, cfg)
		group.Go(func() {
			for i := range 50 {
				if err := f.Save([]byte("state " + strings.Repeat(fmt.Sprint(who), 1+i*100) + ".")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 50 {
		_, state, notice := open(t, cfg)
		if body := strings.TrimPrefix(state, "state "); notice != "" || state != "" && (!strings.HasSuffix(body, ".") || strings.Contains(body, "0") && strings.Contains(body, "1")) {
			t.Fatalf("state %q, notice %q", state, notice)
		}
	}
	group.Wait()
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(cfg.Path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestKilledWriters: their temporary files go, those of living ones stay.
func TestKilledWriters(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	open(t, cfg)
	old, young := filepath.Join(filepath.Dir(cfg.Path), ".id.json.1.tmp"), filepath.Join(filepath.Dir(cfg.Path), ".id.json.2.tmp")
	for path, at := range map[string]time.Time{old: now.Add(-2 * time.Hour), young: now} {
		must(t, os.WriteFile(path, nil, 0o600))
		must(t, os.Chtimes(path, at, at))
	}
	open(t, cfg)
	if _, err := os.Stat(old); err == nil {
		t.Error("the old one is there")
	}
	if _, err := os.Stat(young); err != nil {
		t.Error(err)
	}
}

func TestNoFolder(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	cfg.Path = filepath.Join(file, "id.json")
	if _, _, _, err := statefile.Open(cfg); err == nil || !strings.Contains(err.Error(), "folder of state") {
		t.Errorf("%v", err)
	}
}
