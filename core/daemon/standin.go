package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

// madeNote is when a plan was made last, by any process, on real time.
const madeNote = "plan/made"

// Notes is the part of catalog.Memory that Planned needs.
type Notes interface {
	Note(ctx context.Context, key string) ([]byte, error)
}

// Planned returns when a plan was made last, by any process over the catalog;
// the zero time before the first.
func Planned(ctx context.Context, notes Notes) (at time.Time, err error) {
	b, err := notes.Note(ctx, madeNote)
	if errors.Is(err, catalog.ErrNotFound) {
		return at, nil
	}
	if err != nil {
		return at, fmt.Errorf("read note %s: %w", madeNote, err)
	}
	if err := json.Unmarshal(b, &at); err != nil {
		return at, fmt.Errorf("%w: note %s: %w", catalog.ErrCorrupt, madeNote, err)
	}
	return at, nil
}

// standIn plans in this process when nobody has for a while. The queue elects
// who plans; after a database's bad days an election may take minutes, and
// collecting must not stand still for it.
type standIn struct {
	*Daemon
	since   time.Time // when this process began to look
	working sync.WaitGroup
}

// patience is how long a plan is waited for.
func (d *Daemon) patience() time.Duration { return 2 * d.deadAfter() }

func (s *standIn) look(ctx context.Context) {
	ask, cancel := context.WithTimeout(ctx, 2*s.PlanEvery)
	at, err := Planned(ask, s.Catalog)
	cancel()
	if err != nil {
		return // the beat has just told of it, or the next one does
	}
	if at.Before(s.since) {
		at = s.since
	}
	if time.Since(at) < s.patience() {
		return
	}
	s.since = time.Now() // of this process's own tries
	s.Log.WarnContext(ctx, "nobody has made a plan for a while; this process does", "last_plan", at)
	s.working.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, s.patience())
		defer cancel()
		_ = s.plan(ctx) // has told of its error
	})
}
