package server

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// stream is an open stream of events.
type stream struct {
	*bundle
	in *bufio.Scanner
}

// next returns the next event's name and data, "" at the end of the stream.
func (s *stream) next() (name, data string) {
	s.Helper()
	for s.in.Scan() {
		switch line := s.in.Text(); {
		case strings.HasPrefix(line, "event: "):
			name = line[len("event: "):]
		case strings.HasPrefix(line, "data: "):
			data = line[len("data: "):]
		case line == "" && name != "":
			return name, data
		}
	}
	return "", ""
}

func (s *stream) want(event string, parts ...string) {
	s.Helper()
	name, data := s.next()
	if name != event {
		s.Fatalf("event is %q %s, want %q", name, data, event)
	}
	for _, p := range parts {
		if !strings.Contains(data, p) {
			s.Errorf("%s is %s, want %s in it", event, data, p)
		}
	}
}

func (b *bundle) follow(key string) *stream {
	b.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = b.server.HTTP()
	server.Start()
	b.Cleanup(server.Close)
	req, err := http.NewRequestWithContext(b.Context(), "GET", server.URL+"/v1/events", nil)
	b.ok(err)
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := server.Client().Do(req) //nolint:bodyclose // by Cleanup
	b.ok(err)
	b.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != eventStream {
		b.Fatalf("status %d, headers %v", res.StatusCode, res.Header)
	}
	return &stream{b, bufio.NewScanner(res.Body)}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.server.eventsEvery = 5 * time.Millisecond
	s := b.follow(b.keys[acme][tenant.AuditorRole])
	s.want("zone", b.zones[acme], "acme.eu", `"paused":false`)
	s.want("chain", b.zones[acme], `"size":3`)
	// Another's changes are not told: the next event is of the own zone.
	b.wants(200, "PATCH", "/v1/zones/"+b.zones[other], b.keys[other][tenant.Admin], `{"paused":true}`)
	b.wants(200, "PATCH", "/v1/zones/"+b.zones[acme], b.keys[acme][tenant.Admin], `{"paused":true}`)
	s.want("zone", b.zones[acme], `"paused":true`)
	z, err := b.catalog.Zone(t.Context(), b.zones[acme])
	b.ok(err)
	b.ok(b.catalog.Commit(t.Context(), catalog.Commit{Head: catalog.Head{Chain: z.Chain(), Size: 4, Checkpoint: []byte("note")}}))
	s.want("chain", `"size":4`)
	b.ok(b.catalog.RemoveZone(t.Context(), z.ID, z.Dataset))
	s.want("removed", b.zones[acme])
	// It ends with its key, and with the daemon, at once.
	me := decode[api.Me](b, b.wants(200, "GET", "/v1/me", b.keys[acme][tenant.AuditorRole], ""))
	ended := b.follow(b.keys[other][tenant.AnalystRole])
	ended.want("zone", b.zones[other])
	ended.want("chain")
	b.wants(204, "DELETE", "/v1/api-keys/"+me.Key.ID, b.keys[acme][tenant.Admin], "")
	if name, data := s.next(); name != "" {
		t.Errorf("the key is revoked, and it goes on: %s %s", name, data)
	}
	began := time.Now()
	b.detach(time.Minute)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the daemon's end waited %s for a stream", took)
	}
	if name, data := ended.next(); name != "" {
		t.Errorf("the daemon has ended, and it goes on: %s %s", name, data)
	}
}

func (b *bundle) wants(status int, method, path, key, body string) string {
	b.Helper()
	return b.want(status, "", method, path, key, body)
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range streams / 4 {
		b.server.following.take(acme)
	}
	b.want(429, api.CodeRateLimited, "GET", "/v1/events", b.keys[acme][tenant.AuditorRole], "")
}
