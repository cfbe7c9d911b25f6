package metrics

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

// Recorder counts what happens. It is for concurrent use, and no method blocks.
type Recorder struct {
	now func() time.Time

	windows, lines, bytes     *prometheus.CounterVec // zone
	failures                  *prometheus.CounterVec // zone, class
	gaps                      *prometheus.CounterVec // zone, reason
	seal                      prometheus.Histogram
	budgetWaits, budgetWaited *prometheus.CounterVec // budget
	restarts                  *prometheus.CounterVec // kind, plugin
	checks                    *prometheus.CounterVec // result
	checkFindings, checkedAt  *prometheus.GaugeVec   // zone
	breaker                   *prometheus.GaugeVec   // store, state
	missed                    *prometheus.GaugeVec   // store
	shut                      *shutBudgets
}

func newRecorder(now func() time.Time) *Recorder {
	r := &Recorder{
		now:           now,
		windows:       counter("windows_sealed_total", "Windows sealed with what the source had, empty ones included.", zoneLabels),
		lines:         counter("lines_sealed_total", "Log lines sealed.", zoneLabels),
		bytes:         counter("content_sealed_bytes_total", "Bytes of log lines sealed, before compression.", zoneLabels),
		failures:      counter("window_failures_total", "Attempts at a window that failed, by what the host does next.", zoneLabels, "class"),
		gaps:          counter("gaps_sealed_total", "Windows sealed as gaps: their logs will never be had.", zoneLabels, "reason"),
		budgetWaits:   counter("budget_waits_total", "Times that a request had to wait for a budget.", nil, "budget"),
		budgetWaited:  counter("budget_wait_seconds_total", "Seconds that requests were told to wait for a budget.", nil, "budget"),
		restarts:      counter("plugin_restarts_total", "Plugin processes started again after they ended by themselves.", nil, "kind", "plugin"),
		checks:        counter("self_checks_total", "Verifications of a zone's chain by the collector itself.", nil, "result"),
		checkFindings: gauge("self_check_findings", "Findings of the zone's last finished self-check; more than 0 is damage or tampering.", zoneLabels),
		checkedAt:     gauge("self_check_last_run_timestamp_seconds", "When the zone's last finished self-check began.", zoneLabels),
		breaker:       gauge("store_breaker_state", "1 for the state that the store's circuit breaker is in.", nil, "store", "state"),
		missed:        gauge("store_missed_objects", "Objects that the store lacks and other stores have.", nil, "store"),
		shut:          &shutBudgets{now: now, until: map[string]time.Time{}},
		seal: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "rainlogs_seal_duration_seconds", Help: "Time from the start of a window's pull to its place in the chain.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600},
		}),
	}
	for _, result := range []string{"intact", "damaged", "error"} { // a rate needs a zero to start from
		r.checks.WithLabelValues(result)
	}
	return r
}

func counter(name, help string, labels []string, more ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rainlogs_" + name, Help: help}, append(labels[:len(labels):len(labels)], more...))
}

func gauge(name, help string, labels []string, more ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "rainlogs_" + name, Help: help}, append(labels[:len(labels):len(labels)], more...))
}

func (r *Recorder) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		r.windows, r.lines, r.bytes, r.failures, r.gaps, r.seal, r.budgetWaits, r.budgetWaited,
		r.restarts, r.checks, r.checkFindings, r.checkedAt, r.breaker, r.missed, r.shut,
	}
}

// WindowSealed records a window in the chain: its lines and content bytes,
// and the time from the start of its pull.
func (r *Recorder) WindowSealed(z catalog.Zone, lines, bytes int64, took time.Duration) {
	labels := zoneValues(z)
	r.windows.WithLabelValues(labels...).Inc()
	r.lines.WithLabelValues(labels...).Add(float64(max(lines, 0)))
	r.bytes.WithLabelValues(labels...).Add(float64(max(bytes, 0)))
	r.seal.Observe(took.Seconds())
}

// WindowFailed records a failed attempt; class is a source.Class, ClassStore
// or ClassInternal.
func (r *Recorder) WindowFailed(z catalog.Zone, class string) {
	r.failures.WithLabelValues(append(zoneValues(z), among(classes, class))...).Inc()
}

// GapSealed records a window sealed as a gap; reason is source's.
func (r *Recorder) GapSealed(z catalog.Zone, reason string) {
	r.gaps.WithLabelValues(append(zoneValues(z), among(reasons, reason))...).Inc()
}

