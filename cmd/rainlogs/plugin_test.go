package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// thirdParty builds a stranger's plugin once, and returns its bytes.
var thirdParty = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "thirdparty")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "plugin")
	if out, err := exec.Command("go", "build", "-o", path, "./testdata/thirdparty").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(path)
})

// install puts the stranger's plugin into a folder under a name.
func install(t testing.TB, dir, name string) (path string) {
	t.Helper()
	program, err := thirdParty()
	must(t, err)
	must(t, os.MkdirAll(dir, 0o755))
	path = filepath.Join(dir, "rainlogs-storage-"+name)
	must(t, os.WriteFile(path, program, 0o755))
	return path
}

// pluginSite is a folder with a config and a plugin folder in it.
func pluginSite(t testing.TB, config string) (s *site, plugins string) {
	t.Helper()
	s = &site{t: t, dir: filepath.Join(t.TempDir(), "site")}
	must(t, os.MkdirAll(s.dir, 0o700))
	must(t, os.WriteFile(filepath.Join(s.dir, "rainlogs.yaml"), []byte(config), 0o640))
	return s, filepath.Join(s.dir, "plugins")
}

const pluginConfig = `# the archive of the shop
archive:
  storage:
    - {name: local, plugin: keep, path: ./archive}   # a third party's

plugins:
  # built by us, see the wiki
  dir: ./plugins
`

// fails runs the program and demands an exit code, and words on stderr.
func (s *site) fails(code int, words string, args ...string) result {
	s.t.Helper()
	r := s.run(args...)
	if r.code != code || !strings.Contains(r.stderr, words) {
		s.t.Errorf("rainlogs %v: exit %d, want %d and %q\n%s%s", args, r.code, code, words, r.stdout, r.stderr)
	}
	return r
}

func TestPluginPin(t *testing.T) {
	t.Parallel()
	s, plugins := pluginSite(t, pluginConfig)
	path := install(t, plugins, "keep")
	s.fails(2, "keep is not pinned", "plugin", "info", "keep")
	s.fails(2, "built in", "plugin", "pin", "fs")
	s.fails(2, "not called as a plugin is", "plugin", "pin", filepath.Join(s.dir, "rainlogs.yaml"))

	lines := s.ok("plugin", "pin", "keep")
	pin := regexp.MustCompile(`(?m)^    storage/keep: "sha256:[0-9a-f]{64}"$`)
	if !pin.MatchString(lines) {
		t.Errorf("no pin in\n%s", lines)
	}
	if r := s.run("plugin", "pin", "keep", "--write"); r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	file := filepath.Join(s.dir, "rainlogs.yaml")
	after, err := os.ReadFile(file)
	must(t, err)
	want := strings.Replace(pluginConfig, "plugins:\n", "plugins:\n  pin:\n"+pin.FindString(lines)+"\n", 1)
	if diff := cmp.Diff(want, string(after)); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(s.dir); err != nil || len(left) != 2 {
		t.Errorf("%d files beside the plugin folder, %v", len(left), err)
	}
	if info := s.ok("plugin", "info", "keep"); !strings.Contains(info, "pinned") || !strings.Contains(info, "0.3.0") {
		t.Errorf("info:\n%s", info)
	}
	// Another build under the same name is another program.
	program, err := thirdParty()
	must(t, err)
	must(t, os.WriteFile(path, append(slices.Clip(program), 0), 0o755))
	s.fails(2, "wrong digest", "plugin", "info", "keep")
	s.ok("plugin", "pin", path, "--write")
	s.ok("plugin", "info", "keep")
}

