package cli

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/worker"
)

// enforcer ends the program if an interrupt or the time limit is not obeyed
// within worker.Grace: a single call of DuckDB's cannot be stopped but with its process.
type enforcer struct {
	w    *workspace
	dir  string // of what the query has written
	done chan struct{}
	stop []func() bool
	once sync.Once
}

// enforce watches the command's context. The caller calls over when there is
// nothing left to end.
func (w *workspace) enforce(dir string) *enforcer {
	e := &enforcer{w: w, dir: dir, done: make(chan struct{})}
	e.stop = append(e.stop, context.AfterFunc(w.ctx, func() {
		timer := time.NewTimer(worker.Grace)
		defer timer.Stop()
		select {
		case <-e.done:
		case <-timer.C:
			e.end(site.ExitInterrupted, "interrupted")
		}
	}))
	return e
}

// limit starts the time limit.
func (e *enforcer) limit(limit time.Duration) {
	if limit <= 0 {
		return
	}
	t := time.AfterFunc(limit+worker.Grace, func() {
		e.end(site.ExitFailed, fmt.Sprintf("query: %s of %s", query.ErrTimeout, limit))
	})
	e.stop = append(e.stop, t.Stop)
}

func (e *enforcer) over() {
	for _, stop := range e.stop {
		stop()
	}
	close(e.done)
}

// patience is how long the plugins may take to end.
const patience = 500 * time.Millisecond

// end leaves nothing behind and ends the program.
func (e *enforcer) end(code int, why string) {
	e.once.Do(func() {
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			e.w.Close()
		}()
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-closed:
		case <-timer.C: // they die with this process
		}
		if draft := e.w.draft.Load(); draft != nil {
			_ = os.Remove(*draft)
		}
		_ = os.RemoveAll(e.dir)                                // there is nobody left to tell
		_, _ = fmt.Fprintf(e.w.Env.Err, "rainlogs: %s\n", why) // likewise
		os.Exit(code)
	})
}
