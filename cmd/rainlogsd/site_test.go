package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
	"github.com/fabriziosalmi/rainlogs/internal/daemontest"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
	"github.com/fabriziosalmi/rainlogs/plugins/storage/fs"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const (
	archiveID = "5b0c2c3e-0d6a-4c1c-8f0e-0d3f6b1a2c4d"
	account   = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
	token     = "t0ken-that-must-never-be-seen"
)

// site is an emulator, an archive folder, a catalog, and daemons of the real
// program that come and go.
type site struct {
	*testing.T
	dir       string
	emulator  *logpulltest.Emulator
	url       string
	key       chain.PrivateKey
	catalog   string // its address
	storage   string // YAML of the archive's storage
	collector string // and of how it collects
	extra     string // YAML of the rest
	sources   string // YAML of sources beside logpull
	listen    string
	env       []string
	wrap      []string // what starts the daemons, before their name
	rates     rates
	zones     int
	from      time.Time // where collection begins
	daemons   []*process
}

// rates are those that the emulator enforces and the plugin is told.
type rates struct{ zone, user, five int }

func zoneID(i int) string { return fmt.Sprintf("%032x", 0x5e2a<<32+i) }

func chainOf(i int) evidence.ChainID {
	return evidence.ChainID{Zone: zoneID(i), Dataset: "http_requests"}
}

func newSite(t *testing.T, zones int, back time.Duration, r rates, faults logpulltest.Faults, change ...func(*logpulltest.Config)) *site {
	t.Helper()
	s := &site{T: t, dir: t.TempDir(), zones: zones, rates: r, storage: "{name: local, plugin: fs, path: ./archive}"}
	s.collector = `{window: 5m, lag: 5m, concurrency: 8, tick: 1s, recheck: 5s, drain: 10s, schedule: "* * * * *"}`
	s.from = time.Now().UTC().Add(-back).Truncate(time.Hour)
	cfg := logpulltest.Config{
		Seed: 1, Shuffle: true, Faults: faults,
		Limits:   logpulltest.Limits{ZonePerMinute: r.zone, UserPerMinute: r.user, UserPerFiveMinutes: r.five, TimeoutsPerHour: -1},
		Accounts: []logpulltest.Account{{ID: account}},
		Tokens:   []logpulltest.Token{{ID: "t", Value: token, Permissions: []logpulltest.Permission{logpulltest.LogsRead}}},
	}
	for i := range zones {
		cfg.Zones = append(cfg.Zones, logpulltest.Zone{
			ID: zoneID(i), Name: zoneName(i), AccountID: account, Retention: true,
			Records: logpulltest.Ticks{Seed: uint64(i), Every: 5 * time.Second}, Fields: logpulltest.TickFields(),
		})
	}
	for _, c := range change {
		c(&cfg)
	}
	s.emulator = logpulltest.New(cfg)
	server := httptest.NewUnstartedServer(s.emulator)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // cut connections are ordered
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(s.keep)
	s.url = server.URL + "/client/v4"
	s.makeArchive()
	return s
}

func zoneName(i int) string { return fmt.Sprintf("z%d.example.eu", i) }

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// makeArchive does what rainlogs init does.
func (s *site) makeArchive() {
	s.Helper()
	var err error
	s.key, err = chain.GenerateKey(rand.Reader, evidence.KeyName(archiveID))
	s.must(err)
	s.must(os.WriteFile(filepath.Join(s.dir, "signing.key"), []byte(s.key.Marshal()), 0o600))
	s.must(os.WriteFile(filepath.Join(s.dir, "token"), []byte(token), 0o600))
	b, err := evidence.EncodeDescriptor(evidence.Descriptor{
		Format: evidence.FormatName, V: evidence.Version, Archive: archiveID, CreatedAt: time.Now().UTC(), VKey: s.key.Public().VKey(),
	})
	s.must(err)
	store, err := fs.Open(filepath.Join(s.dir, "archive"))
	s.must(err)
	sum := sha256.Sum256(b)
	_, err = store.Put(s.Context(), storage.PutRequest{Key: evidence.DescriptorKey, Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:])}, bytes.NewReader(b))
	s.must(errors.Join(err, store.Close()))
}

// addZones enters all zones into a catalog.
func (s *site) addZones(c catalog.Zones) {
	s.Helper()
	for i := range s.zones {
		s.must(c.PutZone(s.Context(), catalog.Zone{
			ID: zoneID(i), Name: zoneName(i), Dataset: "http_requests", AddedAt: time.Now().UTC().Truncate(time.Millisecond), From: s.from,
		}))
	}
}

// configure writes the config of one daemon: each has a spool of its own.
func (s *site) configure(name string) string {
	s.Helper()
	path := filepath.Join(s.dir, name+".yaml")
	s.must(os.WriteFile(path, fmt.Appendf(nil, `archive:
  storage: [%s]
key: file:./signing.key
catalog: %s
spool: ./spool-%s
server: {listen: %q}
sources:
  logpull:
    token: file:./token
    base_url: %s
    requests_per_minute_zone: %d
    requests_per_minute_user: %d
    requests_per_5_minutes_user: %d
    timeouts_per_hour_zone: 100000
%scollector: %s
%s`, s.storage, s.catalog, name, s.listen, s.url, s.rates.zone, s.rates.user, s.rates.five, s.sources, s.collector, s.extra), 0o600))
	return path
}

