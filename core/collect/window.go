package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// Outcome is what a window has become.
type Outcome struct {
	// State is Sealed, Lost, Retrying or Blocked. Planned: the window was
	// parted and its parts are planned in its place, or, with NextAt set, it
	// did not get its turn.
	State   catalog.State
	Already bool  // another collector had sealed it
	Lines   int64 // Sealed
	Bytes   int64 // Sealed: content
	NextAt  time.Time
	Err     error // Lost, Retrying, Blocked, Planned: why
}

const (
	// edgeMargin is how long before the end of its life a part of a window
	// that is passing the source's greatest age is still asked for.
	edgeMargin = time.Minute
	// splitAtOnce: a window that is too heavy is halved at once if it is
	// longer, else only when it has failed a few times.
	splitAtOnce   = time.Minute
	splitAttempts = 3
)

// Window takes one open window of the ledger to its end: sealed, sealed as a
// gap, parted, or left open with a time to try again. fields pins the record's
// members; nil is the source's own list. An error is for what has nothing to
// do with the window (store, catalog, a damaged chain, the end of ctx): the
// window is then as open as before.
func (c *Collector) Window(ctx context.Context, row catalog.Window, fields []string) (Outcome, error) {
	sl := c.enter(row.Chain) // what is opened for the pending records serves the window too
	defer c.leave(row.Chain, sl)
	out, err := c.window(ctx, row, fields)
	if err != nil && ctx.Err() != nil {
		// A window cut off in the middle is as if it had not been begun.
		row.State = catalog.Planned
		if updateErr := c.Catalog.Update(context.WithoutCancel(ctx), row); updateErr != nil {
			c.Log.DebugContext(ctx, "put window back", "window", row.Window.String(), "error", updateErr)
		}
	}
	return out, err
}

func (c *Collector) window(ctx context.Context, row catalog.Window, fields []string) (Outcome, error) {
	pending, err := c.Catalog.ListPending(ctx, row.Chain)
	if err != nil {
		return Outcome{}, fmt.Errorf("list pending windows: %w", err)
	}
	if len(pending) > 0 { // it may be this very window's
		if err := c.CatchUp(ctx, row.Chain); err != nil {
			return Outcome{}, err
		}
		done, err := c.sealedAlready(ctx, row)
		if err != nil || done != nil {
			return deref(done), err
		}
	}
	p := c.pull(ctx, row, fields)
	if p.err == nil {
		return c.settle(ctx, p)
	}
	if ctx.Err() != nil {
		return Outcome{}, ctx.Err() //nolint:wrapcheck // the caller's own cancellation
	}
	return c.failed(ctx, row, p.err)
}

func deref(o *Outcome) Outcome {
	if o == nil {
		return Outcome{}
	}
	return *o
}

// pulled is a window in the spool, or why not.
type pulled struct {
	row     catalog.Window
	feed    Feed
	dataset source.Dataset
	content *spooled
	stream  *source.Stream
	err     error
}

// pull brings one window into the spool.
func (c *Collector) pull(ctx context.Context, row catalog.Window, fields []string) pulled {
	p := pulled{row: row}
	if p.feed, p.err = c.FeedOf(ctx, row.Chain); p.err != nil {
		return p
	}
	if p.dataset, p.err = p.feed.Dataset(row.Chain.Dataset); p.err != nil {
		return p
	}
	limits := p.feed.About.Limits
	if age := c.Now().Sub(row.Window.Start); limits.MaxAge > 0 && age > limits.MaxAge {
		p.err = &source.Error{
			Op: "pull", Class: source.ClassGone, Reason: source.ReasonTooOld,
			Msg: fmt.Sprintf("the window is older than the %s the source keeps", limits.MaxAge),
		}
		return p
	}
	row.State = catalog.Pulling
	if p.err = c.Catalog.Update(ctx, row); p.err != nil {
		return p
	}
	p.stream, p.err = p.feed.Source.Pull(ctx, source.Request{
		Zone: p.feed.Zone, Dataset: row.Chain.Dataset,
		Start: row.Window.Start, End: row.Window.End, Fields: fields,
	})
	if p.err != nil {
		return p
	}
	path := c.spool.path(c.spool.file(row.Chain, row.Window)) + partSuffix
	p.content, p.err = c.press.spool(ctx, path, p.stream, p.dataset, spoolLimits{c.MaxContent})
	if closeErr := p.stream.Body.Close(); p.err == nil && closeErr != nil {
		c.Log.DebugContext(ctx, "close stream", "error", closeErr) // all bytes were read and checked
	}
	return p
}

