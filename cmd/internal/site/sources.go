package site

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/pluginhost"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// DefaultSource collects the zones that name no source.
const DefaultSource = "logpull"

// SourceOf is the name of a zone's source in the config.
func SourceOf(z catalog.Zone) string { return cmp.Or(z.Source, DefaultSource) }

// Sources are the sources of an archive's zones, each launched at its first
// use and asked for no more than all processes of the catalog together may. It
// is safe for concurrent use: one source that hangs keeps no other from work.
type Sources struct {
	w       *Workspace
	budgets catalog.Budgets
	waited  func(source.Scope, time.Duration)

	mu      sync.Mutex // guards the rest
	open    map[string]*openSource
	retired []*pluginhost.Instance // in whose place there is another: Tend ends them
}

type openSource struct {
	turn     chan struct{} // held by who launches; guards the rest
	feed     collect.Feed  // without a zone
	done     bool
	instance *pluginhost.Instance
	sealed   []byte // a customer's token, as it was launched with
}

// Sources returns the sources, within budgets that are the catalog's. waited,
// which may be nil, is told of each wait for one.
func (w *Workspace) Sources(budgets catalog.Budgets, waited func(source.Scope, time.Duration)) *Sources {
	return &Sources{w: w, budgets: budgets, waited: waited, open: map[string]*openSource{}}
}

// Named returns a source by its name in the config, or a customer's own by
// tenant.OwnSource, launched if it is not yet, or not with the token that there is now.
func (s *Sources) Named(ctx context.Context, name string) (collect.Feed, error) {
	s.mu.Lock()
	o := s.open[name]
	if o == nil {
		o = &openSource{turn: make(chan struct{}, 1)}
		s.open[name] = o
	}
	s.mu.Unlock()
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return collect.Feed{}, ctx.Err() //nolint:wrapcheck // the caller's own cancellation
	}
	customer, own, isOwn := tenant.ParseOwnSource(name)
	if isOwn {
		return s.current(ctx, o, customer, own)
	}
	if o.done {
		return o.feed, nil
	}
	instance, err := s.launch(ctx, name)
	if err != nil {
		return collect.Feed{}, err
	}
	return s.opened(ctx, o, name, instance)
}

// current returns a customer's source with the token as it is now. The caller
// holds o's turn.
func (s *Sources) current(ctx context.Context, o *openSource, customer, own string) (collect.Feed, error) {
	c, err := s.owned(ctx, customer, own)
	var refused *OwnError
	switch {
	case errors.As(err, &refused):
		return collect.Feed{}, err
	case err != nil && o.done: // the catalog is away for a moment
		return o.feed, nil //nolint:nilerr // the next call asks again
	case err != nil:
		return collect.Feed{}, err
	case o.done && bytes.Equal(o.sealed, c.Sealed):
		return o.feed, nil
	}
	instance, err := s.launchOwn(ctx, c)
	if err != nil {
		return collect.Feed{}, err
	}
	if o.done {
		s.retire(o.instance)
		o.done = false
	}
	o.sealed = c.Sealed
	return s.opened(ctx, o, tenant.OwnSource(customer, own), instance)
}

// retire leaves a plugin to Tend. Calls under way with it may end.
func (s *Sources) retire(i *pluginhost.Instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retired = append(s.retired, i)
}

func (s *Sources) launch(ctx context.Context, name string) (*pluginhost.Instance, error) {
	settings := s.w.Config.Sources[name]
	// One plugin may stand in the config several times, with a credential each.
	return s.w.launch(ctx, wire.KindSource, cmp.Or(settings.Name(), name), settings.Settings(), nil)
}

// opened keeps a plugin as a source that is open.
func (s *Sources) opened(ctx context.Context, o *openSource, name string, instance *pluginhost.Instance) (_ collect.Feed, err error) {
	defer func() {
		if err != nil {
			s.retire(instance)
		}
	}()
	src, err := instance.Source()
	if err != nil {
		return collect.Feed{}, fmt.Errorf("open source %s: %w", name, err)
	}
	budgeted, err := schedule.NewBudgeted(ctx, src, name, s.budgets, s.waited)
	if err != nil {
		return collect.Feed{}, err //nolint:wrapcheck // names the source already
	}
	desc, err := src.Describe(ctx)
	if err != nil {
		return collect.Feed{}, fmt.Errorf("describe source %s: %w", name, err)
	}
	about := instance.About()
	o.feed = collect.Feed{Source: budgeted, About: desc, Plugin: collect.Plugin{Name: about.Name, Version: about.Version}}
	o.instance, o.done = instance, true
	return o.feed, nil
}

// OfZone returns where a zone's records come from.
func (s *Sources) OfZone(ctx context.Context, z catalog.Zone) (collect.Feed, error) {
	feed, err := s.Named(ctx, SourceOf(z))
	feed.Zone = z.SourceZone()
	return feed, err
}

// Of returns where a chain's records come from.
func (s *Sources) Of(ctx context.Context, id evidence.ChainID) (collect.Feed, error) {
	zones, err := s.w.Catalog.ListZones(ctx)
	if err != nil {
		return collect.Feed{}, fmt.Errorf("list zones: %w", err)
	}
	for _, z := range zones {
		if z.Chain() == id {
			return s.OfZone(ctx, z)
		}
	}
	return collect.Feed{}, fmt.Errorf("chain %s: its zone is not under collection", id)
}

// OpenAll launches what the zones name, and the default source where there is
// no zone and nobody brings a token. A source that cannot be opened keeps no
// other from work; a mistake of the operator is told at once, as is that there is
// none to work with. Customers' own sources are their affair: nothing waits for them.
func (s *Sources) OpenAll(ctx context.Context) error {
	zones, err := s.w.Catalog.ListZones(ctx)
	if err != nil {
		return fmt.Errorf("list zones: %w", err)
	}
	if len(zones) == 0 && s.w.Config.API.Identity == "" {
		zones = []catalog.Zone{{}}
	}
	tried, opened, owned := map[string]bool{}, 0, false
	var errs []error
	for _, z := range zones {
		name := SourceOf(z)
		_, _, own := tenant.ParseOwnSource(name)
		owned = owned || own
		if tried[name] || own {
			continue
		}
		tried[name] = true
		_, err := s.Named(ctx, name)
		var misused usageError
		switch {
		case err == nil:
			opened++
		case errors.As(err, &misused), ctx.Err() != nil:
			return err
		default:
			errs = append(errs, err)
			s.w.Logger().WarnContext(ctx, "source cannot be opened; its zones wait", "source", name, "error", err)
		}
	}
	if opened == 0 && !owned {
		return errors.Join(errs...)
	}
	return nil
}
