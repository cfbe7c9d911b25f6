package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// The names under which the document has the ways to authenticate.
const (
	keyScheme          = "apiKey"
	registrationScheme = "registrationToken"
)

func (s *Server) routes() error {
	humaErrors.Do(useProblems)
	cfg := huma.DefaultConfig("RainLogs", s.cfg.Version)
	cfg.Info.Description = "The collector of an evidence-grade archive of Cloudflare logs. Errors are RFC 9457 problems with a stable code and the request's id."
	cfg.CreateHooks = nil // no $schema member in what is answered
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.NoFormatFallback = false
	cfg.Formats = map[string]huma.Format{"application/json": plainJSON(), "json": plainJSON()}
	cfg.RejectUnknownQueryParameters = true
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		keyScheme:          {Type: "http", Scheme: "bearer", Description: "An API key: rl_PREFIX_SECRET"},
		registrationScheme: {Type: "http", Scheme: "bearer", Description: "The operator's registration token (api.registration)"},
	}
	s.api = humago.New(s.mux, cfg)
	s.customerRoutes()
	s.keyRoutes()
	s.sourceRoutes()
	s.zoneRoutes()
	s.backlogRoute()
	s.jobRoutes()
	s.chainRoutes()
	s.downloadRoute()
	s.logsRoute()
	s.verifyRoute()
	s.eventsRoute()
	s.describeEvents()
	document, err := json.Marshal(s.api.OpenAPI())
	if err != nil {
		return fmt.Errorf("write OpenAPI document: %w", err)
	}
	if s.docs, err = renderDocs(s.api.OpenAPI()); err != nil {
		return err
	}
	s.mux.HandleFunc("GET /openapi.json", serve("application/openapi+json", document))
	s.mux.HandleFunc("GET /docs", serve("text/html; charset=utf-8", s.docs))
	if s.cfg.Health != nil {
		s.mux.Handle("GET /health", s.cfg.Health)
	}
	return nil
}

func serve(contentType string, b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(b) // the client is gone
	}
}

// operation is what an operation is, but for who may call it.
func operation(method, path, id, summary string, status int) huma.Operation {
	return huma.Operation{
		Method: method, Path: path, OperationID: id, Summary: summary, DefaultStatus: status,
		MaxBodyBytes: maxBody, BodyReadTimeout: bodyTime,
	}
}

// add registers an operation.
func add[I, O any](s *Server, op huma.Operation, a access, handle func(ctx context.Context, q *request, in *I) (*O, error)) {
	scheme := keyScheme
	if a.registration {
		scheme = registrationScheme
	}
	op.Security = []map[string][]string{{scheme: {}}}
	op.Middlewares = huma.Middlewares{s.guarded(a)}
	op.Description = describe(a)
	op.Errors = []int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
		http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
	}
	if a.action != "" {
		op.Errors = append(op.Errors, http.StatusRequestTimeout, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if a.streams {
		op.Errors = append(op.Errors, http.StatusNotAcceptable, http.StatusConflict, http.StatusGone, http.StatusBadGateway)
	}
	if a.ranges {
		op.Errors = append(op.Errors, http.StatusRequestedRangeNotSatisfiable)
	}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		q := of(ctx)
		out, err := handle(ctx, q, in)
		if err != nil {
			p := s.tell(ctx, err)
			p.RequestID = q.id
			return nil, p
		}
		return out, nil
	})
}

func describe(a access) string {
	if a.registration {
		return "For who has the registration token."
	}
	text := "Roles: "
	for i, r := range a.roles {
		if i > 0 {
			text += ", "
		}
		text += string(r)
	}
	return text + "."
}

// roleOf knows the roles that the schema lets through.
func roleOf(s string) tenant.Role { return tenant.Role(s) }
