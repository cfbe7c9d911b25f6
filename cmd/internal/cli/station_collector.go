package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/collector"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/doctor"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
	"github.com/fabriziosalmi/rainlogs/core/metrics"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
	screens "github.com/fabriziosalmi/rainlogs/tui/screen/collector"
)

// overseer is what the Collector screen sees of the catalog on this machine,
// and of the daemon beside it. Each question opens what it needs anew: any of
// it may have been away a moment ago.
type overseer struct {
	env *site.Env
	g   *site.Globals
}

var _ screens.Data = (*overseer)(nil)

// quiet is an env that writes nothing to the terminal, which a screen is drawn
// on: what is said goes to out.
func quiet(env *site.Env, out io.Writer) *site.Env {
	still := *env
	still.In, still.Out, still.Err = strings.NewReader(""), out, out
	still.Terminal, still.Interactive, still.OutTerminal = false, false, false
	return &still
}

// hinted says what to do about an error, if that is known.
func advised(err error) error {
	if hint := site.Hint(err); err != nil && hint != "" {
		return fmt.Errorf("%w → %s", err, hint)
	}
	return err
}

// open opens the catalog; what is said of it goes to out.
func (o *overseer) open(ctx context.Context, out io.Writer) (*workspace, error) {
	w, err := openCatalog(ctx, quiet(o.env, out), o.g)
	return w, advised(err)
}

// Look reads the catalog and its queue, and asks the daemon how it is.
func (o *overseer) Look(ctx context.Context) (screens.Standing, error) {
	w, err := o.open(ctx, io.Discard)
	if err != nil {
		return screens.Standing{}, err
	}
	defer w.Close()
	out := screens.Standing{
		At: w.Env.Now().UTC(), Catalog: catalogName(w.Config.Catalog),
	}
	out.Daemon, out.Budgets = askDaemon(ctx, w.Config.Server.Listen)
	views, err := w.zoneViews()
	if err != nil {
		return out, advised(err)
	}
	for i := range views {
		out.Zones = append(out.Zones, zoneOfView(&views[i]))
		if err := w.windowsAtWork(&out, &views[i]); err != nil {
			return out, advised(err)
		}
	}
	return out, advised(w.jobsAtWork(&out))
}

// catalogName is a catalog's address without what may be a secret.
func catalogName(address string) string {
	if strings.HasPrefix(address, "sqlite:") {
		return address
	}
	scheme, _, _ := strings.Cut(address, ":")
	return scheme
}

func zoneOfView(v *zoneView) screens.Zone {
	levels := map[zoneState]screens.Level{collecting: screens.Good, paused: screens.Quiet, blocked: screens.Bad, resting: screens.Quiet}
	out := screens.Zone{
		ID: screens.ID{Zone: v.Zone, Dataset: v.Dataset}, Name: v.Name, Source: v.Source, Subject: v.Subject, Schedule: v.Schedule,
		State: string(v.State), Level: levels[v.State], Paused: v.State == paused, Blocked: v.Blocked != "", Detail: v.Detail, Remedy: v.Remedy, Since: v.BlockedSince,
		NotBefore: v.NotBefore, SealedUntil: v.SealedUntil, Lag: time.Duration(v.LagSeconds) * time.Second, OldestOpen: v.OldestOpen, AddedAt: v.AddedAt, From: v.From,
		Planned: v.OpenBy[catalog.Planned], Pulling: v.OpenBy[catalog.Pulling], Retrying: v.OpenBy[catalog.Retrying], BlockedWindows: v.OpenBy[catalog.Blocked],
	}
	if v.Blocked != "" {
		out.State = v.stateText()
	}
	if out.Level == screens.Good && out.Retrying+out.BlockedWindows > 0 {
		out.Level = screens.Warn
	}
	return out
}

// maxWindows is how many windows of a zone are listed.
const maxWindows = 300

// windowsAtWork lists the windows of a zone that are more than planned.
func (w *workspace) windowsAtWork(out *screens.Standing, v *zoneView) error {
	if v.OpenBy[catalog.Pulling]+v.OpenBy[catalog.Retrying]+v.OpenBy[catalog.Blocked] == 0 {
		return nil
	}
	id := catalog.Zone{ID: v.Zone, Dataset: v.Dataset}.Chain()
	found, err := w.Catalog.Windows(w.ctx, id, v.OldestOpen, w.Env.Now().Add(24*time.Hour), catalog.Pulling, catalog.Retrying, catalog.Blocked)
	if err != nil {
		return fmt.Errorf("list windows: %w", err)
	}
	out.More += int64(max(0, len(found)-maxWindows))
	levels := map[catalog.State]screens.Level{catalog.Pulling: screens.Good, catalog.Retrying: screens.Warn, catalog.Blocked: screens.Bad}
	for _, f := range found[:min(len(found), maxWindows)] {
		shown := screens.Window{
			ID: screens.ID{Zone: v.Zone, Dataset: v.Dataset}, Name: v.Name, From: f.Window.Start.UTC(), To: f.Window.End.UTC(), State: string(f.State), Level: levels[f.State],
			Attempts: f.Attempts, Next: f.NextAt, Reason: f.Reason, Detail: f.Detail,
		}
		if f.State == catalog.Blocked {
			shown.Detail, shown.Remedy = remedyOf(catalog.Standing{Blocked: f.Reason, Detail: f.Detail})
		}
		out.Windows = append(out.Windows, shown)
	}
	return nil
}

