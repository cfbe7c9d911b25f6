package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/fabriziosalmi/rainlogs/core/background"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// The queues.
const (
	Live    = "live"    // windows at the live edge
	Backlog = "backlog" // all other windows, oldest first
	Upkeep  = "upkeep"  // observations, expiry, self-check, healing
	Plan    = "plan"
)

// The kinds of jobs.
const (
	KindPlan    = "plan"
	KindWindow  = "window"
	KindObserve = "observe"
	KindExpire  = "expire"
	KindCheck   = "selfcheck"
	KindHeal    = "heal"
)

// chainArgs name a chain.
type chainArgs struct {
	Zone    string `json:"zone"`
	Dataset string `json:"dataset"`
}

func (a chainArgs) chain() (evidence.ChainID, error) {
	return evidence.NewChainID(a.Zone, a.Dataset) //nolint:wrapcheck // says what is wrong
}

type (
	planArgs   struct{}
	windowArgs struct {
		chainArgs
		Start time.Time `json:"start"`
		End   time.Time `json:"end"`
	}
	observeArgs struct{ chainArgs }
	expireArgs  struct{ chainArgs }
	checkArgs   struct{}
	healArgs    struct{}
)

func (planArgs) Kind() string    { return KindPlan }
func (windowArgs) Kind() string  { return KindWindow }
func (observeArgs) Kind() string { return KindObserve }
func (expireArgs) Kind() string  { return KindExpire }
func (checkArgs) Kind() string   { return KindCheck }
func (healArgs) Kind() string    { return KindHeal }

// Handlers do the work. An error is retried with backoff, but for Later.
type Handlers struct {
	Plan    func(ctx context.Context) error
	Window  func(ctx context.Context, chain evidence.ChainID, w evidence.Window) error
	Observe func(ctx context.Context, chain evidence.ChainID) error
	Expire  func(ctx context.Context, chain evidence.ChainID) error
	Check   func(ctx context.Context) error
	Heal    func(ctx context.Context) error
}

// Later puts a job off without counting it as an attempt.
func Later(d time.Duration) error { return river.JobSnooze(max(d, 0)) } //nolint:wrapcheck // the form that River knows

// worker adapts a handler to River.
type worker[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	track   *tracker
	timeout time.Duration
	work    func(ctx context.Context, args T) error
}

func (w *worker[T]) Work(ctx context.Context, job *river.Job[T]) error {
	w.track.begin(job.ID)
	defer func() { w.track.end(job.ID, time.Now()) }()
	return background.Run(func() error { return w.work(ctx, job.Args) })
}

func (w *worker[T]) Timeout(*river.Job[T]) time.Duration { return w.timeout }

// planTimeout bounds a plan: it asks nobody but the catalog.
const planTimeout = 3 * time.Minute

// windowTimeout bounds one window: the source's eleven minutes, and the
// storage's time.
const windowTimeout = 50 * time.Minute

func (h Handlers) workers(t *tracker) *river.Workers {
	ws := river.NewWorkers()
	river.AddWorker(ws, &worker[planArgs]{track: t, timeout: planTimeout, work: func(ctx context.Context, _ planArgs) error { return h.Plan(ctx) }})
	river.AddWorker(ws, &worker[windowArgs]{track: t, timeout: windowTimeout, work: func(ctx context.Context, a windowArgs) error {
		id, err := a.chain()
		if err != nil {
			return fmt.Errorf("window job: %w", err)
		}
		return h.Window(ctx, id, evidence.Window{Start: a.Start.UTC(), End: a.End.UTC()})
	}})
	river.AddWorker(ws, &worker[observeArgs]{track: t, timeout: 15 * time.Minute, work: func(ctx context.Context, a observeArgs) error {
		id, err := a.chain()
		if err != nil {
			return fmt.Errorf("observe job: %w", err)
		}
		return h.Observe(ctx, id)
	}})
	river.AddWorker(ws, &worker[expireArgs]{track: t, timeout: windowTimeout, work: func(ctx context.Context, a expireArgs) error {
		id, err := a.chain()
		if err != nil {
			return fmt.Errorf("expire job: %w", err)
		}
		return h.Expire(ctx, id)
	}})
	river.AddWorker(ws, &worker[checkArgs]{track: t, timeout: -1, work: func(ctx context.Context, _ checkArgs) error { return h.Check(ctx) }})
	river.AddWorker(ws, &worker[healArgs]{track: t, timeout: windowTimeout, work: func(ctx context.Context, _ healArgs) error { return h.Heal(ctx) }})
	return ws
}

// Insertion is a job to be inserted. Make it by the functions below.
type Insertion struct{ p river.InsertManyParams }

// attempts bound what fails around a job; the plan inserts it again: a window
// in a moment, the day's work on the next day, until when it is tried.
const (
	attempts       = 50
	upkeepAttempts = 250
)

func unique() river.UniqueOpts {
	return river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
		rivertype.JobStateScheduled, rivertype.JobStateRetryable,
	}}
}

// WindowJob is the job of a window, in the queue Live or Backlog.
func WindowJob(chain evidence.ChainID, w evidence.Window, queue string) Insertion {
	opts := &river.InsertOpts{Queue: queue, UniqueOpts: unique(), MaxAttempts: attempts}
	return Insertion{river.InsertManyParams{InsertOpts: opts, Args: windowArgs{
		chainArgs: chainArgs{chain.Zone, chain.Dataset}, Start: w.Start.UTC(), End: w.End.UTC(),
	}}}
}

func upkeep(args river.JobArgs) Insertion {
	return Insertion{river.InsertManyParams{Args: args, InsertOpts: &river.InsertOpts{Queue: Upkeep, UniqueOpts: unique(), MaxAttempts: upkeepAttempts}}}
}

// ObserveJob asks a chain's source about itself.
func ObserveJob(c evidence.ChainID) Insertion {
	return upkeep(observeArgs{chainArgs{c.Zone, c.Dataset}})
}

// ExpireJob applies the retention policy to a chain.
func ExpireJob(c evidence.ChainID) Insertion { return upkeep(expireArgs{chainArgs{c.Zone, c.Dataset}}) }

// CheckJob verifies the day's share of the archive.
func CheckJob() Insertion { return upkeep(checkArgs{}) }

// HealJob copies what a store missed.
func HealJob() Insertion { return upkeep(healArgs{}) }
