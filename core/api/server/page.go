package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/api/status"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

const (
	// looks bounds the pages that are being made; one customer has a quarter of them.
	looks    = 16
	pageTime = 10 * time.Second
	maxForm  = 4 << 10
	pagesCSP = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

// pageRoutes are the status page's, for people: they are not in the document.
func (s *Server) pageRoutes() error {
	if s.cfg.NoStatus {
		return nil
	}
	var err error
	if s.pages, err = status.New(); err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	s.mux.HandleFunc("GET /status.css", serve("text/css; charset=utf-8", status.Style))
	s.mux.HandleFunc("GET /icon.svg", serve("image/svg+xml", status.Icon))
	s.mux.HandleFunc("GET /{$}", s.page(s.overview))
	s.mux.HandleFunc("GET /zones/{id}", s.page(s.detail))
	s.mux.HandleFunc("POST /sign-in", s.signIn)
	s.mux.HandleFunc("POST /sign-out", s.signOut)
	return nil
}

// page serves a view of the zones of who is signed in, and asks who is not for a key.
func (s *Server) page(show func(ctx context.Context, q *request, r *http.Request) (status.View, error)) http.HandlerFunc {
	return s.paged(func(ctx context.Context, w http.ResponseWriter, r *http.Request, q *request) error {
		in, key, err := s.recall(ctx, q.gen.Tenants, r)
		if errors.Is(err, errNoKey) {
			if r.URL.Path != "/" {
				http.Redirect(w, r, "/", http.StatusSeeOther)
				return nil
			}
			return s.render(w, http.StatusOK, status.SignIn{Cookieless: r.URL.RawQuery == signedIn})
		}
		if err != nil {
			return err
		}
		q.caller = key
		if wait := s.customers.take(key.Customer, s.cfg.Now()); wait > 0 {
			return limited(wait)
		}
		give := s.looking.take(key.Customer)
		if give == nil {
			return limited(time.Second)
		}
		defer give()
		view, err := show(ctx, q, r)
		if err != nil {
			return err
		}
		if longer, ok := in.renewed(s.cfg.Now()); ok {
			http.SetCookie(w, longer.cookie(key.Hash, s.cfg.Now()))
		}
		return s.render(w, http.StatusOK, view)
	})
}

// paged is what all pages have: headers, a backend, an end, and words for an error.
func (s *Server) paged(do func(ctx context.Context, w http.ResponseWriter, r *http.Request, q *request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := of(r.Context())
		w.Header().Set("Content-Security-Policy", pagesCSP)
		w.Header().Set("Referrer-Policy", "same-origin") // with none, browsers do not say where a form is from
		gen, leave, err := s.enter()
		if err == nil {
			defer leave()
			q.gen = gen
			ctx, cancel := context.WithTimeout(r.Context(), pageTime)
			defer cancel()
			defer context.AfterFunc(gen.ctx, cancel)()
			err = do(ctx, w, r, q)
		}
		if err != nil {
			s.sorry(w, r, q, err)
		}
	}
}

func (s *Server) render(w http.ResponseWriter, code int, v status.View) error {
	b, err := s.pages.Render(v)
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(b) // the client is gone
	return nil
}

// sorry is refuse for people.
func (s *Server) sorry(w http.ResponseWriter, r *http.Request, q *request, err error) {
	p := s.refusal(w.Header(), r, err)
	if err := s.render(w, p.Status, status.Sorry{Title: p.Title, Detail: p.Detail, RequestID: q.id}); err != nil {
		writeProblem(w, q, p)
	}
}

// signedIn is the query of where signing in leads: who comes there without a
// cookie has a browser that did not keep it.
const signedIn = "in"

// signIn takes a key for a cookie. A form of another site's is refused: it
// would sign people in as somebody else.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	s.paged(func(ctx context.Context, w http.ResponseWriter, r *http.Request, q *request) error {
		if err := s.sameSite(r); err != nil {
			return err
		}
		bearer, err := formKey(w, r)
		if err != nil {
			return err
		}
		if !s.auth.cheap(bearer) {
			if wait := s.tries.take(q.address, s.cfg.Now()); wait > 0 {
				return limited(wait)
			}
		}
		key, err := s.auth.authenticate(ctx, q.gen.Tenants, bearer)
		if errors.Is(err, errNoKey) {
			return s.render(w, http.StatusUnauthorized, status.SignIn{Refused: true})
		}
		if err != nil {
			return err
		}
		q.caller = key
		now := s.cfg.Now()
		http.SetCookie(w, begun(key.Prefix, now).cookie(key.Hash, now))
		http.Redirect(w, r, "/?"+signedIn, http.StatusSeeOther)
		return nil
	})(w, r)
}

// formKey reads the form within its bounds.
func formKey(w http.ResponseWriter, r *http.Request) (string, error) {
	// Not supported where there is no connection; the server's own limits hold then.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return "", api.NewProblem(http.StatusBadRequest, api.CodeInvalid, "the form cannot be read")
	}
	return strings.TrimSpace(r.PostForm.Get("key")), nil
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	s.paged(func(_ context.Context, w http.ResponseWriter, r *http.Request, _ *request) error {
		if err := s.sameSite(r); err != nil {
			return err
		}
		http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode})
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	})(w, r)
}

func (s *Server) sameSite(r *http.Request) error {
	if s.crossOrigin.Check(r) != nil {
		return api.NewProblem(http.StatusForbidden, api.CodeForbidden, "the form is from another site")
	}
	return nil
}

// frame is what all pages of somebody who is signed in have.
func (s *Server) frame(ctx context.Context, q *request) (status.Frame, error) {
	c, err := q.customer(ctx)
	if err != nil {
		return status.Frame{}, err
	}
	return status.Frame{Customer: nameOf(c), Role: string(q.caller.Role), At: s.cfg.Now()}, nil
}

func nameOf(c tenant.Customer) string {
	if c.Name == "" {
		return c.ID
	}
	return c.Name
}
