package server

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

const (
	defaultSource = "logpull" // of zones that name none
	maxZones      = 10_000    // of one customer
	addedAtOnce   = time.Millisecond
)

func (s *Server) zoneRoutes() {
	add(s, operation(http.MethodPost, "/v1/zones", "createZone", "Have a zone collected", http.StatusCreated),
		access{roles: collectors, action: "zone.create"}, s.createZone)
	add(s, operation(http.MethodGet, "/v1/zones", "listZones", "List the customer's zones, by name", http.StatusOK),
		access{roles: anybody}, s.listZones)
	add(s, operation(http.MethodGet, "/v1/zones/{id}", "getZone", "One zone", http.StatusOK), access{roles: anybody}, s.getZone)
	add(s, operation(http.MethodPatch, "/v1/zones/{id}", "changeZone", "Rename a zone, pause it, or give it a schedule", http.StatusOK),
		access{roles: collectors, action: "zone.change"}, s.changeZone)
	add(s, operation(http.MethodDelete, "/v1/zones/{id}", "removeZone", "Collect a zone no longer; its archive stays", http.StatusNoContent),
		access{roles: admins, action: "zone.remove"}, s.removeZone)
	add(s, operation(http.MethodPost, "/v1/zones/{id}/pull", "pullZone", "Have what is due of a zone pulled now", http.StatusAccepted),
		access{roles: collectors, action: "zone.pull"}, s.pullZone)
}

// ZoneRef names a zone. It is exported because huma looks into no other embedded struct.
type ZoneRef struct {
	ID      string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Dataset string `query:"dataset" maxLength:"64" pattern:"^[a-z0-9_]+$" doc:"of a zone that has several; without it, the first by name"`
}

// zone finds a zone of the caller's. Another's is not there.
func (q *request) zone(ctx context.Context, ref ZoneRef) (catalog.Zone, error) {
	if err := q.owns(ctx, ref.ID); err != nil {
		return catalog.Zone{}, err
	}
	z, err := q.gen.Catalog.Zone(ctx, ref.ID)
	if err != nil {
		return catalog.Zone{}, err //nolint:wrapcheck // says what it did
	}
	if z.ID != ref.ID { // the catalog finds by name too
		return catalog.Zone{}, catalog.ErrNotFound
	}
	if ref.Dataset == "" || ref.Dataset == z.Dataset {
		return z, nil
	}
	zones, err := q.gen.Tenants.ZonesOf(ctx, q.caller.Customer)
	if err != nil {
		return catalog.Zone{}, err //nolint:wrapcheck // says what it did
	}
	for _, z := range zones {
		if z.ID == ref.ID && z.Dataset == ref.Dataset {
			return z, nil
		}
	}
	return catalog.Zone{}, catalog.ErrNotFound
}

func (s *Server) createZone(ctx context.Context, q *request, in *given[api.NewZone]) (*body[api.Zone], error) {
	source, err := q.source(ctx, in.Body.Source)
	if err == nil {
		err = q.offers(ctx, source, in.Body.Dataset)
	}
	if err != nil {
		return nil, err
	}
	z, err := s.toAdd(q, in.Body, source)
	if err != nil {
		return nil, err
	}
	q.subject = z.ID
	zones, err := q.gen.Tenants.ZonesOf(ctx, q.caller.Customer)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	if len(zones) >= maxZones {
		return nil, api.NewProblem(http.StatusConflict, api.CodeConflict, "the customer has too many zones")
	}
	for _, have := range zones {
		if have.Chain() == z.Chain() {
			return nil, api.NewProblem(http.StatusConflict, api.CodeConflict, "the zone is under collection already: its id is "+z.ID)
		}
	}
	if err := q.gen.Tenants.OwnZone(ctx, z.ID, q.caller.Customer); err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	if err := q.gen.Catalog.PutZone(ctx, z); err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	q.gen.known.forget()
	return &body[api.Zone]{wireZone(z, catalog.Standing{})}, nil
}

// offers refuses a dataset that a source has not.
func (q *request) offers(ctx context.Context, source, dataset string) error {
	offered, err := q.gen.Datasets(ctx, source)
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	if !slices.Contains(offered, dataset) {
		return api.NewProblem(http.StatusUnprocessableEntity, api.CodeInvalid, "the source does not offer this dataset")
	}
	return nil
}

