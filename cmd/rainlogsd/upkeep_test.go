package main

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/internal/daemontest"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// TestUpkeep lets one daemon do what is to be done beside the windows: expiry,
// self-check, the healing of a store that was away; and tell of it.
func TestUpkeep(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2, 26*time.Hour, rates{zone: 100_000, user: 100_000, five: 400_000}, logpulltest.Faults{})
	s.storage = "{name: near, plugin: fs, path: ./archive}, {name: far, plugin: fs, path: ./far}"
	s.catalog, s.listen, s.env = "sqlite:./catalog.db", "127.0.0.1:0", []string{"RAINLOGS_ARCHIVE_MODE=mirror"}
	s.collector = `{window: 1h, lag: 5m, tick: 1s, recheck: 5s, schedule: "* * * * *", retention: 24h, retention_reason: a test}`
	cat, err := sqlite.Open(t.Context(), filepath.Join(s.dir, "catalog.db"))
	s.must(err)
	defer cat.Close()
	s.addZones(cat)
	begun := time.Now()
	s.must(cat.PutNote(t.Context(), "upkeep/daily", []byte(begun.UTC().Format(`"2006-01-02"`)))) // nothing to do today
	all := func() bool {
		_, last, err := cat.Bounds(t.Context(), chainOf(1)) // first: a plan between the two makes a backlog
		s.must(err)
		backlog, err := cat.Backlog(t.Context())
		s.must(err)
		return len(backlog) == 0 && last.After(begun.Add(-2*time.Hour))
	}
	p := s.start("one")
	s.until("all is collected", 3*time.Minute, all)
	s.until("both stores have all", 3*time.Minute, func() bool { return cmp.Equal(s.files("archive"), s.files("far")) })
	before := s.objectsOf(0)

	// The next day's work, with the far store away and a stranger's file in the near one.
	p.stop(t)
	s.must(os.Rename(filepath.Join(s.dir, "far"), filepath.Join(s.dir, "elsewhere")))
	s.must(os.WriteFile(filepath.Join(s.dir, "far"), nil, 0o600))
	stranger := filepath.Join(s.dir, "archive", "logs", "stranger")
	s.must(os.WriteFile(stranger, []byte("x"), 0o600))
	s.nextDay(cat)
	p = s.start("one")
	s.until("what is too old is gone from the near store", 3*time.Minute, func() bool { return s.objectsOf(0) < before })
	s.until("health tells", 3*time.Minute, func() bool {
		h := p.get("/health")
		return strings.Contains(h, "self-check found 1 things damaged") && strings.Contains(h, "store far does not work")
	})
	s.until("metrics tell", 3*time.Minute, func() bool {
		m := p.get("/metrics")
		return strings.Contains(m, `rainlogs_self_checks_total{result="damaged"} 2`) &&
			strings.Contains(m, `rainlogs_store_breaker_state{state="open",store="far"} 1`) &&
			regexp.MustCompile(`rainlogs_store_missed_objects\{store="far"\} [1-9]`).MatchString(m)
	})

	// It comes back, and the stranger is gone.
	s.must(os.Remove(filepath.Join(s.dir, "far")))
	s.must(os.Rename(filepath.Join(s.dir, "elsewhere"), filepath.Join(s.dir, "far")))
	s.must(os.Remove(stranger))
	p.stop(t)
	s.nextDay(cat)
	s.must(cat.PutNote(t.Context(), "selfcheck/state", []byte("{}")))
	p = s.start("one")
	s.until("the far store is healed, by deletions too", 2*time.Minute, func() bool { return cmp.Equal(s.files("archive"), s.files("far")) })
	s.until("health is well again", 3*time.Minute, func() bool {
		return strings.Contains(p.get("/health"), `"status":"ok"`) && strings.Contains(p.get("/metrics"), `rainlogs_store_missed_objects{store="far"} 0`)
	})
	for _, pid := range p.children() {
		s.must(syscall.Kill(pid, syscall.SIGKILL))
	}
	s.until("plugins are started again, and counted", 3*time.Minute, func() bool {
		_ = p.get("/health") // which asks the store
		return strings.Contains(p.get("/metrics"), "rainlogs_plugin_restarts_total")
	})
	s.until("the catalog knows what is gone", 2*time.Minute, func() bool {
		windows, err := cat.Windows(t.Context(), chainOf(0), s.from, begun)
		s.must(err)
		removed := 0
		for _, w := range windows {
			if w.Object == catalog.Removed {
				removed++
			}
		}
		return removed > 0 && s.objectsOf(0) == before-removed
	})
	p.stop(t)
	key := s.key.Public()
	for _, dir := range []string{"archive", "far"} {
		s.must(daemontest.Judge{Dir: filepath.Join(s.dir, dir), Key: &key}.Verify(t.Context()))
	}
}

// nextDay lets the daily jobs be due again.
func (s *site) nextDay(c catalog.Memory) {
	s.Helper()
	s.must(c.PutNote(s.Context(), "upkeep/daily", []byte(`"2026-01-01"`)))
}

func (p *process) stop(t *testing.T) {
	t.Helper()
	if code := p.end(syscall.SIGTERM); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, p.output)
	}
}

// get asks the daemon's own server, whose address the log tells.
func (p *process) get(path string) string {
	m := regexp.MustCompile(`"msg":"listening","address":"([^"]+)"`).FindStringSubmatch(p.output.String())
	if m == nil {
		return ""
	}
	resp, err := http.Get("http://" + m[1] + path)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return ""
	}
	return string(b)
}

// files are the names and contents of a store's folder.
func (s *site) files(dir string) map[string]string {
	out := map[string]string{}
	root := os.DirFS(filepath.Join(s.dir, dir))
	_ = fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(filepath.Base(path), ".") {
			return nil //nolint:nilerr // being written
		}
		b, err := fs.ReadFile(root, path)
		out[path] = string(b)
		return err
	})
	return out
}