// ZoneForgotten drops what is told of a zone that is no longer collected, or
// that has another name now.
func (r *Recorder) ZoneForgotten(z catalog.Zone) {
	labels := prometheus.Labels{}
	for i, v := range zoneValues(z) {
		labels[zoneLabels[i]] = v
	}
	for _, vec := range []interface {
		DeletePartialMatch(labels prometheus.Labels) int
	}{r.windows, r.lines, r.bytes, r.failures, r.gaps, r.checkFindings, r.checkedAt} {
		vec.DeletePartialMatch(labels)
	}
}

// BudgetWaited records that the budget of a key such as "zone/…" or
// "credential/…" was spent, and for how long from now. Only the key's kind is told.
func (r *Recorder) BudgetWaited(key string, d time.Duration) {
	kind, _, _ := strings.Cut(key, "/")
	kind = among([]string{"zone", "credential", "account"}, kind)
	r.budgetWaits.WithLabelValues(kind).Inc()
	r.budgetWaited.WithLabelValues(kind).Add(max(d, 0).Seconds())
	r.shut.extend(kind, d)
}

// PluginRestarted records that a plugin was started again; kind is "source"
// or "storage", name as in the config.
func (r *Recorder) PluginRestarted(kind, name string) {
	r.restarts.WithLabelValues(among([]string{"source", "storage"}, kind), label(name)).Inc()
}

// SelfChecked records a verification of the zone's chain that came to its
// end, with so many findings.
func (r *Recorder) SelfChecked(z catalog.Zone, findings int64, at time.Time) {
	result := "intact"
	if findings > 0 {
		result = "damaged"
	}
	r.checks.WithLabelValues(result).Inc()
	r.SelfCheckStands(z, findings, at)
}

// SelfCheckStands tells what the zone's last verification found, one that
// another process made or this one before it was started anew.
func (r *Recorder) SelfCheckStands(z catalog.Zone, findings int64, at time.Time) {
	r.checkFindings.WithLabelValues(zoneValues(z)...).Set(float64(max(findings, 0)))
	r.checkedAt.WithLabelValues(zoneValues(z)...).Set(float64(at.Unix()))
}

// SelfCheckFailed records a verification that could not come to its end: it
// says nothing about the archive, and what the last one found stays.
func (r *Recorder) SelfCheckFailed() { r.checks.WithLabelValues("error").Inc() }

// BreakerState is a state of a store's circuit breaker.
type BreakerState string

// The states.
const (
	BreakerClosed   BreakerState = "closed"
	BreakerHalfOpen BreakerState = "half_open"
	BreakerOpen     BreakerState = "open"
)

// StoreBreaker records a store's circuit breaker; store is named as in the config.
func (r *Recorder) StoreBreaker(store string, state BreakerState) {
	for _, s := range []BreakerState{BreakerClosed, BreakerHalfOpen, BreakerOpen} {
		v := 0.0
		if s == state {
			v = 1
		}
		r.breaker.WithLabelValues(label(store), string(s)).Set(v)
	}
}

// StoreMissed records how many objects a store lacks now.
func (r *Recorder) StoreMissed(store string, n int64) {
	r.missed.WithLabelValues(label(store)).Set(float64(n))
}

// shutBudgets tells how long the budgets of a kind are spent yet: of all
// those of the kind, the one that is shut longest.
type shutBudgets struct {
	now   func() time.Time
	mu    sync.Mutex
	until map[string]time.Time // by kind
}

var shutDesc = prometheus.NewDesc("rainlogs_budget_shut_seconds",
	"Seconds for which a budget of the kind admits nothing; 0 is budget left.", []string{"budget"}, nil)

func (s *shutBudgets) extend(kind string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := s.now().Add(d); until.After(s.until[kind]) {
		s.until[kind] = until
	}
}

// Describe implements prometheus.Collector.
func (s *shutBudgets) Describe(ch chan<- *prometheus.Desc) { ch <- shutDesc }

// Collect implements prometheus.Collector.
func (s *shutBudgets) Collect(ch chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for kind, until := range s.until {
		ch <- prometheus.MustNewConstMetric(shutDesc, prometheus.GaugeValue, max(until.Sub(now), 0).Seconds(), kind)
	}
}