// settle seals a pulled window.
func (c *Collector) settle(ctx context.Context, p pulled) (Outcome, error) {
	content := p.content.content
	out := Outcome{State: catalog.Sealed, Lines: content.Lines, Bytes: content.Bytes}
	if content.Bytes == 0 {
		if err := c.explain(ctx, p.row.Chain, p.row.Window); err != nil {
			_ = os.Remove(p.content.path) // as below
			return out, err
		}
	}
	admitted := false
	err := c.alone(ctx, p.row.Chain, func(s *sealer) error {
		if err := s.checkOpen(ctx, p.row.Window); err != nil {
			return err
		}
		pending, err := s.admit(ctx, p)
		if err != nil {
			return err
		}
		admitted = true
		return s.seal(ctx, pending)
	})
	if !admitted {
		_ = os.Remove(p.content.path) // pulled again if it must be; swept at the next start at the latest
	}
	if errors.Is(err, errAlreadySealed) {
		return Outcome{State: catalog.Sealed, Already: true}, nil
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("seal window %s: %w", p.row.Window, err)
	}
	return out, nil
}

// sealedAlready tells whether the ledger holds the window as final.
func (c *Collector) sealedAlready(ctx context.Context, row catalog.Window) (*Outcome, error) {
	rows, err := c.Catalog.Windows(ctx, row.Chain, row.Window.Start, row.Window.End, catalog.Sealed, catalog.Lost)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil //nolint:nilnil // it is open
	}
	return &Outcome{State: rows[0].State, Already: true}, nil
}

// failed moves a window on after an error, by the error's class.
func (c *Collector) failed(ctx context.Context, row catalog.Window, cause error) (Outcome, error) {
	if done, err := c.sealedAlready(ctx, row); err != nil || done != nil {
		return deref(done), err // by another collector, while we pulled
	}
	if e := (*source.Error)(nil); errors.As(cause, &e) && e.Reason == schedule.ReasonBudget {
		row.State = catalog.Planned // nothing was asked: it is no attempt
		if err := c.Catalog.Update(ctx, row); err != nil {
			return Outcome{}, fmt.Errorf("put window %s back: %w", row.Window, err)
		}
		return Outcome{State: catalog.Planned, NextAt: c.Now().Add(e.After), Err: cause}, nil
	}
	before := row
	row.Attempts++
	row.Detail = cause.Error()
	var classed *source.Error
	_ = errors.As(cause, &classed) // nil is ClassRetry without After
	class := source.ClassOf(cause)
	switch parts := c.parts(ctx, row, class, classed, cause); {
	case parts != nil:
		if err := c.explain(ctx, row.Chain, row.Window); err != nil {
			return Outcome{}, err
		}
		if done, err := c.sealedAlready(ctx, row); err != nil || done != nil {
			return deref(done), err
		}
		c.Log.InfoContext(ctx, "window is parted", "chain", row.Chain.String(), "window", row.Window.String(), "cause", cause)
		if err := c.Catalog.Split(ctx, row.Chain, row.Window, parts); err != nil {
			return Outcome{}, fmt.Errorf("split window %s: %w", row.Window, err)
		}
		return Outcome{State: catalog.Planned, Err: cause}, nil
	case class == source.ClassGone:
		return c.lost(ctx, before, classed)
	case class == source.ClassBlocked && classed.Reason == source.ReasonFields:
		// Nothing for an operator: with the zone's present fields it will do.
		row.State, row.NextAt = catalog.Retrying, c.Now().Add(c.backoff(row.Attempts))
	case class == source.ClassBlocked || class == source.ClassBug:
		row.State, row.Reason, row.NextAt = catalog.Blocked, string(class), c.Now().Add(c.Recheck)
	default:
		row.State, row.Reason = catalog.Retrying, string(class)
		row.NextAt = c.Now().Add(c.backoff(row.Attempts))
		if errors.Is(cause, syscall.ENOSPC) {
			row.Reason = "spool_full"
		}
	}
	if classed != nil {
		if classed.Reason != "" {
			row.Reason = classed.Reason
		}
		if at := c.Now().Add(classed.After); at.After(row.NextAt) {
			row.NextAt = at
		}
	}
	if err := c.Catalog.Update(ctx, row); err != nil {
		return Outcome{}, fmt.Errorf("enter failure of window %s: %w", row.Window, err)
	}
	return Outcome{State: row.State, NextAt: row.NextAt, Err: cause}, nil
}