// process is one daemon.
type process struct {
	*exec.Cmd
	name   string
	output *tail
	exited chan struct{}
}

// start runs a daemon of that name.
func (s *site) start(name string) *process {
	s.Helper()
	exe, err := os.Executable()
	s.must(err)
	args := slices.Concat(s.wrap, []string{exe, "-v", "--config", s.configure(name)})
	p := &process{Cmd: exec.Command(args[0], args[1:]...), name: name, output: &tail{}, exited: make(chan struct{})}
	p.Env = []string{asProgram + "=1", "HOME=" + s.dir, "PATH=" + os.Getenv("PATH"), "RAINLOGS_DSN=" + os.Getenv("RAINLOGS_DSN")}
	p.Env = append(p.Env, s.env...)
	p.Stdout, p.Stderr = p.output, p.output
	s.must(p.Start())
	s.daemons = append(s.daemons, p)
	go func() {
		defer close(p.exited)
		_ = p.Wait() // the state tells
	}()
	s.Cleanup(func() { p.end(syscall.SIGKILL) })
	return p
}

// end sends a signal and waits for the end.
func (p *process) end(sig syscall.Signal) int {
	_ = p.Process.Signal(sig) // it may be gone already
	<-p.exited
	return p.ProcessState.ExitCode()
}

// children are the plugins' processes, by the threads that started them.
func (p *process) children() []int {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.Process.Pid))
	if err != nil {
		return nil
	}
	var out []int
	for _, list := range lists {
		b, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, f := range strings.Fields(string(b)) {
			if pid, err := strconv.Atoi(f); err == nil {
				out = append(out, pid)
			}
		}
	}
	return out
}

// tail keeps the end of an output.
type tail struct {
	mu sync.Mutex
	b  []byte
	n  int64
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n += int64(len(p))
	t.b = append(t.b, p...)
	if len(t.b) > 1<<20 {
		t.b = append([]byte(nil), t.b[len(t.b)-1<<19:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

// until looks again and again until a condition holds.
func (s *site) until(what string, patience time.Duration, ok func() bool) {
	s.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-deadline.C:
			for _, p := range s.daemons {
				s.Logf("daemon %s: %s", p.name, p.output)
			}
			s.Fatalf("never came: %s", what)
		}
	}
}

// keep copies the archive of a test that failed, and what its daemons said, to $RAINLOGS_KEEP.
func (s *site) keep() {
	dir := os.Getenv("RAINLOGS_KEEP")
	if !s.Failed() || dir == "" {
		return
	}
	dir = filepath.Join(dir, s.Name())
	err := os.CopyFS(filepath.Join(dir, "archive"), os.DirFS(filepath.Join(s.dir, "archive")))
	for n, p := range s.daemons {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d-%s.log", n, p.name)), []byte(p.output.String()), 0o600))
	}
	s.Logf("kept in %s (%v)", dir, err)
}

// done reports whether every zone's ledger reaches the edge that there was at a
// time, and nothing before it is open.
func (s *site) done(ctx context.Context, c catalog.Catalog, at time.Time) bool {
	return s.reached(ctx, c, schedule.Policy{Window: 5 * time.Minute, Lag: 5 * time.Minute}.Edge(at))
}

func (s *site) reached(ctx context.Context, c catalog.Catalog, edge time.Time) bool {
	for i := range s.zones { // first: a plan between the two makes a backlog
		if _, last, err := c.Bounds(ctx, chainOf(i)); err != nil || last.Before(edge) {
			return false // the database may be away, by order
		}
	}
	backlog, err := c.Backlog(ctx)
	return err == nil && !slices.ContainsFunc(backlog, func(b catalog.Backlog) bool { return b.Oldest.Before(edge) })
}

// judged demands of every zone that its windows tile the time since the
// beginning once, with the emulator's own lines, and of the archive that it verifies.
func (s *site) judged(until time.Time) (windows int, lines int64) {
	s.Helper()
	key := s.key.Public()
	j := daemontest.Judge{
		Dir: filepath.Join(s.dir, "archive"), Key: &key, Emulator: s.emulator,
		Fields: []string{"EdgeStartTimestamp", "EdgeResponseStatus", "RayID"},
	}
	for i := range s.zones {
		ws, err := j.Windows(s.Context(), chainOf(i))
		s.must(err)
		s.must(daemontest.Tiled(ws, s.from, until))
		n, err := j.Lines(s.Context(), chainOf(i))
		s.must(err)
		windows, lines = windows+len(ws), lines+n
	}
	s.must(j.Verify(s.Context()))
	return windows, lines
}

// objectsOf counts a zone's objects.
func (s *site) objectsOf(i int) int {
	n := 0
	_ = filepath.WalkDir(filepath.Join(s.dir, "archive", "logs", zoneID(i)), func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".zst") {
			n++
		}
		return nil // none are there yet
	})
	return n
}
