package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	"modernc.org/sqlite"
)

// The errors about single jobs.
var (
	ErrNotFound = errors.New("no such job")
	// ErrTwice: a job that has ended cannot come back beside one that does the same.
	ErrTwice = errors.New("another job in the queue does the same")
)

// Config says how a queue is worked on. A Config without Handlers is for
// looking and inserting only.
type Config struct {
	ID       string // of this process, unlike any other's
	Handlers *Handlers
	// Workers by queue; a queue that is not named is not worked on here.
	Workers map[string]int
	// PlanEvery is how often a plan is made: default 10 s.
	PlanEvery time.Duration
	// SoftStop is how long jobs may go on after Stop before they are cancelled:
	// default 30 s.
	SoftStop time.Duration
	Log      *slog.Logger
}

// client is the part of River's client that does not depend on its database.
type client interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	InsertMany(ctx context.Context, params []river.InsertManyParams) ([]*rivertype.JobInsertResult, error)
	JobList(ctx context.Context, params *river.JobListParams) (*river.JobListResult, error)
	jobClient
}

// jobClient is about single jobs.
type jobClient interface {
	JobGet(ctx context.Context, id int64) (*rivertype.JobRow, error)
	JobRetry(ctx context.Context, id int64) (*rivertype.JobRow, error)
	JobCancel(ctx context.Context, id int64) (*rivertype.JobRow, error)
}

// Queue is a collector's queue.
type Queue struct {
	id     string
	track  *tracker
	client client
	exec   riverdriver.Executor
	close  func() error
}

// OpenSQLite opens the queue in a file, which it makes if there is none. The
// file is a cache: it may be removed while nobody has it open.
func OpenSQLite(ctx context.Context, path string, cfg Config) (*Queue, error) {
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("open queue: %w", err)
	} else if err := f.Close(); err != nil {
		return nil, fmt.Errorf("open queue: %w", err)
	}
	params := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(NORMAL)", "busy_timeout(10000)"}, "_txlock": {"immediate"}}
	connector, err := sqlite.NewConnector((&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: params.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open queue %s: %w", path, err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1) // as riversqlite's documentation asks
	q, err := open(ctx, riversqlite.New(db), cfg, true)
	if err != nil {
		return nil, fmt.Errorf("open queue %s: %w", path, errors.Join(err, db.Close()))
	}
	q.close = db.Close
	return q, nil
}

// HasPostgres reports whether a database has a queue already.
func HasPostgres(ctx context.Context, pool *pgxpool.Pool) (bool, error) {
	ok, err := riverpgxv5.New(pool).GetExecutor().TableExists(ctx, &riverdriver.TableExistsParams{Table: "river_job"})
	if err != nil {
		return false, fmt.Errorf("look for the queue: %w", err)
	}
	return ok, nil
}

// migrationLock is the advisory lock under which the queue's tables are made.
const migrationLock = 0x7261696e71 // "rainq"

// OpenPostgres opens the queue in a database. The pool stays the caller's.
func OpenPostgres(ctx context.Context, pool *pgxpool.Pool, cfg Config) (*Queue, error) {
	var q *Queue
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
			return fmt.Errorf("wait for other daemons: %w", err)
		}
		var err error
		q, err = open(ctx, riverpgxv5.New(pool), cfg, false)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open queue: %w", err)
	}
	q.close = func() error { return nil }
	return q, nil
}

func open[T any](ctx context.Context, driver riverdriver.Driver[T], cfg Config, pollOnly bool) (*Queue, error) {
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	quiet := slog.New(warnings{log.Handler()})
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet})
	if err != nil {
		return nil, fmt.Errorf("prepare tables: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, fmt.Errorf("make tables: %w", err)
	}
	track := newTracker()
	c, err := river.NewClient(driver, cfg.river(quiet, pollOnly, track))
	if err != nil {
		return nil, err //nolint:wrapcheck // wrapped by the callers
	}
	return &Queue{id: cfg.ID, track: track, client: c, exec: driver.GetExecutor()}, nil
}

func (c Config) river(log *slog.Logger, pollOnly bool, t *tracker) *river.Config {
	rc := &river.Config{Logger: log, ID: c.ID, PollOnly: pollOnly, RetryPolicy: backoff{}}
	if c.Handlers == nil {
		return rc
	}
	every, soft := c.PlanEvery, c.SoftStop
	if every <= 0 {
		every = 10 * time.Second
	}
	if soft <= 0 {
		soft = 30 * time.Second
	}
	rc.Workers, rc.SoftStopTimeout = c.Handlers.workers(t), soft
	rc.Queues = map[string]river.QueueConfig{}
	for name, n := range c.Workers {
		rc.Queues[name] = river.QueueConfig{MaxWorkers: n}
	}
	rc.CompletedJobRetentionPeriod = time.Hour // the ledger remembers
	rc.RescueStuckJobsAfter = windowTimeout + 10*time.Minute
	rc.JobTimeout = 10 * time.Minute
	rc.PeriodicJobs = []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(every),
		func() (river.JobArgs, *river.InsertOpts) {
			// Not unique: the job of a daemon that died must not stop planning.
			return planArgs{}, &river.InsertOpts{Queue: Plan, MaxAttempts: 1}
		}, &river.PeriodicJobOpts{RunOnStart: true})}
	return rc
}

// backoff is River's retry policy: 1 s, doubled up to 5 min, the upper half
// of it at random.
type backoff struct{}

func (backoff) NextRetry(job *rivertype.JobRow) time.Time {
	d := min(time.Second<<min(job.Attempt, 10), 5*time.Minute)
	return time.Now().Add(d/2 + time.Duration(rand.Int64N(int64(d/2)+1))) //nolint:gosec // spreading load needs no secrecy
}

// warnings lets only warnings through: River tells much of itself.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}
func (w warnings) WithAttrs(a []slog.Attr) slog.Handler { return warnings{w.Handler.WithAttrs(a)} }
func (w warnings) WithGroup(n string) slog.Handler      { return warnings{w.Handler.WithGroup(n)} }

// Start begins to work on the queue. ctx is that of all jobs: ending it
// cancels them. Stop lets them end.
func (q *Queue) Start(ctx context.Context) error {
	if err := q.client.Start(ctx); err != nil {
		return fmt.Errorf("start queue: %w", err)
	}
	return nil
}

// Stop fetches no more jobs, waits for those under way and, after SoftStop,
// cancels them. It returns once all have ended or ctx has.
func (q *Queue) Stop(ctx context.Context) error {
	if err := q.client.Stop(ctx); err != nil {
		return fmt.Errorf("stop queue: %w", err)
	}
	return nil
}

// Close frees what Open took, once the queue is stopped.
func (q *Queue) Close() error { return q.close() }

// insertBatch bounds one transaction.
const insertBatch = 500

// Insert inserts jobs and returns how many were not there yet.
func (q *Queue) Insert(ctx context.Context, jobs []Insertion) (inserted int, err error) {
	for len(jobs) > 0 {
		n := min(len(jobs), insertBatch)
		params := make([]river.InsertManyParams, n)
		for i, j := range jobs[:n] {
			params[i] = j.p
		}
		results, err := q.client.InsertMany(ctx, params)
		if err != nil {
			return inserted, fmt.Errorf("insert jobs: %w", err)
		}
		for _, r := range results {
			if !r.UniqueSkippedAsDuplicate {
				inserted++
			}
		}
		jobs = jobs[n:]
	}
	return inserted, nil
}
