package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// TestDoctor looks at an archive that has no windows yet, and at none.
func TestDoctor(t *testing.T) {
	t.Parallel()
	s := newSite(t, 6, time.Hour, rates{zone: 100_000, user: 100_000, five: 400_000}, logpulltest.Faults{})
	s.catalog = "sqlite:./catalog.db"
	cat, err := sqlite.Open(t.Context(), filepath.Join(s.dir, "catalog.db"))
	s.must(err)
	s.addZones(cat)
	s.must(cat.Close())
	code, out, stderr := run(t, "--config", s.configure("one"), "doctor")
	if code != 0 || strings.Contains(out, "fail") || strings.Contains(out+stderr, token) {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	for i := range s.zones {
		if !strings.Contains(out, zoneName(i)+"  ok: token active") {
			t.Errorf("%s is not told of:\n%s", zoneName(i), out)
		}
	}
	if code, out, stderr := run(t, "doctor"); code != 1 || !strings.Contains(out, "no rainlogs.yaml found") || !strings.Contains(out, "→ mend the config") {
		t.Errorf("without a config: exit code %d\n%s%s", code, out, stderr)
	}
}
