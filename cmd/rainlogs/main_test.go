package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/cli"
	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// asProgram makes the test binary the program itself: for the commands that
// the tests run, and for the plugins that those start.
const asProgram = "RAINLOGS_TEST_AS_PROGRAM"

// aheadBy sets the program's clock so far ahead, a duration.
const aheadBy = "RAINLOGS_TEST_AHEAD_BY"

func TestMain(m *testing.M) {
	if ahead, err := time.ParseDuration(os.Getenv(aheadBy)); err == nil {
		os.Exit(cli.MainAt(context.Background(), os.Args[1:], func() time.Time { return time.Now().Add(ahead) }))
	}
	if os.Getenv(asProgram) != "" || len(os.Args) > 1 && os.Args[1] == "plugin-serve" {
		main()
	}
	code := m.Run()
	if err := s3test.Stop(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "stop S3 server:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

const (
	zoneID = "5e2a1f0c9b8d7e6f5a4b3c2d1e0f9a8b"
	token  = "t0ken-that-must-never-be-seen"
)

// site is an emulator and an archive configured for it, driven through the
// real program in processes of its own.
type site struct {
	t        testing.TB
	dir      string
	url      string
	emulator *logpulltest.Emulator
}

// newSite starts an emulator that serves records, and runs init and zone add.
func newSite(t testing.TB, records logpulltest.Records, faults logpulltest.Faults) *site {
	t.Helper()
	return newSiteAt(t, records, faults, time.Now)
}

// newSiteAt is newSite with the emulator's clock.
func newSiteAt(t testing.TB, records logpulltest.Records, faults logpulltest.Faults, now func() time.Time) *site {
	t.Helper()
	e := logpulltest.New(logpulltest.Config{
		Now: now, Seed: 1, Shuffle: true, Faults: faults, Limits: logpulltest.Unlimited(),
		Accounts: []logpulltest.Account{{ID: "0f1e2d3c4b5a69788796a5b4c3d2e1f0"}},
		Zones:    []logpulltest.Zone{{ID: zoneID, Name: "shop.example.eu", AccountID: "0f1e2d3c4b5a69788796a5b4c3d2e1f0", Retention: true, Records: records}},
		Tokens:   []logpulltest.Token{{ID: "t", Value: token, Permissions: []logpulltest.Permission{logpulltest.LogsRead}}},
	})
	server := httptest.NewUnstartedServer(e)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // cut connections are ordered
	server.Start()
	t.Cleanup(server.Close)
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "site"), url: server.URL + "/client/v4", emulator: e}
	s.ok("init", "--dir", s.dir, "--yes")
	s.configure(`collector: {window: 5m, lag: 5m, concurrency: 4}`)
	return s
}

// configure rewrites the config for the emulator, with extra lines.
func (s *site) configure(extra string) {
	s.t.Helper()
	text := fmt.Sprintf(`archive:
  storage: [{name: local, plugin: fs, path: ./archive}]
sources:
  logpull:
    token: env:CLOUDFLARE_API_TOKEN
    base_url: %s
    requests_per_minute_zone: 100000
    requests_per_minute_user: 100000
    requests_per_5_minutes_user: 100000
    timeouts_per_hour_zone: 100000
known: %s
%s
`, s.url, filepath.Join(filepath.Dir(s.dir), "known"), extra)
	must(s.t, os.WriteFile(filepath.Join(s.dir, "rainlogs.yaml"), []byte(text), 0o600))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// result is how a run of the program ended.
type result struct {
	code           int
	stdout, stderr string
}

func (s *site) command(args ...string) *exec.Cmd {
	s.t.Helper()
	self, err := os.Executable()
	must(s.t, err)
	if args[0] != "init" && args[0] != "demo" {
		args = append([]string{"--config", s.dir}, args...)
	}
	cmd := exec.CommandContext(s.t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "CLOUDFLARE_API_TOKEN="+token,
		"XDG_STATE_HOME="+filepath.Join(filepath.Dir(s.dir), "state"),
		"XDG_CACHE_HOME="+filepath.Join(filepath.Dir(s.dir), "cache"),
		"XDG_DATA_HOME="+filepath.Join(filepath.Dir(s.dir), "data"), "NO_COLOR=1")
	return cmd
}

func (s *site) run(args ...string) result {
	s.t.Helper()
	return runCommand(s.t, s.command(args...))
}

func runCommand(t testing.TB, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	r := result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	if strings.Contains(r.stdout+r.stderr, token) {
		t.Errorf("%v shows the token", cmd.Args)
	}
	return r
}

// ok runs the program and demands exit code 0.
func (s *site) ok(args ...string) string {
	s.t.Helper()
	r := s.run(args...)
	if r.code != 0 {
		s.t.Fatalf("rainlogs %v: exit %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// report runs verify --json and returns the exit code and the findings' codes.
func (s *site) report(args ...string) (code int, findings []finding, text string) {
	s.t.Helper()
	r := s.run(append([]string{"verify", "--json"}, args...)...)
	var rep struct {
		Findings []finding `json:"findings"`
	}
	if err := json.Unmarshal([]byte(r.stdout), &rep); err != nil {
		s.t.Fatalf("verify --json: exit %d, %v\n%s%s", r.code, err, r.stdout, r.stderr)
	}
	return r.code, rep.Findings, r.stdout
}

type finding struct {
	Code string `json:"code"`
	Seq  int64  `json:"seq"`
	Key  string `json:"key"`
	Text string `json:"text"`
}

// traffic is a generator of some records an hour.
func traffic(t testing.TB, perDay int) *logpulltest.Generator {
	t.Helper()
	g, err := logpulltest.NewGenerator(logpulltest.GeneratorConfig{Seed: 7, Zone: "shop.example.eu", RecordsPerDay: perDay, Clients: 500})
	must(t, err)
	return g
}

// hours is the range of the last n whole hours that may be pulled.
func hours(n int) (from, to time.Time) {
	to = time.Now().UTC().Add(-6 * time.Minute).Truncate(time.Hour)
	return to.Add(-time.Duration(n) * time.Hour), to
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// lines returns what the emulator holds for a range of receive time, sorted by
// the emulator's canonical order, in the fields that the collector asks for.
func (s *site) served(from, to time.Time) map[string]int {
	s.t.Helper()
	names := logpulltest.Names(logpulltest.LogpullFields())
	out := map[string]int{}
	for _, line := range s.emulator.Lines(zoneID, from, to, logpulltest.Projection{Fields: collectorOrder(names)}) {
		out[string(line)]++
	}
	return out
}

// collectorOrder is the order in which the Logpull plugin asks for fields:
// time and status first, then by name.
func collectorOrder(names []string) []string {
	out := []string{"EdgeStartTimestamp", "EdgeResponseStatus"}
	for _, n := range names {
		if n != out[0] && n != out[1] {
			out = append(out, n)
		}
	}
	return out
}

// checkLines demands that `rainlogs logs` gives exactly the emulator's lines.
func (s *site) checkLines(from, to time.Time) int {
	s.t.Helper()
	want := s.served(from, to)
	total := 0
	for _, line := range strings.Split(strings.TrimSuffix(s.ok("logs"), "\n"), "\n") {
		if line == "" {
			continue
		}
		want[line]--
		total++
	}
	for line, n := range want {
		if n != 0 {
			s.t.Fatalf("%d times too few (or, negative, too many): %.300s", n, line)
		}
	}
	return total
}

var _ http.Handler = (*logpulltest.Emulator)(nil)
