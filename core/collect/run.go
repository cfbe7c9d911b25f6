package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// run is one Collect of one chain.
type run struct {
	c       *Collector
	id      evidence.ChainID
	req     Request
	dataset source.Dataset
	limits  source.Limits
	log     *chain.Log
	sealer  *sealer
	tried   map[evidence.Window]int // attempts in this run
	halted  atomic.Bool             // an operator has to act before anything more is asked for

	mu    sync.Mutex // guards sum and the order of Progress
	sum   Summary
	total int
	done  int
}

// loop pulls and seals until every window of the range is in the chain,
// blocked, or has had its attempts.
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
		if len(due) == 0 {
			if next.IsZero() {
				return r.closing(ctx)
			}
			if err := r.c.Wait(ctx, max(next.Sub(r.c.Now()), time.Millisecond)); err != nil {
				return err
			}
			continue
		}
		if err := r.round(ctx, due); err != nil {
			return err
		}
	}
}

// due returns the windows to pull now, oldest first since those are lost
// first, and when the next one becomes due.
func (r *run) due(ctx context.Context) (due []catalog.Window, next time.Time, err error) {
	rows, err := r.c.Catalog.Windows(ctx, r.id, r.req.From, r.req.To, catalog.Planned, catalog.Pulling, catalog.Retrying, catalog.Blocked)
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
	return due, next, nil
}

// pulled is what a worker hands to the sealing goroutine.
type pulled struct {
	row     catalog.Window
	content *spooled
	stream  *source.Stream
	err     error
}

