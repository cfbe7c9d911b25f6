package collector

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/daemon"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/health"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// checks are what /health tells of.
func (o *ops) checks() []health.Check {
	return []health.Check{
		{Name: "catalog", Critical: true, Tolerate: 2, Run: func(ctx context.Context) error {
			_, err := o.open.ListZones(ctx)
			return err
		}},
		{Name: "storage", Critical: true, Tolerate: 2, Timeout: 10 * time.Second, Run: o.storage},
		{Name: "plan", Critical: true, Tolerate: 2, Run: o.plan},
		{Name: "archive", Run: o.archive},
		{Name: "stores", Run: o.stores},
		{Name: "zones", Run: o.zones},
		{Name: "backlog", Run: o.backlog},
	}
}

func (o *ops) storage(ctx context.Context) error {
	w := o.open.p.Load()
	if w == nil {
		return errNotOpen
	}
	_, err := w.Store.Stat(ctx, evidence.DescriptorKey)
	if errors.Is(err, storage.ErrNotFound) {
		return health.Detailf("the archive's descriptor is not there")
	}
	return err //nolint:wrapcheck // the log has it
}

// zones degrades while an operator has to act for a zone.
func (o *ops) zones(ctx context.Context) error {
	standings, err := o.open.ListStandings(ctx)
	if err != nil {
		return err
	}
	blocked := 0
	for _, s := range standings {
		if s.Blocked != "" {
			blocked++
		}
	}
	if blocked > 0 {
		return health.Detailf("%d zones are blocked: an operator has to act", blocked)
	}
	return nil
}

// backlogLimit is the age of an open window from which on it is told of: Logpull
// keeps what it has for 168 hours.
const backlogLimit = 72 * time.Hour

func (o *ops) backlog(ctx context.Context) error {
	backlog, err := o.open.Backlog(ctx)
	if err != nil {
		return err
	}
	old := int64(0)
	for _, b := range backlog {
		if time.Since(b.Oldest) > backlogLimit {
			old += b.Windows
		}
	}
	if old > 0 {
		return health.Detailf("up to %d windows are older than %s and not collected", old, backlogLimit)
	}
	return nil
}

// planLimit is how long no plan may be made: nothing is begun without one. A
// long tick stretches it.
const planLimit = 5 * time.Minute

func (o *ops) plan(ctx context.Context) error {
	w := o.open.p.Load()
	if w == nil {
		return errNotOpen
	}
	at, err := daemon.Planned(ctx, w.Catalog)
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	if age := time.Since(at); !at.IsZero() && age > max(planLimit, 5*w.Config.Collector.Tick) {
		return health.Detailf("nothing was planned for %s", age.Round(time.Second))
	}
	return nil
}

// archive degrades until the damage that the self-check found is gone.
func (o *ops) archive(ctx context.Context) error {
	w := o.open.p.Load()
	if w == nil {
		return errNotOpen
	}
	status, err := w.checker.Status(ctx)
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	if n := status.Last.Found; n > 0 {
		return health.Detailf("the last self-check found %d things damaged or tampered with: verify the archive", n)
	}
	return nil
}

// stores degrades while a store of several does not do its part.
func (o *ops) stores(context.Context) error {
	w := o.open.p.Load()
	if w == nil {
		return errNotOpen
	}
	if w.Stores() == nil {
		return nil
	}
	for _, h := range w.Stores().Health() {
		switch {
		case !h.Member:
			return health.Detailf("store %s was not compared with the others yet", h.Name)
		case h.State != "closed" || h.Trouble != "":
			return health.Detailf("store %s does not work (%s); the others stand in", h.Name, cmp.Or(h.Trouble, h.State))
		}
	}
	return nil
}
