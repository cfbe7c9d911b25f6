package cli

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/health"
	"github.com/fabriziosalmi/rainlogs/core/metrics"
	screens "github.com/fabriziosalmi/rainlogs/tui/screen/collector"
)

// TestAskDaemon asks the daemon's own handlers for its health and for its budgets.
func TestAskDaemon(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)
	m, err := metrics.New(metrics.Config{Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	h, err := health.New(health.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h.Serving()
	defer h.Close(t.Context()) //nolint:errcheck // nothing is under way
	mux := http.NewServeMux()
	mux.Handle("/health", h.Handler())
	mux.Handle("GET /metrics", m.Handler())
	s := httptest.NewServer(mux)
	listen := strings.TrimPrefix(s.URL, "http://")
	daemon, budgets := askDaemon(t.Context(), listen)
	if diff := cmp.Diff([]screens.Fact{{Name: "budgets", Value: "left: no request had to wait since the collector was started"}}, budgets); diff != "" || daemon.Level != screens.Good {
		t.Errorf("%+v: %s", daemon, diff)
	}
	m.BudgetWaited("zone/logpull/5e/1m0s", 90*time.Second)
	m.BudgetWaited("credential/logpull/1m0s", 2*time.Second)
	at = at.Add(30 * time.Second)
	_, budgets = askDaemon(t.Context(), listen)
	want := []screens.Fact{
		{Name: "zone budgets", Value: "spent for 1m0s, in the one that is spent longest; waits since the collector was started: 1, 1m30s in all"},
		{Name: "token budgets", Value: "left in each; waits since the collector was started: 1, 2s in all"},
	}
	if diff := cmp.Diff(want, budgets); diff != "" {
		t.Error(diff)
	}
	s.Close()
	if daemon, budgets = askDaemon(t.Context(), listen); daemon.Level != screens.Warn || budgets != nil {
		t.Errorf("away: %+v, %+v", daemon, budgets)
	}
}