// round pulls the due windows with several workers and seals them in this
// goroutine, in the order in which they come in.
func (r *run) round(ctx context.Context, due []catalog.Window) error {
	g, gctx := errgroup.WithContext(ctx)
	todo := make(chan catalog.Window)
	results := make(chan pulled)
	g.Go(func() error {
		defer close(todo)
		for _, w := range due {
			select {
			case todo <- w:
			case <-gctx.Done():
				return nil
			}
		}
		return nil
	})
	var workers sync.WaitGroup
	for range min(r.c.Concurrency, len(due)) {
		workers.Add(1)
		g.Go(func() error {
			defer workers.Done()
			for w := range todo {
				if r.halted.Load() {
					continue
				}
				p := r.pull(gctx, w)
				select {
				case results <- p:
				case <-gctx.Done():
					discard(p)
					return nil
				}
			}
			return nil
		})
	}
	g.Go(func() error { workers.Wait(); close(results); return nil })
	g.Go(func() error {
		for p := range results {
			if err := r.settle(gctx, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return err //nolint:wrapcheck // made by this package
	}
	return ctx.Err() //nolint:wrapcheck // the caller's own cancellation
}

func discard(p pulled) {
	if p.content != nil {
		_ = os.Remove(p.content.path) // pulled again at the next start
	}
}

// pull brings one window into the spool.
func (r *run) pull(ctx context.Context, row catalog.Window) pulled {
	p := pulled{row: row}
	if age := r.c.Now().Sub(row.Window.Start); r.limits.MaxAge > 0 && age > r.limits.MaxAge {
		p.err = &source.Error{
			Op: "pull", Class: source.ClassGone, Reason: source.ReasonTooOld,
			Msg: fmt.Sprintf("the window is older than the %s the source keeps", r.limits.MaxAge),
		}
		return p
	}
	row.State = catalog.Pulling
	if p.err = r.c.Catalog.Update(ctx, row); p.err != nil {
		return p
	}
	p.stream, p.err = r.c.Source.Pull(ctx, source.Request{
		Zone: r.id.Zone, Dataset: r.id.Dataset,
		Start: row.Window.Start, End: row.Window.End, Fields: r.req.Fields,
	})
	if p.err != nil {
		return p
	}
	path := filepath.Join(r.c.SpoolDir, partName(r.id, row.Window))
	p.content, p.err = spool(ctx, path, p.stream, r.dataset, spoolLimits{r.c.MaxContent})
	if closeErr := p.stream.Body.Close(); p.err == nil && closeErr != nil {
		r.c.Log.DebugContext(ctx, "close stream", "error", closeErr) // all bytes were read and checked
	}
	return p
}

// settle seals a pulled window or enters its failure into the ledger.
func (r *run) settle(ctx context.Context, p pulled) error {
	r.tried[p.row.Window]++
	if p.err != nil {
		if ctx.Err() != nil {
			return ctx.Err() //nolint:wrapcheck // the caller's own cancellation
		}
		return r.failed(ctx, p.row, p.err)
	}
	pending, err := r.sealer.admit(ctx, p)
	if err == nil {
		err = r.sealer.seal(ctx, pending)
	}
	if errors.Is(err, errAlreadySealed) {
		r.sum.Already++
		return nil
	}
	if err != nil {
		return fmt.Errorf("seal window %s: %w", p.row.Window, err)
	}
	c := p.content.content
	r.note(Event{Window: p.row.Window, State: catalog.Sealed, Lines: c.Lines, Bytes: c.Bytes})
	return nil
}

// failed moves a window on after an error, by the error's class.
func (r *run) failed(ctx context.Context, row catalog.Window, cause error) error {
	if errors.Is(cause, syscall.ENOSPC) {
		return fmt.Errorf("spool folder %s: %w", r.c.SpoolDir, cause) // the window stays open
	}
	if r.halted.Load() {
		return nil // what the others say now adds nothing; their windows stay open
	}
	if err := r.sealer.checkOpen(ctx, row.Window); errors.Is(err, errAlreadySealed) {
		r.sum.Already++ // by another collector, while we pulled
		return nil
	} else if err != nil {
		return err
	}
	row.Attempts++
	row.Detail = cause.Error()
	var classed *source.Error
	_ = errors.As(cause, &classed) // nil is ClassRetry without After
	switch class := source.ClassOf(cause); {
	case class == source.ClassGone:
		return r.lost(ctx, row, classed)
	case class == source.ClassBlocked || class == source.ClassBug:
		r.halted.Store(true)
		row.State, row.Reason = catalog.Blocked, string(class)
		if classed.Reason != "" {
			row.Reason = classed.Reason
		}
	case class == source.ClassSplit && r.tried[row.Window] > 1 && halves(row.Window) != nil,
		errors.Is(cause, errTooLarge) && halves(row.Window) != nil:
		r.c.Log.InfoContext(ctx, "window is halved", "window", row.Window.String(), "cause", cause)
		if err := r.c.Catalog.Split(ctx, r.id, row.Window, halves(row.Window)); err != nil {
			return fmt.Errorf("split window %s: %w", row.Window, err)
		}
		return nil
	default:
		row.State, row.Reason = catalog.Retrying, string(class)
		row.NextAt = r.c.Now().Add(r.backoff(row.Window, classed))
	}
	if err := r.c.Catalog.Update(ctx, row); err != nil {
		return fmt.Errorf("enter failure of window %s: %w", row.Window, err)
	}
	r.note(Event{Window: row.Window, State: row.State, Err: cause})
	return nil
}

func (r *run) backoff(w evidence.Window, classed *source.Error) time.Duration {
	d := r.c.Backoff << min(r.tried[w]-1, 6)
	if d = jitter(min(d, time.Minute)); classed != nil {
		d = max(d, classed.After)
	}
	return d
}

// lost seals a gap.
func (r *run) lost(ctx context.Context, row catalog.Window, cause *source.Error) error {
	reason := cause.Reason
	if reason == "" {
		reason = evidence.GapTooOld
	}
	pending, err := r.sealer.admitGap(ctx, row, evidence.Gap{Reason: reason, Detail: cause.Msg})
	if err == nil {
		err = r.sealer.seal(ctx, pending)
	}
	if err != nil && !errors.Is(err, errAlreadySealed) {
		return fmt.Errorf("seal gap %s: %w", row.Window, err)
	}
	r.note(Event{Window: row.Window, State: catalog.Lost, Err: cause})
	return nil
}

// note counts an event and passes it on.
func (r *run) note(ev Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch ev.State {
	case catalog.Sealed:
		r.sum.Sealed++
		r.done++
		if ev.Lines == 0 {
			r.sum.Empty++
		}
	case catalog.Lost:
		r.sum.Gaps++
		r.done++
	case catalog.Retrying, catalog.Blocked:
		r.sum.LastErr = ev.Err
	}
	r.sum.Lines += ev.Lines
	r.sum.Bytes += ev.Bytes
	ev.Chain, ev.Planned, ev.Done = r.id, max(r.total, r.done), r.done
	r.c.Progress(ev)
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

// draft is a pending record's Draft: the entry but for its place in the
// chain, and the fields whose observation it refers to.
type draft struct {
	Entry  evidence.Entry `json:"entry"`
	Fields []string       `json:"fields,omitempty"`
}

func (d draft) encode() ([]byte, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode draft: %w", err)
	}
	return b, nil
}

func decodeDraft(p catalog.Pending) (draft, error) {
	var d draft
	if err := json.Unmarshal(p.Draft, &d); err != nil {
		return d, fmt.Errorf("%w: pending record of window %s: %w", catalog.ErrCorrupt, p.Window, err)
	}
	return d, nil
}
