package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
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

	mu   sync.Mutex // guards the map
	open map[string]*openSource
}

type openSource struct {
	turn chan struct{} // held by who launches
	feed collect.Feed  // without a zone
	done bool
}

// Sources returns the sources, within budgets that are the catalog's. waited,
// which may be nil, is told of each wait for one.
func (w *Workspace) Sources(budgets catalog.Budgets, waited func(source.Scope, time.Duration)) *Sources {
	return &Sources{w: w, budgets: budgets, waited: waited, open: map[string]*openSource{}}
}

// Named returns a source by its name in the config, launched if it is not yet.
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
	if o.done {
		return o.feed, nil
	}
	feed, err := s.launch(ctx, name)
	if err != nil {
		return collect.Feed{}, err
	}
	o.feed, o.done = feed, true
	return feed, nil
}

func (s *Sources) launch(ctx context.Context, name string) (collect.Feed, error) {
	settings := s.w.Config.Sources[name]
	// One plugin may stand in the config several times, with a credential each.
	instance, err := s.w.launch(ctx, wire.KindSource, cmp.Or(settings.Name(), name), settings.Settings(), nil)
	if err != nil {
		return collect.Feed{}, err
	}
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
	return collect.Feed{Source: budgeted, About: desc, Plugin: collect.Plugin{Name: about.Name, Version: about.Version}}, nil
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
// no zone. A source that cannot be opened keeps no other from work; a mistake of
// the operator is told at once, as is that there is none to work with.
func (s *Sources) OpenAll(ctx context.Context) error {
	zones, err := s.w.Catalog.ListZones(ctx)
	if err != nil {
		return fmt.Errorf("list zones: %w", err)
	}
	if len(zones) == 0 {
		zones = []catalog.Zone{{}}
	}
	tried, opened := map[string]bool{}, 0
	var errs []error
	for _, z := range zones {
		name := SourceOf(z)
		if tried[name] {
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
	if opened == 0 {
		return errors.Join(errs...)
	}
	return nil
}
