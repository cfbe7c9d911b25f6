package cli

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/chaincache"
	"github.com/fabriziosalmi/rainlogs/query/worker"
)

// workspace is the site that a command works on, for as long as it does.
type workspace struct {
	*site.Workspace
	ctx context.Context //nolint:containedctx // a workspace lives as long as its command
	// noCache keeps what is kept of chains on this machine out of it.
	noCache bool
	// memory keeps verified chains from one question to the next, nil in a command that asks once.
	memory *chaincache.Memory
	// draft is the file of -o that is being written.
	draft atomic.Pointer[string]
	// follow, if not nil, is told how far a question is, in place of progress bars.
	follow func(phase worker.Phase, done, total int64)
	src    *site.Sources // nil until sources
	// waits tells of a wait for the source's budget.
	waits func(d time.Duration)
}

// sources are those of the zones. That a budget is waited for is said, once.
func (w *workspace) sources() *site.Sources {
	if w.waits == nil {
		w.waits = func(d time.Duration) {
			_ = w.tell("waiting %s for requests that the source admits; collectors and commands of this catalog share them", d.Round(time.Second)) // as much as can be told
		}
	}
	if w.src == nil {
		w.src = w.Sources(&spoken{Budgets: w.Catalog, tell: func(d time.Duration) { w.waits(d) }}, nil)
	}
	return w.src
}

// silentWait is how long a command waits for a budget without a word.
const silentWait = 3 * time.Second

// spoken are budgets that say, once, that they are waited for.
type spoken struct {
	catalog.Budgets
	once sync.Once
	tell func(d time.Duration)
}

// Take asks the budgets themselves.
func (s *spoken) Take(ctx context.Context, budgets []catalog.Budget) (time.Duration, error) {
	d, err := s.Budgets.Take(ctx, budgets)
	if err == nil && d > silentWait {
		s.once.Do(func() { s.tell(d) })
	}
	return d, err //nolint:wrapcheck // a decorator adds nothing
}

// openWorkspace opens everything a command that works on the archive needs.
func openWorkspace(ctx context.Context, env *site.Env, g *site.Globals) (*workspace, error) {
	w, err := site.Open(ctx, env, g)
	if err != nil {
		return nil, err
	}
	return &workspace{Workspace: w, ctx: ctx}, nil
}

// openReader opens config and store only: enough to verify, and to work
// beside a damaged catalog.
func openReader(ctx context.Context, env *site.Env, g *site.Globals) (*workspace, error) {
	w, err := site.OpenReader(ctx, env, g)
	if err != nil {
		return nil, err
	}
	return &workspace{Workspace: w, ctx: ctx}, nil
}

// openCatalog opens config and catalog only: no plugin runs, no key is read.
func openCatalog(ctx context.Context, env *site.Env, g *site.Globals) (*workspace, error) {
	w, err := site.OpenCatalogOnly(ctx, env, g)
	if err != nil {
		return nil, err
	}
	return &workspace{Workspace: w, ctx: ctx}, nil
}
