package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// access says who may call an operation.
type access struct {
	roles        []tenant.Role // none: who has the registration token
	action       string        // of the audit log; "" changes nothing
	streams      bool          // takes as long as it takes
	ranges       bool          // has parts
	registration bool
}

// limit is for how long an operation may go on.
func (a access) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.streams {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, workTime)
}

// The roles that may do what.
var (
	anybody    = tenant.Roles()
	readers    = []tenant.Role{tenant.Admin, tenant.AnalystRole, tenant.AuditorRole} // of records, which are personal data
	collectors = []tenant.Role{tenant.Admin, tenant.OperatorRole}
	watchers   = []tenant.Role{tenant.Admin, tenant.AuditorRole}
	admins     = []tenant.Role{tenant.Admin}
)

// humaErrors has huma make its errors as ours. Its hook is one for the whole
// program; ours is the same for every server.
var humaErrors sync.Once //nolint:gochecknoglobals // as huma's

func useProblems() {
	huma.ValidateStrictCasing = true // NAME is not name: the document has no such member
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		p := problemOf(status, msg, errs...)
		if ctx != nil {
			p.RequestID = of(ctx.Context()).id
		}
		return p
	}
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError { return problemOf(status, msg, errs...) }
}

// problemOf makes huma's words a problem. What stood in the request is not
// repeated: it may be a secret.
func problemOf(status int, msg string, errs ...error) *api.Problem {
	if status >= http.StatusInternalServerError {
		msg, errs = internal, nil
	}
	p := api.NewProblem(status, api.CodeOf(status), msg)
	if status == http.StatusUnsupportedMediaType { // huma says which it was
		p.Errors, errs = []api.Fault{{Location: "body", Message: wrongType}}, nil
	}
	for _, err := range errs {
		var d huma.ErrorDetailer
		if errors.As(err, &d) {
			at, message := d.ErrorDetail().Location, d.ErrorDetail().Message
			if message == validation.MsgUnexpectedProperty { // its name is of the request's
				at = at[:max(0, strings.LastIndexByte(at, '.'))]
			}
			p.Errors = append(p.Errors, api.Fault{Location: place(at), Message: short(message, 300)})
		}
	}
	return p
}

// placeForm is what names of ours look like. A member or parameter that we do
// not know may be called anything: a key that was pasted there, too.
var placeForm = regexp.MustCompile(`^[A-Za-z0-9_.$\[\]-]{1,60}$`)

// place says where in a request something is, and not what its sender made up.
func place(location string) string {
	if placeForm.MatchString(location) {
		return location
	}
	part, _, _ := strings.Cut(location, ".")
	return short(part, 10)
}

// guarded lets in who may call an operation, before anything of the request is
// read but its head, and enters the act.
func (s *Server) guarded(a access) func(ctx huma.Context, next func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		q := of(r.Context())
		gen, leave, err := s.enter()
		if err != nil {
			s.refuse(w, q, r, err)
			return
		}
		defer leave()
		q.gen = gen
		limited, cancel := a.limit(ctx.Context())
		defer cancel()
		defer context.AfterFunc(gen.ctx, cancel)()
		ctx = huma.WithContext(ctx, limited)
		if a.registration {
			err = s.admitRegistration(r, q)
		} else {
			err = s.admit(limited, r, q, a)
		}
		var denied *api.Problem
		if err != nil && (a.action == "" || !errors.As(err, &denied) || denied.Status != http.StatusForbidden || a.registration) {
			s.refuse(w, q, r, err)
			return
		}
		s.audited(ctx, w, r, q, a, err, func(ctx huma.Context) {
			if err := plain(r, ctx.Operation(), a.action != ""); err != nil {
				s.refuse(w, q, r, err)
				return
			}
			next(ctx)
		})
	}
}

