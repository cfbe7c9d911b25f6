package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// overAPI is a site whose collector is asked over its API.
type overAPI struct {
	*site
	url     string
	keyFile string
	key     string
	logged  *shared
}

// shared is an output that is read while it is written.
type shared struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

var listens = regexp.MustCompile(`API is listening.*?address"?[=:]"?(127\.0\.0\.1:\d+)`)

// newOverAPI starts a collector with an API, which plans nothing by itself.
func newOverAPI(t *testing.T) *overAPI {
	t.Helper()
	s := &overAPI{site: newSite(t, traffic(t, 20_000), logpulltest.Faults{}), logged: &shared{}}
	s.ok("credentials", "keygen", "--out", filepath.Join(s.dir, "age.key"))
	s.configure(`server: {listen: ""}
api: {listen: "127.0.0.1:0", identity: "file:./age.key"}
collector: {window: 5m, lag: 5m, backfill: 1h, tick: 1s, schedule: "0 0 1 1 *"}`)
	s.key = strings.TrimSpace(s.ok("api-key", "add", "--name", "first"))
	s.keyFile = filepath.Join(t.TempDir(), "key")
	must(t, os.WriteFile(s.keyFile, []byte(s.key+"\n"), 0o600))
	cmd := s.command("-v", "collector")
	cmd.Stderr = s.logged
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL) // it may be gone already
		<-ended
	})
	s.until("the API", func() bool {
		if m := listens.FindStringSubmatch(s.logged.String()); m != nil {
			s.url = "http://" + m[1]
		}
		return s.url != "" && s.remote("zone", "list").code == 0
	})
	return s
}

func (s *overAPI) until(what string, ok func() bool) {
	s.t.Helper()
	deadline, again := time.NewTimer(time.Minute), time.NewTicker(200*time.Millisecond)
	defer deadline.Stop()
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-deadline.C:
			s.t.Fatalf("never came: %s\n%s", what, s.logged)
		}
	}
}

// remote runs the program against the collector, away from the archive.
func (s *overAPI) remote(args ...string) result { return s.elsewhere(nil, args...) }

func (s *overAPI) elsewhere(env []string, args ...string) result {
	s.t.Helper()
	if env == nil {
		args = append([]string{"--server", s.url, "--api-key-file", s.keyFile}, args...)
	}
	cmd := s.command("demo") // without --config
	cmd.Args = append(cmd.Args[:1], args...)
	cmd.Dir = s.t.TempDir()
	cmd.Env = append(cmd.Env, env...)
	r := runCommand(s.t, cmd)
	if _, secret, _ := strings.Cut(strings.TrimPrefix(s.key, "rl_"), "_"); strings.Contains(r.stdout+r.stderr, secret) {
		s.t.Errorf("%v shows the key", args)
	}
	return r
}

