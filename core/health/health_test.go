package health_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/health"
)

// setup is a Health that serves, and closes with the test.
func setup(t *testing.T, cfg health.Config) *health.Health {
	t.Helper()
	h, err := health.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h.Serving()
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

func get(t *testing.T, h *health.Health, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func fail(err error) func(context.Context) error { return func(context.Context) error { return err } }

func TestStatus(t *testing.T) {
	t.Parallel()
	bad := errors.New("dial tcp 10.0.0.7:5432: password hunter2 refused")
	for _, c := range []struct {
		name   string
		checks []health.Check
		want   health.Status
		code   int
	}{
		{"none", nil, health.OK, 200},
		{"well", []health.Check{{Name: "a", Run: fail(nil), Critical: true}}, health.OK, 200},
		{"minor", []health.Check{{Name: "a", Run: fail(bad)}, {Name: "b", Run: fail(nil), Critical: true}}, health.Degraded, 200},
		{"critical", []health.Check{{Name: "a", Run: fail(bad)}, {Name: "b", Run: fail(bad), Critical: true}}, health.Failing, 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := setup(t, health.Config{Checks: c.checks})
			if got := h.Report(t.Context()).Status; got != c.want {
				t.Errorf("status %s, want %s", got, c.want)
			}
			for _, path := range []string{"/health", "/health/ready"} {
				code, body := get(t, h, path)
				if code != c.code || !strings.Contains(body, `"status":"`+string(c.want)+`"`) {
					t.Errorf("%s: %d %s", path, code, body)
				}
				if strings.Contains(body, "10.0.0.7") || strings.Contains(body, "hunter2") {
					t.Errorf("%s tells what it must not: %s", path, body)
				}
			}
			if code, _ := get(t, h, "/health/live"); code != 200 {
				t.Errorf("a check that fails made the process dead: %d", code)
			}
		})
	}
}

func TestDetail(t *testing.T) {
	t.Parallel()
	secret := errors.New("postgres://u:hunter2@db")
	var log bytes.Buffer
	h := setup(t, health.Config{
		Log: slog.New(slog.NewTextHandler(&log, nil)),
		Checks: []health.Check{
			{Name: "shown", Run: fail(fmt.Errorf("%w: %w", secret, health.Detailf("3 zones\nare \x1b[31mblocked %s", strings.Repeat("é", 1000))))},
			{Name: "hidden", Run: fail(secret)},
		},
	})
	_, body := get(t, h, "/health")
	var r health.Report
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatal(err)
	}
	shown := r.Checks["shown"].Detail
	if !strings.HasPrefix(shown, "3 zones are  [31mblocked éé") || len(shown) > 310 || strings.Contains(body, "hunter2") {
		t.Errorf("shown: %s", body)
	}
	if got := r.Checks["hidden"].Detail; got != "fails (the log says why)" {
		t.Errorf("hidden: %q", got)
	}
}

func TestCached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		h := setup(t, health.Config{TTL: 5 * time.Second, Checks: []health.Check{{Name: "a", Run: func(context.Context) error {
			runs.Add(1)
			return nil
		}}}})
		for range 100 {
			h.Report(t.Context())
		}
		time.Sleep(4 * time.Second)
		h.Report(t.Context())
		if n := runs.Load(); n != 1 {
			t.Errorf("%d runs in 4 s", n)
		}
		time.Sleep(time.Second)
		h.Report(t.Context())
		if n := runs.Load(); n != 2 {
			t.Errorf("%d runs after 5 s", n)
		}
	})
}

func TestHanging(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs, beside, most atomic.Int64
		release := make(chan struct{})
		h := setup(t, health.Config{TTL: time.Second, Checks: []health.Check{
			{Name: "stuck", Critical: true, Timeout: 2 * time.Second, Run: func(context.Context) error {
				runs.Add(1)
				most.Store(max(most.Load(), beside.Add(1)))
				defer beside.Add(-1)
				<-release // whatever ctx says
				return nil
			}},
			{Name: "well", Run: fail(nil)},
		}})
		began := time.Now()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				r := h.Report(t.Context())
				if r.Status != health.Failing || r.Checks["stuck"].Detail != "no answer within 2s" || r.Checks["well"].Status != health.OK {
					t.Errorf("%+v", r)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("took %s, not the check's time limit", took)
		}
		time.Sleep(10 * time.Second)
		began = time.Now()
		if r := h.Report(t.Context()); r.Status != health.Failing || time.Since(began) != 0 {
			t.Errorf("after %s: %+v", time.Since(began), r)
		}
		if runs.Load() != 1 || most.Load() != 1 {
			t.Errorf("%d runs, %d beside each other", runs.Load(), most.Load())
		}
		close(release)
		synctest.Wait()
		if r := h.Report(t.Context()); r.Status != health.Failing {
			t.Errorf("the late answer counted: %+v", r)
		}
		time.Sleep(time.Second)
		if r := h.Report(t.Context()); r.Status != health.OK {
			t.Errorf("an answer in time did not count: %+v", r)
		}
	})
}

func TestHangingIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h, err := health.New(health.Config{Checks: []health.Check{{Name: "stuck", Timeout: time.Second, Run: func(context.Context) error {
			<-release
			return nil
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		h.Report(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.Close(ctx); err == nil {
			t.Error("closed over a check that runs")
		}
		close(release)
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if r := h.Report(t.Context()); r.Checks["stuck"].Detail != "no answer within 1s" {
			t.Errorf("%+v", r)
		}
	})
}

func TestAskerGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := setup(t, health.Config{Checks: []health.Check{{Name: "slow", Critical: true, Timeout: time.Minute, Run: func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}}}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if r := h.Report(ctx); r.Checks["slow"].Detail != "not known yet" || r.Status != health.Failing {
			t.Errorf("%+v", r)
		}
	})
}

func TestFlapping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var bad atomic.Bool
		run := func(context.Context) error {
			if bad.Load() {
				return errors.New("away")
			}
			return nil
		}
		h := setup(t, health.Config{TTL: time.Second, Checks: []health.Check{
			{Name: "strict", Critical: true, Run: run},
			{Name: "patient", Critical: true, Tolerate: 2, Run: run},
		}})
		start := time.Now().UTC().Truncate(time.Second)
		for i, c := range []struct {
			bad             bool
			strict, patient health.Status
			since           int // of strict
		}{
			{false, health.OK, health.OK, 0},
			{true, health.Failing, health.Degraded, 1},
			{true, health.Failing, health.Degraded, 1},
			{false, health.OK, health.OK, 3},
			{true, health.Failing, health.Degraded, 4},
			{true, health.Failing, health.Degraded, 4},
			{true, health.Failing, health.Failing, 4},
			{false, health.OK, health.OK, 7},
		} {
			bad.Store(c.bad)
			r := h.Report(t.Context())
			if r.Checks["strict"].Status != c.strict || r.Checks["patient"].Status != c.patient {
				t.Errorf("step %d: %+v", i, r)
			}
			if since := r.Checks["strict"].Since; !since.Equal(start.Add(time.Duration(c.since) * time.Second)) {
				t.Errorf("step %d: since %s, started %s", i, since, start)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestPanic(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := setup(t, health.Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Checks: []health.Check{
		{Name: "bang", Critical: true, Run: func(context.Context) error { panic("hunter2") }},
	}})
	code, body := get(t, h, "/health")
	if code != 503 || !strings.Contains(body, "panicked (the log says where)") || strings.Contains(body, "hunter2") {
		t.Errorf("%d %s", code, body)
	}
	if !strings.Contains(log.String(), "TestPanic") {
		t.Errorf("the log does not say where: %s", &log)
	}
}

func TestPhases(t *testing.T) {
	t.Parallel()
	h, err := health.New(health.Config{})
	if err != nil {
		t.Fatal(err)
	}
	want := func(code int, detail string) {
		t.Helper()
		got, body := get(t, h, "/health")
		if got != code || !strings.Contains(body, detail) {
			t.Errorf("%d %s", got, body)
		}
		if got, _ := get(t, h, "/health/live"); got != 200 {
			t.Errorf("not alive: %d", got)
		}
	}
	want(503, "starting")
	h.Serving()
	want(200, "")
	h.Stopping()
	want(503, "stopping")
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		heart := health.NewHeartbeat(30*time.Second, nil)
		h := setup(t, health.Config{Heartbeat: heart})
		time.Sleep(30 * time.Second)
		if code, _ := get(t, h, "/health/live"); code != 200 || !heart.Alive() {
			t.Errorf("dead after 30 s: %d", code)
		}
		time.Sleep(time.Second)
		for _, path := range []string{"/health/live", "/health/ready", "/health"} {
			if code, body := get(t, h, path); code != 503 {
				t.Errorf("%s: %d %s after 31 s", path, code, body)
			}
		}
		heart.Beat()
		if code, _ := get(t, h, "/health/live"); code != 200 || heart.Age() != 0 {
			t.Errorf("dead after a beat: %d", code)
		}
	})
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for _, checks := range [][]health.Check{
		{{Name: "a"}},
		{{Name: "A b", Run: fail(nil)}},
		{{Name: "loop", Run: fail(nil)}},
		{{Name: "a", Run: fail(nil)}, {Name: "a", Run: fail(nil)}},
	} {
		if _, err := health.New(health.Config{Checks: checks}); err == nil {
			t.Errorf("taken: %+v", checks)
		}
	}
	h := setup(t, health.Config{})
	w := httptest.NewRecorder()
	h.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/health", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}
