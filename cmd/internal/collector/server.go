package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/health"
	"github.com/fabriziosalmi/rainlogs/core/metrics"
)

// loopLimit is how long the daemon's loop may stand still before the process
// is taken for hung.
const loopLimit = time.Minute

// ops is what tells how the process stands: /health, /metrics. It outlives
// reloads and looks at whatever is open at the time.
type ops struct {
	health  *health.Health
	heart   *health.Heartbeat
	metrics *metrics.Metrics
	open    current
	server  *http.Server
	address string
}

// opened is what a daemon works with.
type opened struct {
	*site.Workspace
	checker *checking
}

// current is what is open, nil between two daemons.
type current struct {
	p atomic.Pointer[opened]
}

var _ metrics.State = (*current)(nil)

var errNotOpen = health.Detailf("is not open yet")

func (c *current) catalog() (catalog.Catalog, error) {
	w := c.p.Load()
	if w == nil {
		return nil, errNotOpen
	}
	return w.Catalog, nil
}

func (c *current) ListZones(ctx context.Context) ([]catalog.Zone, error) {
	cat, err := c.catalog()
	if err != nil {
		return nil, err
	}
	return cat.ListZones(ctx) //nolint:wrapcheck // says what it did
}

func (c *current) ListStandings(ctx context.Context) ([]catalog.Standing, error) {
	cat, err := c.catalog()
	if err != nil {
		return nil, err
	}
	return cat.ListStandings(ctx) //nolint:wrapcheck // says what it did
}

func (c *current) Backlog(ctx context.Context) ([]catalog.Backlog, error) {
	cat, err := c.catalog()
	if err != nil {
		return nil, err
	}
	return cat.Backlog(ctx) //nolint:wrapcheck // says what it did
}

func (c *current) Bounds(ctx context.Context, chain evidence.ChainID) (first, last time.Time, err error) {
	cat, err := c.catalog()
	if err != nil {
		return first, last, err
	}
	return cat.Bounds(ctx, chain) //nolint:wrapcheck // says what it did
}

// newOps prepares everything and listens. An empty address is for no server.
func newOps(ctx context.Context, address string, log *slog.Logger) (*ops, error) {
	o := &ops{address: address, heart: health.NewHeartbeat(loopLimit, nil)}
	var err error
	o.metrics, err = metrics.New(metrics.Config{
		State: &o.open, Version: site.Version, ArchiveFormat: evidence.Version, HeartbeatAge: o.heart.Age, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("set up metrics: %w", err)
	}
	o.health, err = health.New(health.Config{Checks: o.checks(), Heartbeat: o.heart, Log: log})
	if err != nil {
		return nil, fmt.Errorf("set up health: %w", err)
	}
	if address == "" {
		return o, nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, site.Usagef("server.listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/health", o.health.Handler())
	mux.Handle("/health/", o.health.Handler())
	mux.Handle("GET /metrics", o.metrics.Handler())
	o.server = &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := o.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("serve", "error", err)
		}
	}()
	log.InfoContext(ctx, "listening", "address", l.Addr().String())
	return o, nil
}

func (o *ops) close(ctx context.Context) error {
	var err error
	if o.server != nil {
		err = o.server.Shutdown(ctx)
	}
	return errors.Join(err, o.health.Close(ctx))
}
