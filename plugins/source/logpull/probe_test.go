package logpull_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// verdicts is a report in short.
func verdicts(r source.Report) map[string]string {
	out := map[string]string{}
	for _, c := range r.Checks {
		out[c.Name] = strings.TrimSpace(string(c.Status) + " " + c.Value)
	}
	return out
}

func check(r source.Report, name string) source.Check {
	for _, c := range r.Checks {
		if c.Name == name {
			return c
		}
	}
	return source.Check{}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, token string
		change      func(*logpulltest.Config)
		source      func(*logpull.Config)
		zone        string
		want        map[string]string
		zoneName    string
	}{
		{
			name: "a token that sees all", token: "wide-token-000001", zoneName: "example.eu",
			want: map[string]string{"token": "ok active", "zone": "ok enterprise", "permission": "ok true", "retention": "ok true", "boundary": "ok none", "fields": "ok 123 fields", "clock": "ok 0s"},
		}, {
			name: "a token that sees no more than it should", token: token,
			want: map[string]string{"token": "ok active", "zone": "unknown", "permission": "ok true", "retention": "ok true", "boundary": "unknown", "fields": "ok 123 fields", "clock": "ok 0s"},
		}, {
			name: "retention off", token: "wide-token-000001", zone: zoneB, zoneName: "example.org",
			want: map[string]string{"token": "ok active", "zone": "ok enterprise", "permission": "ok true", "retention": "fail false", "boundary": "ok none", "fields": "ok 123 fields", "clock": "ok 0s"},
		}, {
			name: "EU only", token: "wide-token-000001", zoneName: "example.eu",
			change: func(c *logpulltest.Config) { c.Accounts[0].Regions = "eu" },
			want:   map[string]string{"token": "ok active", "zone": "ok enterprise", "permission": "fail", "retention": "ok true", "boundary": "fail eu", "fields": "unknown", "clock": "ok 0s"},
		}, {
			name: "EU and US", token: "wide-token-000001", zoneName: "example.eu",
			change: func(c *logpulltest.Config) { c.Accounts[0].Regions = "eu,us" },
			want:   map[string]string{"token": "ok active", "zone": "ok enterprise", "permission": "ok true", "retention": "ok true", "boundary": "ok eu,us", "fields": "ok 123 fields", "clock": "ok 0s"},
		}, {
			name: "lesser plan", token: "wide-token-000001", zoneName: "example.eu",
			change: func(c *logpulltest.Config) { c.Zones[0].Plan = "pro" },
			want:   map[string]string{"token": "ok active", "zone": "warn pro", "permission": "fail", "retention": "ok true", "boundary": "ok none", "fields": "unknown", "clock": "ok 0s"},
		}, {
			name: "wrong token", token: "wrong-token-00001",
			want: map[string]string{"token": "fail", "zone": "unknown", "permission": "fail", "retention": "fail", "boundary": "unknown", "fields": "unknown", "clock": "ok 0s"},
		}, {
			name: "no permission", token: "nothing-token-001",
			want: map[string]string{"token": "ok active", "zone": "unknown", "permission": "fail", "retention": "fail", "boundary": "unknown", "fields": "unknown", "clock": "ok 0s"},
		}, {
			name: "unknown zone", token: "wide-token-000001", zone: strings.Repeat("0", 32),
			want: map[string]string{"token": "ok active", "zone": "unknown", "permission": "fail", "retention": "fail", "boundary": "unknown", "fields": "unknown", "clock": "ok 0s"},
		}, {
			name: "configured field is gone", token: token,
			source: func(c *logpull.Config) { c.Fields = []string{"RayID", "ZoneID", "OriginResponseTimes"} },
			want:   map[string]string{"token": "ok active", "zone": "unknown", "permission": "ok true", "retention": "ok true", "boundary": "unknown", "fields": "fail 123 fields", "clock": "ok 0s"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if row.change == nil {
				row.change = func(*logpulltest.Config) {}
			}
			if row.source == nil {
				row.source = func(*logpull.Config) {}
			}
			if row.zone == "" {
				row.zone = zoneA
			}
			m := emulate(t, row.change)
			r, err := m.source(t, func(c *logpull.Config) { c.Token = logpull.Secret(row.token) }, row.source).Probe(t.Context(), row.zone)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, verdicts(r)); diff != "" {
				t.Errorf("checks (-want +got):\n%s%+v", diff, r.Checks)
			}
			if r.ZoneName != row.zoneName {
				t.Errorf("zone name %q, want %q", r.ZoneName, row.zoneName)
			}
			for _, c := range r.Checks {
				if c.Detail == "" || (c.Status == source.OK) != (c.Remedy == "") {
					t.Errorf("check %+v", c)
				}
			}
			for _, s := range m.e.Served() {
				if s.Endpoint == "retention-set" || s.Endpoint == "unknown" {
					t.Errorf("the probe asked for %s", s.Endpoint)
				}
			}
		})
	}
}

