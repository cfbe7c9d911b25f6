// Package schedule decides which windows of a zone's receive time enter the
// ledger, and in which order they are pulled.
//
// # Order
//
// A collector that was away has two kinds of work. The live edge is small and
// comes first, because an incident is looked into now; the backlog is served
// from its oldest end, because that is what the source forgets next. Each has
// workers of its own, so that neither waits for the other.
//
// # Bounds
//
// The source forgets a window at a greatest age (168 h for Logpull). What is
// past it already when it is planned becomes one window, which is then sealed
// as one gap, and not a row for each five minutes of a year.
package schedule

import (
	"errors"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// live is how far behind the edge windows are planned in their usual length
// and pulled before all others, if that is more than one window.
const live = 15 * time.Minute

// Policy is how a collector plans.
type Policy struct {
	Window   time.Duration // length of a window at the live edge
	Lag      time.Duration // how far behind now it ends
	Backfill time.Duration // how far back a zone that names no beginning begins
	Limits   source.Limits
}

// For is the policy over a source: its windows are no wider and end no nearer
// to now than the source allows.
func (p Policy) For(l source.Limits) Policy {
	p.Limits = l
	if l.MaxWindow > 0 {
		p.Window = max(min(p.Window, l.MaxWindow.Truncate(time.Second)), time.Second)
	}
	p.Lag = max(p.Lag, l.MinLag)
	return p
}

// Edge is where the live edge ends at a time: a multiple of Window since the
// epoch, so that two plans agree.
func (p Policy) Edge(now time.Time) time.Time { return now.UTC().Add(-p.Lag).Truncate(p.Window) }

// Live is where the live edge begins.
func (p Policy) Live(now time.Time) time.Time {
	return p.Edge(now).Add(-max(p.Window, live)).Truncate(p.Window)
}

// Begin is where a zone's collection begins: where the operator says, else as
// far before its adding as Backfill and the source's memory reach.
func (p Policy) Begin(z catalog.Zone) time.Time {
	if !z.From.IsZero() {
		return z.From.UTC().Truncate(time.Second)
	}
	back := p.Backfill
	if p.Limits.MaxAge > 0 {
		back = min(back, p.Limits.MaxAge-slack)
	}
	return z.AddedAt.Add(-back).UTC().Truncate(p.Window)
}

// slack keeps a new zone's first windows clear of the source's greatest age.
const slack = 10 * time.Minute

// Plan returns the windows that the ledger lacks between from and the live
// edge: what is gone already as one window, then the backlog in the widest windows
// that the source serves, then the live edge. rows are the ledger's from there
// on, by start.
func (p Policy) Plan(now, from time.Time, rows []catalog.Window) []evidence.Window {
	gone, at := from, p.Live(now)
	if p.Limits.MaxAge > 0 {
		gone = now.UTC().Add(-p.Limits.MaxAge).Truncate(time.Second).Add(time.Second)
	}
	var windows []evidence.Window
	for _, hole := range Uncovered(from, p.Edge(now), rows) {
		start := hole.Start
		if end := earliest(gone, hole.End); start.Before(end) {
			windows, start = append(windows, evidence.Window{Start: start, End: end}), end
		}
		if end := earliest(at, hole.End); start.Before(end) {
			windows, start = append(windows, Tile(start, end, p.wide())...), end
		}
		windows = append(windows, Tile(start, hole.End, p.Window)...)
	}
	return windows
}

// Uncovered returns what of [from, to) no row covers. Rows are sorted by start
// and do not overlap.
func Uncovered(from, to time.Time, rows []catalog.Window) []evidence.Window {
	var out []evidence.Window
	for _, r := range rows {
		if !from.Before(to) {
			return out
		}
		if r.Window.Start.After(from) {
			out = append(out, evidence.Window{Start: from.UTC(), End: earliest(r.Window.Start, to).UTC()})
		}
		if r.Window.End.After(from) {
			from = r.Window.End
		}
	}
	if from.Before(to) {
		out = append(out, evidence.Window{Start: from.UTC(), End: to.UTC()})
	}
	return out
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// wide is the length of the backlog's windows.
func (p Policy) wide() time.Duration {
	if p.Limits.MaxWindow == 0 {
		return max(p.Window, time.Hour)
	}
	return max(p.Window, min(time.Hour, p.Limits.MaxWindow))
}

// Tile parts [from, to) into windows of at most size, cut at multiples of
// size since the epoch, so that two plans of the same range agree.
func Tile(from, to time.Time, size time.Duration) []evidence.Window {
	var out []evidence.Window
	for start := from; start.Before(to); {
		end := start.Truncate(size).Add(size)
		if end.After(to) {
			end = to
		}
		out = append(out, evidence.Window{Start: start.UTC(), End: end.UTC()})
		start = end
	}
	return out
}

// Times is when something is due.
type Times interface {
	Next(after time.Time) time.Time
}

// ParseTimes reads a cron expression of five fields ("*/5 * * * *", in UTC) or
// a descriptor ("@hourly", "@every 10m").
func ParseTimes(expr string) (Times, error) {
	if expr == "" {
		return nil, errors.New("schedule is empty")
	}
	s, err := cron.ParseStandard(expr)
	if err != nil {
		return nil, fmt.Errorf("schedule %.80q is no cron expression such as \"*/5 * * * *\": %w", expr, err)
	}
	if s.Next(time.Now()).IsZero() {
		return nil, fmt.Errorf("schedule %.80q never comes", expr)
	}
	if e, ok := s.(cron.ConstantDelaySchedule); ok {
		return every(e.Delay), nil
	}
	return s, nil
}

// every is the schedule "@every D", at the multiples of D since the year 1. The
// library's own comes D after whenever it is asked: who asks more often than
// that is told "not yet" for ever.
type every time.Duration

func (e every) Next(t time.Time) time.Time {
	return t.UTC().Truncate(time.Duration(e)).Add(time.Duration(e))
}

// Due reports whether a schedule came in (last, now].
func Due(t Times, last, now time.Time) bool {
	return last.IsZero() || !t.Next(last.UTC()).After(now.UTC())
}
