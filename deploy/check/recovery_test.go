package check

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// kept is what is left of a site after a disaster: a copy of the archive, the
// key's backup, the pinned key.
type kept struct{ copy, key, pin, programs string }

func keep(t *testing.T) kept {
	t.Helper()
	rainlogs, err := filepath.Abs(filepath.Join(repo, "bin/rainlogs"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(rainlogs); err != nil {
		missing(t, "bin/rainlogs is not built")
	}
	dir := t.TempDir()
	site, k := filepath.Join(dir, "site"), kept{copy: filepath.Join(dir, "copy"), key: filepath.Join(dir, "key"), pin: filepath.Join(dir, "pin"), programs: filepath.Join(dir, "programs")}
	output(t, rainlogs, "demo", "--no-tui", "--no-progress", "--hours", "1", "--dir", site)
	output(t, rainlogs, "--config", site, "archive", "replicate", "--no-progress", "--verify", "--to", "{plugin: fs, path: "+k.copy+"}")
	if err := errors.Join(
		os.Rename(filepath.Join(site, "signing.key"), k.key), os.Rename(filepath.Join(site, "verifier.pub"), k.pin), os.RemoveAll(site),
		os.Mkdir(k.programs, 0o755), os.Symlink(rainlogs, filepath.Join(k.programs, "rainlogs")),
		os.Symlink(filepath.Join(programs(t), "rainlogs-verify"), filepath.Join(k.programs, "rainlogs-verify"))); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k kept) drill(t *testing.T) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", filepath.Join(repo, "deploy/drill.sh"), "--copy", k.copy, "--key", k.key, "--pin", k.pin, "--programs", k.programs)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// tree sums up a folder: names, modes, bytes.
func tree(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		fmt.Fprintf(h, "%s %v %d %s\n", path, d.Type(), len(b), b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// TestDrill: from the copy and the key alone everything comes back, and the
// drill changes neither. With a damaged copy or another archive's key it says so.
func TestDrill(t *testing.T) {
	t.Parallel()
	k := keep(t)
	before := tree(t, k.copy)
	if code, out := k.drill(t); code != 0 || !strings.Contains(out, "it can be brought back") || !strings.Contains(out, "integrity  INTACT") {
		t.Fatalf("exit %d\n%s", code, out)
	}
	if after := tree(t, k.copy); after != before {
		t.Error("the drill changed the copy")
	}
	other := k
	other.key = keep(t).key
	if code, out := other.drill(t); code != 1 || !strings.Contains(out, "not this archive's") {
		t.Errorf("another archive's key: exit %d\n%s", code, out)
	}
	objects, err := sealed(k.copy)
	if err != nil || len(objects) == 0 {
		t.Fatalf("no object in the copy: %v", err)
	}
	b, err := os.ReadFile(objects[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(objects[0], 0o600), os.WriteFile(objects[0], bytes.Replace(b, b[len(b)/2:len(b)/2+4], []byte("XXXX"), 1), 0o600)); err != nil {
		t.Fatal(err)
	}
	if code, out := k.drill(t); code != 3 || !strings.Contains(out, "does not verify") {
		t.Errorf("a damaged copy: exit %d\n%s", code, out)
	}
}

// sealed finds the objects of an archive.
func sealed(dir string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(filepath.Join(dir, "logs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return err
	})
	return found, err
}
