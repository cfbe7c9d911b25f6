package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
}

// told logs what could not be said to systemd: nothing depends on it.
func (p *process) told(ctx context.Context, err error) {
	if err != nil {
		p.log.WarnContext(ctx, "notify systemd", "error", err)
	}
}

// collect opens all that a config names and runs a daemon over it until ctx
// ends. What is merely not to be reached yet is waited for.
func (p *process) collect(ctx context.Context, cfg *config.Config) error {
	w, err := p.open(ctx, cfg)
	if err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop while it waited
		}
		return err
	}
	defer w.Close()
	d, c, err := p.daemon(ctx, w)
	if err != nil {
		return err
	}
	p.ops.open.p.Store(w)
	defer p.ops.open.p.Store(nil)
	err = d.Run(ctx, func() {
		p.ops.health.Serving()
		p.told(ctx, notify.Ready("collecting"))
	})
	return errors.Join(err, c.Close())
}

// open opens a workspace, again and again while store or catalog cannot be reached.
func (p *process) open(ctx context.Context, cfg *config.Config) (*site.Workspace, error) {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		w := site.New(p.env, p.globals, cfg)
		w.SetLogger(p.log)
		err := w.OpenAll(ctx)
		if err == nil {
			return w, nil
		}
		w.Close()
		if !retryable(err) || ctx.Err() != nil {
			return nil, err //nolint:wrapcheck // says what it did
		}
		p.log.ErrorContext(ctx, "cannot begin yet", "error", err, "again_in", wait)
		p.ops.heart.Beat()
		select {
		case <-ctx.Done():
			return nil, ctx.Err() //nolint:wrapcheck // the caller's own cancellation
		case <-time.After(wait):
		}
	}
}

// daemon puts a daemon together over an opened workspace.
func (p *process) daemon(ctx context.Context, w *site.Workspace) (*daemon.Daemon, *collect.Collector, error) {
	src, plugin, err := w.OpenSource(ctx)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // names the plugin already
	}
	budgeted, err := schedule.NewBudgeted(ctx, src, plugin.Name, w.Catalog, func(scope source.Scope, d time.Duration) {
		p.ops.metrics.BudgetWaited(string(scope), d)
	})
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // names the source already
	}
	cc := w.Config.Collector
	c, err := collect.New(collect.Config{
		Store: w.Store, Source: budgeted, Catalog: w.Catalog, Archive: w.Archive, Key: w.Key,
		Collector: site.Collector(), Plugin: plugin, SpoolDir: w.Config.Spool,
		Attempts: 3, Backoff: cc.Recheck / 60, MaxBackoff: 3 * cc.Recheck, Recheck: cc.Recheck, Now: w.Env.Now, Log: p.log,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("set up collector: %w", err)
	}
	d, err := daemon.New(ctx, daemon.Config{
		ID: processID(), Collector: c, Catalog: w.Catalog, Source: budgeted,
		OpenQueue: func(ctx context.Context, cfg jobs.Config) (*jobs.Queue, error) {
			return site.OpenQueue(ctx, w.Catalog, cfg)
		},
		Policy:   schedule.Policy{Window: cc.Window, Lag: cc.Lag, Backfill: cc.Backfill},
		Schedule: cc.Schedule, Workers: cc.Concurrency, ObserveEvery: cc.Observe,
		PlanEvery: cc.Tick, Recheck: cc.Recheck, Drain: cc.Drain,
		Recorder: p.ops.metrics, Beat: p.ops.heart.Beat, Now: w.Env.Now, Log: p.log,
	})
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return d, c, nil
}
