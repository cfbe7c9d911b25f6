package server

import (
	"context"
	"net/http"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// maxKeys bounds the keys that a customer has in use.
const maxKeys = 1000

func (s *Server) keyRoutes() {
	add(s, operation(http.MethodPost, "/v1/api-keys", "createKey", "Make an API key", http.StatusCreated),
		access{roles: admins, action: "api-key.create"}, s.createKey)
	add(s, operation(http.MethodGet, "/v1/api-keys", "listKeys", "List the customer's API keys, ended ones too", http.StatusOK),
		access{roles: watchers}, s.listKeys)
	add(s, operation(http.MethodDelete, "/v1/api-keys/{id}", "revokeKey", "Revoke an API key, at once", http.StatusNoContent),
		access{roles: admins, action: "api-key.revoke"}, s.revokeKey)
	add(s, operation(http.MethodPost, "/v1/api-keys/{id}/rotate", "rotateKey", "Make a key in the place of another, which ends", http.StatusCreated),
		access{roles: admins, action: "api-key.rotate"}, s.rotateKey)
}

// KeyRef names a key.
type KeyRef struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[a-z2-7]+$"`
}

func (s *Server) createKey(ctx context.Context, q *request, in *given[api.NewKey]) (*body[api.KeySecret], error) {
	now := s.cfg.Now()
	if !in.Body.ExpiresAt.IsZero() && !in.Body.ExpiresAt.After(now) {
		return nil, api.NewProblem(http.StatusUnprocessableEntity, api.CodeInvalid, "expires_at is in the past")
	}
	return s.mint(ctx, q, in.Body.Name, roleOf(in.Body.Role), in.Body.ExpiresAt)
}

func (s *Server) mint(ctx context.Context, q *request, name string, role tenant.Role, expires time.Time) (*body[api.KeySecret], error) {
	now := s.cfg.Now()
	keys, err := q.gen.Tenants.ListKeys(ctx, q.caller.Customer)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	in := 0
	for _, k := range keys {
		if k.Usable(now) {
			in++
		}
	}
	if in >= maxKeys {
		return nil, api.NewProblem(http.StatusConflict, api.CodeConflict, "there are too many keys: revoke some")
	}
	k, secret, err := Mint(s.cfg.Random, s.cfg.Cost, now, q.caller.Customer, name, role, expires)
	if err != nil {
		return nil, err
	}
	if err := q.gen.Tenants.AddKey(ctx, k); err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	q.subject = k.ID
	return &body[api.KeySecret]{api.KeySecret{Key: wireKey(k), Secret: secret}}, nil
}

func (s *Server) listKeys(ctx context.Context, q *request, _ *nothing) (*body[api.Keys], error) {
	keys, err := q.gen.Tenants.ListKeys(ctx, q.caller.Customer)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	out := api.Keys{Keys: []api.Key{}}
	for _, k := range keys {
		out.Keys = append(out.Keys, wireKey(k))
	}
	return &body[api.Keys]{out}, nil
}

// ended is a key of the customer's that is about to end.
func (s *Server) ended(ctx context.Context, q *request, id string, replaced bool) (tenant.Key, error) {
	keys, err := q.gen.Tenants.ListKeys(ctx, q.caller.Customer)
	if err != nil {
		return tenant.Key{}, err //nolint:wrapcheck // says what it did
	}
	var found tenant.Key
	others := 0
	for _, k := range keys {
		switch {
		case k.ID == id:
			found = k
		case k.Role == tenant.Admin && k.Usable(s.cfg.Now()) && k.ExpiresAt.IsZero():
			others++
		}
	}
	if found.ID == "" {
		return tenant.Key{}, catalog.ErrNotFound
	}
	if !replaced && found.Role == tenant.Admin && found.Usable(s.cfg.Now()) && others == 0 {
		return tenant.Key{}, api.NewProblem(http.StatusConflict, api.CodeLastAdmin, "no admin key that does not expire would be left: make another first, or rotate this one")
	}
	return found, nil
}

func (s *Server) revokeKey(ctx context.Context, q *request, in *KeyRef) (*struct{}, error) {
	if _, err := s.ended(ctx, q, in.ID, false); err != nil {
		return nil, err
	}
	err := q.gen.Tenants.RevokeKey(ctx, q.caller.Customer, in.ID, s.cfg.Now())
	s.auth.forget()
	return nil, err //nolint:wrapcheck // says what it did
}

type rotation struct {
	KeyRef
	Body api.Rotation
}

func (s *Server) rotateKey(ctx context.Context, q *request, in *rotation) (*body[api.KeySecret], error) {
	old, err := s.ended(ctx, q, in.ID, true)
	if err != nil {
		return nil, err
	}
	now := s.cfg.Now()
	if !old.Usable(now) {
		return nil, api.NewProblem(http.StatusConflict, api.CodeConflict, "the key has ended already: make a new one")
	}
	made, err := s.mint(ctx, q, old.Name, old.Role, old.ExpiresAt)
	if err != nil {
		return nil, err
	}
	q.subject = old.ID + " " + made.Body.ID
	end := now.Add(time.Duration(in.Body.Overlap) * time.Second)
	err = q.gen.Tenants.ExpireKey(ctx, q.caller.Customer, old.ID, end)
	s.auth.forget()
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	return made, nil
}
