package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// BenchmarkAuthenticated is what an authenticated GET costs over real
// connections, client and server in one process, and how late the last of a hundred is.
func BenchmarkAuthenticated(b *testing.B) {
	for _, path := range []string{"/v1/me", "/v1/zones", "/v1/zones/{zone}/jobs"} {
		b.Run(path, func(b *testing.B) { benchmarkGet(b, path) })
	}
}

func benchmarkGet(b *testing.B, path string) {
	b.Helper()
	s := setup(b)
	server := httptest.NewUnstartedServer(nil)
	server.Config = s.server.HTTP()
	server.Start()
	defer server.Close()
	client := server.Client()
	client.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
	defer client.CloseIdleConnections()
	url := server.URL + s.fill(endpoint{path: path}, acme, "")
	var mu sync.Mutex
	var took []time.Duration
	b.ResetTimer()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		var mine []time.Duration
		for pb.Next() {
			began := time.Now()
			req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
			if err != nil {
				b.Error(err)
				return
			}
			req.Header.Set("Authorization", "Bearer "+s.keys[acme][tenant.AnalystRole])
			res, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode != http.StatusOK {
				b.Errorf("status %d", res.StatusCode)
				return
			}
			mine = append(mine, time.Since(began))
		}
		mu.Lock()
		defer mu.Unlock()
		took = append(took, mine...)
	})
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "req/s")
}
