package metrics_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/metrics"
)

var update = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// state is a State in memory.
type state struct {
	zones     []catalog.Zone
	standings []catalog.Standing
	backlog   []catalog.Backlog
	last      map[string]time.Time // by zone: the end of the ledger
	err       error
	asked     atomic.Int64
	hang      chan struct{} // nil: does not
}

func (s *state) ListZones(context.Context) ([]catalog.Zone, error) {
	s.asked.Add(1)
	if s.hang != nil {
		<-s.hang
	}
	return s.zones, s.err
}
func (s *state) ListStandings(context.Context) ([]catalog.Standing, error) { return s.standings, nil }
func (s *state) Backlog(context.Context) ([]catalog.Backlog, error)        { return s.backlog, nil }
func (s *state) Bounds(_ context.Context, c evidence.ChainID) (first, last time.Time, err error) {
	return time.Time{}, s.last[c.Zone], nil
}

func zone(n int, name string) catalog.Zone {
	return catalog.Zone{ID: fmt.Sprintf("%032x", n), Name: name, Dataset: "http_requests", AddedAt: noon.Add(-24 * time.Hour)}
}

// shop has a backlog, blog none, fresh no ledger, held is paused and blocked.
func someState() *state {
	shop, blog, fresh, held := zone(1, "shop.example.eu"), zone(2, "blog.example.eu"), zone(3, "a\"b\\\n\xff"), zone(4, "held.example.eu")
	held.Paused = true
	return &state{
		zones:     []catalog.Zone{shop, blog, fresh, held},
		standings: []catalog.Standing{{Chain: blog.Chain()}, {Chain: held.Chain(), Blocked: "credential", Detail: "hunter2"}},
		backlog: []catalog.Backlog{
			{Chain: shop.Chain(), State: catalog.Planned, Windows: 3, Oldest: noon.Add(-time.Hour), Newest: noon},
			{Chain: shop.Chain(), State: catalog.Retrying, Windows: 1, Oldest: noon.Add(-80 * time.Hour), Newest: noon.Add(-79 * time.Hour)},
			{Chain: held.Chain(), State: catalog.Blocked, Windows: 9, Oldest: noon.Add(-30 * time.Hour), Newest: noon},
		},
		last: map[string]time.Time{blog.ID: noon.Add(-5 * time.Minute)},
	}
}

// everything is a Metrics in which each metric has been told.
func everything(t testing.TB, s metrics.State) *metrics.Metrics {
	t.Helper()
	m, err := metrics.New(metrics.Config{
		State: s, Version: "1.2.3", ArchiveFormat: 1, WithoutRuntime: true,
		Now: func() time.Time { return noon }, HeartbeatAge: func() time.Duration { return 2 * time.Second },
	})
	if err != nil {
		t.Fatal(err)
	}
	shop := zone(1, "shop.example.eu")
	m.WindowSealed(shop, 1000, 2_000_000, 3*time.Second)
	m.WindowSealed(shop, 0, 0, 400*time.Millisecond)
	m.WindowFailed(shop, "retry")
	m.WindowFailed(shop, "dial tcp 10.0.0.7: refused")
	m.GapSealed(shop, "too_old")
	m.BudgetWaited("zone/"+shop.ID, 4*time.Second)
	m.BudgetWaited("credential/x", 9*time.Second)
	m.BudgetWaited("credential/y", 2*time.Second)
	m.PluginRestarted("source", "logpull")
	m.SelfChecked(shop, 0, noon)
	m.SelfChecked(zone(2, "blog.example.eu"), 2, noon)
	m.SelfCheckFailed()
	m.StoreBreaker("local", metrics.BreakerClosed)
	m.StoreBreaker("s3", metrics.BreakerOpen)
	m.StoreMissed("s3", 17)
	return m
}

func scrape(t testing.TB, m *metrics.Metrics, accept string) (string, http.Header) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accept)
	m.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String(), w.Header()
}

const (
	openMetrics = "application/openmetrics-text; version=1.0.0"
	plainText   = "text/plain; version=0.0.4"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, accept := range map[string]string{"openmetrics": openMetrics, "text": plainText} {
		got, header := scrape(t, everything(t, someState()), accept)
		if !strings.HasPrefix(header.Get("Content-Type"), strings.Split(accept, ";")[0]) {
			t.Errorf("%s: content type %s", name, header.Get("Content-Type"))
		}
		got = goVersion(got)
		path := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got, -update writes it):\n%s", name, diff)
		}
		for _, secret := range []string{"hunter2", "10.0.0.7"} {
			if strings.Contains(got, secret) {
				t.Errorf("%s tells %s", name, secret)
			}
		}
	}
}

// goVersion takes the toolchain's version out of a golden's way.
func goVersion(text string) string {
	before, rest, ok := strings.Cut(text, `go_version="`)
	if !ok {
		return text
	}
	_, after, _ := strings.Cut(rest, `"`)
	return before + `go_version="GO"` + after
}

