package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"sync"
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
	List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error]
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
	// Feed finds a chain's source, where not all of them have Source and
	// Plugin. It is called for each window.
	Feed     func(ctx context.Context, id evidence.ChainID) (Feed, error)
	SpoolDir string
	// Retain is for how long the store is asked to lock an object, from the end
	// of its window on, if it can; 0 is not at all. A lock ends as the policy does.
	Retain time.Duration
	// Statements are sealed before the next object of a chain whose latest of
	// the topic says otherwise; may be nil. Values MUST be canonical (RFC 8785).
	Statements func() ([]evidence.Observation, error)

	Concurrency int           // windows that Collect pulls at once; default 4
	Attempts    int           // tries of one window in one Collect, and of one seal; default 8
	Backoff     time.Duration // first wait after a failure; default 1 s, doubled each time
	MaxBackoff  time.Duration // longest wait; default 1 min
	// Recheck is when a blocked window may be tried again; default 5 min.
	Recheck time.Duration
	// Busy is how long a seal waits for a process that holds the chain;
	// default 1 min.
	Busy       time.Duration
	MaxContent int64 // bytes of NDJSON in one window; default 64 GiB
	// Tidy is how far back the store is looked through, when a chain is first
	// opened, for objects that died collectors have left; 0 is not at all.
	Tidy time.Duration

	Now      func() time.Time
	Wait     func(ctx context.Context, d time.Duration) error
	Log      *slog.Logger
	Progress func(Event) // may be nil; called from several goroutines, one at a time
}

// Plugin names the source plugin in the entries.
type Plugin struct{ Name, Version string }

// Feed is where a chain's records come from.
type Feed struct {
	Source source.Source // with its budgets
	About  source.Description
	Plugin Plugin
	Zone   string // what the source calls the zone
}

// Event tells how far a Collect has come.
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

// Collector collects windows of any chain of one archive. It is safe for
// concurrent use.
type Collector struct {
	Config
	spool *spoolDir
	press *press

	mu     sync.Mutex
	desc   *source.Description // once it is known
	slots  map[evidence.ChainID]*slot
	tidied map[evidence.ChainID]bool
}

// New checks the settings and takes a spool folder for this process. Close
// gives it back.
func New(cfg Config) (*Collector, error) {
	cfg = cfg.withDefaults()
	if cfg.Store == nil || cfg.Source == nil && cfg.Feed == nil || cfg.Catalog == nil || cfg.Archive == "" || cfg.SpoolDir == "" {
		return nil, errors.New("collector lacks a store, source, catalog, archive or spool folder")
	}
	press, err := newPress()
	if err != nil {
		return nil, err
	}
	dir, err := openSpool(cfg.SpoolDir)
	if err != nil {
		return nil, err
	}
	return &Collector{Config: cfg, spool: dir, press: press, slots: map[evidence.ChainID]*slot{}, tidied: map[evidence.ChainID]bool{}}, nil
}

// Close removes this process's spool folder, once nothing is collected any
// more, and those of dead ones. What a window still has in them stays for the
// next start.
func (c *Collector) Close() error {
	return errors.Join(c.Sweep(context.Background()), c.spool.close())
}

func (c Config) withDefaults() Config {
	if c.Concurrency <= 0 {
		c.Concurrency = 4
	}
	if c.Attempts <= 0 {
		c.Attempts = 8
	}
	for _, d := range []struct {
		have  *time.Duration
		value time.Duration
	}{{&c.Backoff, time.Second}, {&c.MaxBackoff, time.Minute}, {&c.Recheck, 5 * time.Minute}, {&c.Busy, time.Minute}} {
		if *d.have <= 0 {
			*d.have = d.value
		}
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

// FeedOf returns where a chain's records come from.
func (c *Collector) FeedOf(ctx context.Context, id evidence.ChainID) (Feed, error) {
	if c.Feed != nil {
		return c.Feed(ctx, id) //nolint:wrapcheck // names the source already
	}
	desc, err := c.describe(ctx)
	return Feed{Source: c.Source, About: desc, Plugin: c.Plugin, Zone: id.Zone}, err
}

// describe asks the only source once what it offers.
func (c *Collector) describe(ctx context.Context) (source.Description, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.desc == nil {
		d, err := c.Source.Describe(ctx)
		if err != nil {
			return d, fmt.Errorf("describe source: %w", err)
		}
		c.desc = &d
	}
	return *c.desc, nil
}

// Dataset returns the source's word on one of its datasets.
func (f Feed) Dataset(name string) (source.Dataset, error) {
	names := make([]string, len(f.About.Datasets))
	for i, d := range f.About.Datasets {
		switch names[i] = d.Name; {
		case d.Name != name:
		case d.TimeField == "": // the measure of a window is taken by it
			return d, fmt.Errorf("source %s names no time field of dataset %q", f.Plugin.Name, name)
		default:
			return d, nil
		}
	}
	return source.Dataset{}, fmt.Errorf("source %s has no dataset %q (it has %q)", f.Plugin.Name, name, names)
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

// backoff is the wait after so many attempts, spread over its upper half so
// that many windows that failed together do not come back together.
func (c *Collector) backoff(attempts int) time.Duration {
	d := min(c.Backoff<<min(max(attempts-1, 0), 20), c.MaxBackoff)
	return d/2 + time.Duration(rand.Int64N(int64(d/2)+1)) //nolint:gosec // spreading load needs no secrecy
}
