package daemon_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/daemon"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
	"github.com/fabriziosalmi/rainlogs/internal/daemontest"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
	"github.com/fabriziosalmi/rainlogs/plugins/storage/fs"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	archiveID = "5b0c2c3e-0d6a-4c1c-8f0e-0d3f6b1a2c4d"
	account   = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
	token     = "t0ken-that-must-never-be-seen"
)

// fieldOrder is that in which the plugin asks.
func fieldOrder() []string { return []string{"EdgeStartTimestamp", "EdgeResponseStatus", "RayID"} }

// site is a world with a clock of its own: an emulator, an archive folder, a
// catalog, and daemons that come and go. The clock runs with the real one, at a
// distance.
type site struct {
	*testing.T
	dir      string
	offset   atomic.Int64
	emulator *logpulltest.Emulator
	url      string
	cat      *sqlite.Catalog
	store    *fs.FS
	key      chain.PrivateKey
	heard    chan struct{} // something happened
	gaps     atomic.Int64
	sealed   atomic.Int64
	failed   atomic.Int64
}

func zoneID(i int) string { return fmt.Sprintf("%032x", 0x5e2a<<32+i) }

// newSite makes a world with n zones, whose clock is so far ahead of the real one.
func newSite(t *testing.T, n int, ahead time.Duration, change func(*logpulltest.Config)) *site {
	t.Helper()
	s := &site{T: t, dir: t.TempDir(), heard: make(chan struct{}, 1)}
	s.offset.Store(int64(ahead))
	quiet := s.now().UTC().Hour() + 12 // half a day away from what every test collects first
	cfg := logpulltest.Config{
		Now: s.now, Seed: 1, Shuffle: true, Limits: logpulltest.Unlimited(),
		Accounts: []logpulltest.Account{{ID: account}},
		Tokens:   []logpulltest.Token{{ID: "t", Value: token, Permissions: []logpulltest.Permission{logpulltest.LogsRead, logpulltest.ZoneRead, logpulltest.AccountLogsRead}}},
	}
	for i := range n {
		cfg.Zones = append(cfg.Zones, logpulltest.Zone{
			ID: zoneID(i), Name: fmt.Sprintf("z%d.example.eu", i), AccountID: account, Retention: true,
			Records: logpulltest.Ticks{Seed: uint64(i), Every: 40 * time.Second, Quiet: map[int]bool{quiet % 24: true, (quiet + 1) % 24: true}},
			Fields:  logpulltest.TickFields(),
		})
	}
	if change != nil {
		change(&cfg)
	}
	s.emulator = logpulltest.New(cfg)
	server := httptest.NewUnstartedServer(s.emulator)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // cut connections are ordered
	server.Start()
	t.Cleanup(server.Close)
	s.url = server.URL + "/client/v4"
	s.open()
	return s
}

func (s *site) open() {
	s.Helper()
	var err error
	s.store, err = fs.Open(filepath.Join(s.dir, "archive"))
	s.must(err)
	s.Cleanup(func() { _ = s.store.Close() })
	s.cat, err = sqlite.Open(s.Context(), filepath.Join(s.dir, "catalog.db"))
	s.must(err)
	s.Cleanup(func() { _ = s.cat.Close() })
	s.key, err = chain.GenerateKey(rand.NewChaCha8([32]byte{1}), evidence.KeyName(archiveID))
	s.must(err)
	d, err := evidence.EncodeDescriptor(evidence.Descriptor{Format: evidence.FormatName, V: evidence.Version, Archive: archiveID, VKey: s.key.Public().VKey(), CreatedAt: s.now().UTC()})
	s.must(err)
	sum := sha256.Sum256(d)
	_, err = s.store.Put(s.Context(), storage.PutRequest{Key: evidence.DescriptorKey, Size: int64(len(d)), SHA256: hex.EncodeToString(sum[:])}, bytes.NewReader(d))
	s.must(err)
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *site) now() time.Time { return time.Now().Add(time.Duration(s.offset.Load())) }

// addZones puts all zones under collection, from so long ago.
func (s *site) addZones(n int, since time.Duration) {
	s.Helper()
	for i := range n {
		from := s.now().Add(-since).UTC().Truncate(time.Hour)
		s.must(s.cat.PutZone(s.Context(), catalog.Zone{
			ID: zoneID(i), Name: fmt.Sprintf("z%d.example.eu", i), Dataset: "http_requests",
			AddedAt: s.now().UTC().Truncate(time.Millisecond), From: from,
		}))
	}
}

func chainOf(i int) evidence.ChainID {
	return evidence.ChainID{Zone: zoneID(i), Dataset: "http_requests"}
}

func policy() schedule.Policy {
	return schedule.Policy{Window: 5 * time.Minute, Lag: 5 * time.Minute, Backfill: 72 * time.Hour}
}

// The site is the daemon's recorder.

