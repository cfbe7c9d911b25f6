package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Store is the part of storage.Storage that collecting needs.
type Store interface {
	Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error)
	Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	Stat(ctx context.Context, key string) (storage.Info, error)
	Delete(ctx context.Context, key string) error
}

// Config are a Collector's parts and settings.
type Config struct {
	Store   Store
	Source  source.Source
	Catalog catalog.Catalog
	Archive string // UUID
	Key     chain.PrivateKey
	// Collector and Plugin go into every entry.
	Collector evidence.Collector
	Plugin    Plugin
	SpoolDir  string

	Concurrency int           // windows pulled at once; default 4
	Attempts    int           // tries of one window in one run; default 8
	Backoff     time.Duration // first wait after a failure; default 1 s, doubled up to 1 min
	MaxContent  int64         // bytes of NDJSON in one window; default 64 GiB

	Now      func() time.Time
	Wait     func(ctx context.Context, d time.Duration) error
	Log      *slog.Logger
	Progress func(Event) // may be nil; called from several goroutines, one at a time
}

// Plugin names the source plugin in the entries.
type Plugin struct{ Name, Version string }

// Event tells how far a run has come.
type Event struct {
	Chain   evidence.ChainID
	Window  evidence.Window
	State   catalog.State // what the window has become
	Lines   int64
	Bytes   int64 // content
	Planned int   // windows of this run, done or not
	Done    int
	Err     error // Retrying, Blocked
}

// Collector collects windows of any chain of one archive.
type Collector struct{ Config }

// New checks the settings and prepares the spool folder.
func New(cfg Config) (*Collector, error) {
	cfg = cfg.withDefaults()
	if cfg.Store == nil || cfg.Source == nil || cfg.Catalog == nil || cfg.Archive == "" || cfg.SpoolDir == "" {
		return nil, errors.New("collector lacks a store, source, catalog, archive or spool folder")
	}
	if err := os.MkdirAll(cfg.SpoolDir, 0o700); err != nil {
		return nil, fmt.Errorf("create spool folder: %w", err)
	}
	return &Collector{cfg}, nil
}

func (c Config) withDefaults() Config {
	if c.Concurrency <= 0 {
		c.Concurrency = 4
	}
	if c.Attempts <= 0 {
		c.Attempts = 8
	}
	if c.Backoff <= 0 {
		c.Backoff = time.Second
	}
	if c.MaxContent <= 0 {
		c.MaxContent = 64 << 30
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Progress == nil {
		c.Progress = func(Event) {}
	}
	return c
}

// Request says what one run shall collect.
type Request struct {
	Chain  evidence.ChainID
	From   time.Time     // receive time, whole seconds
	To     time.Time     // exclusive
	Window time.Duration // length of newly planned windows
	Fields []string      // pinned fields; empty = the source's full list
}

// Summary is what a run did with the windows of its range.
type Summary struct {
	Sealed  int // in this run, empty ones included
	Empty   int
	Gaps    int
	Already int // sealed or lost before this run
	Open    int // retrying: not sealed, not given up
	Blocked int
	Lines   int64
	Bytes   int64 // content
	// LastErr is the reason of the last window left open or blocked.
	LastErr error
}

// Complete reports whether every window of the range stands in the chain.
func (s Summary) Complete() bool { return s.Open == 0 && s.Blocked == 0 }

// Collect brings every window of the request's range into the chain, or says
// in the summary which could not be and why. It holds the chain's lock
// meanwhile (catalog.ErrBusy if another process does). An error means that the
// run itself could not go on; nothing sealed is undone by it.
func (c *Collector) Collect(ctx context.Context, req Request) (sum Summary, err error) {
	unlock, err := c.Catalog.Lock(ctx, req.Chain)
	if err != nil {
		return Summary{}, fmt.Errorf("collect %s: %w", req.Chain, err)
	}
	defer func() {
		if unlockErr := unlock(); err == nil && unlockErr != nil {
			err = fmt.Errorf("unlock %s: %w", req.Chain, unlockErr)
		}
	}()
	r, err := c.open(ctx, req)
	if err != nil {
		return Summary{}, fmt.Errorf("collect %s: %w", req.Chain, err)
	}
	if err := r.plan(ctx, req.From, req.To, req.Window); err != nil {
		return Summary{}, err
	}
	if err := r.loop(ctx); err != nil {
		return r.sum, fmt.Errorf("collect %s: %w", req.Chain, err)
	}
	return r.sum, nil
}

// open brings log, catalog and spool of a chain into agreement.
func (c *Collector) open(ctx context.Context, req Request) (*run, error) {
	desc, err := c.Source.Describe(ctx)
	if err != nil {
		return nil, fmt.Errorf("describe source: %w", err)
	}
	r := &run{c: c, id: req.Chain, req: req, limits: desc.Limits, tried: map[evidence.Window]int{}}
	for _, d := range desc.Datasets {
		if d.Name == req.Chain.Dataset {
			r.dataset = d
		}
	}
	if r.dataset.Name == "" {
		return nil, fmt.Errorf("source %s has no dataset %q", c.Plugin.Name, req.Chain.Dataset)
	}
	r.log, err = chain.Open(ctx, chain.Config{
		Store: c.Store, Archive: c.Archive, Chain: req.Chain, Key: c.Key, Now: c.Now, Log: c.Log,
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // names the chain already
	}
	r.sealer = &sealer{c: c, id: req.Chain, log: r.log}
	if err := r.sealer.catchUp(ctx); err != nil {
		return nil, err
	}
	return r, r.recover(ctx)
}

// wait sleeps unless ctx ends first.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx) //nolint:wrapcheck // the caller's own cancellation
	case <-t.C:
		return nil
	}
}

// jitter spreads a wait over [d/2, d), so that many windows that failed
// together do not come back together.
func jitter(d time.Duration) time.Duration {
	return d/2 + time.Duration(rand.Int64N(int64(d/2)+1)) //nolint:gosec // spreading load needs no secrecy
}
