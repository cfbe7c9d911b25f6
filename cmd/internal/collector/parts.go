package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/daemon"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/metrics"
	"github.com/fabriziosalmi/rainlogs/core/retention"
	"github.com/fabriziosalmi/rainlogs/core/selfcheck"
	"github.com/fabriziosalmi/rainlogs/core/storeset"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// hooks bring what happens behind a workspace's back into the metrics.
func (o *ops) hooks() site.Hooks {
	return site.Hooks{PluginRestarted: o.metrics.PluginRestarted, StoreChanged: o.storeChanged}
}

func (o *ops) storeChanged(h storeset.Health) {
	states := map[string]metrics.BreakerState{
		"closed": metrics.BreakerClosed, "half-open": metrics.BreakerHalfOpen, "open": metrics.BreakerOpen,
	}
	o.metrics.StoreBreaker(h.Name, states[h.State])
}

// newExpirer applies the config's retention; nil if objects are kept for ever.
func newExpirer(w *site.Workspace, c *collect.Collector) (daemon.Expirer, error) {
	cc := w.Config.Collector
	if cc.Retention == 0 {
		return nil, nil
	}
	k, err := retention.New(retention.Config{
		Catalog: w.Catalog, Collector: c, Store: w.Store, Now: w.Env.Now, Log: w.Logger(),
		Reader: chain.Lookup{Store: w.Store, Archive: w.Archive, Key: w.Key.Public()},
		Policy: retention.Policy{Keep: cc.Retention, Reason: cc.Reason},
	})
	if err != nil {
		return nil, site.Usagef("collector.retention: %w", err)
	}
	return expiring{k}, nil
}

// expiring is a Keeper as the daemon knows it.
type expiring struct{ keeper *retention.Keeper }

func (e expiring) Expire(ctx context.Context, id evidence.ChainID) error {
	return e.keeper.ExpireChain(ctx, id) //nolint:wrapcheck // names the chain already
}

// checking is the self-check, with its results in the metrics.
type checking struct {
	*selfcheck.Checker
	ops *ops
	w   *site.Workspace
}

func (o *ops) checker(ctx context.Context, w *site.Workspace) (*checking, error) {
	key := w.Key.Public()
	c := &checking{ops: o, w: w}
	var err error
	c.Checker, err = selfcheck.New(selfcheck.Config{
		Store: w.Store, Notes: w.Catalog, Archive: w.Archive, Key: &key, Known: verify.Known{Dir: w.Config.Known},
		Workers: 1, Now: w.Env.Now, Log: w.Logger(), // collecting goes first
	})
	if err != nil {
		return nil, fmt.Errorf("set up self-check: %w", err)
	}
	// What an earlier process found is no less true for the restart.
	return c, c.tell(ctx, o.metrics.SelfCheckStands)
}

// Check verifies the day's share.
func (c *checking) Check(ctx context.Context) error {
	if err := c.Checker.Check(ctx); err != nil {
		if ctx.Err() == nil {
			c.ops.metrics.SelfCheckFailed()
		}
		return err //nolint:wrapcheck // says what it did
	}
	return c.tell(ctx, c.ops.metrics.SelfChecked)
}

func (c *checking) tell(ctx context.Context, record func(z catalog.Zone, findings int64, at time.Time)) error {
	status, err := c.Status(ctx)
	if err != nil || status.Last.At.IsZero() {
		return err //nolint:wrapcheck // says what it did
	}
	zones, err := c.w.Catalog.ListZones(ctx)
	if err != nil {
		return fmt.Errorf("tell of the self-check: %w", err)
	}
	for _, z := range zones {
		record(z, status.Last.Of(z.Chain()), status.Last.At)
	}
	return nil
}

// healing brings each store of a set up to the others.
type healing struct {
	set *storeset.Set
	ops *ops
	log *slog.Logger
}

// healer is nil for a single store.
func (o *ops) healer(w *site.Workspace) daemon.Healer {
	set := w.Stores()
	if set == nil {
		return nil
	}
	for _, h := range set.Health() {
		o.storeChanged(h)
	}
	return healing{set, o, w.Logger()}
}

// Heal goes on with the next store when one is still away: that is told, and
// no failure of the job.
func (h healing) Heal(ctx context.Context) error {
	var errs []error
	for _, store := range h.set.Health() {
		done, err := h.set.Heal(ctx, store.Name)
		switch {
		case ctx.Err() != nil:
			return ctx.Err() //nolint:wrapcheck // the daemon's own end
		case errors.Is(err, storage.ErrUnavailable):
			h.log.DebugContext(ctx, "store is still away", "store", store.Name, "error", err)
		case err != nil:
			errs = append(errs, err)
		}
		if done.Copied > 0 || done.Deleted > 0 || len(done.Conflicts) > 0 {
			h.log.InfoContext(ctx, "store healed", "store", store.Name, "copied", done.Copied, "bytes", done.Bytes,
				"deleted", done.Deleted, "left", done.Left)
		}
		for _, c := range done.Conflicts {
			h.log.ErrorContext(ctx, "two stores hold different bytes under one key: verify each of them", "key", c.Key,
				"store", c.Store, "sha256", c.SHA256, "other", c.Other, "wanted", c.Wanted)
		}
		n, err := h.set.Missing(ctx, store.Name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		h.ops.metrics.StoreMissed(store.Name, n)
	}
	return errors.Join(errs...)
}