func TestLint(t *testing.T) {
	t.Parallel()
	text, _ := scrape(t, everything(t, someState()), plainText)
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	families, err := everything(t, someState()).Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "rainlogs_") {
			t.Errorf("%s lacks the prefix", f.GetName())
		}
	}
	if len(families) < 20 {
		t.Errorf("only %d families were looked at", len(families))
	}
}

func TestRuntime(t *testing.T) {
	t.Parallel()
	m, err := metrics.New(metrics.Config{})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := scrape(t, m, plainText)
	for _, want := range []string{"go_goroutines", "process_resident_memory_bytes", "rainlogs_build_info"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestZoneForgotten(t *testing.T) {
	t.Parallel()
	m := everything(t, nil)
	m.ZoneForgotten(zone(1, "shop.example.eu"))
	text, _ := scrape(t, m, plainText)
	if strings.Contains(text, "shop.example.eu") || !strings.Contains(text, "blog.example.eu") {
		t.Errorf("forgotten wrongly:\n%s", text)
	}
}

func TestStateIsCached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := someState()
		m, err := metrics.New(metrics.Config{State: s, TTL: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := m.Gatherer().Gather(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := s.asked.Load(); n != 1 {
			t.Errorf("20 scrapes asked %d times", n)
		}
		time.Sleep(10 * time.Second)
		scrape(t, m, plainText)
		if n := s.asked.Load(); n != 2 {
			t.Errorf("asked %d times after 10 s", n)
		}
	})
}

func TestStateAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := someState()
		m, err := metrics.New(metrics.Config{State: s, TTL: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		scrape(t, m, plainText)
		s.err = errors.New("away")
		time.Sleep(time.Second)
		text, _ := scrape(t, m, plainText)
		if !strings.Contains(text, "rainlogs_state_up 0\n") || !strings.Contains(text, `rainlogs_lag_seconds{dataset="http_requests",name="shop`) {
			t.Errorf("away:\n%s", text)
		}
		s.err = nil
		time.Sleep(time.Second)
		if text, _ := scrape(t, m, plainText); !strings.Contains(text, "rainlogs_state_up 1\n") {
			t.Errorf("back:\n%s", text)
		}
	})
}

func TestStateHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := someState()
		s.hang = make(chan struct{})
		m, err := metrics.New(metrics.Config{State: s, Timeout: 2 * time.Second, TTL: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if text, _ := scrape(t, m, plainText); !strings.Contains(text, "rainlogs_state_up 0\n") {
					t.Errorf("hanging:\n%s", text)
				}
			})
		}
		wg.Wait()
		time.Sleep(5 * time.Second)
		scrape(t, m, plainText)
		if took := time.Since(began); took != 7*time.Second || s.asked.Load() != 1 {
			t.Errorf("took %s, asked %d times", took, s.asked.Load())
		}
		close(s.hang)
		synctest.Wait()
		if text, _ := scrape(t, m, plainText); !strings.Contains(text, "rainlogs_state_up 1\n") {
			t.Errorf("answered:\n%s", text)
		}
	})
}

// thousand are 1,000 zones, of which every other has a backlog.
func thousand() *state {
	s := &state{last: map[string]time.Time{}}
	for i := range 1000 {
		z := zone(i, fmt.Sprintf("zone-%04d.customer.example.eu", i))
		s.zones = append(s.zones, z)
		s.last[z.ID] = noon
		if i%2 == 0 {
			s.backlog = append(s.backlog, catalog.Backlog{Chain: z.Chain(), State: catalog.Planned, Windows: 3, Oldest: noon.Add(-time.Hour)})
		}
	}
	return s
}

func thousandMetrics(t testing.TB, s *state) *metrics.Metrics {
	t.Helper()
	m, err := metrics.New(metrics.Config{State: s, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	for _, z := range s.zones {
		m.WindowSealed(z, 1, 1, time.Second)
		m.WindowFailed(z, "retry")
		m.SelfChecked(z, 0, time.Unix(1, 0))
	}
	return m
}

// TestScrapeIsBounded keeps a scrape at 1,000 zones to a few megabytes.
func TestScrapeIsBounded(t *testing.T) {
	t.Parallel()
	text, _ := scrape(t, thousandMetrics(t, thousand()), openMetrics)
	if len(text) > 4<<20 {
		t.Errorf("%d bytes", len(text))
	}
	if n := strings.Count(text, "\n"); n < 10_000 {
		t.Errorf("only %d lines", n)
	}
}

func BenchmarkScrape1000Zones(b *testing.B) {
	m := thousandMetrics(b, thousand())
	h := m.Handler()
	var size int
	for b.Loop() {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept", openMetrics)
		h.ServeHTTP(w, r)
		var buf bytes.Buffer
		n, _ := io.Copy(&buf, w.Body)
		size = int(n)
	}
	b.ReportMetric(float64(size)/1e6, "MB/scrape")
}
