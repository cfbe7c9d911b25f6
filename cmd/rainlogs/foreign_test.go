package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// fsckVariable names the fsck of transparency-dev/tessera, which knows tlog-tiles
// and nothing of RainLogs. `make judge` builds it and sets this; then no tool may be missing.
const fsckVariable = "RAINLOGS_FSCK"

// foreign finds a program of other people, or says that it was not run.
func foreign(t testing.TB, name string) (path string, ok bool) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv(fsckVariable) != "" {
		t.Fatalf("a judge is missing: %v", err)
	}
	if err != nil {
		t.Logf("%s is not here: not run", name)
	}
	return path, err == nil
}

// checkForeignTools lets other people's tools judge the archive: an independent
// script, sha256sum, zstd, and fsck where it is at hand.
func (s *site) checkForeignTools() {
	t := s.t
	t.Helper()
	if python, ok := foreign(t, "python3"); ok {
		r := runCommand(t, exec.CommandContext(t.Context(), python, "../../examples/verify-python/verify_chain.py", s.path(), zoneID, "http_requests"))
		if r.code != 0 {
			t.Errorf("the independent verifier disagrees: %s%s", r.stdout, r.stderr)
		}
	}
	objects, err := filepath.Glob(s.path("logs", zoneID, "*", "*", "*", "*", "*.zst"))
	must(t, err)
	if len(objects) == 0 {
		t.Fatal("no objects")
	}
	for _, o := range objects[:min(len(objects), 10)] {
		s.checkObject(o)
	}
	if os.Getenv(fsckVariable) == "" {
		t.Logf("fsck of transparency-dev/tessera was not run: make judge does")
		return
	}
	s.checkFsck()
}

// checkObject holds an object's entry to sha256sum and zstd.
func (s *site) checkObject(path string) {
	t := s.t
	t.Helper()
	key, err := filepath.Rel(s.path(), path)
	must(t, err)
	entry := s.ok("archive", "stat", filepath.ToSlash(key))
	digest := func(script string) string {
		r := runCommand(t, exec.CommandContext(t.Context(), "bash", "-o", "pipefail", "-c", script, "bash", path))
		if r.code != 0 || len(r.stdout) < 64 {
			t.Fatalf("%s: exit %d %s%s", script, r.code, r.stdout, r.stderr)
		}
		return r.stdout[:64]
	}
	if sum := digest(`sha256sum <"$1"`); !strings.Contains(entry, sum) {
		t.Errorf("sha256sum says %s, the entry %s", sum, entry)
	}
	if _, ok := foreign(t, "zstd"); ok {
		if sum := digest(`zstd -dc "$1" | sha256sum`); !strings.Contains(entry, sum) {
			t.Errorf("zstd -dc | sha256sum says %s, the entry %s", sum, entry)
		}
	}
}

// checkFsck runs fsck over the chain, and over a copy with one bit changed, so
// that its consent is known to mean something.
func (s *site) checkFsck() {
	t := s.t
	t.Helper()
	fsck, ok := foreign(t, os.Getenv(fsckVariable))
	if !ok {
		return
	}
	pub := filepath.Join(t.TempDir(), "chain.pub")
	for _, line := range strings.Split(s.ok("key", "show"), "\n") {
		if strings.Contains(line, zoneID) {
			must(t, os.WriteFile(pub, []byte(strings.Fields(line)[1]), 0o600))
		}
	}
	// It exits 0 either way: what it says counts. With one worker it waits for
	// itself once a tile is wrong, in v1.0.4.
	judge := func(chain string) string {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		return runCommand(t, exec.CommandContext(ctx, fsck, "--ui=false", "--N=16", "--public_key="+pub, "--storage_url=file://"+chain+"/")).stderr
	}
	if said := judge(s.chain()); !strings.Contains(said, "Successfully") {
		t.Errorf("fsck says: %s", said)
	} else {
		t.Log(strings.TrimSpace(said))
	}
	changed := filepath.Join(t.TempDir(), "changed")
	copyTree(t, s.chain(), changed)
	checkpoints, err := os.ReadDir(s.chain("checkpoints"))
	must(t, err)
	bundle := filepath.Join(changed, "tile", "entries", "000")
	if n := len(checkpoints); n < evidence.BundleSize {
		bundle += ".p/" + strconv.Itoa(n)
	}
	s.edit(bundle, flip(-2))
	if said := judge(changed); strings.Contains(said, "Successfully") || !strings.Contains(said, "fsck failed") {
		t.Errorf("fsck finds nothing in a changed chain: %s", said)
	}
}
