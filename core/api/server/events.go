package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

const (
	// eventsEvery is how often what a stream tells of is looked at, and whether
	// its key still opens: a revocation ends it within a second.
	eventsEvery = 700 * time.Millisecond
	// quietFor is how long a stream says nothing, before it says that it is there.
	quietFor = 15 * time.Second
	// streams bounds those that are open; one customer has a quarter of them.
	streams = 64
)

func (s *Server) eventsRoute() {
	op := operation(http.MethodGet, "/v1/events", "followEvents", "Follow the customer's zones, as server-sent events", http.StatusOK)
	op.Responses = map[string]*huma.Response{"200": {
		Description: "First how all zones stand, then what changes: zone, removed, chain. Who connects again is told anew how all stand.",
		Content:     map[string]*huma.MediaType{eventStream: {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	add(s, op, access{roles: anybody, streams: true}, s.events)
}

func (s *Server) events(ctx context.Context, q *request, _ *nothing) (*huma.StreamResponse, error) {
	give := s.following.take(q.caller.Customer)
	if give == nil {
		return nil, limited(quietFor)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer give()
		r, w := humago.Unwrap(hc)
		w.Header().Set("Content-Type", eventStream)
		w.WriteHeader(http.StatusOK)
		f := &follower{q: q, out: &patient{ctx: ctx, w: w, rc: http.NewResponseController(w)}, zones: map[evidence.ChainID]api.Zone{}, sizes: map[evidence.ChainID]int64{}}
		if err := s.follow(ctx, f, bearerOf(r)); err != nil && ctx.Err() == nil {
			s.cfg.Log.DebugContext(ctx, "stream of events ended", "request", q.id, "error", err)
		}
	}}, nil
}

// follow tells until the client is gone, its key opens nothing any more, or the
// daemon is about to end.
func (s *Server) follow(ctx context.Context, f *follower, key string) error {
	tick := time.NewTicker(s.eventsEvery)
	defer tick.Stop()
	for {
		if _, err := s.auth.authenticate(ctx, f.q.gen.Tenants, key); err != nil {
			return err
		}
		if err := f.look(ctx, s.cfg.Now()); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-f.q.gen.leaving:
			return nil
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // the request's own end
		}
	}
}

// follower knows what a client was told.
type follower struct {
	q     *request
	out   *patient
	zones map[evidence.ChainID]api.Zone
	sizes map[evidence.ChainID]int64
	spoke time.Time
}

// look tells what has changed since the last look.
func (f *follower) look(ctx context.Context, now time.Time) error {
	zones, err := f.q.gen.Tenants.ZonesOf(ctx, f.q.caller.Customer)
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	standings, err := f.q.standings(ctx)
	if err != nil {
		return err
	}
	there := map[evidence.ChainID]bool{}
	for _, z := range zones {
		id := z.Chain()
		there[id] = true
		if err := f.zone(ctx, wireZone(z, standings[id]), id, now); err != nil {
			return err
		}
	}
	for id, z := range f.zones {
		if there[id] {
			continue
		}
		delete(f.zones, id)
		delete(f.sizes, id)
		if err := f.tell("removed", api.Removed{ID: z.ID, Dataset: z.Dataset}, now); err != nil {
			return err
		}
	}
	if now.Sub(f.spoke) < quietFor {
		return nil
	}
	f.spoke = now
	if _, err := f.out.Write([]byte(": here\n\n")); err != nil {
		return err
	}
	return flushed(f.out)
}

func (f *follower) zone(ctx context.Context, z api.Zone, id evidence.ChainID, now time.Time) error {
	if was, ok := f.zones[id]; !ok || was != z {
		f.zones[id] = z
		if err := f.tell("zone", z, now); err != nil {
			return err
		}
	}
	head, err := f.q.gen.Catalog.Head(ctx, id)
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return err //nolint:wrapcheck // says what it did
	}
	if was, ok := f.sizes[id]; ok && was == head.Size {
		return nil
	}
	f.sizes[id] = head.Size
	return f.tell("chain", api.Grown{ID: id.Zone, Dataset: id.Dataset, Size: head.Size}, now)
}

func (f *follower) tell(event string, data any, now time.Time) error {
	f.spoke = now
	return sendEvent(f.out, event, data)
}

func flushed(out *patient) error {
	if err := out.rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("send event: %w", err)
	}
	return nil
}
