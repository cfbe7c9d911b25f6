package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// lostAfter is how long the end of a job may take to be written: River tries
// for some 40 seconds, and then gives up.
const lostAfter = time.Minute

// tracker knows which jobs this process is at work on.
type tracker struct {
	mu      sync.Mutex
	working map[int64]bool
	ended   map[int64]time.Time // lately
}

func newTracker() *tracker {
	return &tracker{working: map[int64]bool{}, ended: map[int64]time.Time{}}
}

func (t *tracker) begin(id int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.working[id] = true
	delete(t.ended, id)
}

func (t *tracker) end(id int64, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.working, id)
	t.ended[id] = now
	for other, at := range t.ended {
		if now.Sub(at) > lostAfter {
			delete(t.ended, other)
		}
	}
}

// lost reports whether a job that the database holds for running in this
// process is not: what has become of it could not be written.
func (t *tracker) lost(j Job, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ended := t.ended[j.ID]
	switch {
	case t.working[j.ID], now.Sub(j.AttemptedAt) < lostAfter:
		return false
	case ended:
		return now.Sub(at) > lostAfter
	}
	return true
}

// Rescue gives back the running jobs of processes that are no longer alive,
// and returns how many. River does the same by age alone, after an hour.
func (q *Queue) Rescue(ctx context.Context, alive func(process string) bool) (int, error) {
	return q.rescue(ctx, func(j Job) string {
		if alive(j.AttemptedBy) {
			return ""
		}
		return "the process " + j.AttemptedBy + " died"
	})
}

// RescueOwn gives back the jobs of this process that ended while the database
// was away for so long that River could not write how.
func (q *Queue) RescueOwn(ctx context.Context) (int, error) {
	now := time.Now()
	return q.rescue(ctx, func(j Job) string {
		if j.AttemptedBy != q.id || !q.track.lost(j, now) {
			return ""
		}
		return "its end could not be written"
	})
}

// rescue gives back the running jobs for which there is a reason.
func (q *Queue) rescue(ctx context.Context, reason func(j Job) string) (int, error) {
	running, err := q.List(ctx, Filter{States: []string{StateRunning}, Limit: MaxList})
	if err != nil {
		return 0, err
	}
	now := time.Now().UTC()
	p := &riverdriver.JobRescueManyParams{StuckHorizon: now}
	for _, j := range running {
		text := ""
		if j.AttemptedBy != "" {
			text = reason(j)
		}
		if text == "" {
			continue
		}
		why, err := json.Marshal(rivertype.AttemptError{At: now, Attempt: max(j.Attempt, 1), Error: text})
		if err != nil {
			return 0, fmt.Errorf("rescue job %d: %w", j.ID, err)
		}
		p.ID, p.Error = append(p.ID, j.ID), append(p.Error, why)
		p.FinalizedAt = append(p.FinalizedAt, nil)
		p.ScheduledAt, p.State = append(p.ScheduledAt, earliest(j.Start, now)), append(p.State, StateAvailable)
	}
	if len(p.ID) == 0 {
		return 0, nil
	}
	if _, err := q.exec.JobRescueMany(ctx, p); err != nil {
		return 0, fmt.Errorf("rescue %d jobs: %w", len(p.ID), err)
	}
	return len(p.ID), nil
}

// earliest is the window's start, which keeps a rescued job's place, if it has one.
func earliest(start, now time.Time) time.Time {
	if start.IsZero() || start.After(now) {
		return now
	}
	return start
}
