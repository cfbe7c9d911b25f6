package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Job is a row of the queue.
type Job struct {
	ID          int64            `json:"id"`
	Kind        string           `json:"kind"`
	Queue       string           `json:"queue"`
	State       string           `json:"state"`
	Chain       evidence.ChainID `json:"-"`
	Zone        string           `json:"zone,omitempty"`
	Dataset     string           `json:"dataset,omitempty"`
	Start       time.Time        `json:"start,omitzero"` // of a window
	End         time.Time        `json:"end,omitzero"`
	Attempt     int              `json:"attempt"`
	MaxAttempts int              `json:"max_attempts"`
	CreatedAt   time.Time        `json:"created_at"`
	ScheduledAt time.Time        `json:"scheduled_at"`
	AttemptedAt time.Time        `json:"attempted_at,omitzero"`
	AttemptedBy string           `json:"attempted_by,omitempty"` // the process that tried last
	FinishedAt  time.Time        `json:"finished_at,omitzero"`
	Errors      []Failure        `json:"errors,omitempty"` // oldest first
}

// Failure is an attempt that failed.
type Failure struct {
	At      time.Time `json:"at"`
	Attempt int       `json:"attempt"`
	Error   string    `json:"error"`
}

func fromRow(r *rivertype.JobRow) Job {
	j := Job{
		ID: r.ID, Kind: r.Kind, Queue: r.Queue, State: string(r.State), Attempt: r.Attempt, MaxAttempts: r.MaxAttempts,
		CreatedAt: r.CreatedAt.UTC(), ScheduledAt: r.ScheduledAt.UTC(),
	}
	if r.AttemptedAt != nil {
		j.AttemptedAt = r.AttemptedAt.UTC()
	}
	if r.FinalizedAt != nil {
		j.FinishedAt = r.FinalizedAt.UTC()
	}
	if n := len(r.AttemptedBy); n > 0 {
		j.AttemptedBy = r.AttemptedBy[n-1]
	}
	for _, e := range r.Errors {
		j.Errors = append(j.Errors, Failure{At: e.At.UTC(), Attempt: e.Attempt, Error: e.Error})
	}
	var args windowArgs
	if json.Unmarshal(r.EncodedArgs, &args) == nil { // of another kind, perhaps: what it lacks stays empty
		j.Zone, j.Dataset, j.Start, j.End = args.Zone, args.Dataset, args.Start, args.End
		j.Chain = evidence.ChainID{Zone: args.Zone, Dataset: args.Dataset}
	}
	return j
}

// The states of jobs: River's, but for one that is not used here.
const (
	StateRunning   = string(rivertype.JobStateRunning)
	StateAvailable = string(rivertype.JobStateAvailable) // due
	StateRetryable = string(rivertype.JobStateRetryable) // failed, and waits for its next attempt
	StateScheduled = string(rivertype.JobStateScheduled) // put off
	StateDiscarded = string(rivertype.JobStateDiscarded) // has had its attempts
	StateCancelled = string(rivertype.JobStateCancelled)
	StateCompleted = string(rivertype.JobStateCompleted)
)

// States are a job's, from what is being done to what is done.
func States() []string {
	return []string{StateRunning, StateAvailable, StateRetryable, StateScheduled, StateDiscarded, StateCancelled, StateCompleted}
}

// Kinds are the kinds of jobs.
func Kinds() []string {
	return []string{KindWindow, KindPlan, KindObserve, KindExpire, KindCheck, KindHeal}
}

// Filter limits a listing. Empty members mean all.
type Filter struct {
	States []string
	Kinds  []string
	Zone   string // its id
	Limit  int    // default 100, at most MaxList
}

// MaxList is how many jobs one listing has at most.
const MaxList = 10_000

// List returns jobs, by id.
func (q *Queue) List(ctx context.Context, f Filter) ([]Job, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	p := river.NewJobListParams().First(min(limit, MaxList)).OrderBy(river.JobListOrderByID, river.SortOrderAsc)
	if len(f.Kinds) > 0 {
		p = p.Kinds(f.Kinds...)
	}
	if len(f.States) > 0 {
		states := make([]rivertype.JobState, len(f.States))
		for i, s := range f.States {
			states[i] = rivertype.JobState(s)
		}
		p = p.States(states...)
	}
	if f.Zone != "" {
		p = p.Where("args ->> 'zone' = @zone", river.NamedArgs{"zone": f.Zone}) // both databases know the operator
	}
	res, err := q.client.JobList(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	jobs := make([]Job, len(res.Jobs))
	for i, r := range res.Jobs {
		jobs[i] = fromRow(r)
	}
	return jobs, nil
}

// Get returns one job; ErrNotFound.
func (q *Queue) Get(ctx context.Context, id int64) (Job, error) {
	return one("get", id)(q.client.JobGet(ctx, id))
}

// Retry makes a job due at once, whatever became of it; one that is running is
// left alone, which its State tells. ErrNotFound; ErrTwice.
func (q *Queue) Retry(ctx context.Context, id int64) (Job, error) {
	r, err := q.client.JobRetry(ctx, id)
	if isTwice(err) {
		err = ErrTwice
	}
	return one("retry", id)(r, err)
}

const uniqueViolation = "23505" // https://www.postgresql.org/docs/current/errcodes-appendix.html

// isTwice knows what the databases say of a second job where one may be.
func isTwice(err error) bool {
	var pg *pgconn.PgError
	var lite *sqlite.Error
	return errors.As(err, &pg) && pg.Code == uniqueViolation ||
		errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_CONSTRAINT
}

// Cancel ends a job that waits, and asks the process that runs one to end it:
// its State is then still running. One that has ended stays as it is. ErrNotFound.
func (q *Queue) Cancel(ctx context.Context, id int64) (Job, error) {
	return one("cancel", id)(q.client.JobCancel(ctx, id))
}

func one(op string, id int64) func(*rivertype.JobRow, error) (Job, error) {
	return func(r *rivertype.JobRow, err error) (Job, error) {
		if errors.Is(err, rivertype.ErrNotFound) {
			err = ErrNotFound
		}
		if err != nil {
			return Job{}, fmt.Errorf("%s job %d: %w", op, id, err)
		}
		return fromRow(r), nil
	}
}
