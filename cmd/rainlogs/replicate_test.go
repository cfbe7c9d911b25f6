package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/replicate"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// TestReplicate copies an archive, grows it, copies again, and hands the copy
// to the auditor's program; damage on either side is named.
func TestReplicate(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 20_000), logpulltest.Faults{})
	from, to := hours(2)
	mid := from.Add(time.Hour)
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(mid))
	dir := filepath.Join(t.TempDir(), "copy")
	store := fmt.Sprintf("{plugin: fs, path: %s}", dir)
	copied := func(args ...string) replicate.Summary {
		t.Helper()
		var sum replicate.Summary
		out := s.ok(append([]string{"archive", "replicate", "--to", store, "--json"}, args...)...)
		must(t, json.Unmarshal([]byte(out), &sum))
		return sum
	}
	missing := copied("--dry-run")
	if sum := copied("--verify"); sum.Objects != missing.Objects || sum.Objects != int64(s.objects()) || sum.Files != missing.Files || sum.Present != 0 {
		t.Errorf("missing %+v, copied %+v", missing, sum)
	}
	before := s.objects()
	s.ok("pull", "shop.example.eu", "--from", stamp(mid), "--to", stamp(to))
	if sum := copied("shop.example.eu", "--verify"); sum.Objects != int64(s.objects()-before) || sum.Present != int64(before) {
		t.Errorf("grown by %d: %+v", s.objects()-before, sum)
	}

	// A copy is an archive of its own.
	aside := filepath.Join(t.TempDir(), "aside")
	must(t, os.Rename(s.path(), aside))
	must(t, os.Rename(dir, s.path()))
	if code, findings, text := s.report(); code != 0 {
		t.Errorf("the copy: exit %d, %v\n%s", code, findings, text)
	}
	must(t, os.Rename(s.path(), dir))
	must(t, os.Rename(aside, s.path()))

	found, err := filepath.Glob(s.path("logs", zoneID, "*", "*", "*", "*", "*.zst"))
	must(t, err)
	must(t, os.Remove(found[1]))
	s.refused(3, "1 parts could not be copied", "archive", "replicate", "--to", fmt.Sprintf("{plugin: fs, path: %s}", filepath.Join(t.TempDir(), "second")))
	must(t, os.Remove(filepath.Join(dir, "chain", zoneID, "http_requests", "checkpoint")))
	must(t, os.WriteFile(filepath.Join(dir, "chain", zoneID, "http_requests", "checkpoint"), []byte("x"), 0o644))
	s.refused(3, "another history", "archive", "replicate", "--to", store)
	s.refused(2, "--to", "archive", "replicate")
	s.refused(2, "is no store", "archive", "replicate", "--to", "somewhere")
	s.refused(2, "is not built in", "archive", "replicate", "--to", "{plugin: python, path: /x}")
}
