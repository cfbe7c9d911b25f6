package check

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
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
type kept struct{ copy, key, pin, tenants, programs string }

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
	site, k := filepath.Join(dir, "site"), kept{tenants: filepath.Join(dir, "tenants"), copy: filepath.Join(dir, "copy"), key: filepath.Join(dir, "key"), pin: filepath.Join(dir, "pin"), programs: filepath.Join(dir, "programs")}
	output(t, rainlogs, "demo", "--no-tui", "--no-progress", "--hours", "1", "--dir", site)
	output(t, rainlogs, "--config", site, "archive", "replicate", "--no-progress", "--verify", "--to", "{plugin: fs, path: "+k.copy+"}")
	k.customer(t, rainlogs, site)
	if err := errors.Join(
		os.Rename(filepath.Join(site, "signing.key"), k.key), os.Rename(filepath.Join(site, "verifier.pub"), k.pin), os.RemoveAll(site),
		os.Mkdir(k.programs, 0o755), os.Symlink(rainlogs, filepath.Join(k.programs, "rainlogs")),
		os.Symlink(filepath.Join(programs(t), "rainlogs-verify"), filepath.Join(k.programs, "rainlogs-verify"))); err != nil {
		t.Fatal(err)
	}
	return k
}

// customer gives a site's zone to a customer, and exports it.
func (k kept) customer(t *testing.T, rainlogs, site string) {
	t.Helper()
	var zones []struct{ Zone, Name string }
	if err := json.Unmarshal([]byte(output(t, rainlogs, "--config", site, "zone", "list", "--json")), &zones); err != nil || len(zones) == 0 {
		t.Fatalf("%v, zones are %v", err, zones)
	}
	given := filepath.Join(t.TempDir(), "given.json")
	text := fmt.Sprintf(`{"format": "rainlogs-tenants", "v": 1, "exported_at": "2026-01-01T00:00:00Z",
		"customers": [{"id": "acme", "name": "Acme"}],
		"api_keys": [{"id": "k", "customer": "acme", "name": "first", "role": "admin", "prefix": "p", "hash": "aGFzaA=="}],
		"zone_owners": [{"zone": %q, "customer": "acme"}],
		"credentials": [{"customer": "acme", "source": "own", "plugin": "logpull", "sealed": "c2VhbGVk", "recipient": "age1drill"}], "zones": []}`, zones[0].Zone)
	if err := os.WriteFile(given, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	output(t, rainlogs, "--config", site, "tenants", "import", given)
	output(t, rainlogs, "--config", site, "tenants", "export", "--out", k.tenants)
}

func (k kept) drill(t *testing.T) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", filepath.Join(repo, "deploy/drill.sh"), "--copy", k.copy, "--key", k.key, "--pin", k.pin, "--tenants", k.tenants, "--programs", k.programs)
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
	if code, out := k.drill(t); code != 0 || !strings.Contains(out, "it can be brought back") || !strings.Contains(out, "integrity  INTACT") ||
		!strings.Contains(out, "2 customers, 1 keys, 1 tokens and") || !strings.Contains(out, "age1drill") {
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
	lost := k
	lost.tenants = filepath.Join(t.TempDir(), "cut")
	if err := os.WriteFile(lost.tenants, []byte(`{"format": "rainlogs-tenants"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := lost.drill(t); code != 1 || !strings.Contains(out, "customers cannot be brought back") {
		t.Errorf("a damaged export: exit %d\n%s", code, out)
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