// maxJobs is how many jobs are listed.
const maxJobs = 500

// jobsAtWork lists the jobs that are not completed.
func (w *workspace) jobsAtWork(out *screens.Standing) error {
	ok, err := site.HasQueue(w.ctx, w.Catalog)
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	if out.NoQueue = !ok; !ok {
		return nil
	}
	queue, err := site.OpenQueue(w.ctx, w.Catalog, jobs.Config{Log: w.Logger()})
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	defer func() { err = errors.Join(err, queue.Close()) }()
	names := map[string]string{}
	for i := range out.Zones {
		names[out.Zones[i].Zone] = out.Zones[i].Name
	}
	for _, state := range jobs.States() {
		if state == jobs.StateCompleted {
			continue
		}
		found, err := queue.List(w.ctx, jobs.Filter{States: []string{state}, Limit: maxJobs - len(out.Jobs) + 1})
		if err != nil {
			return err //nolint:wrapcheck // says what it did
		}
		for i := range found {
			if len(out.Jobs) == maxJobs {
				out.MoreJob = true
				return nil
			}
			out.Jobs = append(out.Jobs, jobOf(&found[i], names))
		}
	}
	return nil
}

func jobOf(j *jobs.Job, names map[string]string) screens.Job {
	out := screens.Job{
		Number: j.ID, Kind: j.Kind, Queue: j.Queue, State: j.State, Name: names[j.Zone], From: j.Start, To: j.End, Attempt: j.Attempt, Attempts: j.MaxAttempts,
		Created: j.CreatedAt, Tried: j.AttemptedAt, By: j.AttemptedBy,
	}
	if out.Name == "" {
		out.Name = j.Zone
	}
	switch j.State {
	case jobs.StateRunning:
		out.CanCancel = true
	case jobs.StateAvailable:
		out.Due, out.CanCancel = j.ScheduledAt, true
	case jobs.StateRetryable, jobs.StateScheduled:
		out.Level = map[string]screens.Level{jobs.StateRetryable: screens.Warn, jobs.StateScheduled: screens.Quiet}[j.State]
		out.Due, out.CanRetry, out.CanCancel = j.ScheduledAt, true, true
	case jobs.StateDiscarded:
		out.Level, out.CanRetry = screens.Bad, true
	case jobs.StateCancelled:
		out.Level, out.CanRetry = screens.Quiet, true
	}
	for _, f := range j.Errors {
		out.Failures = append(out.Failures, screens.Failure{At: f.At, Attempt: f.Attempt, Text: f.Error})
	}
	return out
}

// Plugins lists the plugins.
func (o *overseer) Plugins(ctx context.Context) ([]screens.Plugin, error) {
	s, err := openPlugins(quiet(o.env, io.Discard), o.g)
	if err != nil {
		return nil, advised(err)
	}
	defer s.Close()
	views, err := s.pluginViews(ctx)
	if err != nil {
		return nil, advised(err)
	}
	levels := map[standing]screens.Level{builtIn: screens.Good, pinned: screens.Good, notPinned: screens.Warn, wrongDigest: screens.Bad, untrusted: screens.Bad, missing: screens.Bad, hidden: screens.Warn}
	var out []screens.Plugin
	for _, v := range views {
		p := screens.Plugin{Name: v.Name, Kind: v.Kind, Version: v.Version, State: string(v.State), Level: levels[v.State], UsedBy: v.UsedBy, File: v.Path, SHA256: v.SHA256, Detail: v.Detail}
		if p.Level == screens.Good && len(p.UsedBy) == 0 {
			p.Level = screens.Quiet
		}
		if p.Level == screens.Good && v.Detail != "" {
			p.Level = screens.Warn
		}
		out = append(out, p)
	}
	return out, nil
}