func TestPluginList(t *testing.T) {
	t.Parallel()
	s, plugins := pluginSite(t, pluginConfig)
	for _, name := range []string{"keep", "stranger", "changed", "open", "fs"} {
		install(t, plugins, name)
	}
	for _, name := range []string{"keep", "changed", "open"} {
		s.ok("plugin", "pin", name, "--write")
	}
	must(t, os.WriteFile(filepath.Join(plugins, "rainlogs-storage-changed"), []byte("#!/bin/sh\n"), 0o755))
	must(t, os.Chmod(filepath.Join(plugins, "rainlogs-storage-open"), 0o777))
	s.editConfig(`(?m)^  pin:$`, "  pin:\n    lost: sha256:00")
	var views []struct {
		Name, Kind, Version, State, Detail string
		UsedBy                             []string `json:"used_by"`
	}
	must(t, json.Unmarshal([]byte(s.ok("plugin", "list", "--json")), &views))
	have := map[string]string{}
	for _, v := range views {
		have[v.Name+" "+v.State] = strings.TrimSpace(v.Kind + " " + v.Version + " " + strings.Join(v.UsedBy, ","))
		if (v.Detail != "") != (v.State == "refused") {
			t.Errorf("%s: detail %q", v.Name, v.Detail)
		}
	}
	want := map[string]string{
		"logpull built in": "source 1.0.0", "fs built in": "storage 1.0.0", "s3 built in": "storage 1.0.0", "fs hidden": "storage",
		"keep pinned": "storage 0.3.0 archive.storage[0] (local)", "stranger not pinned": "storage",
		"changed wrong digest": "storage", "open refused": "storage", "lost missing": "",
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	if table := s.ok("plugin", "list"); !strings.Contains(table, "archive.storage[0] (local)") {
		t.Errorf("table:\n%s", table)
	}
}

// editConfig changes the config by a regular expression.
func (s *site) editConfig(pattern, with string) {
	s.t.Helper()
	path := filepath.Join(s.dir, "rainlogs.yaml")
	b, err := os.ReadFile(path)
	must(s.t, err)
	changed := regexp.MustCompile(pattern).ReplaceAll(b, []byte(with))
	if string(changed) == string(b) {
		s.t.Fatalf("nothing matches %s", pattern)
	}
	must(s.t, os.WriteFile(path, changed, 0o640))
}

// nowhere is a site without a config: a plugin author's folder.
func nowhere(t testing.TB) func(args ...string) result {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	must(t, err)
	return func(args ...string) result {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), self, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), asProgram+"=1", "NO_COLOR=1", "XDG_CONFIG_HOME="+dir, "CLOUDFLARE_API_TOKEN="+token, "TMPDIR="+dir)
		return runCommand(t, cmd)
	}
}

func TestPluginInfoOfAStranger(t *testing.T) {
	t.Parallel()
	run := nowhere(t)
	path := install(t, t.TempDir(), "keep")
	r := run("plugin", "info", path)
	for _, want := range []string{"keep", "not pinned", "storage", "protocol  1", "sha256:", "required", "secret", `\x1b[31m`} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("exit %d, no %q in\n%s%s", r.code, want, r.stdout, r.stderr)
		}
	}
	r = run("plugin", "info", path, "--json", "--set", "path="+t.TempDir())
	var info struct {
		Opened bool
		Powers []string
	}
	if err := json.Unmarshal([]byte(r.stdout), &info); err != nil || !info.Opened || !slices.Contains(info.Powers, "local_path") {
		t.Errorf("%+v, %v: %s%s", info, err, r.stdout, r.stderr)
	}
	for want, args := range map[string][]string{
		"no such file":          {"plugin", "info", "./nothing"},
		"no plugins.dir":        {"plugin", "info", "nothing"},
		`unknown setting "pth"`: {"plugin", "info", path, "--set", "pth=x"},
		"never in the open":     {"plugin", "info", path, "--set", "path=x", "--set", "token=x"},
		"want KEY=VALUE":        {"plugin", "info", path, "--set", "path"},
	} {
		if r := run(args...); r.code != 2 || !strings.Contains(r.stderr, want) {
			t.Errorf("%v: exit %d, want 2 and %q: %s", args, r.code, want, r.stderr)
		}
	}
}

