package server

import (
	"context"
	"net/http"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/metrics"
)

func (s *Server) backlogRoute() {
	add(s, operation(http.MethodGet, "/v1/backlog", "listBacklog", "How far the collecting of each of the customer's zones is", http.StatusOK),
		access{roles: anybody}, s.backlog)
}

func (s *Server) backlog(ctx context.Context, q *request, _ *nothing) (*body[api.Backlog], error) {
	zones, err := q.gen.Tenants.ZonesOf(ctx, q.caller.Customer)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	standings, err := q.standings(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := q.gen.Catalog.Backlog(ctx) // all zones', others' too
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	open := map[evidence.ChainID][]catalog.Backlog{}
	for _, r := range rows {
		open[r.Chain] = append(open[r.Chain], r)
	}
	out := api.Backlog{Zones: make([]api.ZoneBacklog, 0, len(zones))}
	for _, z := range zones {
		b := wireBacklog(z, standings[z.Chain()], open[z.Chain()])
		if b.SealedUntil, err = metrics.SealedUntil(ctx, q.gen.Catalog, z, open[z.Chain()]); err != nil {
			return nil, err //nolint:wrapcheck // says what it did
		}
		out.Zones = append(out.Zones, b)
	}
	return &body[api.Backlog]{out}, nil
}

func wireBacklog(z catalog.Zone, s catalog.Standing, open []catalog.Backlog) api.ZoneBacklog {
	b := api.ZoneBacklog{Zone: z.ID, Dataset: z.Dataset, Open: map[string]int64{}, NotBefore: s.NotBefore, ProbedAt: s.ProbedAt}
	for _, row := range open {
		b.Open[string(row.State)] += row.Windows
		if b.OldestOpen.IsZero() || row.Oldest.Before(b.OldestOpen) {
			b.OldestOpen = row.Oldest
		}
	}
	return b
}