// Checks looks at everything that collecting needs.
func (o *overseer) Checks(ctx context.Context) ([]screens.Check, error) {
	report := doctor.Run(ctx, doctor.Config{Env: quiet(o.env, io.Discard), Globals: o.g, AskHealth: collector.AskHealth})
	if ctx.Err() != nil {
		return nil, ctx.Err() //nolint:wrapcheck // the person's own stop
	}
	levels := map[doctor.Status]screens.Level{doctor.OK: screens.Good, doctor.Warn: screens.Warn, doctor.Fail: screens.Bad}
	var out []screens.Check
	for _, c := range report.Checks {
		out = append(out, screens.Check{Level: levels[c.Status], Name: c.Check, Subject: c.Subject, Found: c.Found, ToBeDone: c.Remedy})
	}
	return out, nil
}

// Do does what it is told.
func (o *overseer) Do(ctx context.Context, order screens.Order) (string, error) {
	var said bytes.Buffer
	switch order.Kind {
	case screens.Retry:
		text, err := collector.Retry(ctx, quiet(o.env, io.Discard), o.g, order.Job)
		return text, advised(err)
	case screens.Cancel:
		text, err := collector.Cancel(ctx, quiet(o.env, io.Discard), o.g, order.Job)
		return text, advised(err)
	case screens.Pause, screens.Resume:
	default:
		return "", fmt.Errorf("%q is nothing that can be ordered", order.Kind)
	}
	w, err := o.open(ctx, &said)
	if err != nil {
		return "", err
	}
	defer w.Close()
	z, err := w.zoneOf(order.Zone)
	if err != nil {
		return "", advised(err)
	}
	if order.Kind == screens.Pause {
		err = w.pause(z)
	} else {
		err = w.resume(z)
	}
	return oneLine(strings.ReplaceAll(strings.TrimSpace(said.String()), "\n", "; ")), advised(err)
}

// zoneOf finds a zone of one dataset.
func (w *workspace) zoneOf(id screens.ID) (catalog.Zone, error) {
	all, err := w.Catalog.ListZones(w.ctx)
	if err != nil {
		return catalog.Zone{}, fmt.Errorf("list zones: %w", err)
	}
	for _, z := range all {
		if z.ID == id.Zone && z.Dataset == id.Dataset {
			return z, nil
		}
	}
	return catalog.Zone{}, site.Usagef("zone %s is no longer under collection", id.Zone)
}

// Pull collects what is due of a zone, from where it is sealed to.
func (o *overseer) Pull(ctx context.Context, id screens.ID, progress func(screens.Progress)) (string, error) {
	var said bytes.Buffer
	env := quiet(o.env, &said)
	w, err := openWorkspace(ctx, env, o.g)
	if err != nil {
		return "", advised(err)
	}
	defer w.Close()
	z, err := w.zoneOf(id)
	if err != nil {
		return "", advised(err)
	}
	req, due, err := w.dueOf(z)
	if err != nil || !due {
		return "nothing is due: it is sealed as far as whole windows go", advised(err)
	}
	env.Err = io.Discard // what is said now is the summary
	at := screens.Progress{}
	sum, err := w.collectFrom(w.sources(), z, req, func(ev collect.Event) {
		at.Done, at.Planned = ev.Done, ev.Planned
		at.Lines, at.Bytes = at.Lines+ev.Lines, at.Bytes+ev.Bytes
		if ev.Err != nil {
			at.Last = oneLine(ev.Err.Error())
		}
		progress(at)
	})
	if err != nil {
		return "", advised(err)
	}
	said.Reset()
	if err := printSummary(w, z, req, sum); err != nil {
		return "", err
	}
	return oneLine(said.String()), advised(pullOutcome(sum, false))
}

// dueOf is what of a zone is due: whole windows, from where it is sealed to.
func (w *workspace) dueOf(z catalog.Zone) (req collect.Request, due bool, err error) {
	backlog, err := w.Catalog.Backlog(w.ctx)
	if err != nil {
		return req, false, fmt.Errorf("sum up backlog: %w", err)
	}
	open := slices.DeleteFunc(backlog, func(b catalog.Backlog) bool { return b.Chain != z.Chain() })
	from, err := metrics.SealedUntil(w.ctx, w.Catalog, z, open)
	if err != nil {
		return req, false, err //nolint:wrapcheck // names the zone already
	}
	limits, err := w.sourceLimits(z)
	if err != nil {
		return req, false, err
	}
	policy := schedule.Policy{Window: w.Config.Collector.Window, Lag: w.Config.Collector.Lag}.For(limits)
	now := w.Env.Now().UTC()
	if oldest := now.Add(-limits.MaxAge).Add(time.Minute).Truncate(time.Minute); limits.MaxAge > 0 && from.Before(oldest) {
		from = oldest
	}
	req = collect.Request{Chain: z.Chain(), From: from.Truncate(time.Second), To: now.Add(-policy.Lag).Truncate(policy.Window), Window: policy.Window}
	return req, req.From.Before(req.To), nil
}