// TestProbeRemedies tells what to do about the two that rule Logpull out.
func TestProbeRemedies(t *testing.T) {
	t.Parallel()
	m := emulate(t, func(c *logpulltest.Config) { c.Accounts[0].Regions = "eu" })
	r, err := m.source(t, func(c *logpull.Config) { c.Token = "wide-token-000001" }).Probe(t.Context(), zoneB)
	if err != nil {
		t.Fatal(err)
	}
	if c := check(r, "boundary"); !strings.Contains(c.Remedy, "Logpush to an endpoint in the EU") {
		t.Errorf("boundary: %+v", c)
	}
	if c := check(r, "retention"); !strings.Contains(c.Remedy, "switch log retention on") {
		t.Errorf("retention: %+v", c)
	}
}

// api answers by the end of the path.
func api(answers map[string]string) transport {
	return func(r *http.Request) (*http.Response, error) {
		for end, body := range answers {
			if strings.HasSuffix(r.URL.Path, end) {
				return answer(200, body), nil
			}
		}
		return answer(401, badAuth), nil
	}
}

func TestProbeShapes(t *testing.T) {
	t.Parallel()
	const fields = `{"RayID":"id"}`
	zone := `{"success":true,"result":{"name":"e\u001bx.eu","status":"active","account":{"id":"` + account + `"},"plan":{"name":"E","legacy_id":"enterprise"}}}`
	for _, row := range []struct {
		name    string
		answers map[string]string
		check   string
		want    string
	}{
		{"bare flag", map[string]string{"/flag": `{"flag": true}`}, "retention", "ok true"},
		{"bare flag, off", map[string]string{"/flag": `{"flag": false}`}, "retention", "fail false"},
		{"wrapped flag", map[string]string{"/flag": `{"success":true,"result":{"flag":false}}`}, "retention", "fail false"},
		{"no flag", map[string]string{"/flag": `{"success":true,"result":{}}`}, "retention", "unknown"},
		{"flag of another type", map[string]string{"/flag": `{"flag":"yes"}`}, "retention", "unknown"},
		{"regions as a list", map[string]string{zoneA: zone, "/cmb/config": `{"result":{"regions":["EU"]}}`}, "boundary", "fail eu"},
		{"regions null", map[string]string{zoneA: zone, "/cmb/config": `{"result":{"regions":null}}`}, "boundary", "ok none"},
		{"regions of another type", map[string]string{zoneA: zone, "/cmb/config": `{"result":{"regions":7}}`}, "boundary", "unknown"},
		{"account with a path", map[string]string{zoneA: strings.Replace(zone, account, "../x", 1)}, "boundary", "unknown"},
		{"account's own token", map[string]string{"/received/fields": fields}, "token", "unknown works"},
		{"token expired", map[string]string{"/verify": `{"success":true,"result":{"status":"expired"}}`}, "token", "fail expired"},
		{"token expires soon", map[string]string{"/verify": `{"success":true,"result":{"status":"active","expires_on":"` + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `"}}`}, "token", "warn active"},
		{"token expires later", map[string]string{"/verify": `{"success":true,"result":{"status":"active","expires_on":"2126-01-01T00:00:00Z"}}`}, "token", "ok active"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r, err := open(t, api(row.answers)).Probe(t.Context(), zoneA)
			if err != nil {
				t.Fatal(err)
			}
			if have := verdicts(r)[row.check]; have != row.want {
				t.Errorf("%s is %q, want %q: %+v", row.check, have, row.want, check(r, row.check))
			}
			if strings.ContainsFunc(r.ZoneName, func(c rune) bool { return c < ' ' }) {
				t.Errorf("zone name %q", r.ZoneName)
			}
		})
	}
}

func TestProbeThatCannotBeMade(t *testing.T) {
	t.Parallel()
	down := open(t, transport(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") }))
	if _, err := down.Probe(t.Context(), zoneA); source.ClassOf(err) != source.ClassRetry || !strings.Contains(err.Error(), "no route to host") {
		t.Errorf("network down: %v", err)
	}
	if _, err := down.Probe(t.Context(), "example.eu"); source.ClassOf(err) != source.ClassBug {
		t.Errorf("name in place of an id: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := down.Probe(ctx, zoneA); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestProbeSpendsTheBudget that it shares with the pulls.
func TestProbeSpendsTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, network := strict(t, 1, nil)
		s := open(t, network)
		for range 10 {
			if _, err := s.Probe(t.Context(), zoneID(0)); err != nil {
				t.Fatal(err)
			}
		}
		pullAll(t, s, 1, 3, 20)
		if stats := e.Stats(); stats.Refusals["rate-zone"]+stats.Refusals["rate-user"]+stats.Refusals["rate-api"] != 0 {
			t.Errorf("refusals %v", stats.Refusals)
		}
		kinds := map[string]bool{}
		for _, served := range e.Served() {
			kinds[served.Endpoint] = true
		}
		for _, kind := range []string{"verify", "zone", "fields", "retention", "received"} {
			if !kinds[kind] {
				t.Errorf("%s was not asked", kind)
			}
		}
		if kinds["retention-set"] || kinds["unknown"] {
			t.Errorf("the probe asked for %v", kinds)
		}
	})
}
