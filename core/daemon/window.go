package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
	"github.com/fabriziosalmi/rainlogs/core/metrics"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// window works on one window. What it returns is for the queue: nil where the
// ledger says how it goes on.
func (d *Daemon) window(ctx context.Context, id evidence.ChainID, w evidence.Window) error {
	row, zone, err := d.openRow(ctx, id, w)
	if err != nil || row == nil {
		return err
	}
	standing, err := d.Catalog.Standing(ctx, id)
	if err != nil {
		return fmt.Errorf("read standing of %s: %w", id, err)
	}
	now := d.Now()
	if standing.NotBefore.After(now) {
		return nil // the plan inserts it again when the zone's rest is over
	}
	if standing.Blocked != "" {
		// One window at a time finds out whether it has been mended.
		standing.NotBefore = now.Add(d.Recheck)
		if err := d.Catalog.PutStanding(ctx, standing); err != nil {
			return fmt.Errorf("keep standing of %s: %w", id, err)
		}
	}
	fields, err := d.fields(ctx, id)
	if err != nil {
		return d.setBack(ctx, zone, *row, err)
	}
	begun := time.Now()
	out, err := d.Collector.Window(ctx, *row, fields)
	if err != nil {
		if ctx.Err() != nil {
			return jobs.Later(0) // cut off by the end of this process; the next one takes it up
		}
		return d.setBack(ctx, zone, *row, err)
	}
	return d.judge(ctx, zone, w, standing, out, time.Since(begun))
}

// openRow returns the ledger's row of a window, nil if there is nothing to be
// done: it was sealed or parted, its time has not come, or its zone is not
// collected any more.
func (d *Daemon) openRow(ctx context.Context, id evidence.ChainID, w evidence.Window) (*catalog.Window, catalog.Zone, error) {
	rows, err := d.Catalog.Windows(ctx, id, w.Start, w.End, catalog.Planned, catalog.Pulling, catalog.Retrying, catalog.Blocked)
	if err != nil {
		return nil, catalog.Zone{}, fmt.Errorf("read ledger of %s: %w", id, err)
	}
	if len(rows) != 1 || rows[0].Window != w || rows[0].NextAt.After(d.Now()) {
		return nil, catalog.Zone{}, nil
	}
	zones, err := d.Catalog.ListZones(ctx)
	if err != nil {
		return nil, catalog.Zone{}, fmt.Errorf("list zones: %w", err)
	}
	for _, z := range zones {
		if z.Chain() == id && !z.Paused {
			return &rows[0], z, nil
		}
	}
	return nil, catalog.Zone{}, nil
}

// judge draws the zone's standing from a window's outcome.
func (d *Daemon) judge(ctx context.Context, z catalog.Zone, w evidence.Window, standing catalog.Standing, out collect.Outcome, took time.Duration) error {
	id := z.Chain()
	switch out.State {
	case catalog.Sealed:
		if !out.Already {
			d.Recorder.WindowSealed(z, out.Lines, out.Bytes, took)
			d.Log.DebugContext(ctx, "window sealed", "chain", id.String(), "window", w.String(), "lines", out.Lines)
		}
		return d.unblock(ctx, standing)
	case catalog.Lost:
		reason := reasonOf(out.Err)
		d.Recorder.GapSealed(z, reason)
		d.Log.WarnContext(ctx, "window is lost and sealed as a gap", "chain", id.String(), "window", w.String(), "reason", reason)
		return nil
	case catalog.Blocked:
		d.Recorder.WindowFailed(z, string(source.ClassOf(out.Err)))
		return d.block(ctx, standing, reasonOf(out.Err), out.Err.Error())
	case catalog.Planned:
		if out.NextAt.IsZero() {
			d.Recorder.WindowFailed(z, string(source.ClassSplit))
			return nil
		}
		return jobs.Later(out.NextAt.Sub(d.Now()))
	}
	d.Recorder.WindowFailed(z, string(source.ClassOf(out.Err)))
	d.Log.InfoContext(ctx, "window is tried again", "chain", id.String(), "window", w.String(), "at", out.NextAt, "error", out.Err)
	if reasonOf(out.Err) == source.ReasonFields {
		return d.forgetFields(ctx, id)
	}
	return nil
}