// TestPluginThatCannotStart: its own last words are to be had.
func TestPluginThatCannotStart(t *testing.T) {
	t.Parallel()
	run := nowhere(t)
	path := filepath.Join(t.TempDir(), "rainlogs-storage-broken")
	must(t, os.WriteFile(path, []byte("#!/bin/sh\necho cannot find libfoo >&2\nexit 3\n"), 0o755))
	if r := run("plugin", "test", path); r.code != 1 || !strings.Contains(r.stderr, "-v shows what it printed") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	if r := run("plugin", "test", path, "-v"); r.code != 1 || !strings.Contains(r.stderr, "cannot find libfoo") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

// tested is the report of `plugin test --json`.
type tested struct {
	Plugin, Kind            string
	Passed, Failed, Skipped int
	Cases                   []struct {
		Name, Outcome string
		Messages      []string
	}
}

func conform(t testing.TB, run func(...string) result, code int, args ...string) tested {
	t.Helper()
	r := run(append([]string{"plugin", "test", "--json"}, args...)...)
	var rep tested
	if err := json.Unmarshal([]byte(r.stdout), &rep); err != nil || r.code != code {
		t.Fatalf("plugin test %v: exit %d, want %d, %v\n%s%s", args, r.code, code, err, r.stdout, r.stderr)
	}
	return rep
}

func TestPluginTestOfAStorage(t *testing.T) {
	t.Parallel()
	run := nowhere(t)
	path := install(t, t.TempDir(), "keep")
	if rep := conform(t, run, 0, path, "--set", "path={tmp}"); rep.Passed < 20 || rep.Failed != 0 || rep.Plugin != "keep" {
		t.Errorf("%+v", rep)
	}
	rep := conform(t, run, 1, path, "--set", "path={tmp}", "--set", "lax=true", "--run", "^(OnlyIfAbsent|Ranges|LocalPath)$")
	if rep.Passed != 1 || rep.Failed != 1 || rep.Skipped != 1 || !strings.Contains(strings.Join(rep.Cases[0].Messages, "\n"), "want ErrExists") {
		t.Errorf("a storage that overwrites: %+v", rep)
	}
	r := run("plugin", "test", path, "--set", "path={tmp}", "--set", "lax=true", "--run", "^(OnlyIfAbsent|Ranges)$")
	if r.code != 1 || !strings.Contains(r.stdout, "FAIL  OnlyIfAbsent") || !strings.Contains(r.stdout, "ok    Ranges") ||
		!strings.Contains(r.stderr, "1 of 2 cases failed") {
		t.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if r := run("plugin", "test", path, "--set", "path={tmp}", "--run", "NoSuchCase"); r.code != 1 {
		t.Errorf("no case was run: exit %d", r.code)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "..", "*", "rainlogs-plugin-test-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// TestPluginTestInOnePlace: a store that cannot be made anew is emptied behind
// each case, and one that holds something is not touched.
func TestPluginTestInOnePlace(t *testing.T) {
	t.Parallel()
	run := nowhere(t)
	path, store := install(t, t.TempDir(), "keep"), t.TempDir()
	if rep := conform(t, run, 0, path, "--set", "path="+store, "--run", "NotFound|Delete|InvalidKeys|PutThenRead"); rep.Passed != 4 {
		t.Errorf("%+v", rep)
	}
	must(t, os.WriteFile(filepath.Join(store, "mine"), []byte("precious"), 0o644))
	r := run("plugin", "test", path, "--set", "path="+store)
	if r.code != 2 || !strings.Contains(r.stderr, "holds mine") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	if b, err := os.ReadFile(filepath.Join(store, "mine")); err != nil || string(b) != "precious" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestPluginTestOfASource(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 500_000), logpulltest.Faults{})
	r := s.run("plugin", "test", "logpull", "--zone", zoneID, "--set", "base_url="+s.url, "--set", "token=env:CLOUDFLARE_API_TOKEN",
		"--unknown-zone", strings.Repeat("0", 32))
	if r.code != 0 || !strings.Contains(r.stdout, "0 failed") || !strings.Contains(r.stdout, "ok    GoneWindow") {
		t.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	s.fails(2, "--zone", "plugin", "test", "logpull", "--set", "base_url="+s.url, "--set", "token=env:CLOUDFLARE_API_TOKEN")
	s.fails(2, "never in the open", "plugin", "test", "logpull", "--zone", zoneID, "--set", "token=abc")
}
