package metrics

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

// openStates are the ones that a window is not done in; each is told of each
// zone, so that a series that goes to 0 is seen to.
var openStates = []catalog.State{catalog.Planned, catalog.Pulling, catalog.Retrying, catalog.Blocked}

// stateCollector asks a State when it is collected.
type stateCollector struct {
	state   State
	ttl     time.Duration
	timeout time.Duration
	now     func() time.Time
	log     *slog.Logger

	lag, until, open, oldest, paused, blocked, up, asked *prometheus.Desc

	mu      sync.Mutex
	running chan struct{} // closed when the question under way ends; nil without one
	late    bool          // the question under way is past its time limit
	triedAt time.Time     // end of the last question
	askedAt time.Time     // end of the last that was answered
	ok      bool          // the last question was answered
	zones   []zoneState
}

func newStateCollector(cfg Config) *stateCollector {
	desc := func(name, help string, labels []string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc("rainlogs_"+name, help, append(labels[:len(labels):len(labels)], more...), nil)
	}
	return &stateCollector{
		state: cfg.State, ttl: cfg.TTL, timeout: cfg.Timeout, now: cfg.Now, log: cfg.Log,
		lag:     desc("lag_seconds", "Seconds since the end of the last window sealed without a hole before it; none for a paused zone.", zoneLabels),
		until:   desc("sealed_until_timestamp_seconds", "End of the last window sealed without a hole before it.", zoneLabels),
		open:    desc("open_windows", "Windows that are neither sealed nor lost.", zoneLabels, "state"),
		oldest:  desc("open_window_oldest_timestamp_seconds", "Start of the oldest open window.", zoneLabels, "state"),
		paused:  desc("zone_paused", "1 if an operator has paused the zone.", zoneLabels),
		blocked: desc("zone_blocked", "1 for a zone for which an operator has to act, with the reason.", zoneLabels, "reason"),
		up:      desc("state_up", "1 if the catalog answered the last question; 0 says that zones' metrics are old.", nil),
		asked:   desc("state_timestamp_seconds", "When the catalog last answered.", nil),
	}
}

// Describe implements prometheus.Collector.
func (c *stateCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.lag, c.until, c.open, c.oldest, c.paused, c.blocked, c.up, c.asked} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *stateCollector) Collect(ch chan<- prometheus.Metric) {
	zones, askedAt, ok := c.current()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(c.up, number(ok))
	if askedAt.IsZero() {
		return
	}
	gauge(c.asked, float64(askedAt.Unix()))
	now := c.now()
	for _, z := range zones {
		gauge(c.until, float64(z.until.Unix()), z.labels...)
		gauge(c.paused, number(z.paused), z.labels...)
		if !z.paused {
			gauge(c.lag, now.Sub(z.until).Seconds(), z.labels...)
		}
		if z.blocked != "" {
			gauge(c.blocked, 1, with(z.labels, among(reasons, z.blocked))...)
		}
		for _, state := range openStates {
			var b catalog.Backlog
			for _, other := range z.backlog {
				if other.State == state {
					b = other
				}
			}
			gauge(c.open, float64(b.Windows), with(z.labels, string(state))...)
			if b.Windows > 0 {
				gauge(c.oldest, float64(b.Oldest.Unix()), with(z.labels, string(state))...)
			}
		}
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func with(labels []string, more string) []string {
	return append(labels[:len(labels):len(labels)], more)
}

// current returns what the catalog says, or said last. It waits for an answer
// until the time limit.
func (c *stateCollector) current() (zones []zoneState, askedAt time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := !c.triedAt.IsZero() && c.now().Sub(c.triedAt) < c.ttl
	if c.late || c.running == nil && fresh {
		return c.zones, c.askedAt, c.ok
	}
	if c.running == nil {
		c.running = make(chan struct{})
		go c.ask(c.running) // ends with the answer
	}
	done := c.running
	c.mu.Unlock()
	timer := time.NewTimer(c.timeout)
	select {
	case <-done:
	case <-timer.C:
	}
	timer.Stop()
	c.mu.Lock()
	if c.running == done { // not answered yet
		c.late, c.ok = true, false
	}
	return c.zones, c.askedAt, c.ok
}

func (c *stateCollector) ask(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	zones, err := c.guarded(ctx)
	if err != nil {
		c.log.Warn("ask the catalog for metrics", "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.triedAt, c.ok = c.now(), err == nil
	if err == nil {
		c.zones, c.askedAt = zones, c.triedAt
	}
	c.running, c.late = nil, false
	close(done)
}

// guarded keeps a State that panics from taking the collector down.
func (c *stateCollector) guarded(ctx context.Context) (zones []zoneState, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("read state: panic: %v", r)
		}
	}()
	return readState(ctx, c.state)
}
