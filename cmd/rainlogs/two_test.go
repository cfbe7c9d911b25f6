package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// TestTwoProcesses lets two processes collect the same chain: with one
// catalog, where the second is turned away, and with two, where the store
// decides. Nobody seals a window twice.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	for name, ownCatalog := range map[string]bool{"one catalog": false, "two catalogs": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newSite(t, traffic(t, 20_000), logpulltest.Faults{})
			b := *a
			if ownCatalog { // a second configuration beside the first, over the same archive
				b.dir = filepath.Join(filepath.Dir(a.dir), "second")
				copyTree(t, a.dir, b.dir)
				must(t, os.Chmod(filepath.Join(b.dir, "signing.key"), 0o600))
				must(t, os.RemoveAll(filepath.Join(b.dir, "archive")))
				must(t, os.Symlink(filepath.Join(a.dir, "archive"), filepath.Join(b.dir, "archive")))
				b.ok("zone", "add", zoneID, "--name", "shop.example.eu")
			}
			a.ok("zone", "add", zoneID, "--name", "shop.example.eu")
			from, to := hours(2)
			var wg sync.WaitGroup
			for _, s := range []*site{a, &b} {
				wg.Go(func() {
					for range 50 {
						r := s.run("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))
						if r.code == 0 {
							return
						}
						if !strings.Contains(r.stderr, "in use") && !strings.Contains(r.stderr, "another writer") {
							t.Errorf("exit %d: %s", r.code, r.stderr)
							return
						}
					}
					t.Error("one of the two never came through")
				})
			}
			wg.Wait()
			a.checkLines(from, to)
			a.ok("coverage", "--from", stamp(from), "--to", stamp(to), "--require-complete")
			if code, findings, _ := a.report(); code != 0 {
				t.Errorf("verify: exit %d, %v", code, findings)
			}
		})
	}
}
