package metrics

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Config are a Metrics' parts and settings.
type Config struct {
	State State // what stands; nil tells only what happens
	// Version and ArchiveFormat go into rainlogs_build_info.
	Version       string
	ArchiveFormat int
	// HeartbeatAge is how long ago the process's loop last turned; may be nil.
	HeartbeatAge func() time.Duration
	TTL          time.Duration // how long the catalog's answer holds; default 10 s
	Timeout      time.Duration // how long to wait for it; default 5 s
	Now          func() time.Time
	Log          *slog.Logger
	// WithoutRuntime leaves out the metrics of Go and of the process.
	WithoutRuntime bool
}

func (c Config) withDefaults() Config {
	if c.TTL <= 0 {
		c.TTL = 10 * time.Second
	}
	if c.Timeout <= 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Metrics are one process's, in a registry of their own.
type Metrics struct {
	*Recorder
	registry *prometheus.Registry
	log      *slog.Logger
}

// New registers everything.
func New(cfg Config) (*Metrics, error) {
	cfg = cfg.withDefaults()
	m := &Metrics{Recorder: newRecorder(cfg.Now), registry: prometheus.NewRegistry(), log: cfg.Log}
	all := append(m.collectors(), buildInfo(cfg))
	if cfg.State != nil {
		all = append(all, newStateCollector(cfg))
	}
	if cfg.HeartbeatAge != nil {
		all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "rainlogs_heartbeat_age_seconds", Help: "Seconds since the collector's loop last turned.",
		}, func() float64 { return cfg.HeartbeatAge().Seconds() }))
	}
	if !cfg.WithoutRuntime {
		all = append(all, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	var errs []error
	for _, c := range all {
		errs = append(errs, m.registry.Register(c))
	}
	return m, errors.Join(errs...)
}

func buildInfo(cfg Config) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "rainlogs_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{
			"version": label(cfg.Version), "go_version": runtime.Version(), "archive_format": strconv.Itoa(cfg.ArchiveFormat),
		},
	}, func() float64 { return 1 })
}

// Handler serves the metrics as OpenMetrics or in Prometheus' older text
// form, as the asker wishes, to four askers at a time.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true, MaxRequestsInFlight: 4, ErrorHandling: promhttp.ContinueOnError,
		ErrorLog: errorLog{m.log},
	})
}

// Gatherer is what the handler serves, for tests and other exporters.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// errorLog is the handler's log.
type errorLog struct{ log *slog.Logger }

// Println is called with an error and words around it.
func (l errorLog) Println(v ...any) { l.log.Error("gather metrics", "error", v) }
