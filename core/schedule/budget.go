package schedule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

const (
	// zoneWait is how long a call waits for its zone's turn: a zone that has
	// spent its budget must not keep a worker from the others.
	zoneWait = 2 * time.Second
	// credentialWait is how long it waits for the turn of all zones together:
	// no other window would fare better.
	credentialWait = time.Minute
	// probeCost is for how many requests a probe is taken.
	probeCost = 6
)

// Budgeted is a source whose rates hold over all processes that share a
// catalog. A call that does not get its turn fails with ClassRetry and says
// when to come again.
type Budgeted struct {
	source.Source
	name    string
	budgets catalog.Budgets
	rates   []source.Rate
	waited  func(scope source.Scope, d time.Duration)
	wait    func(ctx context.Context, d time.Duration) error
}

var _ source.Source = (*Budgeted)(nil)

// NewBudgeted wraps a source of that name. waited, which may be nil, is told
// of each wait.
func NewBudgeted(ctx context.Context, src source.Source, name string, budgets catalog.Budgets, waited func(source.Scope, time.Duration)) (*Budgeted, error) {
	d, err := src.Describe(ctx)
	if err != nil {
		return nil, fmt.Errorf("describe source %s: %w", name, err)
	}
	if waited == nil {
		waited = func(source.Scope, time.Duration) {}
	}
	return &Budgeted{Source: src, name: name, budgets: budgets, rates: d.Limits.Rates, waited: waited, wait: sleep}, nil
}

// Unwrap returns the source that is wrapped.
func (b *Budgeted) Unwrap() source.Source { return b.Source }

// Pull waits for its turn and pulls.
func (b *Budgeted) Pull(ctx context.Context, req source.Request) (*source.Stream, error) {
	if err := b.turn(ctx, "pull", req.Zone, 1, 1); err != nil {
		return nil, err
	}
	st, err := b.Source.Pull(ctx, req)
	if err != nil {
		b.refused(ctx, req.Zone, err)
		return nil, err //nolint:wrapcheck // a decorator adds nothing
	}
	st.Body = &countedBody{ReadCloser: st.Body, b: b, ctx: ctx, zone: req.Zone}
	return st, nil
}

// Probe waits for its turn and probes.
func (b *Budgeted) Probe(ctx context.Context, zone string) (source.Report, error) {
	if err := b.turn(ctx, "probe", zone, 1, probeCost); err != nil {
		return source.Report{}, err
	}
	r, err := b.Source.Probe(ctx, zone)
	if err != nil {
		b.refused(ctx, zone, err)
	}
	return r, err //nolint:wrapcheck // a decorator adds nothing
}

// key names a budget: one source has one credential.
func (b *Budgeted) key(r source.Rate, zone string) string {
	if r.Scope == source.PerCredential {
		return fmt.Sprintf("%s/%s/%s", r.Scope, b.name, r.Per)
	}
	return fmt.Sprintf("%s/%s/%s/%s", r.Scope, b.name, zone, r.Per)
}

func (b *Budgeted) of(scope source.Scope, zone string, n int) []catalog.Budget {
	var out []catalog.Budget
	for _, r := range b.rates {
		if r.Scope == scope {
			out = append(out, catalog.Budget{Key: b.key(r, zone), Limit: r.Limit, Per: r.Per, N: n})
		}
	}
	return out
}

// turn takes what a call costs: first of its zone, then of the credential.
func (b *Budgeted) turn(ctx context.Context, op, zone string, ofZone, ofCredential int) error {
	if err := b.take(ctx, op, source.PerZone, b.of(source.PerZone, zone, ofZone), zoneWait); err != nil {
		return err
	}
	return b.take(ctx, op, source.PerCredential, b.of(source.PerCredential, zone, ofCredential), credentialWait)
}

func (b *Budgeted) take(ctx context.Context, op string, scope source.Scope, budgets []catalog.Budget, patience time.Duration) error {
	if len(budgets) == 0 {
		return nil
	}
	var waited time.Duration
	for {
		d, err := b.budgets.Take(ctx, budgets)
		if err != nil {
			return fmt.Errorf("%s: take from budget: %w", op, err)
		}
		if d <= 0 {
			if waited > 0 {
				b.waited(scope, waited)
			}
			return nil
		}
		if waited+d > patience {
			b.waited(scope, waited)
			return &source.Error{
				Op: op, Class: source.ClassRetry, Reason: ReasonBudget, After: d,
				Msg: fmt.Sprintf("the budget of requests of this %s is spent for %s", scope, d.Round(time.Second)),
			}
		}
		if err := b.wait(ctx, d); err != nil {
			return err
		}
		waited += d
	}
}

// ReasonBudget is the reason of a call that did not get its turn. It was not
// made, and is no attempt.
const ReasonBudget = "budget"

// refused shuts, for all processes, the budget that the producer says is
// spent. What cannot be entered is found out by the next call.
func (b *Budgeted) refused(ctx context.Context, zone string, cause error) {
	var e *source.Error
	if !errors.As(cause, &e) {
		return
	}
	switch e.Reason {
	case source.ReasonRate:
		b.rest(ctx, source.PerZone, zone, e.After)
	case source.ReasonRateCredential:
		b.rest(ctx, source.PerCredential, zone, e.After)
	case source.ReasonTimeout:
		// A zone that has spent its timeouts rests until it may have one more.
		if d, err := b.budgets.Take(ctx, b.of(source.TimeoutsPerZone, zone, 1)); err == nil && d > 0 {
			b.rest(ctx, source.PerZone, zone, d)
		}
	}
}

func (b *Budgeted) rest(ctx context.Context, scope source.Scope, zone string, d time.Duration) {
	for _, x := range b.of(scope, zone, 1) {
		_ = b.budgets.Rest(ctx, x.Key, d) // see refused
	}
}

// countedBody finds a timeout in the middle of an answer.
type countedBody struct {
	io.ReadCloser
	b    *Budgeted
	ctx  context.Context //nolint:containedctx // of the call that the body belongs to
	zone string
	told bool
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if err != nil && !c.told {
		c.told = true
		c.b.refused(c.ctx, c.zone, err)
	}
	return n, err //nolint:wrapcheck // a decorator adds nothing
}

// sleep waits unless ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the caller's own cancellation
	case <-t.C:
		return nil
	}
}
