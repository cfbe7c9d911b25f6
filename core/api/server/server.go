package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/crypto/bcrypt"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/api/status"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/credential"
	"github.com/fabriziosalmi/rainlogs/core/selfcheck"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

// Config is what a server is made of.
type Config struct {
	Version string
	// Registration returns the token that makes customers. The server asks at
	// each registration, so that a token that was replaced is used at once. nil
	// is for no registration over the API.
	Registration func() (string, error)
	// Keyring returns the keys that encrypt what customers bring; asked each
	// time, as Registration is. nil is for no tokens over the API.
	Keyring func() (*credential.Keyring, error)
	// PerSecond is how many requests a customer may make, on average; three
	// times as many at once. Default 50.
	PerSecond float64
	// Cost is bcrypt's: default bcrypt.DefaultCost.
	Cost int
	// Proxies are believed about whom they ask for.
	Proxies []netip.Prefix
	Health  http.Handler // of GET /health; nil for none
	// NoStatus leaves the status page out.
	NoStatus bool
	Random   io.Reader // crypto/rand's
	Now      func() time.Time
	Log      *slog.Logger
}

// Backend is what a server works with while a daemon runs.
type Backend struct {
	Catalog catalog.Catalog
	Tenants tenant.Store
	Lookup  chain.Lookup // of the archive
	Store   verify.Store // the archive itself
	Known   verify.Known
	// Datasets are what a source of the config offers; the error of one that
	// there is not is ErrNoSource.
	Datasets func(ctx context.Context, source string) ([]string, error)
	// Pull plans what of a zone is due, and has it pulled before all else.
	Pull func(ctx context.Context, z catalog.Zone) (queued int, err error)
	// Checked is how the self-check stands; nil where there is none.
	Checked func(ctx context.Context) (selfcheck.Status, error)
}

// ErrNoSource: the config has no source of that name.
var ErrNoSource = errors.New("there is no such source")

// The bounds of a request.
const (
	maxBody     = 64 << 10
	maxHeader   = 16 << 10
	headerTime  = 5 * time.Second
	bodyTime    = 10 * time.Second
	answerTime  = 30 * time.Second
	workTime    = 25 * time.Second // less than answerTime: who is late is told so
	idleTime    = 2 * time.Minute
	addresses   = 16_384
	customersOf = 16_384
	// What one address may have bcrypt asked, or try to register.
	tryPerSecond = 10
	tryAtOnce    = 50
)

// Server is the REST API.
type Server struct {
	cfg       Config
	auth      *authenticator
	tries     *limiters // by address
	customers *limiters // by customer
	mux       *http.ServeMux
	api       huma.API
	docs      []byte
	verifying *slots
	following *slots // streams of events
	unpacking *slots // answers that are not sent as they are stored
	lender    *lender
	known     *known
	looking   *slots // pages that are being made

	pages       *status.Renderer
	crossOrigin *http.CrossOriginProtection

	eventsEvery time.Duration

	mu  sync.RWMutex // guards now
	now *generation
}

// generation is one backend, and the requests that work with it.
type generation struct {
	Backend
	known    *known
	ctx      context.Context //nolint:containedctx // of all of its requests
	leaving  chan struct{}   // closed when it is detached: what has no end of its own ends
	requests sync.WaitGroup
}

// New makes a server that answers 503 until it has a backend.
func New(cfg Config) (*Server, error) {
	if cfg.Cost == 0 {
		cfg.Cost = bcrypt.DefaultCost
	}
	if cfg.PerSecond == 0 {
		cfg.PerSecond = 50
	}
	s := &Server{
		cfg: cfg, mux: http.NewServeMux(), eventsEvery: eventsEvery,
		verifying: newSlots(verifications, max(1, verifications/2)), following: newSlots(streams, streams/4), unpacking: newSlots(unpacked, unpacked/2),
		looking: newSlots(looks, looks/4), crossOrigin: http.NewCrossOriginProtection(),
	}
	var errs [5]error
	s.auth, errs[0] = newAuthenticator(cfg.Cost, cfg.Now, func(ctx context.Context, err error) {
		cfg.Log.WarnContext(ctx, "use of an API key not noted", "error", err)
	})
	s.tries, errs[1] = newLimiters(tryPerSecond, tryAtOnce, addresses)
	s.customers, errs[2] = newLimiters(cfg.PerSecond, max(1, int(3*cfg.PerSecond)), customersOf)
	s.lender, errs[3] = newLender(unpackedBytes)
	s.known, errs[4] = newKnown(cfg.Now)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("make API server: %w", err)
	}
	if err := errors.Join(s.routes(), s.pageRoutes()); err != nil {
		return nil, fmt.Errorf("make API server: %w", err)
	}
	return s, nil
}

// HTTP is the http.Server for it, with the limits that it is meant to have.
func (s *Server) HTTP() *http.Server {
	return &http.Server{
		// No ReadTimeout: its deadline outlives the body, and would end a long
		// download. Bodies have a deadline of their own.
		Handler: s, ReadHeaderTimeout: headerTime, WriteTimeout: answerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
}

// Attach gives the server what it works with. detach, to be called once, takes it back: no request
// begins with it any more, those under way may go on for grace and are cut off
// then, and it returns once all have ended.
func (s *Server) Attach(b Backend) (detach func(grace time.Duration)) {
	ctx, cancel := context.WithCancel(context.Background())
	s.known.forget() // of another catalog
	g := &generation{Backend: b, known: s.known, ctx: ctx, leaving: make(chan struct{})}
	s.mu.Lock()
	s.now = g
	s.mu.Unlock()
	return func(grace time.Duration) {
		s.mu.Lock()
		if s.now == g {
			s.now = nil
		}
		s.mu.Unlock()
		close(g.leaving)
		late := time.AfterFunc(grace, cancel)
		g.requests.Wait()
		late.Stop()
		cancel()
	}
}

// enter counts a request among those of the present backend; leave must be called.
func (s *Server) enter() (g *generation, leave func(), err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.now == nil {
		return nil, nil, api.NewProblem(http.StatusServiceUnavailable, api.CodeUnavailable, "the collector is starting, or about to end")
	}
	s.now.requests.Add(1)
	return s.now, s.now.requests.Done, nil
}
