package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/daemon"
	"github.com/fabriziosalmi/rainlogs/core/daemon/notify"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// process is what outlives a reload: the server and what it tells.
type process struct {
	env     *site.Env
	globals *site.Globals
	log     *slog.Logger
	ops     *ops
	beside  Beside
	rest    *rest // nil: no REST API
	began   bool  // has collected, under this config or an earlier one
}

// told logs what could not be said to systemd: nothing depends on it.
func (p *process) told(ctx context.Context, err error) {
	if err != nil {
		p.log.WarnContext(ctx, "notify systemd", "error", err)
	}
}

// collect opens all that a config names and runs a daemon over it until ctx
// ends. What is merely not to be reached yet is waited for; and once this
// process has collected, so is all else: a secret that is being replaced or a
// reload into a mistake must not end a collector that has worked.
func (p *process) collect(ctx context.Context, cfg *config.Config) error {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		err := p.once(ctx, cfg)
		if err == nil || ctx.Err() != nil || !p.began && !retryable(err) {
			return err
		}
		p.log.ErrorContext(ctx, "cannot begin yet", "error", err, "again_in", wait)
		p.ops.heart.Beat()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// once is one try of collect.
func (p *process) once(ctx context.Context, cfg *config.Config) error {
	w := site.New(p.env, p.globals, cfg)
	w.SetLogger(p.log)
	w.SetHooks(p.ops.hooks())
	defer w.Close()
	o, err := p.open(ctx, w)
	if err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop before it began
		}
		return err
	}
	p.ops.open.p.Store(&opened{w, o.checker})
	defer p.ops.open.p.Store(nil)
	beside, end := p.besides(ctx, w, o.sources)
	answered := func() {}
	err = o.daemon.Run(ctx, func() {
		p.began = true
		answered = p.rest.serve(ctx, w, o)
		p.ops.health.Serving()
		p.told(ctx, notify.Ready("collecting"))
		close(beside)
	})
	answered()
	end()
	return errors.Join(err, o.collector.Close())
}

// besides does what is done beside the daemon from when begin is closed until
// end is called, which waits for it.
func (p *process) besides(ctx context.Context, w *site.Workspace, sources *site.Sources) (begin chan struct{}, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	begin = make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() { sources.Tend(ctx) })
	if p.beside != nil {
		group.Go(func() {
			select {
			case <-begin:
				p.beside(ctx, w)
			case <-ctx.Done():
			}
		})
	}
	return begin, func() { cancel(); group.Wait() }
}

// parts are a daemon and what it is made of.
type parts struct {
	daemon    *daemon.Daemon
	collector *collect.Collector
	sources   *site.Sources
	checker   *checking
}

// open puts a daemon together over a workspace that it opens.
func (p *process) open(ctx context.Context, w *site.Workspace) (o parts, err error) {
	if err := w.OpenAll(ctx); err != nil {
		return o, err //nolint:wrapcheck // says what it did
	}
	if o.checker, err = p.ops.checker(ctx, w); err != nil {
		return o, err
	}
	if o.collector, o.sources, err = p.collector(ctx, w); err != nil {
		return o, err
	}
	if o.daemon, err = p.daemon(w, o.collector, o.sources, o.checker); err != nil {
		return o, errors.Join(err, o.collector.Close())
	}
	return o, nil
}

// collector opens the sources, with their budgets, and what pulls and seals
// from them.
func (p *process) collector(ctx context.Context, w *site.Workspace) (*collect.Collector, *site.Sources, error) {
	sources := w.Sources(w.Catalog, func(scope source.Scope, d time.Duration) {
		p.ops.metrics.BudgetWaited(string(scope), d)
	})
	if err := sources.OpenAll(ctx); err != nil {
		return nil, nil, err //nolint:wrapcheck // names the plugin already
	}
	cc := w.Config.Collector
	c, err := collect.New(collect.Config{
		Store: w.Store, Feed: sources.Of, Catalog: w.Catalog, Archive: w.Archive, Key: w.Key,
		Collector: site.Collector(), SpoolDir: w.Config.Spool, Statements: w.Statements, Retain: w.Config.Collector.Retention,
		Attempts: 3, Backoff: cc.Recheck / 60, MaxBackoff: 3 * cc.Recheck, Recheck: cc.Recheck, Now: w.Env.Now, Log: p.log,
		Tidy: tidyBack,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("set up collector: %w", err)
	}
	return c, sources, nil
}

// tidyBack is longer than any window can be had from Cloudflare: older ones were sealed by lives before the last.
const tidyBack = 10 * 24 * time.Hour

func (p *process) daemon(w *site.Workspace, c *collect.Collector, sources *site.Sources, checker daemon.Checker) (*daemon.Daemon, error) {
	expirer, err := newExpirer(w, c)
	if err != nil {
		return nil, err
	}
	cc := w.Config.Collector
	return daemon.New(daemon.Config{ //nolint:wrapcheck // says what it did
		ID: processID(), Collector: c, Catalog: w.Catalog, Feed: sources.OfZone,
		OpenQueue: func(ctx context.Context, cfg jobs.Config) (*jobs.Queue, error) {
			return site.OpenQueue(ctx, w.Catalog, cfg)
		},
		Policy:   schedule.Policy{Window: cc.Window, Lag: cc.Lag, Backfill: cc.Backfill},
		Schedule: cc.Schedule, Workers: cc.Concurrency, ObserveEvery: cc.Observe,
		PlanEvery: cc.Tick, Recheck: cc.Recheck, Drain: cc.Drain,
		Renewed: sources.Renewed, Expirer: expirer, Checker: checker, Healer: p.ops.healer(w),
		Recorder: p.ops.metrics, Beat: p.ops.heart.Beat, Now: w.Env.Now, Log: p.log,
	})
}
