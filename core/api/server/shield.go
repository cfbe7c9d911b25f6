package server

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// request is what is found out about a request on its way. It is one
// goroutine's at a time.
type request struct {
	id      string
	address string
	began   time.Time
	route   string
	caller  tenant.Key // zero: nobody who is known
	gen     *generation
	subject string // of the act, for the audit log
	owner   string // of the act, where it makes its customer
}

type requestKey struct{}

// of returns the request's; never nil behind ServeHTTP.
func of(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	if r == nil {
		return &request{}
	}
	return r
}

// recorder knows what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err //nolint:wrapcheck // io.Writer's own
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, err := randomText(s.cfg.Random, idBytes)
	if err != nil {
		id = "unknown" // an answer without a name is better than none
	}
	q := &request{id: id, address: s.address(r), began: s.cfg.Now()}
	rec := &recorder{ResponseWriter: w}
	r = r.WithContext(context.WithValue(r.Context(), requestKey{}, q))
	shieldHeaders(w.Header(), id)
	defer s.end(rec, r, q)
	if r.Body != nil {
		r.Body = http.MaxBytesReader(rec, r.Body, maxBody+1) // huma says 413 at one less
	}
	if p := r.URL.Path; p == "" || p[0] != '/' || path.Clean(p) != p || strings.ContainsRune(p, 0) {
		writeProblem(rec, q, api.NewProblem(http.StatusNotFound, api.CodeNotFound, notFound))
		return
	}
	handler, pattern := s.mux.Handler(r)
	if pattern == "" {
		s.unrouted(rec, r, q, handler)
		return
	}
	q.route = pattern
	s.mux.ServeHTTP(rec, r)
}

// end logs a request, and answers for a handler that panicked.
func (s *Server) end(w *recorder, r *http.Request, q *request) {
	p := recover()
	if p != nil && p != http.ErrAbortHandler { //nolint:errorlint // the value itself
		s.cfg.Log.ErrorContext(r.Context(), "panic", "request", q.id, "panic", p, "stack", string(debug.Stack()))
		if w.status == 0 {
			writeProblem(w, q, api.NewProblem(http.StatusInternalServerError, api.CodeInternal, internal))
			p = nil
		} else {
			p = http.ErrAbortHandler
		}
	}
	attrs := []slog.Attr{
		slog.String("request", q.id), slog.String("method", short(r.Method, 16)), slog.String("route", q.route), slog.Int("status", w.status),
		slog.Int64("bytes", w.bytes), slog.Duration("took", s.cfg.Now().Sub(q.began)), slog.String("address", q.address),
	}
	if q.caller.ID != "" {
		attrs = append(attrs, slog.String("customer", q.caller.Customer), slog.String("api_key", q.caller.ID))
	}
	s.cfg.Log.LogAttrs(r.Context(), slog.LevelInfo, "served", attrs...)
	if p != nil {
		panic(http.ErrAbortHandler) // cuts the connection off
	}
}

func short(s string, n int) string { return s[:min(len(s), n)] }

// The words of answers that tell nothing.
const (
	notFound = "there is no such thing, or it is not yours"
	internal = "the server could not do this; its log says why, under the request's id"
)

// unrouted answers where there is no route, as the mux would, but as a problem.
func (s *Server) unrouted(w http.ResponseWriter, r *http.Request, q *request, mux http.Handler) {
	said := &discard{header: http.Header{}}
	mux.ServeHTTP(said, r)
	if said.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", said.header.Get("Allow"))
		writeProblem(w, q, api.NewProblem(said.status, api.CodeMethod, "this path does not take this method"))
		return
	}
	writeProblem(w, q, api.NewProblem(http.StatusNotFound, api.CodeNotFound, notFound))
}

// discard keeps the head of an answer.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// shields are on every answer. Their values are shared, which is safe: nobody changes a
// header's values in place.
var shields = http.Header{ //nolint:gochecknoglobals // never changed
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
	"Referrer-Policy":              {"no-referrer"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Content-Security-Policy":      {"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
	"Strict-Transport-Security":    {"max-age=63072000"}, // ignored where there is no TLS
	"Cache-Control":                {"no-store"},
}

func shieldHeaders(h http.Header, id string) {
	maps.Copy(h, shields)
	h.Set("X-Request-Id", id)
}

func writeProblem(w http.ResponseWriter, q *request, p *api.Problem) {
	p.RequestID = q.id
	b, err := json.Marshal(p)
	if err != nil { // it holds strings and numbers
		b = []byte("{}")
	}
	w.Header().Set("Content-Type", api.ContentType)
	w.WriteHeader(p.Status)
	_, _ = w.Write(b) // the client is gone
}
