package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/credential"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

const (
	ownPlugin  = "logpull" // that collects with customers' own tokens
	maxSources = 32        // of one customer's own
)

func (s *Server) sourceRoutes() {
	add(s, operation(http.MethodGet, "/v1/sources", "listSources", "What the customer may collect from", http.StatusOK),
		access{roles: anybody}, s.listSources)
	add(s, operation(http.MethodPut, "/v1/sources/{name}", "putSource", "Bring a Cloudflare token, or replace it; it is never shown again", http.StatusOK),
		access{roles: admins, action: "source.put"}, s.putSource)
	add(s, operation(http.MethodDelete, "/v1/sources/{name}", "removeSource", "Forget a token that no zone is collected with", http.StatusNoContent),
		access{roles: admins, action: "source.remove"}, s.removeSource)
}

// SourceRef names a source of the customer's.
type SourceRef struct {
	Name string `path:"name" maxLength:"64" pattern:"^[a-z0-9_-]+$"`
}

type sourcePut struct {
	SourceRef
	Body api.SourceToken
}

func (s *Server) listSources(ctx context.Context, q *request, _ *nothing) (*body[api.Sources], error) {
	c, err := q.gen.Tenants.Customer(ctx, q.caller.Customer)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	own, err := q.gen.Tenants.ListCredentials(ctx, q.caller.Customer)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	out := api.Sources{Sources: []api.Source{}}
	for _, o := range own {
		out.Sources = append(out.Sources, wireSource(o))
	}
	for _, name := range c.Sources {
		if !slices.ContainsFunc(own, func(o tenant.Credential) bool { return o.Name == name }) {
			out.Sources = append(out.Sources, api.Source{Name: name})
		}
	}
	return &body[api.Sources]{out}, nil
}

func wireSource(c tenant.Credential) api.Source {
	return api.Source{Name: c.Name, Own: true, Plugin: c.Plugin, CreatedAt: c.CreatedAt, TokenSetAt: c.UpdatedAt}
}

// putSource keeps a token, encrypted. The daemons find it there: zones that waited
// for a better one are tried again.
func (s *Server) putSource(ctx context.Context, q *request, in *sourcePut) (*body[api.Source], error) {
	q.subject = in.Name
	if err := s.mayBring(ctx, q, in.Name); err != nil {
		return nil, err
	}
	keys, err := s.keyring()
	if err != nil {
		return nil, err
	}
	c := tenant.Credential{
		Customer: q.caller.Customer, Name: in.Name, Plugin: ownPlugin, Recipient: keys.Recipient(),
		CreatedAt: s.cfg.Now().UTC().Truncate(time.Millisecond),
	}
	c.UpdatedAt = c.CreatedAt
	if c.Sealed, err = keys.Seal(c.Customer, c.Name, credential.Secret(in.Body.Token)); err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	if err := q.gen.Tenants.PutCredential(ctx, c); err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	if c, err = q.gen.Tenants.Credential(ctx, c.Customer, c.Name); err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	return &body[api.Source]{wireSource(c)}, nil
}

// keyring are the keys that tokens are encrypted with.
func (s *Server) keyring() (*credential.Keyring, error) {
	if s.cfg.Keyring == nil {
		return nil, api.NewProblem(http.StatusForbidden, api.CodeCredentialsShut, "tokens are not taken over the API here: api.identity is not set")
	}
	return s.cfg.Keyring()
}

// mayBring refuses a name that means something else already, and too many.
func (s *Server) mayBring(ctx context.Context, q *request, name string) error {
	c, err := q.gen.Tenants.Customer(ctx, q.caller.Customer)
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	given := slices.Contains(c.Sources, name)
	if c.ID == tenant.Operator { // the config is the operator's
		_, err := q.gen.Datasets(ctx, name)
		given = !errors.Is(err, ErrNoSource)
	}
	if given {
		return api.NewProblem(http.StatusConflict, api.CodeConflict, "the server's config has a source of this name for the customer: choose another")
	}
	own, err := q.gen.Tenants.ListCredentials(ctx, c.ID)
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	if len(own) >= maxSources && !slices.ContainsFunc(own, func(o tenant.Credential) bool { return o.Name == name }) {
		return api.NewProblem(http.StatusConflict, api.CodeConflict, fmt.Sprintf("there are %d sources already", maxSources))
	}
	return nil
}

func (s *Server) removeSource(ctx context.Context, q *request, in *SourceRef) (*struct{}, error) {
	q.subject = in.Name
	err := q.gen.Tenants.RemoveCredential(ctx, q.caller.Customer, in.Name)
	if errors.Is(err, tenant.ErrInUse) {
		return nil, api.NewProblem(http.StatusConflict, api.CodeConflict, "zones are collected from this source: remove them first")
	}
	return nil, err //nolint:wrapcheck // says what it did
}

// source is what a zone's Source has to be for what the customer calls one: its
// own, or else one of the config's that it was given. It says the same of one
// that there is not: what others have is not told.
func (q *request) source(ctx context.Context, name string) (string, error) {
	_, err := q.gen.Tenants.Credential(ctx, q.caller.Customer, name)
	if err == nil {
		return tenant.OwnSource(q.caller.Customer, name), nil
	}
	if !errors.Is(err, catalog.ErrNotFound) {
		return "", err //nolint:wrapcheck // says what it did
	}
	c, err := q.gen.Tenants.Customer(ctx, q.caller.Customer)
	if err != nil {
		return "", err //nolint:wrapcheck // says what it did
	}
	if c.ID != tenant.Operator && !slices.Contains(c.Sources, name) {
		return "", api.NewProblem(http.StatusForbidden, api.CodeSource, "the customer may not collect from this source")
	}
	return name, q.knowsSource(ctx, name)
}
