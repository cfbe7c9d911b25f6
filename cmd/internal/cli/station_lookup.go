package cli

import (
	"context"
	"errors"
	"io"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/lookup"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/worker"
)

// The memory of a question of the workstation: two workers may be at it.
const lookupMemory = 160 << 20

// How much less than the screens what works for them gets of a busy processor: a frame is never late for an answer,
// and what somebody waits for goes before what is drawn beside it.
const niceQuick, niceSlow = 5, 10

// openLookup opens what answers the questions of the records. Each of its two
// workers keeps chains and an instance ready, so that a question begins at once.
func (s *station) openLookup() (*lookup.Lookup, func() error, error) {
	env := *s.env
	env.Err = io.Discard // the screen is the terminal's
	quick, err := newClient(&env, s.g, s.w.Config.Path, niceQuick)
	if err != nil {
		return nil, nil, err
	}
	slow, err := newClient(&env, s.g, s.w.Config.Path, niceSlow)
	if err != nil {
		return nil, nil, err
	}
	cache, err := s.w.columns()
	if err != nil {
		return nil, nil, err
	}
	l := lookup.New(lookup.Config{
		Archive: s.w.Archive, Chains: s.chains, Names: s.names, Quick: quick.Ask, Slow: slow.Ask, Store: s.w.Store, Columns: cache,
		Limits: worker.Limits{Memory: lookupMemory, Timeout: s.w.Config.Query.Timeout},
	})
	return l, func() error { return errors.Join(quick.Close(), slow.Close(), l.Close()) }, nil
}

// chains are all chains, verified.
func (s *station) chains(ctx context.Context) ([]dataset.Chain, error) {
	w := &workspace{Workspace: s.w.Workspace, ctx: ctx, memory: &s.memory}
	return w.queryChains(nil)
}

// names are the zones' names as far as the catalog tells them.
func (s *station) names(ctx context.Context) map[string]string {
	out := map[string]string{}
	views, err := s.views(ctx)
	if err != nil {
		return out // ids say it too
	}
	for _, v := range views {
		out[v.Zone] = v.Name
	}
	return out
}
