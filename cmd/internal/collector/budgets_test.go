package collector_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/collector"
	"github.com/fabriziosalmi/rainlogs/core/metrics"
)

// askBudgets asks a daemon that answers with h.
func askBudgets(t *testing.T, h http.Handler) ([]metrics.Budget, error) {
	t.Helper()
	s := httptest.NewServer(h)
	defer s.Close()
	return collector.AskBudgets(t.Context(), strings.TrimPrefix(s.URL, "http://"))
}

// TestAskBudgets reads what the daemon's own metrics tell.
func TestAskBudgets(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)
	m, err := metrics.New(metrics.Config{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	if got, err := askBudgets(t, mux); err != nil || len(got) > 0 {
		t.Errorf("at first: %+v, %v", got, err)
	}
	m.BudgetWaited("credential/logpull/1m0s", 2*time.Second)
	m.BudgetWaited("zone/logpull/5e/1m0s", 40*time.Second)
	m.BudgetWaited("zone/logpull/0f/1m0s", 90*time.Second)
	now = now.Add(10 * time.Second)
	got, err := askBudgets(t, mux)
	want := []metrics.Budget{{Kind: "zone", Shut: 80 * time.Second, Waits: 2, Waited: 130 * time.Second}, {Kind: "credential", Waits: 1, Waited: 2 * time.Second}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
}

// TestAskBudgetsOfOthers: what answers otherwise is no collector, and no figure of it is believed beyond what can be.
func TestAskBudgetsOfOthers(t *testing.T) {
	t.Parallel()
	for body, fine := range map[string]bool{
		"<html>": false, "": true, "rainlogs_budget_shut_seconds{budget=\"zone\"} NaN\n": true,
		"# TYPE rainlogs_budget_shut_seconds gauge\nrainlogs_budget_shut_seconds{budget=\"zone\"} +Inf\nrainlogs_budget_shut_seconds -3\n": true,
	} {
		got, err := askBudgets(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		if (err == nil) != fine {
			t.Errorf("%q: %+v, %v", body, got, err)
		}
		for _, b := range got {
			if b.Shut < 0 || b.Shut > 40*365*24*time.Hour {
				t.Errorf("%q: %+v", body, b)
			}
		}
	}
	if _, err := askBudgets(t, http.NotFoundHandler()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("not found: %v", err)
	}
}
