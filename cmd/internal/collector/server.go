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
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
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

// current is the workspace in use, nil between two.
type current struct {
	p atomic.Pointer[site.Workspace]
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

// checks are what /health tells of.
func (o *ops) checks() []health.Check {
	return []health.Check{
		{Name: "catalog", Critical: true, Tolerate: 2, Run: func(ctx context.Context) error {
			_, err := o.open.ListZones(ctx)
			return err
		}},
		{Name: "storage", Critical: true, Tolerate: 2, Timeout: 10 * time.Second, Run: o.storage},
		{Name: "zones", Run: o.zones},
		{Name: "backlog", Run: o.backlog},
	}
}

func (o *ops) storage(ctx context.Context) error {
	w := o.open.p.Load()
	if w == nil {
		return errNotOpen
	}
	_, err := w.Store.Stat(ctx, evidence.DescriptorKey)
	if errors.Is(err, storage.ErrNotFound) {
		return health.Detailf("the archive's descriptor is not there")
	}
	return err //nolint:wrapcheck // the log has it
}

// zones degrades while an operator has to act for a zone.
func (o *ops) zones(ctx context.Context) error {
	standings, err := o.open.ListStandings(ctx)
	if err != nil {
		return err
	}
	blocked := 0
	for _, s := range standings {
		if s.Blocked != "" {
			blocked++
		}
	}
	if blocked > 0 {
		return health.Detailf("%d zones are blocked: an operator has to act", blocked)
	}
	return nil
}

// backlogLimit is the age of an open window from which on it is told of: Logpull
// keeps what it has for 168 hours.
const backlogLimit = 72 * time.Hour

func (o *ops) backlog(ctx context.Context) error {
	backlog, err := o.open.Backlog(ctx)
	if err != nil {
		return err
	}
	old := int64(0)
	for _, b := range backlog {
		if time.Since(b.Oldest) > backlogLimit {
			old += b.Windows
		}
	}
	if old > 0 {
		return health.Detailf("up to %d windows are older than %s and not collected", old, backlogLimit)
	}
	return nil
}
