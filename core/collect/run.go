package collect

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Request says what one run shall collect.
type Request struct {
	Chain  evidence.ChainID
	From   time.Time     // receive time, whole seconds
	To     time.Time     // exclusive
	Window time.Duration // length of newly planned windows
	Fields []string      // pinned fields; empty = the source's full list
}

// Summary is what a run did with the windows of its range.
type Summary struct {
	Sealed  int // in this run, empty ones included
	Empty   int
	Gaps    int
	Already int // sealed or lost by others or before
	Open    int // retrying: not sealed, not given up
	Blocked int
	Lines   int64
	Bytes   int64 // content
	// LastErr is the reason of the last window left open or blocked.
	LastErr error
}

// Complete reports whether every window of the range stands in the chain.
func (s Summary) Complete() bool { return s.Open == 0 && s.Blocked == 0 }

// run is one Collect of one chain.
type run struct {
	c      *Collector
	id     evidence.ChainID
	req    Request
	halted atomic.Bool // an operator has to act before anything more is asked for

	mu    sync.Mutex // guards the rest, and the order of Progress
	tried map[evidence.Window]int
	rest  time.Time // no window gets its turn before
	sum   Summary
	total int
	done  int
}

// Collect brings every window of the request's range into the chain, or says
// in the summary which could not be and why. Other processes may be at work on
// the same chain. An error means that the run itself could not go on; nothing
// sealed is undone by it.
func (c *Collector) Collect(ctx context.Context, req Request) (Summary, error) {
	r := &run{c: c, id: req.Chain, req: req, tried: map[evidence.Window]int{}}
	sl := c.enter(req.Chain) // the chain stays open from window to window
	defer c.leave(req.Chain, sl)
	err := c.CatchUp(ctx, req.Chain)
	if err == nil {
		err = r.plan(ctx, req.From, req.To, req.Window)
	}
	if err == nil {
		err = r.loop(ctx)
	}
	if err != nil {
		return r.sum, fmt.Errorf("collect %s: %w", req.Chain, err)
	}
	return r.sum, nil
}

// loop takes windows to their ends until every one of the range is in the
// chain, blocked, or has had its attempts.
func (r *run) loop(ctx context.Context) error {
	already, err := r.c.Catalog.Windows(ctx, r.id, r.req.From, r.req.To, catalog.Sealed, catalog.Lost)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	r.sum.Already = len(already)
	for {
		due, next, err := r.due(ctx)
		if err != nil {
			return err
		}
		if len(due) > 0 {
			if err := r.round(ctx, due); err != nil {
				return err
			}
			continue
		}
		if next.IsZero() {
			return r.closing(ctx)
		}
		if err := r.c.Wait(ctx, max(next.Sub(r.c.Now()), time.Millisecond)); err != nil {
			return err
		}
	}
}

// due returns the windows to pull now, oldest first since those are lost
// first, and when the next one becomes due.
func (r *run) due(ctx context.Context) (due []catalog.Window, next time.Time, err error) {
	rows, err := r.c.Catalog.Windows(ctx, r.id, r.req.From, r.req.To,
		catalog.Planned, catalog.Pulling, catalog.Retrying, catalog.Blocked)
	if err != nil {
		return nil, next, fmt.Errorf("read ledger: %w", err)
	}
	if r.halted.Load() {
		return nil, next, nil
	}
	r.total = r.done
	now := r.c.Now()
	for _, w := range rows {
		if r.tried[w.Window] >= r.c.Attempts {
			continue
		}
		r.total++
		if w.State == catalog.Retrying && w.NextAt.After(now) {
			if next.IsZero() || w.NextAt.Before(next) {
				next = w.NextAt
			}
			continue
		}
		due = append(due, w)
	}
	if len(due) > 0 && r.rest.After(now) {
		return nil, r.rest, nil
	}
	return due, next, nil
}

// round works on the due windows, several at once.
func (r *run) round(ctx context.Context, due []catalog.Window) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(r.c.Concurrency)
	for _, w := range due {
		if r.halted.Load() || gctx.Err() != nil || r.resting() {
			break // their windows stay open
		}
		g.Go(func() error {
			if r.halted.Load() {
				return nil
			}
			out, err := r.c.Window(gctx, w, r.req.Fields)
			if err != nil {
				return err
			}
			return r.note(w.Window, out)
		})
	}
	if err := g.Wait(); err != nil {
		return err //nolint:wrapcheck // made by this package
	}
	return ctx.Err() //nolint:wrapcheck // the caller's own cancellation
}

// resting reports whether the source's budget is spent for the moment.
func (r *run) resting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rest.After(r.c.Now())
}

// note counts an outcome and passes it on. A full spool ends the run.
func (r *run) note(w evidence.Window, out Outcome) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried[w]++
	switch {
	case out.Already:
		r.sum.Already++
		return nil
	case out.State == catalog.Planned:
		if !out.NextAt.IsZero() {
			r.tried[w]--
			r.rest = out.NextAt
		}
		return nil
	case out.State == catalog.Sealed:
		r.sum.Sealed++
		r.done++
		if out.Lines == 0 {
			r.sum.Empty++
		}
	case out.State == catalog.Lost:
		r.sum.Gaps++
		r.done++
	default:
		r.sum.LastErr = out.Err
	}
	if out.State == catalog.Blocked {
		r.halted.Store(true)
	}
	r.sum.Lines += out.Lines
	r.sum.Bytes += out.Bytes
	r.c.Progress(Event{
		Chain: r.id, Window: w, State: out.State, Lines: out.Lines, Bytes: out.Bytes,
		Planned: max(r.total, r.done), Done: r.done, Err: out.Err,
	})
	if errors.Is(out.Err, syscall.ENOSPC) {
		return fmt.Errorf("spool folder %s: %w", r.c.SpoolDir, out.Err) // the window stays open
	}
	return nil
}

// closing counts what is left open.
func (r *run) closing(ctx context.Context) error {
	open, err := r.c.Catalog.Windows(ctx, r.id, r.req.From, r.req.To,
		catalog.Planned, catalog.Pulling, catalog.Retrying, catalog.Blocked)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	for _, w := range open {
		if w.State == catalog.Blocked {
			r.sum.Blocked++
		} else {
			r.sum.Open++
		}
	}
	if r.sum.Complete() {
		r.sum.LastErr = nil
	}
	return nil
}