func (s *overAPI) done(args ...string) string {
	s.t.Helper()
	r := s.remote(args...)
	if r.code != 0 {
		s.t.Fatalf("%v: exit %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// refuses demands an exit code and what is said.
func (s *overAPI) refuses(code int, says string, r result) {
	s.t.Helper()
	if r.code != code || !strings.Contains(r.stderr, says) || r.stdout != "" {
		s.t.Errorf("exit %d, want %d, saying %q\n%s%s", r.code, code, says, r.stdout, r.stderr)
	}
}

// moving is what of an answer changes by itself between two questions.
var moving = regexp.MustCompile(`("lag_seconds"|"last_used_at"|"probed_at"|"remembered"|"published"|"checked_at"): [^\n]*|"notices": \[[^\]]*\]`)

// same demands that a command answers over the API what it answers beside the archive.
func (s *overAPI) same(args ...string) {
	s.t.Helper()
	here, there := moving.ReplaceAllString(s.ok(args...), "$1"), moving.ReplaceAllString(s.done(args...), "$1")
	if diff := cmp.Diff(here, there); diff != "" || here == "" {
		s.t.Errorf("%v answers differently here (-) and over the API (+):\n%s", args, diff)
	}
}

// TestServer does over the API what there is a command for, and compares with what
// the same commands say beside the archive.
func TestServer(t *testing.T) {
	t.Parallel()
	s := newOverAPI(t)
	const name = "shop.example.eu"
	s.refuses(1, "nothing that the server could verify", s.remote("verify"))
	if r := s.remote("zone", "add", zoneID, "--name", name); r.code != 0 || !strings.Contains(r.stderr, "is under collection") {
		t.Fatalf("zone add: exit %d\n%s", r.code, r.stderr)
	}
	s.refuses(1, "under collection already", s.remote("zone", "add", zoneID))
	if out := s.done("pull", name); !strings.Contains(out, "queued") {
		t.Errorf("pull: %s", out)
	}
	s.until("all that is due to be sealed", func() bool {
		return strings.Contains(s.done("zone", "list", "--json"), `"open": 0`) && s.done("jobs", "list", "--state", "sealed", "--json") != "[]\n" &&
			s.done("jobs", "list", "--json") == "[]\n"
	})
	var windows []struct {
		ID         string
		Start, End time.Time
		Lines      int64
	}
	must(t, json.Unmarshal([]byte(s.done("jobs", "list", "--state", "sealed", "--zone", name, "--json")), &windows))
	if len(windows) < 2 {
		t.Fatalf("windows are %+v", windows)
	}
	last, first := windows[0], windows[len(windows)-1]
	from, to := first.Start.Add(-time.Hour), last.End.Add(time.Hour)
	s.same("zone", "list", "--json")
	s.same("archive", "head", name)
	s.same("archive", "head", name, "--json")
	s.same("archive", "head")
	s.same("archive", "head", "--json")
	s.same("coverage")
	s.same("coverage", name, "--json")
	s.same("coverage", name, "--calendar")
	s.same("coverage", name, "--from", stamp(from), "--to", stamp(to))
	s.same("verify", "--json", "--level", "chain")
	s.same("api-key", "list", "--json")
	if code := s.remote("coverage", "--from", stamp(from), "--require-complete").code; code != 4 {
		t.Errorf("coverage with a hole: exit %d, want 4", code)
	}
	if out := s.done("jobs", "show", first.ID); !strings.Contains(out, first.ID) || !strings.Contains(out, "sealed") {
		t.Errorf("jobs show: %s", out)
	}
	if out := s.done("jobs", "list", "--state", "sealed", "--limit", "1"); strings.Count(out, "\n") != 2 || !strings.Contains(out, last.ID) {
		t.Errorf("jobs list: %s", out)
	}
	s.downloads(first.ID, first.Start, first.End)
	if out := s.done("verify", name); !strings.Contains(out, "INTACT") || !strings.Contains(out, "verified by the server") {
		t.Errorf("verify: %s", out)
	}
	s.changes(name)
	s.keysOver()
	s.damaged(name)
}

func (s *overAPI) downloads(id string, from, to time.Time) {
	s.t.Helper()
	left := s.served(from, to)
	for line := range strings.Lines(s.done("archive", "cat", id)) {
		left[strings.TrimSuffix(line, "\n")]--
	}
	for line, n := range left {
		if n != 0 {
			s.t.Errorf("%+d times %s", n, line)
		}
	}
	s.refuses(2, "--raw", s.remote("archive", "cat", "--raw", id))
	s.refuses(2, "", s.remote("archive", "cat", strings.Replace(id, "5", "6", 1)))
}

// changes has a zone renamed, paused and so on, and removed, and looks at the catalog itself.
func (s *overAPI) changes(name string) {
	s.t.Helper()
	for _, c := range []struct {
		args []string
		says string
		then string // of the zone, in zone list --json here
	}{
		{[]string{"zone", "set", name, "--schedule", "@hourly"}, "on its own schedule", `"schedule": "@hourly"`},
		{[]string{"zone", "set", name, "--schedule", "default"}, "on the collector's schedule", `"state": "collecting"`},
		{[]string{"zone", "pause", name}, "is paused", `"state": "paused"`},
		{[]string{"zone", "pause", zoneID}, "was paused already", `"state": "paused"`},
		{[]string{"zone", "resume", name}, "is collected again", `"state": "collecting"`},
		{[]string{"zone", "resume", name}, "was not paused", `"state": "collecting"`},
		{[]string{"zone", "set", name, "--name", "other.eu"}, "zone other.eu", `"name": "other.eu"`},
		{[]string{"zone", "set", "other.eu", "--name", name}, "zone " + name, `"name": "` + name + `"`},
	} {
		r := s.remote(c.args...)
		if list := s.ok("zone", "list", "--json"); r.code != 0 || !strings.Contains(r.stderr, c.says) || !strings.Contains(list, c.then) {
			s.t.Errorf("%v: exit %d, want %q and %s\n%s%s", c.args, r.code, c.says, c.then, r.stderr, list)
		}
	}
	s.refuses(2, "beginning", s.remote("zone", "set", name, "--from", "-2h"))
	s.refuses(2, "is not under collection", s.remote("zone", "pause", "nobody.eu"))
	s.refuses(2, "the collector pulls what is due", s.remote("pull", name, "--from", "-2h"))
	s.refuses(2, "rainlogs-verify", s.remote("verify", "--key", "x"))
	if r := s.remote("__complete", "zone", "pause", ""); !strings.Contains(r.stdout, name+"\n") {
		s.t.Errorf("completion: %+v", r)
	}
}

// keysOver makes, rotates and revokes keys.
func (s *overAPI) keysOver() {
	s.t.Helper()
	made := s.remote("api-key", "add", "--name", "audit", "--role", "auditor", "--expires", "1h", "--json")
	var key struct{ ID, Secret, Customer string }
	must(s.t, json.Unmarshal([]byte(made.stdout), &key))
	with := func(secret string) []string {
		return []string{"RAINLOGS_SERVER=" + s.url, "RAINLOGS_API_KEY=" + secret}
	}
	if r := s.elsewhere(with(key.Secret), "zone", "list"); r.code != 0 || key.Customer != "operator" {
		s.t.Errorf("by the new key: %+v", r)
	}
	s.refuses(5, "may not", s.elsewhere(with(key.Secret), "zone", "pause", zoneID))
	next := strings.TrimSpace(s.done("api-key", "rotate", key.ID))
	s.refuses(5, "", s.elsewhere(with(key.Secret), "zone", "list"))
	if r := s.elsewhere(with(next), "zone", "list"); r.code != 0 {
		s.t.Errorf("by the key in its place: %+v", r)
	}
	s.refuses(2, "has no key", s.remote("api-key", "revoke", "abc"))
	s.refuses(2, "of customer", s.remote("api-key", "list", "--customer", "acme"))
	s.same("audit")
	s.same("audit", "--json")
	if out := s.done("audit", "--limit", "1"); strings.Count(out, "\n") != 2 || !strings.Contains(out, "api-key.revoke") || !strings.Contains(out, " 404 ") {
		s.t.Errorf("audit: %s", out)
	}
	s.refuses(2, "--limit 0", s.remote("audit", "--limit", "0"))
	s.refuses(2, "of customer", s.remote("audit", "--customer", "acme"))
	// The same beside the archive.
	again := strings.TrimSpace(s.ok("api-key", "add", "--name", "here", "--role", "analyst"))
	var keys []struct{ ID, Name string }
	must(s.t, json.Unmarshal([]byte(s.ok("api-key", "list", "--json")), &keys))
	id := keys[len(keys)-1].ID
	other := strings.TrimSpace(s.ok("api-key", "rotate", id))
	if code := s.run("api-key", "rotate", id).code; code != 1 {
		s.t.Errorf("a key that has ended was rotated: exit %d", code)
	}
	if code := s.run("api-key", "rotate", "none").code; code != 2 {
		s.t.Errorf("a key that there is not was rotated: exit %d", code)
	}
	s.until("the key that was rotated to be refused", func() bool { return s.elsewhere(with(again), "zone", "list").code == 5 })
	if r := s.elsewhere(with(other), "zone", "list"); r.code != 0 {
		s.t.Errorf("by the key in its place: %+v", r)
	}
	var own string
	for _, k := range keys {
		if k.Name == "first" {
			own = k.ID
		}
	}
	s.refuses(1, "admin key", s.remote("api-key", "revoke", own))
	for _, k := range keys {
		if k.ID != own {
			s.done("api-key", "revoke", k.ID)
		}
	}
}

// damaged alters a stored object, which a verification over the API is to find;
// then the zone is removed.
func (s *overAPI) damaged(name string) {
	s.t.Helper()
	objects, err := filepath.Glob(filepath.Join(s.dir, "archive", "logs", zoneID, "*", "*", "*", "*", "*.zst"))
	must(s.t, err)
	if len(objects) == 0 {
		s.t.Fatal("there is no object")
	}
	b, err := os.ReadFile(objects[0])
	must(s.t, err)
	b[len(b)/2] ^= 1
	must(s.t, os.Chmod(objects[0], 0o600))
	must(s.t, os.WriteFile(objects[0], b, 0o600))
	r := s.remote("verify", name)
	if r.code != 3 || !strings.Contains(r.stdout, "DAMAGED OR TAMPERED WITH") || !strings.Contains(r.stdout, filepath.Base(objects[0])) {
		s.t.Errorf("verify: exit %d, want 3\n%s%s", r.code, r.stdout, r.stderr)
	}
	s.done("zone", "remove", name)
	if list := s.ok("zone", "list", "--json"); list != "[]\n" {
		s.t.Errorf("zones are %s", list)
	}
}

// TestServerIsRefused asks what cannot be asked.
func TestServerIsRefused(t *testing.T) {
	t.Parallel()
	s := &overAPI{site: &site{t: t, dir: t.TempDir()}, key: "rl_abcdefgh_secret-secret"}
	s.keyFile = filepath.Join(t.TempDir(), "key")
	must(t, os.WriteFile(s.keyFile, []byte(s.key), 0o600))
	open := filepath.Join(t.TempDir(), "open")
	must(t, os.WriteFile(open, []byte(s.key), 0o644)) //nolint:gosec // that is what is refused
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s.url = "http://" + nobody.Addr().String()
	must(t, nobody.Close())

	// What the API has nothing for says so, and does nothing here.
	for _, args := range [][]string{
		{"query", "select 1"}, {"logs"}, {"zone", "show", zoneID}, {"jobs", "retry", "1"}, {"jobs", "cancel", "1"}, {"archive", "ls"}, {"archive", "rebuild-catalog"},
		{"key", "show"}, {"doctor"}, {"case", "list"}, {"config", "check"}, {"plugin", "list"}, {"init", "--yes"}, {"collector"}, {"demo", "--no-tui"}, {"version"},
	} {
		s.refuses(2, "has no --server", s.remote(args...))
	}
	byEnv := []string{"RAINLOGS_SERVER=" + s.url, "RAINLOGS_API_KEY=" + s.key}
	s.refuses(2, "has no $RAINLOGS_SERVER (which is set)", s.elsewhere(byEnv, "query", "select 1"))
	if r := s.elsewhere(byEnv, "version"); r.code != 0 {
		t.Errorf("version: %+v", r)
	}
	s.refuses(1, "connection refused", s.remote("zone", "list"))
	s.refuses(1, "connection refused", s.elsewhere(byEnv, "zone", "list"))
	none := []string{"RAINLOGS_API_KEY="}
	s.refuses(2, "wants an API key", s.elsewhere(none, "--server", s.url, "zone", "list"))
	s.refuses(2, "can be read by others", s.elsewhere(none, "--server", s.url, "--api-key-file", open, "zone", "list"))
	s.refuses(2, "no such file", s.elsewhere(none, "--server", s.url, "--api-key-file", open+"x", "zone", "list"))
	s.refuses(2, "over http://", s.elsewhere(none, "--server", "http://logs.example", "--api-key-file", s.keyFile, "zone", "list"))
	s.refuses(2, "no address", s.elsewhere(none, "--server", "logs.example", "--api-key-file", s.keyFile, "zone", "list"))
}
