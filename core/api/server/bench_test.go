package server

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
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

// BenchmarkPages makes the pages of a customer that has 10,000 zones, of which
// those that are shown have a window each five minutes.
func BenchmarkPages(b *testing.B) {
	s := setup(b)
	const n = 10_000
	now := s.now().UTC().Truncate(5 * time.Minute)
	for i := range n {
		id := evidence.ChainID{Zone: fmt.Sprintf("%032x", 0xabc0000+i), Dataset: "http_requests"}
		s.ok(s.catalog.OwnZone(b.Context(), id.Zone, acme))
		s.ok(s.catalog.PutZone(b.Context(), catalog.Zone{ID: id.Zone, Dataset: id.Dataset, Name: fmt.Sprintf("a-zone-%05d.eu", i), AddedAt: s.now()}))
		if i >= zonesOnPage {
			continue
		}
		var windows []catalog.Window
		for j := range daysOnPage * 24 * 12 {
			start := now.Add(time.Duration(j-daysOnPage*24*12) * 5 * time.Minute)
			windows = append(windows, catalog.Window{Chain: id, Window: evidence.Window{Start: start, End: start.Add(5 * time.Minute)}, State: catalog.Sealed, Seq: int64(j), Lines: 9, Bytes: 9})
		}
		s.ok(s.catalog.Commit(b.Context(), catalog.Commit{Head: catalog.Head{Chain: id, Checkpoint: []byte("note")}, Windows: windows}))
	}
	_, c := s.signIn(s.keys[acme][tenant.Admin])
	for _, path := range []string{"/", "/?page=200", "/?find=07777", "/zones/" + fmt.Sprintf("%032x", 0xabc0000)} {
		b.Run(path[:min(len(path), 8)], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w, page := s.browse(path, c)
				if w.Code != 200 {
					b.Fatalf("status %d: %s", w.Code, page)
				}
				b.ReportMetric(float64(len(page)), "bytes/page")
			}
		})
	}
}
