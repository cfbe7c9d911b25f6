package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
)

// Expirer applies the retention policy to a chain.
type Expirer interface {
	Expire(ctx context.Context, chain evidence.ChainID) error
}

// Checker verifies the day's share of the archive.
type Checker interface {
	Check(ctx context.Context) error
}

// Healer copies what stores have missed.
type Healer interface {
	Heal(ctx context.Context) error
}

// Recorder hears what happens, for metrics. Its methods are called from many
// goroutines.
type Recorder interface {
	WindowSealed(z catalog.Zone, lines, bytes int64, took time.Duration)
	WindowFailed(z catalog.Zone, class string)
	GapSealed(z catalog.Zone, reason string)
}

// Config are a daemon's parts and settings.
type Config struct {
	ID        string // of this process, unlike any other's
	Collector *collect.Collector
	Catalog   catalog.Catalog
	// Feed finds a zone's source; nil: the Collector does.
	Feed func(ctx context.Context, z catalog.Zone) (collect.Feed, error)
	// Renewed tells of sources whose credential may be replaced while the daemon
	// runs when that was last done; may be nil.
	Renewed   func(ctx context.Context) (map[string]time.Time, error)
	OpenQueue func(ctx context.Context, cfg jobs.Config) (*jobs.Queue, error)
	Policy    schedule.Policy
	Schedule  string // cron expression of zones that have none of their own

	Workers      int           // windows at once: three in four for the live edge; default 8
	ObserveEvery time.Duration // how often a source is asked about a zone; default 6 h
	PlanEvery    time.Duration // default 10 s
	// Depth is how many of a chain's backlog are in the queue at once: about
	// what its budget allows until the next plan, so that the oldest windows
	// come first; default 4.
	Depth   int
	Recheck time.Duration // of what blocks a zone; default 5 min
	Drain   time.Duration // for windows under way at the end; default 30 s

	Expirer  Expirer // these may be nil
	Checker  Checker
	Healer   Healer
	Recorder Recorder
	// Beat is called while this process's loop turns; may be nil.
	Beat func()

	Now func() time.Time
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		have  *time.Duration
		value time.Duration
	}{{&c.ObserveEvery, 6 * time.Hour}, {&c.PlanEvery, 10 * time.Second}, {&c.Recheck, 5 * time.Minute}, {&c.Drain, 30 * time.Second}} {
		if *d.have <= 0 {
			*d.have = d.value
		}
	}
	if c.Workers <= 0 {
		c.Workers = 8
	}
	if c.Depth <= 0 {
		c.Depth = 4
	}
	if c.Renewed == nil {
		c.Renewed = func(context.Context) (map[string]time.Time, error) { return nil, nil }
	}
	if c.Feed == nil {
		c.Feed = func(ctx context.Context, z catalog.Zone) (collect.Feed, error) {
			return c.Collector.FeedOf(ctx, z.Chain())
		}
	}
	if c.Recorder == nil {
		c.Recorder = silent{}
	}
	if c.Beat == nil {
		c.Beat = func() {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// silent hears nothing.
type silent struct{}

func (silent) WindowSealed(catalog.Zone, int64, int64, time.Duration) {}
func (silent) WindowFailed(catalog.Zone, string)                      {}
func (silent) GapSealed(catalog.Zone, string)                         {}

// Daemon is a headless collector.
type Daemon struct {
	Config
	times    schedule.Times
	queue    *jobs.Queue
	probing  sync.Mutex // guards probes
	probes   map[evidence.ChainID]*sync.Mutex
	planning sync.Mutex // held by a plan
	warnedAt time.Time  // by the plan alone
}

// New checks the settings.
func New(cfg Config) (*Daemon, error) {
	cfg = cfg.withDefaults()
	times, err := schedule.ParseTimes(cfg.Schedule)
	if err != nil {
		return nil, fmt.Errorf("set up daemon: %w", err)
	}
	return &Daemon{Config: cfg, times: times, probes: map[evidence.ChainID]*sync.Mutex{}}, nil
}

// Run works until ctx ends, then lets what is under way come to its end for
// at most Drain. ready is called once work has begun; it may be nil.
func (d *Daemon) Run(ctx context.Context, ready func()) (err error) {
	unlock, err := d.Catalog.LockCollector(ctx)
	if err != nil {
		return fmt.Errorf("start daemon: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := d.Collector.Sweep(ctx); err != nil {
		return fmt.Errorf("start daemon: %w", err)
	}
	if err := d.beat(ctx, true); err != nil {
		return fmt.Errorf("start daemon: %w", err)
	}
	d.queue, err = d.OpenQueue(ctx, d.queueConfig())
	if err != nil {
		return fmt.Errorf("start daemon: %w", err)
	}
	defer func() { err = errors.Join(err, d.queue.Close()) }()
	// The jobs' context outlives ctx: Stop ends them gently.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if err := d.queue.Start(work); err != nil {
		return fmt.Errorf("start daemon: %w", err)
	}
	d.Log.InfoContext(ctx, "collecting", "process", d.ID)
	if ready != nil {
		ready()
	}
	d.beats(ctx)
	d.Log.InfoContext(ctx, "draining", "deadline", d.Drain)
	return d.stop(work)
}

// stop drains the queue. What has not ended by the deadline is cancelled, and
// its windows are as if they had not been begun.
func (d *Daemon) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.Drain+15*time.Second)
	defer cancel()
	err := d.queue.Stop(ctx)
	// Dead at once, not after a minute without a beat.
	return errors.Join(err, d.beat(ctx, false))
}

func (d *Daemon) queueConfig() jobs.Config {
	backlog := max(1, d.Workers/4)
	return jobs.Config{
		ID: d.ID, PlanEvery: d.PlanEvery, SoftStop: d.Drain, Log: d.Log,
		Workers: map[string]int{jobs.Plan: 1, jobs.Live: max(1, d.Workers-backlog), jobs.Backlog: backlog, jobs.Upkeep: 2},
		Handlers: &jobs.Handlers{
			Plan: d.plan, Window: d.window, Observe: d.observe,
			Expire: d.expire, Check: d.check, Heal: d.heal,
		},
	}
}

// note reads a note; one that is not there leaves v as it is.
func (d *Daemon) note(ctx context.Context, key string, v any) error {
	b, err := d.Catalog.Note(ctx, key)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read note %s: %w", key, err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: note %s: %w", catalog.ErrCorrupt, key, err)
	}
	return nil
}

func (d *Daemon) putNote(ctx context.Context, key string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode note %s: %w", key, err)
	}
	if err := d.Catalog.PutNote(ctx, key, b); err != nil {
		return fmt.Errorf("write note %s: %w", key, err)
	}
	return nil
}
