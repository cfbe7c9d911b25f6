package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
)

// TestTenantsComeBack loses the catalog of a collector with two customers, and
// brings it back from the export: their keys work, their zones are theirs, and
// are collected on with their own tokens, without anybody bringing them again.
func TestTenantsComeBack(t *testing.T) {
	t.Parallel()
	x := newTenants(t)
	x.bring(x.acme, "logpull", tokenA)
	x.bring(x.other, "cf", tokenB)
	mine, theirs := x.zone(x.acme, zoneID(0), ""), x.zone(x.other, zoneID(1), "cf")
	x.covered(x.acme, mine)
	x.covered(x.other, theirs)
	revoked := x.revoked()
	config := []string{"--config", filepath.Join(x.dir, "one.yaml"), "tenants"}
	path := filepath.Join(x.dir, "tenants.json")
	if code, out, stderr := run(t, append(config, "export", "--out", path)...); code != 0 || out != "" || !strings.Contains(stderr, "3 customers, 3 keys, 2 tokens, 2 zones") {
		t.Fatalf("exit code %d\n%s%s", code, out, stderr)
	}
	if code, _, _ := run(t, append(config, "export", "--out", path)...); code != 2 {
		t.Errorf("exit code %d for a file that is there", code)
	}
	b, err := os.ReadFile(path)
	x.must(err)
	x.untold("the export", b, []byte(x.acme), []byte(x.other))
	info, err := os.Stat(path)
	x.must(err)
	if info.Mode().Perm() != 0o600 || strings.Contains(string(b), x.acme) {
		t.Errorf("mode %v; or a key is in the open", info.Mode())
	}
	x.loses(path)

	x.daemon = x.start("one")
	x.caller = x.api(x.daemon)
	for key, z := range map[string]api.Zone{x.acme: mine, x.other: theirs} {
		var zones api.Zones
		x.want(http.StatusOK, "GET", "/v1/zones", key, nil, &zones)
		if len(zones.Zones) != 1 || zones.Zones[0].ID != z.ID || zones.Zones[0].Source != z.Source || zones.Zones[0].Name != z.Name {
			t.Errorf("zones are %+v, want %+v", zones.Zones, z)
		}
		x.covered(key, z)
	}
	x.want(http.StatusUnauthorized, "GET", "/v1/me", revoked, nil, nil)
	x.want(http.StatusNotFound, "GET", "/v1/zones/"+theirs.ID, x.acme, nil, nil)
	x.covered(x.acme, x.zone(x.acme, zoneID(2), "logpull")) // by its own token
	x.onlyBy(map[string]string{zoneID(0): "a", zoneID(1): "b", zoneID(2): "a"})
}

// revoked is a key that was.
func (x *tenants) revoked() string {
	x.site.Helper()
	var made api.KeySecret
	x.want(http.StatusCreated, "POST", "/v1/api-keys", x.acme, api.NewKey{Name: "gone", Role: "admin"}, &made)
	x.want(http.StatusNoContent, "DELETE", "/v1/api-keys/"+made.ID, x.acme, nil, nil)
	return made.Secret
}

// loses ends the daemon, takes its catalog away, and imports.
func (x *tenants) loses(path string) {
	x.site.Helper()
	if code := x.daemon.end(syscall.SIGTERM); code != 0 && code != 130 {
		x.site.Fatalf("exit code %d\n%s", code, x.daemon.output)
	}
	files, err := filepath.Glob(filepath.Join(x.dir, "catalog.db*"))
	x.must(err)
	for _, f := range files {
		x.must(os.RemoveAll(f))
	}
	config := []string{"--config", filepath.Join(x.dir, "one.yaml"), "tenants", "import"}
	b, err := os.ReadFile(path)
	x.must(err)
	bad := filepath.Join(x.dir, "bad.json")
	for name, text := range map[string]string{
		"cut": string(b[:len(b)/2]), "empty": "", "another format": strings.Replace(string(b), "rainlogs-tenants", "rainlogs-x", 1),
		"newer": strings.Replace(string(b), `"v": 1`, `"v": 2`, 1), "unknown": strings.Replace(string(b), `"v": 1`, `"v": 1, "x": 1`, 1), "twice": string(b) + string(b),
	} {
		x.must(os.WriteFile(bad, []byte(text), 0o600))
		if code, out, stderr := run(x.site.T, append(config, bad)...); code != 2 {
			x.site.Errorf("%s: exit code %d\n%s%s", name, code, out, stderr)
		}
	}
	began := time.Now()
	for range 2 {
		if code, out, stderr := run(x.site.T, append(config, path)...); code != 0 || !strings.HasPrefix(out, "3 customers, 3 keys, 2 tokens and 2 zones are there") {
			x.site.Fatalf("exit code %d after %s\n%s%s", code, time.Since(began), out, stderr)
		}
	}
}