// audited enters an act before it begins and what became of it; denied ones too.
func (s *Server) audited(ctx huma.Context, w http.ResponseWriter, r *http.Request, q *request, a access, denied error, next func(huma.Context)) {
	if a.action == "" {
		next(ctx)
		return
	}
	e := tenant.Event{
		At: s.cfg.Now(), Customer: q.caller.Customer, Key: q.caller.ID, Action: a.action, Subject: short(r.PathValue("id"), 200),
		RequestID: q.id, Address: q.address,
	}
	var err error
	if e.Seq, err = q.gen.Tenants.AddEvent(ctx.Context(), e); err != nil {
		s.refuse(w, q, r, err)
		return
	}
	defer func() {
		if q.subject != "" {
			e.Subject = q.subject
		}
		if q.owner != "" {
			e.Customer = q.owner
		}
		status := http.StatusInternalServerError // of a panic
		if rec, ok := w.(*recorder); ok && rec.status != 0 {
			status = rec.status
		}
		e.Outcome = strconv.Itoa(status)
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx.Context()), workTime)
		defer cancel()
		if err := q.gen.Tenants.EndEvent(end, e); err != nil {
			s.cfg.Log.ErrorContext(end, "outcome of an act not entered", "request", q.id, "action", a.action, "outcome", e.Outcome, "error", err)
		}
	}()
	if denied != nil {
		s.refuse(w, q, r, denied)
		return
	}
	next(ctx)
}

// refuse answers with what an error says to who asked.
func (s *Server) refuse(w http.ResponseWriter, q *request, r *http.Request, err error) {
	writeProblem(w, q, s.refusal(w.Header(), r, err))
}

// refusal is what to answer, but for the headers, which it sets.
func (s *Server) refusal(h http.Header, r *http.Request, err error) *api.Problem {
	p := s.tell(r.Context(), err)
	switch p.Status {
	case http.StatusServiceUnavailable:
		retryAfter(h, 5*time.Second)
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="rainlogs"`)
	}
	var l limited
	if errors.As(err, &l) {
		retryAfter(h, time.Duration(l))
	}
	return p
}

// limited is for how long to wait.
type limited time.Duration

func (limited) Error() string { return "too many requests" }

// tell is what a client hears of an error. What is the server's own goes into
// its log instead.
func (s *Server) tell(ctx context.Context, err error) *api.Problem {
	var p *api.Problem
	var l limited
	switch {
	case errors.As(err, &p):
		same := *p
		return &same
	case errors.As(err, &l):
		return api.NewProblem(http.StatusTooManyRequests, api.CodeRateLimited, "too many requests: see Retry-After")
	case errors.Is(err, errNoKey):
		return api.NewProblem(http.StatusUnauthorized, api.CodeUnauthorized, errNoKey.Error())
	case errors.Is(err, catalog.ErrNotFound):
		return api.NewProblem(http.StatusNotFound, api.CodeNotFound, notFound)
	}
	s.cfg.Log.ErrorContext(ctx, "not done", "request", of(ctx).id, "error", err)
	switch {
	case errors.Is(err, catalog.ErrUnavailable), errors.Is(err, context.Canceled):
		return api.NewProblem(http.StatusServiceUnavailable, api.CodeUnavailable, "a part of the collector cannot be reached: try again")
	case errors.Is(err, context.DeadlineExceeded):
		return api.NewProblem(http.StatusGatewayTimeout, api.CodeTimeout, "it took too long")
	}
	return api.NewProblem(http.StatusInternalServerError, api.CodeInternal, internal)
}

// admit finds out who asks, and whether they may.
func (s *Server) admit(ctx context.Context, r *http.Request, q *request, a access) error {
	bearer := bearerOf(r)
	if !s.auth.cheap(bearer) {
		if wait := s.tries.take(q.address, s.cfg.Now()); wait > 0 {
			return limited(wait)
		}
	}
	key, err := s.auth.authenticate(ctx, q.gen.Tenants, bearer)
	if err != nil {
		return err
	}
	q.caller = key
	if wait := s.customers.take(key.Customer, s.cfg.Now()); wait > 0 {
		return limited(wait)
	}
	if !slices.Contains(a.roles, key.Role) {
		return api.NewProblem(http.StatusForbidden, api.CodeForbidden, "a key of the role "+string(key.Role)+" may not do this")
	}
	return nil
}

// bearerOf is the request's one bearer token, "" if there is none or there are two.
func bearerOf(r *http.Request) string {
	given := r.Header.Values("Authorization")
	if len(given) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// admitRegistration compares the registration token.
func (s *Server) admitRegistration(r *http.Request, q *request) error {
	if wait := s.tries.take(q.address, s.cfg.Now()); wait > 0 {
		return limited(wait)
	}
	if s.cfg.Registration == nil {
		return api.NewProblem(http.StatusForbidden, api.CodeRegistrationShut, "customers are not made over the API here: api.registration is not set")
	}
	want, err := s.cfg.Registration()
	if err != nil {
		return err
	}
	a, b := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(bearerOf(r)))
	if want == "" || subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
		return errNoKey
	}
	return nil
}
