package standard_test

import (
	"context"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/pluginhost"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/source/sourcetest"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// TestSourceConformanceThroughAProcess runs the source suite against the
// Logpull plugin as a process of its own, over gRPC, against the emulator.
func TestSourceConformanceThroughAProcess(t *testing.T) {
	t.Parallel()
	const zone, token = "5e2a1f0c9b8d7e6f5a4b3c2d1e0f9a8b", "t0ken-that-must-never-be-seen"
	g, err := logpulltest.NewGenerator(logpulltest.GeneratorConfig{Seed: 3, RecordsPerDay: 500_000, Clients: 500})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now().UTC().Truncate(time.Hour).Add(-3 * time.Hour)
	sourcetest.Run(t, sourcetest.Harness{
		Zone: zone, Dataset: "http_requests",
		Full:        sourcetest.Window{Start: start, End: start.Add(time.Minute)},
		Gone:        sourcetest.Window{Start: start.Add(-170 * time.Hour), End: start.Add(-169 * time.Hour)},
		UnknownZone: strings.Repeat("0", 32),
		Secrets:     []string{token},
	}, func(t *testing.T) source.Source {
		e := logpulltest.New(logpulltest.Config{
			Zones:  []logpulltest.Zone{{ID: zone, Name: "example.eu", Retention: true, Records: g}},
			Tokens: []logpulltest.Token{{ID: "t", Value: token, Permissions: []logpulltest.Permission{logpulltest.LogsRead}}},
		})
		server := httptest.NewUnstartedServer(e)
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.Start()
		t.Cleanup(server.Close)
		i, err := newHost(t).Launch(context.Background(), pluginhost.Self(wire.KindSource, "logpull", config.Values{
			"token": token, "base_url": server.URL + "/client/v4",
		}))
		if err != nil {
			t.Fatal(err)
		}
		s, err := i.Source()
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
