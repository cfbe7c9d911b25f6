package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/config"
)

const good = `
archive:
  storage:
    - {name: local, plugin: fs, path: ./archive}
sources:
  logpull:
    token: env:CLOUDFLARE_API_TOKEN
    fields: [ClientIP, RayID]
collector: {window: 1m}
`

func TestParse(t *testing.T) {
	t.Parallel()
	c, err := config.Parse([]byte(good), "/base", []string{"RAINLOGS_COLLECTOR_LAG=2m", "RAINLOGS_CONFIG=x", "CLOUDFLARE_API_TOKEN=s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Collector.Window != time.Minute || c.Collector.Lag != 2*time.Minute || c.Collector.Concurrency != 8 || c.Collector.Retention != 400*24*time.Hour {
		t.Errorf("collector %+v", c.Collector)
	}
	if c.Catalog != "sqlite:/base/catalog.db" || c.Key != "file:/base/signing.key" || c.Spool != "/base/spool" {
		t.Errorf("paths %q %q %q", c.Catalog, c.Key, c.Spool)
	}
	s := c.Archive.Storage[0]
	if s.Name() != "fs" || s.Settings()["path"] != "/base/archive" || len(s.Settings()) != 1 {
		t.Errorf("storage %v", s)
	}
	if got := c.Sources["logpull"].Settings()["fields"]; got != "ClientIP,RayID" {
		t.Errorf("fields %q", got)
	}
	for name, value := range c.Values() {
		if strings.Contains(value, "s3cret") {
			t.Errorf("%s shows a secret", name)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		good + "colector: {window: 5m}\n":                                 `unknown key "colector.window" (did you mean "collector.window"?)`,
		strings.Replace(good, "window: 1m", "windw: 1m", 1):               `did you mean "collector.window"?`,
		strings.Replace(good, "window: 1m", "window: 2h", 1):              "collector.window is 2h0m0s",
		strings.Replace(good, "window: 1m", "lag: 10s", 1):                "collector.lag",
		strings.Replace(good, "window: 1m", "concurrency: 0", 1):          "collector.concurrency",
		strings.Replace(good, "window: 1m", "window: sometime", 1):        "'collector.window'",
		"archive: {storage: []}":                                          "archive.storage is empty",
		good + "catalog: mysql://x":                                       "want sqlite:PATH",
		good + "catalog: postgres://u:s3cret@h/d":                         "password in the open",
		strings.Replace(good, "window: 1m", "retention: 12h", 1):          "collector.retention",
		strings.Replace(good, "window: 1m", "retention: 4x", 1):           "is not a duration",
		strings.Replace(good, "window: 1m", "schedule: daily", 1):         "collector.schedule",
		"archive: {sovereignty: [D3], storage: [{plugin: fs}]}":           "archive.sovereignty",
		"archive: {mode: raid, storage: [{plugin: fs}]}":                  "archive.mode is \"raid\"",
		"archive: {storage: [{plugin: fs}, {plugin: fs}]}":                `archive.storage[1] is named "fs" like archive.storage[0]`,
		"archive: {storage: [{plugin: fs}, {name: B, plugin: s}]}":        `archive.storage[1] is named "B"`,
		"archive: {storage: [{plugin: fs}, {name: b}]}":                   "archive.storage[1] lacks plugin",
		"archive: {storage: [{name: x}" + strings.Repeat(",{}", 8) + "]}": "archive.storage has 9 stores",
		good + "plugins: {pin: {sink/x: sha256:a}}\n":                     "plugins.pin.sink/x",
		good + "tui: {theme: pink}":                                       `tui.theme is "pink"`,
		good + "tui: {keys: {reload: [{a: b}]}}":                          "tui.keys.reload: want a list of keys",
		good + "tui: {keys: {overview: {reload: ['']}}}":                  "tui.keys.overview.reload: want",
		good + "tui: {keys: {reload: true}}":                              "tui.keys.reload: want",
		good + "tui: {log: rainlogsd.log}":                                `tui.log is "rainlogsd.log": want journal:UNIT, file:PATH or off`,
		good + "tui: {log: 'journal:'}":                                   `tui.log is "journal:"`,
		good + "tui: {moose: true}":                                       `did you mean "tui.mouse"`,
		"\t{":                                                             "parse",
	} {
		_, err := config.Parse([]byte(text), "/", nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("a secret is told: %v", err)
		}
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	closed, open := filepath.Join(dir, "closed"), filepath.Join(dir, "open")
	for path, mode := range map[string]os.FileMode{closed: 0o600, open: 0o644} {
		if err := os.WriteFile(path, []byte("s3cret\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	getenv := func(name string) string { return map[string]string{"TOKEN": "s3cret"}[name] }
	for ref, ok := range map[string]bool{"env:TOKEN": true, "file:" + closed: true, "env:NONE": false, "file:" + open: false, "s3cret": false, "file:/nonexistent": false} {
		got, err := config.Secret("token", ref, getenv)
		if (err == nil) != ok || ok && got != "s3cret" {
			t.Errorf("%s: %v", ref, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error tells the secret: %v", ref, err)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }
	dir := t.TempDir()
	if _, err := config.Find(filepath.Join(dir, "nothing"), none); !errors.Is(err, config.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	path := filepath.Join(dir, config.FileName)
	if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, arg := range []string{dir, path} {
		if got, err := config.Find(arg, none); err != nil || got != path {
			t.Errorf("Find(%s) = %s, %v", arg, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("a: [1, {b: c}]\n"))
	f.Add([]byte("key: &a [*a]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := config.Parse(b, "/base", nil)
		if err == nil && (len(c.Archive.Storage) != 1 || !filepath.IsAbs(c.Spool)) {
			t.Errorf("taken: %+v", c)
		}
	})
}

func TestSeveralStores(t *testing.T) {
	t.Parallel()
	c, err := config.Parse([]byte("archive: {mode: mirror, storage: [{plugin: fs, path: a}, {name: away, plugin: fs, path: b}]}"), "/base", nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Archive.Storage; c.Archive.Mode != "mirror" || s[0].StoreName() != "fs" || s[1].StoreName() != "away" || s[1].Settings()["path"] != "/base/b" {
		t.Errorf("archive %+v", c.Archive)
	}
	c, err = config.Parse([]byte(good), "/base", nil)
	if err != nil || c.Archive.Mode != "failover" {
		t.Errorf("default mode %q, %v", c.Archive.Mode, err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	c, err := config.Parse([]byte(good+"tui: {theme: dark, log: file:logs/rainlogsd.log, keys: {overview.reload: [R, f5], down: j, sql: {run: [ctrl+e]}, top: [1]}}\n"), "/base", []string{"RAINLOGS_TUI_MOUSE=false"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"overview.reload": {"R", "f5"}, "down": {"j"}, "sql.run": {"ctrl+e"}, "top": {"1"}}
	if diff := cmp.Diff(want, c.TUI.Keys.Bindings()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if c.TUI.Theme != "dark" || c.TUI.Mouse || c.TUI.LocalTime || c.TUI.Log != "file:/base/logs/rainlogsd.log" {
		t.Errorf("tui %+v", c.TUI)
	}
	if got := c.Values()["tui.keys.overview.reload"]; got != "R f5" {
		t.Errorf("config show has %q", got)
	}
	if c, err = config.Parse([]byte(good), "/base", nil); err != nil || c.TUI.Theme != "auto" || !c.TUI.Mouse || len(c.TUI.Keys.Bindings()) != 0 {
		t.Errorf("defaults %+v, %v", c.TUI, err)
	}
}
