package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// body is an answer with this body.
type body[T any] struct{ Body T }

// given is a request with this body.
type given[T any] struct{ Body T }

// nothing is a request that says all by its path.
type nothing struct{}

func (s *Server) customerRoutes() {
	add(s, operation(http.MethodPost, "/v1/customers", "createCustomer", "Make a customer and its first admin key", http.StatusCreated),
		access{action: "customer.create", registration: true}, s.createCustomer)
	add(s, operation(http.MethodGet, "/v1/me", "getMe", "Who the key is", http.StatusOK), access{roles: anybody}, s.me)
	add(s, operation(http.MethodGet, "/v1/audit", "listEvents", "What was done by the customer's keys, the latest first", http.StatusOK),
		access{roles: watchers}, s.listEvents)
}

func (s *Server) createCustomer(ctx context.Context, q *request, in *given[api.NewCustomer]) (*body[api.Registered], error) {
	id, err := randomText(s.cfg.Random, idBytes)
	if err != nil {
		return nil, err
	}
	for _, source := range in.Body.Sources {
		if err := q.knowsSource(ctx, source); err != nil {
			return nil, err
		}
	}
	now := s.cfg.Now()
	c := tenant.Customer{ID: id, Name: in.Body.Name, Sources: slices.Compact(slices.Sorted(slices.Values(in.Body.Sources))), CreatedAt: now.UTC().Truncate(time.Millisecond)}
	k, secret, err := Mint(s.cfg.Random, s.cfg.Cost, now, id, "first key", tenant.Admin, time.Time{})
	if err != nil {
		return nil, err
	}
	if err := q.gen.Tenants.AddCustomer(ctx, c, k); err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	q.subject, q.owner = id, id
	return &body[api.Registered]{api.Registered{Customer: wireCustomer(c), Key: api.KeySecret{Key: wireKey(k), Secret: secret}}}, nil
}

// knowsSource refuses a source that the config has not.
func (q *request) knowsSource(ctx context.Context, source string) error {
	_, err := q.gen.Datasets(ctx, source)
	if errors.Is(err, ErrNoSource) {
		return api.NewProblem(http.StatusUnprocessableEntity, api.CodeInvalid, "the config has no source of that name")
	}
	return err //nolint:wrapcheck // says what it did
}

func (s *Server) me(ctx context.Context, q *request, _ *nothing) (*body[api.Me], error) {
	c, err := q.customer(ctx)
	if err != nil {
		return nil, err
	}
	return &body[api.Me]{api.Me{Customer: wireCustomer(c), Key: wireKey(q.caller)}}, nil
}

func wireCustomer(c tenant.Customer) api.Customer {
	return api.Customer{ID: c.ID, Name: c.Name, Sources: append([]string{}, c.Sources...), CreatedAt: c.CreatedAt}
}

func wireKey(k tenant.Key) api.Key {
	return api.Key{
		ID: k.ID, Name: k.Name, Role: string(k.Role), Prefix: k.Prefix,
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt, UsedAt: k.UsedAt,
	}
}

// Page asks for a part of a list.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Cursor string `query:"cursor" maxLength:"20" pattern:"^[0-9]{1,18}$" doc:"next of the page before"`
}

func (s *Server) listEvents(ctx context.Context, q *request, in *Page) (*body[api.Events], error) {
	before, err := in.before()
	if err != nil {
		return nil, err
	}
	events, err := q.gen.Tenants.ListEvents(ctx, q.caller.Customer, before, in.Limit+1)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	out := api.Events{Events: []api.Event{}}
	for i, e := range events {
		if i == in.Limit {
			out.Next = fmt.Sprint(events[i-1].Seq)
			break
		}
		out.Events = append(out.Events, api.Event{
			Seq: e.Seq, At: e.At, Key: e.Key, Action: e.Action, Subject: e.Subject, Outcome: e.Outcome, RequestID: e.RequestID, Address: e.Address,
		})
	}
	return &body[api.Events]{out}, nil
}
