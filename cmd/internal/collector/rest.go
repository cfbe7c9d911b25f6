package collector

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/api/server"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/credential"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

// rest is the REST API. It outlives reloads, as ops does. A nil one serves nothing.
type rest struct {
	api    *server.Server
	http   *http.Server
	config atomic.Pointer[config.Config] // the one in force
	began  config.API                    // of the process's start
	log    *slog.Logger
	stop   context.CancelFunc // of what goes on beside
}

// newRest prepares the API and listens; nil where the config has none.
func newRest(ctx context.Context, cfg *config.Config, env *site.Env, health http.Handler, log *slog.Logger) (*rest, error) {
	if cfg.API.Listen == "" {
		return nil, nil
	}
	r := &rest{began: cfg.API, log: log, stop: func() {}}
	r.config.Store(cfg)
	sc := server.Config{
		Version: site.Version, PerSecond: cfg.API.PerSecond, Health: bare(health), Random: rand.Reader, Now: env.Now, Log: log,
		NoStatus: !cfg.API.Status,
	}
	var err error
	if sc.Proxies, err = cfg.API.ProxyPrefixes(); err != nil {
		return nil, site.Usage(err)
	}
	if cfg.API.Registration != "" {
		sc.Registration = func() (string, error) { return r.config.Load().API.Token(env.Getenv) }
		if _, err := sc.Registration(); err != nil {
			return nil, site.Usage(err)
		}
	}
	if cfg.API.Identity != "" {
		sc.Keyring = func() (*credential.Keyring, error) { return site.Keyring(r.config.Load(), env.Getenv) }
		if _, err := sc.Keyring(); err != nil {
			return nil, site.Usage(err)
		}
	}
	if r.api, err = server.New(sc); err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	r.http = r.api.HTTP()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", cfg.API.Listen)
	if err != nil {
		return nil, site.Usagef("api.listen: %w", err)
	}
	serve := r.http.Serve
	switch {
	case cfg.API.TLSCert != "":
		files := &certificate{cert: cfg.API.TLSCert, key: cfg.API.TLSKey, log: log}
		if _, err := files.get(nil); err != nil {
			return nil, errors.Join(site.Usagef("api.tls_cert: %w", err), l.Close())
		}
		r.http.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: files.get}
	case len(cfg.API.ACME.Domains) > 0:
		certificates := newIssued(cfg.API.ACME, time.Now, log)
		r.http.TLSConfig = certificates.tls()
		obtaining, stop := context.WithCancel(ctx)
		r.stop = stop
		go certificates.obtain(obtaining) // until they are there, or close
	}
	secured := r.http.TLSConfig != nil // what serves makes a config where there is none
	if secured {
		serve = func(l net.Listener) error { return r.http.ServeTLS(l, "", "") }
	}
	go func() {
		if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("serve API", "error", err)
		}
	}()
	log.InfoContext(ctx, "API is listening", "address", l.Addr().String(), "tls", secured)
	return r, nil
}

// bare is health for the world: whether, and not why. The reasons count the
// zones of all customers, and name stores.
func bare(health http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ready := r.Clone(r.Context())
		ready.URL.Path, ready.URL.RawPath = "/health/ready", ""
		health.ServeHTTP(w, ready)
	})
}

// serve answers with what a daemon works with, until ctx ends or end is called.
// Requests under way have as long as the daemon's windows; end waits for them.
func (r *rest) serve(ctx context.Context, w *site.Workspace, o parts) (end func()) {
	if r == nil {
		return func() {}
	}
	tenants, ok := w.Catalog.(tenant.Store)
	if !ok {
		r.log.ErrorContext(ctx, "this kind of catalog knows no customers: the API stays shut")
		return func() {}
	}
	drain := w.Config.Collector.Drain
	detach := r.api.Attach(server.Backend{
		Catalog: w.Catalog, Tenants: tenants, Lookup: chain.Lookup{Store: w.Store, Archive: w.Archive, Key: w.Key.Public()},
		Store: w.Store, Known: verify.Known{Dir: w.Config.Known},
		Datasets: datasets{w.Config, o.sources}.of, Pull: o.daemon.Pull, Checked: o.checker.Status,
	})
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(ended); detach(drain) })
	return func() {
		if stop() {
			detach(drain)
			return
		}
		<-ended
	}
}

// datasets tells what the config's sources offer.
type datasets struct {
	config  *config.Config
	sources *site.Sources
}

func (d datasets) of(ctx context.Context, source string) ([]string, error) {
	_, _, own := tenant.ParseOwnSource(source)
	if _, ok := d.config.Sources[source]; !ok && !own && source != site.DefaultSource {
		return nil, fmt.Errorf("%w: %.80q", server.ErrNoSource, source)
	}
	feed, err := d.sources.Named(ctx, source)
	var refused *site.OwnError
	if errors.As(err, &refused) { // its words are for the customer
		return nil, api.NewProblem(http.StatusConflict, api.CodeConflict, refused.Error())
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // names the source already
	}
	var names []string
	for _, ds := range feed.About.Datasets {
		names = append(names, ds.Name)
	}
	return names, nil
}

// reload takes over what may change while the server runs.
func (r *rest) reload(ctx context.Context, cfg *config.Config) {
	if r == nil {
		if cfg.API.Listen != "" {
			slog.Default().DebugContext(ctx, "api.listen changes with the next start")
		}
		return
	}
	now := cfg.API
	now.Registration, now.Identity = r.began.Registration, r.began.Identity
	closed := func(a config.API) [2]bool { return [2]bool{a.Registration == "", a.Identity == ""} }
	if !reflect.DeepEqual(now, r.began) || closed(cfg.API) != closed(r.began) {
		r.log.WarnContext(ctx, "api changes with the next start, not with a reload, but for registration and identity")
	}
	if closed(cfg.API) == closed(r.began) {
		r.config.Store(cfg)
	}
}

func (r *rest) close(ctx context.Context) error {
	if r == nil {
		return nil
	}
	r.stop()
	err := r.http.Shutdown(ctx)
	if err != nil { // a client that holds on
		err = errors.Join(err, r.http.Close())
	}
	return err //nolint:wrapcheck // logged as it is
}
