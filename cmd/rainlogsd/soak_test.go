package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/pgtest"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
	"github.com/fabriziosalmi/rainlogs/plugins/storage/fs"
	"github.com/fabriziosalmi/rainlogs/sdk"
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// shakyName is the name under which the test binary is a storage plugin that
// refuses and dawdles.
const shakyName = "rainlogs-storage-shaky"

// shakyPlugin is a folder that fails as its settings say.
func shakyPlugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "shaky", Version: "1.0.0",
		Schema: config.Schema{
			{Name: "path", Kind: config.String, Required: true, Help: "folder"},
			{Name: "chance", Kind: config.Int, Default: "3", Help: "of a hundred calls, how many meet one kind of trouble"},
			{Name: "calm", Kind: config.String, Required: true, Help: "a file: while it exists, nothing fails"},
		},
		Storage: func(v config.Values) (storage.Storage, error) {
			inner, err := fs.Open(v["path"])
			if err != nil {
				return nil, err
			}
			return &shaky{Storage: inner, chance: v.Int("chance"), calm: v["calm"], rng: rand.New(rand.NewPCG(uint64(os.Getpid()), 1))}, nil
		},
	}
}

// shaky refuses before and after the deed, is full, may not, and is slow.
type shaky struct {
	storage.Storage
	chance int64
	calm   string
	mu     sync.Mutex
	rng    *rand.Rand
}

// trouble returns the error to fail with, and whether the deed is done all the same.
func (s *shaky) trouble(ctx context.Context) (err error, done bool) { //nolint:revive // the error is the subject
	if _, err := os.Stat(s.calm); err == nil {
		return nil, false
	}
	s.mu.Lock()
	kind, slow := s.rng.Int64N(100), time.Duration(s.rng.IntN(400))*time.Millisecond
	s.mu.Unlock()
	switch kind / max(s.chance, 1) {
	case 0:
		return fmt.Errorf("shaky: %w", storage.ErrUnavailable), false
	case 1:
		return fmt.Errorf("shaky, answer lost: %w", storage.ErrUnavailable), true
	case 2:
		return fmt.Errorf("shaky: %w", storage.ErrFull), false
	case 3:
		t := time.NewTimer(slow)
		defer t.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err(), false
		case <-t.C:
		}
	}
	return nil, false
}

func (s *shaky) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	err, done := s.trouble(ctx)
	if err != nil && !done {
		return storage.Info{}, err
	}
	info, putErr := s.Storage.Put(ctx, req, body)
	return info, errors.Join(putErr, err)
}

func (s *shaky) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err, _ := s.trouble(ctx); err != nil && !errors.Is(err, storage.ErrFull) {
		return nil, err
	}
	return s.Storage.Get(ctx, key, offset, length)
}

func (s *shaky) Stat(ctx context.Context, key string) (storage.Info, error) {
	if err, _ := s.trouble(ctx); err != nil && !errors.Is(err, storage.ErrFull) {
		return storage.Info{}, err
	}
	return s.Storage.Stat(ctx, key)
}

// install copies the test binary as the plugin, and returns the folder and the pin.
func (s *site) install() (dir, pin string) {
	s.Helper()
	exe, err := os.Executable()
	s.must(err)
	b, err := os.ReadFile(exe)
	s.must(err)
	dir = filepath.Join(s.dir, "plugins")
	s.must(os.Mkdir(dir, 0o755))
	s.must(os.WriteFile(filepath.Join(dir, shakyName), b, 0o755))
	sum := sha256.Sum256(b)
	return dir, hex.EncodeToString(sum[:])
}

// weather gives every fault a chance, those that change a window's content
// among them: the emulator knows of them.
func weather() logpulltest.Faults {
	f := logpulltest.Faults{Seed: 9, Chance: map[logpulltest.FaultKind]float64{}, RetryAfter: time.Second, Pause: 10 * time.Millisecond, Pauses: 3}
	for _, k := range logpulltest.FaultKinds() {
		f.Chance[k] = 0.02
	}
	return f
}

// TestSoak: two daemons under every fault of the source, a storage that
// refuses and dawdles, and kills of daemons and plugins at random. In the end
// the archive holds the emulator's own record, line for line. RAINLOGS_SOAK sets
// how long (make soak: 30m).
func TestSoak(t *testing.T) {
	t.Parallel()
	long, zones, faults := 10*time.Second, 4, weather()
	d, err := time.ParseDuration(os.Getenv("RAINLOGS_SOAK"))
	whole := err == nil
	if whole {
		long, zones = d, 12
	} else {
		delete(faults.Chance, logpulltest.FaultTooManyBare) // each is a minute's rest
	}
	s := newSite(t, zones, 3*time.Hour, rates{zone: 600, user: 5000, five: 20000}, faults)
	s.collector = `{window: 20s, lag: 90s, concurrency: 8, tick: 1s, recheck: 5s, drain: 10s, schedule: "@every 5s"}`
	dir, pin := s.install()
	calm := filepath.Join(s.dir, "calm")
	s.storage = fmt.Sprintf("{name: local, plugin: shaky, country: IT, path: ./archive, calm: %s}", calm)
	s.extra = fmt.Sprintf("plugins: {dir: %s, pin: {shaky: \"sha256:%s\"}}\n", dir, pin)
	s.catalog = "file:./dsn"
	server := pgtest.New(t)
	dsn := server.DSN(t)
	s.must(os.WriteFile(filepath.Join(s.dir, "dsn"), []byte(dsn), 0o600))
	cat, err := postgres.Open(t.Context(), dsn)
	s.must(err)
	defer func() { s.must(cat.Close()) }()
	s.addZones(cat)

	rng := rand.New(rand.NewPCG(11, 13))
	running := []*process{s.start("a"), s.start("b")}
	kills, plugins, restarts := 0, 0, 0
	over := time.NewTimer(long)
	defer over.Stop()
	for alive := true; alive; {
		pause := time.NewTimer(500*time.Millisecond + time.Duration(rng.IntN(3500))*time.Millisecond)
		select {
		case <-over.C:
			alive = false
		case <-pause.C:
			switch i := rng.IntN(len(running)); rng.IntN(8) {
			case 0, 1, 2:
				running[i].end(syscall.SIGKILL)
				running[i] = s.start(running[i].name)
				kills++
			case 3:
				if whole {
					server.Restart(t, pgtest.Immediate)
					restarts++
				}
			default:
				if c := running[i].children(); len(c) > 0 {
					_ = syscall.Kill(c[rng.IntN(len(c))], syscall.SIGKILL) // it may be gone already
					plugins++
				}
			}
		}
		pause.Stop()
	}
	s.must(os.WriteFile(calm, nil, 0o600))
	at := time.Now()
	s.until("everything is collected", 10*time.Minute, func() bool { return s.done(t.Context(), cat, at) })
	if whole { // what the dead have left in the store is seen to when it is a minute old
		s.until("windows of the calm are sealed", 10*time.Minute, func() bool { return s.reached(t.Context(), cat, at) })
	}
	for _, p := range running {
		if code := p.end(syscall.SIGTERM); code != 0 {
			t.Errorf("daemon %s exits with %d:\n%s", p.name, code, p.output)
		}
	}
	windows, lines := s.judged(at.Add(-10 * time.Minute))
	t.Logf("%s: %d daemons and %d plugins killed, database restarted %d times; %d windows, %d lines; faults %v; refusals %v",
		long, kills, plugins, restarts, windows, lines, s.emulator.Stats().Faults, s.emulator.Stats().Refusals)
}
