package logpulltest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// BenchmarkGenerate measures the generator alone, on one core, with all
// fields and with the default ones.
func BenchmarkGenerate(b *testing.B) {
	for _, bench := range []struct {
		name   string
		fields []string
	}{
		{"all", logpulltest.Names(logpulltest.LogpullFields())},
		{"default", logpulltest.DefaultFields()},
	} {
		b.Run(bench.name, func(b *testing.B) {
			g, err := logpulltest.NewGenerator(logpulltest.GeneratorConfig{Seed: 1, RecordsPerDay: 20_000_000})
			if err != nil {
				b.Fatal(err)
			}
			start := time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)
			var bytes, records int64
			for b.Loop() {
				bytes, records = 0, 0
				for _, line := range g.Window(start, start.Add(time.Minute), logpulltest.Projection{Fields: bench.fields}) {
					bytes += int64(len(line)) + 1
					records++
				}
			}
			b.SetBytes(bytes)
			b.ReportMetric(float64(bytes)/float64(records), "B/record")
			b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkServe measures an hour's window over HTTP with gzip, the client's
// reading (without unpacking) included.
func BenchmarkServe(b *testing.B) {
	g, err := logpulltest.NewGenerator(logpulltest.GeneratorConfig{Seed: 1, RecordsPerDay: 2_000_000})
	if err != nil {
		b.Fatal(err)
	}
	e := logpulltest.New(logpulltest.Config{
		Now: func() time.Time { return now }, Limits: logpulltest.Unlimited(),
		Zones:  []logpulltest.Zone{{ID: zoneA, Retention: true, Records: g}},
		Tokens: []logpulltest.Token{{ID: "r", Value: reader, Permissions: []logpulltest.Permission{logpulltest.LogsRead}}},
	})
	srv := httptest.NewServer(e)
	defer srv.Close()
	path := srv.URL + "/client/v4" + window(zoneA, now.Add(-2*time.Hour), now.Add(-time.Hour), "fields", strings.Join(allFields.Fields, ","))
	var packed int64
	for b.Loop() {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+reader)
		req.Header.Set("Accept-Encoding", "gzip")
		res, err := srv.Client().Do(req)
		if err != nil {
			b.Fatal(err)
		}
		packed, err = io.Copy(io.Discard, res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			b.Fatal(res.Status, err)
		}
		_ = res.Body.Close()
	}
	served := e.Served()
	bytes := served[len(served)-1].Bytes
	b.SetBytes(bytes)
	b.ReportMetric(100*float64(packed)/float64(bytes), "%packed")
}
