package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
)

const (
	planNote    = "plan/last"   // when the schedules were last looked at
	plannedNote = "plan/range/" // and a chain: where its ledger has no hole

	// backlogJobs bounds the backlog's jobs that one plan inserts, over all
	// chains.
	backlogJobs = 500
	// observeJobs bounds the sources that one plan has asked about themselves.
	observeJobs = 25

	warnEvery = time.Hour
)

// warnAge is the age at which an open window is told of: 72 of Logpull's 168
// hours, and never for a source that forgets nothing.
func warnAge(maxAge time.Duration) time.Duration { return maxAge / 7 * 3 }

// planning is one run of plan.
type planning struct {
	*Daemon
	now       time.Time
	zones     []catalog.Zone
	standings map[evidence.ChainID]catalog.Standing
	policies  map[evidence.ChainID]schedule.Policy // of zones whose source is there
	renewed   map[string]time.Time                 // by source: when its credential was last replaced
}

// plan brings the schedules into the ledger and the ledger into the queue. In
// one process there is one at a time.
func (d *Daemon) plan(ctx context.Context) error {
	if !d.planning.TryLock() {
		return nil
	}
	defer d.planning.Unlock()
	err := d.makePlan(ctx)
	if err != nil && ctx.Err() == nil {
		d.Log.WarnContext(ctx, "plan is not whole; the next one tries again", "error", err)
	}
	return err
}

func (d *Daemon) makePlan(ctx context.Context) error {
	p := planning{Daemon: d, now: d.Now().UTC(), standings: map[evidence.ChainID]catalog.Standing{}, policies: map[evidence.ChainID]schedule.Policy{}}
	if err := d.rescue(ctx); err != nil {
		d.Log.WarnContext(ctx, "jobs of dead processes not looked for", "error", err)
	}
	var err error
	if p.zones, err = d.Catalog.ListZones(ctx); err != nil {
		return fmt.Errorf("list zones: %w", err)
	}
	standings, err := d.Catalog.ListStandings(ctx)
	if err != nil {
		return fmt.Errorf("list standings: %w", err)
	}
	for _, s := range standings {
		p.standings[s.Chain] = s
	}
	if p.renewed, err = d.Renewed(ctx); err != nil {
		return fmt.Errorf("look for new credentials: %w", err)
	}
	// What one step or one zone cannot do keeps no other from being done.
	err = errors.Join(p.sources(ctx), p.windows(ctx), p.dispatch(ctx), p.upkeep(ctx))
	return errors.Join(err, d.putNote(ctx, madeNote, time.Now().UTC()))
}

// sources finds the source of each zone. A zone without one is blocked, and
// not planned: how far it can be planned is the source's to say.
func (p planning) sources(ctx context.Context) error {
	var errs []error
	for _, z := range p.zones {
		s := p.standings[z.Chain()]
		s.Chain = z.Chain()
		blockedAt := s.NotBefore.Add(-p.Recheck)
		if z.Paused || s.Blocked == reasonSource && s.NotBefore.After(p.now) && !p.renewed[z.Source].After(blockedAt) {
			continue
		}
		feed, err := p.Feed(ctx, z)
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err() //nolint:wrapcheck // the daemon's own end
		case err != nil:
			errs = append(errs, p.block(ctx, s, reasonSource, err.Error()))
			s.NotBefore = p.now.Add(p.Recheck)
			p.standings[s.Chain] = s
			continue
		case s.Blocked == reasonSource:
			errs = append(errs, p.unblock(ctx, s))
			delete(p.standings, s.Chain)
		}
		p.policies[s.Chain] = p.Policy.For(feed.About.Limits)
	}
	return errors.Join(errs...)
}

