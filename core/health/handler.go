package health

import (
	"encoding/json"
	"net/http"
)

// Handler serves the three questions, as JSON:
//
//	/health        a Report: 200 when ready (ok, degraded), 503 when failing
//	/health/ready  its status alone, with the same codes
//	/health/live   200 while the process's loop turns, 503 once it does not
//
// They need no authorisation, so that a load balancer can ask them, and tell
// nothing that would.
func (h *Health) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		report := h.Report(r.Context())
		answer(w, report.Status, report)
	})
	mux.HandleFunc("GET /health/ready", func(w http.ResponseWriter, r *http.Request) {
		status := h.Report(r.Context()).Status
		answer(w, status, map[string]Status{"status": status})
	})
	mux.HandleFunc("GET /health/live", func(w http.ResponseWriter, _ *http.Request) {
		status := OK // a process without a loop is alive when it answers
		if h.heart != nil {
			status = h.loopResult().Status
		}
		answer(w, status, map[string]Status{"status": status})
	})
	return mux
}

func answer(w http.ResponseWriter, status Status, v any) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if status == Failing {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(v) // who asked is gone
}