// toAdd is a zone as the catalog has it. The operator's has the id that
// Cloudflare gives it; a tenant's is derived from the tenant too, so that what
// one collects stands in no other's way.
func (s *Server) toAdd(q *request, in api.NewZone, source string) (catalog.Zone, error) {
	if in.Schedule != "" {
		if _, err := schedule.ParseTimes(in.Schedule); err != nil {
			return catalog.Zone{}, api.NewProblem(http.StatusUnprocessableEntity, api.CodeInvalid, "schedule is no cron expression such as */5 * * * *")
		}
	}
	id, err := evidence.NewChainID(in.SourceZone, in.Dataset)
	subject := ""
	if err != nil || q.caller.Customer != tenant.Operator {
		if (source == defaultSource || source != in.Source) && err != nil { // of its own is Cloudflare's too
			return catalog.Zone{}, api.NewProblem(http.StatusUnprocessableEntity, api.CodeInvalid, "source_zone is no zone id of Cloudflare's: 32 hexadecimal digits")
		}
		subject = in.SourceZone
		of := in.Source
		if q.caller.Customer != tenant.Operator {
			of = "customer/" + q.caller.Customer + "/" + in.Source + "/" + in.Dataset
		}
		if id, err = evidence.NewChainID(evidence.ZoneID(of, in.SourceZone), in.Dataset); err != nil {
			return catalog.Zone{}, api.NewProblem(http.StatusUnprocessableEntity, api.CodeInvalid, "dataset is no name of one")
		}
	}
	z := catalog.Zone{
		ID: id.Zone, Name: in.Name, Dataset: id.Dataset, AddedAt: s.cfg.Now().UTC().Truncate(addedAtOnce), Schedule: in.Schedule,
		From: in.From.UTC().Truncate(time.Second), Source: source, Subject: subject,
	}
	if in.From.IsZero() {
		z.From = time.Time{}
	}
	if z.Source == defaultSource {
		z.Source = ""
	}
	return z, nil
}

func wireZone(z catalog.Zone, s catalog.Standing) api.Zone {
	source := cmp.Or(z.Source, defaultSource)
	if _, name, ok := tenant.ParseOwnSource(source); ok {
		source = name
	}
	return api.Zone{
		ID: z.ID, Name: z.Name, Dataset: z.Dataset, Source: source, SourceZone: z.SourceZone(), Paused: z.Paused, Schedule: z.Schedule,
		From: z.From, AddedAt: z.AddedAt, Blocked: s.Blocked, Detail: s.Detail, Since: s.Since,
	}
}

func (s *Server) listZones(ctx context.Context, q *request, _ *nothing) (*body[api.Zones], error) {
	zones, err := q.gen.Tenants.ZonesOf(ctx, q.caller.Customer)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	standings, err := q.standings(ctx)
	if err != nil {
		return nil, err
	}
	out := api.Zones{Zones: []api.Zone{}}
	for _, z := range zones {
		out.Zones = append(out.Zones, wireZone(z, standings[z.Chain()]))
	}
	return &body[api.Zones]{out}, nil
}

// standings are all zones', others' too.
func (q *request) standings(ctx context.Context) (map[evidence.ChainID]catalog.Standing, error) {
	all, err := q.gen.Catalog.ListStandings(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	standings := map[evidence.ChainID]catalog.Standing{}
	for _, st := range all {
		standings[st.Chain] = st
	}
	return standings, nil
}

func (q *request) answer(ctx context.Context, z catalog.Zone) (*body[api.Zone], error) {
	standing, err := q.gen.Catalog.Standing(ctx, z.Chain())
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	return &body[api.Zone]{wireZone(z, standing)}, nil
}

func (s *Server) getZone(ctx context.Context, q *request, in *ZoneRef) (*body[api.Zone], error) {
	z, err := q.zone(ctx, *in)
	if err != nil {
		return nil, err
	}
	return q.answer(ctx, z)
}

type zonePatch struct {
	ZoneRef
	Body api.ZonePatch
}

func (s *Server) changeZone(ctx context.Context, q *request, in *zonePatch) (*body[api.Zone], error) {
	z, err := q.zone(ctx, in.ZoneRef)
	if err != nil {
		return nil, err
	}
	if in.Body.Schedule != nil {
		if _, err := schedule.ParseTimes(*in.Body.Schedule); err != nil && *in.Body.Schedule != "" {
			return nil, api.NewProblem(http.StatusUnprocessableEntity, api.CodeInvalid, "schedule is no cron expression such as */5 * * * *")
		}
		z.Schedule = *in.Body.Schedule
	}
	if in.Body.Name != nil {
		z.Name = *in.Body.Name
	}
	if in.Body.Paused != nil {
		z.Paused = *in.Body.Paused
	}
	if err := q.gen.Catalog.PutZone(ctx, z); err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	return q.answer(ctx, z)
}

func (s *Server) removeZone(ctx context.Context, q *request, in *ZoneRef) (*struct{}, error) {
	z, err := q.zone(ctx, *in)
	if err != nil {
		return nil, err
	}
	err = q.gen.Catalog.RemoveZone(ctx, z.ID, z.Dataset)
	q.gen.known.forget()
	return nil, err //nolint:wrapcheck // says what it did
}

func (s *Server) pullZone(ctx context.Context, q *request, in *ZoneRef) (*body[api.Pulled], error) {
	z, err := q.zone(ctx, *in)
	if err != nil {
		return nil, err
	}
	if z.Paused {
		return nil, api.NewProblem(http.StatusConflict, api.CodeConflict, "the zone is paused")
	}
	n, err := q.gen.Pull(ctx, z)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	return &body[api.Pulled]{api.Pulled{Queued: n}}, nil
}