// parts says in which parts a failed window has better hopes, nil for none: the
// halves of one that is too heavy, and of one that is passing the source's
// greatest age what is gone and what is still to be had.
func (c *Collector) parts(ctx context.Context, row catalog.Window, class source.Class, classed *source.Error, cause error) []evidence.Window {
	w := row.Window
	switch {
	case errors.Is(cause, errTooLarge):
		return halves(w)
	case class == source.ClassSplit && (w.Duration() > splitAtOnce || row.Attempts >= splitAttempts):
		return halves(w)
	case class == source.ClassGone && classed.Reason == source.ReasonTooOld:
		feed, err := c.FeedOf(ctx, row.Chain)
		limits := feed.About.Limits
		if err != nil || limits.MaxAge == 0 {
			return nil
		}
		edge := c.Now().Add(edgeMargin - limits.MaxAge).Truncate(time.Second).UTC()
		if edge.After(w.Start) && edge.Before(w.End) {
			return []evidence.Window{{Start: w.Start, End: edge}, {Start: edge, End: w.End}}
		}
	}
	return nil
}

// lost seals a gap. A window that grew too old while the source could not be
// used is lost for that reason, and not for its age.
func (c *Collector) lost(ctx context.Context, row catalog.Window, cause *source.Error) (Outcome, error) {
	gap := evidence.Gap{Reason: cause.Reason, Detail: cause.Msg}
	switch row.Reason {
	case source.ReasonRetentionOff, source.ReasonNotEntitled, source.ReasonBoundary:
		gap = evidence.Gap{Reason: row.Reason, Detail: cause.Msg + "; the last attempt: " + row.Detail}
	}
	if gap.Reason == "" {
		gap.Reason = evidence.GapTooOld
	}
	return c.Abandon(ctx, row, gap, cause)
}

// Abandon seals an open window as a gap, for good.
func (c *Collector) Abandon(ctx context.Context, row catalog.Window, gap evidence.Gap, cause error) (Outcome, error) {
	if err := c.explain(ctx, row.Chain, row.Window); err != nil {
		return Outcome{}, err
	}
	err := c.alone(ctx, row.Chain, func(s *sealer) error {
		if err := s.checkOpen(ctx, row.Window); err != nil {
			return err
		}
		pending, err := s.admitGap(ctx, row, gap)
		if err != nil {
			return err
		}
		return s.seal(ctx, pending)
	})
	if errors.Is(err, errAlreadySealed) {
		return Outcome{State: catalog.Sealed, Already: true}, nil
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("seal gap %s: %w", row.Window, err)
	}
	return Outcome{State: catalog.Lost, Err: cause}, nil
}

// draft is a pending record's Draft: the entry but for its place in the
// chain, the fields whose observation it refers to, and what the source calls
// the zone where that is not its id.
type draft struct {
	Entry  evidence.Entry `json:"entry"`
	Fields []string       `json:"fields,omitempty"`
	Zone   string         `json:"zone,omitempty"`
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