// windows plans the zones whose schedules came since the last plan. A zone's
// trouble is its own.
func (p planning) windows(ctx context.Context) error {
	var last time.Time
	if err := p.note(ctx, planNote, &last); err != nil {
		return err
	}
	if last.After(p.now) {
		p.Log.WarnContext(ctx, "the clock was set back; planning goes on from now", "last_plan", last, "now", p.now)
		last = p.now
	}
	var errs []error
	for _, z := range p.zones {
		policy, ok := p.policies[z.Chain()]
		if !ok || !p.due(ctx, z, last) {
			continue
		}
		if err := p.zone(ctx, z, policy); err != nil {
			errs = append(errs, fmt.Errorf("plan zone %s: %w", z.Name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err // the next plan looks at the same time again
	}
	return p.putNote(ctx, planNote, p.now)
}

func (p planning) due(ctx context.Context, z catalog.Zone, last time.Time) bool {
	if z.AddedAt.After(last) {
		return true
	}
	times := p.times
	if z.Schedule != "" {
		own, err := schedule.ParseTimes(z.Schedule)
		if err != nil { // was checked when it was set
			p.Log.WarnContext(ctx, "zone's schedule is unusable; the collector's own is used", "zone", z.Name, "error", err)
		} else {
			times = own
		}
	}
	return schedule.Due(times, last, p.now)
}

// planned is a range in which a zone's ledger has no hole.
type planned struct {
	From    time.Time `json:"from"`
	Through time.Time `json:"through"`
}

// zone enters what the ledger lacks up to the live edge, and moves the
// watermark. Nothing before the watermark is looked at again, unless the
// operator has moved the beginning back.
func (p planning) zone(ctx context.Context, z catalog.Zone, policy schedule.Policy) error {
	id, edge := z.Chain(), policy.Edge(p.now)
	var known planned
	if err := p.note(ctx, plannedNote+id.String(), &known); err != nil {
		return err
	}
	from := policy.Begin(z)
	if known.Through.After(from) && (z.From.IsZero() || !from.Before(known.From)) {
		from = known.Through
	} else {
		known.From = from
	}
	if !from.Before(edge) {
		return nil
	}
	rows, err := p.Catalog.Windows(ctx, id, from, edge)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	if windows := policy.Plan(p.now, from, rows); len(windows) > 0 {
		if err := p.Catalog.Plan(ctx, id, windows); err != nil {
			return err //nolint:wrapcheck // names the chain already
		}
	}
	known.Through = edge
	return p.putNote(ctx, plannedNote+id.String(), known)
}

// dispatch inserts jobs for what may be pulled now: all of the live edge, and
// of the backlog what is nearest to being lost.
func (p planning) dispatch(ctx context.Context) error {
	backlog, err := p.Catalog.Backlog(ctx)
	if err != nil {
		return fmt.Errorf("sum up backlog: %w", err)
	}
	p.warn(ctx, backlog)
	open := map[evidence.ChainID]bool{}
	for _, b := range backlog {
		open[b.Chain] = true
	}
	var insert []jobs.Insertion
	var old []catalog.Window
	for _, z := range p.zones {
		id := z.Chain()
		policy, ok := p.policies[id]
		liveFrom := policy.Live(p.now)
		if !ok || !open[id] || p.standings[id].NotBefore.After(p.now) {
			continue
		}
		fresh, err := p.Catalog.Windows(ctx, id, liveFrom, p.now, catalog.Planned, catalog.Pulling, catalog.Retrying, catalog.Blocked)
		if err != nil {
			return fmt.Errorf("read ledger: %w", err)
		}
		for _, w := range fresh {
			if !w.NextAt.After(p.now) && !w.Window.Start.Before(liveFrom) {
				insert = append(insert, jobs.WindowJob(id, w.Window, jobs.Live))
			}
		}
		due, err := p.Catalog.Due(ctx, id, p.now, p.Depth)
		if err != nil {
			return fmt.Errorf("read ledger: %w", err)
		}
		for _, w := range due {
			if w.Window.Start.Before(liveFrom) {
				old = append(old, w)
			}
		}
	}
	slices.SortStableFunc(old, func(a, b catalog.Window) int { return a.Window.Start.Compare(b.Window.Start) })
	for _, w := range old[:min(len(old), backlogJobs)] {
		insert = append(insert, jobs.WindowJob(w.Chain, w.Window, jobs.Backlog))
	}
	_, err = p.queue.Insert(ctx, insert)
	return err //nolint:wrapcheck // says what it did
}

// warn tells of windows that are on their way to being lost.
func (p planning) warn(ctx context.Context, backlog []catalog.Backlog) {
	if p.now.Sub(p.warnedAt) < warnEvery && !p.now.Before(p.warnedAt) {
		return
	}
	for _, b := range backlog {
		maxAge := p.policies[b.Chain].Limits.MaxAge
		if age := p.now.Sub(b.Oldest); maxAge > 0 && age >= warnAge(maxAge) {
			p.warnedAt = p.now
			p.Log.WarnContext(ctx, "windows are getting too old to be had", "chain", b.Chain.String(), "state", string(b.State),
				"windows", b.Windows, "oldest", b.Oldest, "age", age.Round(time.Minute), "lost_at", maxAge)
		}
	}
}