func reasonOf(err error) string {
	var e *source.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Reason
}

// block takes the zone out of work but for a window now and then.
func (d *Daemon) block(ctx context.Context, s catalog.Standing, reason, detail string) error {
	if reason == "" {
		reason = string(source.ClassBlocked)
	}
	if s.Blocked != reason {
		d.Log.ErrorContext(ctx, "zone is blocked: an operator has to act", "chain", s.Chain.String(), "reason", reason, "detail", detail)
		s.Since = d.Now().UTC()
	}
	s.Blocked, s.Detail, s.NotBefore = reason, detail, d.Now().Add(d.Recheck)
	if err := d.Catalog.PutStanding(ctx, s); err != nil {
		return fmt.Errorf("keep standing of %s: %w", s.Chain, err)
	}
	return nil
}

func (d *Daemon) unblock(ctx context.Context, s catalog.Standing) error {
	if s.Blocked == "" {
		return nil
	}
	d.Log.InfoContext(ctx, "zone works again", "chain", s.Chain.String(), "was", s.Blocked, "since", s.Since)
	s.Blocked, s.Detail, s.Since, s.NotBefore = "", "", time.Time{}, time.Time{}
	if err := d.Catalog.PutStanding(ctx, s); err != nil {
		return fmt.Errorf("keep standing of %s: %w", s.Chain, err)
	}
	return nil
}

// setBack enters a failure around a window, the storage's or our own, into the
// ledger. If even that fails, the queue tries again by itself.
func (d *Daemon) setBack(ctx context.Context, z catalog.Zone, row catalog.Window, cause error) error {
	reason := trouble(cause)
	d.Recorder.WindowFailed(z, classOf(cause))
	wait := d.Recheck / 5
	switch e := (*source.Error)(nil); {
	case errors.As(cause, &e) && e.Reason == schedule.ReasonBudget:
		return jobs.Later(e.After)
	case errors.As(cause, &e) && e.After > wait:
		wait = e.After
	case reason == "damaged":
		wait = d.Recheck
	}
	d.Log.WarnContext(ctx, "window is set back", "chain", row.Chain.String(), "window", row.Window.String(), "reason", reason, "error", cause)
	row.State, row.Reason, row.Detail = catalog.Retrying, reason, cause.Error()
	if reason == "damaged" {
		row.State = catalog.Blocked
	}
	row.Attempts++
	row.NextAt = d.Now().Add(wait)
	if err := d.Catalog.Update(ctx, row); err != nil {
		return errors.Join(cause, err)
	}
	return nil
}

// classOf is the class under which a failure around a window is counted.
func classOf(cause error) string {
	var e *source.Error
	switch {
	case errors.As(cause, &e):
		return string(source.ClassOf(cause))
	case strings.HasPrefix(trouble(cause), "storage"):
		return metrics.ClassStore
	}
	return metrics.ClassInternal
}

// trouble names what failed around a window.
func trouble(err error) string {
	switch {
	case errors.Is(err, chain.ErrDamaged):
		return "damaged"
	case errors.Is(err, syscall.ENOSPC):
		return "spool_full"
	case errors.Is(err, storage.ErrFull):
		return "storage_full"
	case errors.Is(err, storage.ErrPermission):
		return "storage_permission"
	case errors.Is(err, storage.ErrUnavailable):
		return "storage_unavailable"
	case errors.Is(err, catalog.ErrUnavailable):
		return "catalog_unavailable"
	case errors.Is(err, catalog.ErrBusy), errors.Is(err, chain.ErrContended), errors.Is(err, chain.ErrMoved):
		return "contended"
	}
	return "internal"
}