func (s *site) WindowSealed(catalog.Zone, int64, int64, time.Duration) { s.sealed.Add(1); s.hear() }
func (s *site) WindowFailed(catalog.Zone, string)                      { s.failed.Add(1); s.hear() }
func (s *site) GapSealed(catalog.Zone, string)                         { s.gaps.Add(1); s.hear() }

func (s *site) hear() {
	select {
	case s.heard <- struct{}{}:
	default:
	}
}

// start runs a daemon until stop is called, which demands that it ended well.
func (s *site) start(change func(*daemon.Config)) (stop func()) {
	s.Helper()
	return s.startAs(token, change)
}

func (s *site) startAs(token string, change func(*daemon.Config)) (stop func()) {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	d, c := s.daemon(ctx, token, change)
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- d.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		cancel()
		s.Fatal(err)
	}
	return func() {
		s.Helper()
		cancel()
		s.must(errors.Join(<-ended, c.Close()))
	}
}

func (s *site) daemon(ctx context.Context, token string, change func(*daemon.Config)) (*daemon.Daemon, *collect.Collector) {
	s.Helper()
	src, err := logpull.New(logpull.Config{
		Token: logpull.Secret(token), BaseURL: s.url,
		ZonePerMinute: 1e6, UserPerMinute: 1e6, UserPerFiveMinutes: 1e6, ZoneTimeoutsPerHour: 1e6,
	})
	s.must(err)
	budgeted, err := schedule.NewBudgeted(ctx, src, "logpull", s.cat, nil)
	s.must(err)
	out := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		out = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	c, err := collect.New(collect.Config{
		Store: s.store, Source: budgeted, Catalog: s.cat, Archive: archiveID, Key: s.key,
		Collector: evidence.Collector{Name: "test", Version: "1", Host: "h"}, Plugin: collect.Plugin{Name: "logpull", Version: "1"},
		SpoolDir: filepath.Join(s.dir, "spool"), Now: s.now, Log: out,
		Backoff: 20 * time.Millisecond, MaxBackoff: 200 * time.Millisecond, Recheck: 100 * time.Millisecond,
	})
	s.must(err)
	cfg := daemon.Config{
		ID: fmt.Sprintf("test-%d", rand.Uint64()), Collector: c, Catalog: s.cat,
		OpenQueue: func(ctx context.Context, cfg jobs.Config) (*jobs.Queue, error) {
			return jobs.OpenSQLite(ctx, s.cat.QueuePath(), cfg)
		},
		Policy: policy(), Schedule: "*/5 * * * *", Workers: 8, PlanEvery: 200 * time.Millisecond, Depth: 32,
		Recheck: 100 * time.Millisecond, Recorder: s, Now: s.now, Log: out,
	}
	if change != nil {
		change(&cfg)
	}
	d, err := daemon.New(cfg)
	s.must(err)
	return d, c
}

// until waits for a condition, looking again whenever something has happened.
func (s *site) until(what string, ok func() bool) {
	s.Helper()
	deadline := time.NewTimer(5 * time.Minute)
	defer deadline.Stop()
	again := time.NewTicker(100 * time.Millisecond) // for what nobody tells
	defer again.Stop()
	for !ok() {
		select {
		case <-s.heard:
		case <-again.C:
		case <-deadline.C:
			s.Fatalf("never came: %s (%d sealed, %d gaps, %d failures)", what, s.sealed.Load(), s.gaps.Load(), s.failed.Load())
		}
	}
}

// collected reports whether the ledgers of n zones reach the live edge and
// nothing is open.
func (s *site) collected(n int) func() bool {
	return func() bool {
		for i := range n { // first: a plan between the two makes a backlog
			_, last, err := s.cat.Bounds(s.Context(), chainOf(i))
			s.must(err)
			if last.Before(policy().Edge(s.now()).Add(-policy().Window)) {
				return false
			}
		}
		backlog, err := s.cat.Backlog(s.Context())
		s.must(err)
		return len(backlog) == 0
	}
}

func (s *site) judge() daemontest.Judge {
	key := s.key.Public()
	return daemontest.Judge{Dir: filepath.Join(s.dir, "archive"), Key: &key, Emulator: s.emulator, Fields: fieldOrder()}
}

// judged demands that a zone's windows tile [from, to) once, with the
// emulator's own lines, and returns them.
func (s *site) judged(i int, from, to time.Time) []daemontest.Window {
	s.Helper()
	windows, err := s.judge().Windows(s.Context(), chainOf(i))
	s.must(err)
	s.must(daemontest.Tiled(windows, from, to))
	if n, err := s.judge().Lines(s.Context(), chainOf(i)); err != nil || n == 0 {
		s.Fatalf("%d lines, %v", n, err)
	}
	return windows
}

func (s *site) note(key string, v any) {
	s.Helper()
	b, err := s.cat.Note(s.Context(), key)
	if !errors.Is(err, catalog.ErrNotFound) {
		s.must(err)
		s.must(json.Unmarshal(b, v))
	}
}
