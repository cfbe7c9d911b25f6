package logpulltest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

const (
	authError    = `"code":10000,"message":"Authentication error"`
	unauthorized = `"code":10000,"message":"Unauthorized"`
	invalidRange = "bad query: error parsing time: invalid time range: "
)

// TestRefusals has one row for each thing that the service refuses.
func TestRefusals(t *testing.T) {
	t.Parallel()
	start, end := now.Add(-10*time.Minute), now.Add(-5*time.Minute)
	good := window(zoneA, start, end)
	limited := "bad query parameter: query arguments are limited to: start,end,fields,count,sample,timestamps"
	for _, row := range []struct {
		name, path string
		header     []string
		status     int
		body       string // whole for plain text, part of it for JSON
		kind       string
	}{
		{"no credential", good, []string{"Authorization", ""}, 401, authError, "auth"},
		{"wrong token", good, []string{"Authorization", "Bearer wrong-token-0001"}, 401, authError, "auth"},
		{"disabled token", good, []string{"Authorization", "Bearer disabled-token-01"}, 401, authError, "auth"},
		{"not bearer", good, []string{"Authorization", "Basic eDp5"}, 400, `"code":6003`, "auth-format"},
		{"malformed key", good, []string{"X-Auth-Email", "ops@example.eu", "X-Auth-Key", "?"}, 400, `"code":6103`, "auth-format"},
		{"wrong e-mail", good, []string{"X-Auth-Email", "x@example.eu", "X-Auth-Key", "c2547eb745079dac9320b638f5e225cf483cc5cfdda41"}, 401, authError, "auth"},
		{"wrong token, retention", "/zones/" + zoneA + "/logs/control/retention/flag", []string{"Authorization", "Bearer wrong-token-0001"}, 401, unauthorized, "auth"},
		{"no permission", good, []string{"Authorization", "Bearer nothing-token-001"}, 403, authError, "forbidden"},
		{"another's zone", good, []string{"Authorization", "Bearer only-b-token-0001"}, 403, authError, "forbidden"},
		{"unknown zone", window(strings.Repeat("0", 32), start, end), nil, 403, authError, "forbidden"},
		{"no zone permission", "/zones/" + zoneA, nil, 403, authError, "forbidden"},
		{"no account permission", "/accounts/" + account + "/logs/control/cmb/config", nil, 403, authError, "forbidden"},
		{"unknown account", "/accounts/x/logs/control/cmb/config", []string{"Authorization", "Bearer writer-token-0001"}, 403, authError, "forbidden"},
		{"unknown path", "/zones/" + zoneA + "/logs/requests", nil, 404, `"code":7000`, "no-route"},
		{"retention off", window(zoneB, start, end), nil, 400, "Retention is not turned on. Please enable log retention", "retention"},
		{"unknown argument", good + "&limit=3", nil, 400, limited, "arguments"},
		{"argument in capitals", good + "&Count=3", nil, 400, limited, "arguments"},
		{"start missing", "/zones/" + zoneA + "/logs/received?end=1", nil, 400, "bad query: error parsing start time: must be unix timestamp or rfc3339 string", "start-time"},
		{"start is a date", window(zoneA, start, end, "start", "2026-11-20"), nil, 400, "bad query: error parsing start time: must be unix timestamp or rfc3339 string", "start-time"},
		{"end is a fraction", window(zoneA, start, end, "end", "1.5"), nil, 400, "bad query: error parsing end time: must be unix timestamp or rfc3339 string", "end-time"},
		{"plus not encoded", "/zones/" + zoneA + "/logs/received?start=2026-11-20T15:50:00+01:00&end=1", nil, 400, "bad query: error parsing start time: must be unix timestamp or rfc3339 string", "start-time"},
		{"start is end", window(zoneA, start, start), nil, 400, invalidRange + "start not before end", "order"},
		{"start after end", window(zoneA, end, start), nil, 400, invalidRange + "start not before end", "order"},
		{"too early", window(zoneA, now.Add(-168*time.Hour-time.Second), now.Add(-168*time.Hour+time.Minute)), nil, 400, invalidRange + "too early: logs older than 168h0m0s are not available", "too-early"},
		{"too recent", window(zoneA, start, now.Add(-59*time.Second)), nil, 400, invalidRange + "too recent: minimum delay in serving logs is 1m0s", "too-recent"},
		{"too long", window(zoneA, now.Add(-2*time.Hour-time.Second), now.Add(-time.Hour)), nil, 400, invalidRange + "too long: maximum query range (difference between start and end) is 1h0m0s", "too-long"},
		{"count zero", good + "&count=0", nil, 400, "bad query: error parsing count: must be a positive integer", "count"},
		{"sample above one", good + "&sample=1.01", nil, 400, "bad query: error parsing sample: must be greater than 0 and at most 1", "sample"},
		{"sample zero", good + "&sample=0", nil, 400, "bad query: error parsing sample: must be greater than 0 and at most 1", "sample"},
		{"sample NaN", good + "&sample=NaN", nil, 400, "bad query: error parsing sample: must be greater than 0 and at most 1", "sample"},
		{"timestamps of Logpush", good + "&timestamps=rfc3339ns", nil, 400, "bad query: error parsing timestamps: must be unix, unixnano or rfc3339", "timestamps"},
		{"unknown field", good + "&fields=RayID,ZoneID", nil, 400, `bad query: error parsing fields: unknown field "ZoneID"`, "field"},
		{"field of Logpush", good + "&fields=OriginTLSKeyExchangeGroup", nil, 400, `bad query: error parsing fields: unknown field "OriginTLSKeyExchangeGroup"`, "field"},
		{"space after comma", good + "&fields=RayID,%20ClientIP", nil, 400, `bad query: error parsing fields: unknown field " ClientIP"`, "field"},
		{"field twice", good + "&fields=RayID,RayID", nil, 400, `bad query: error parsing fields: field given twice: "RayID"`, "field"},
		{"ray with data centre", "/zones/" + zoneA + "/logs/rayids/47ff6e2c812d3ce2-FRA", nil, 400, "bad query: invalid ray id", "ray"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			got := b.get(row.path, row.header...)
			if got.status != row.status {
				t.Fatalf("status %d, want %d; body %s", got.status, row.status, got.body)
			}
			if strings.HasPrefix(row.body, `"code"`) {
				var v4 struct {
					Success *bool           `json:"success"`
					Errors  json.RawMessage `json:"errors"`
				}
				if err := json.Unmarshal([]byte(got.body), &v4); err != nil || v4.Success == nil || *v4.Success || !strings.Contains(string(v4.Errors), row.body) {
					t.Errorf("body %s (%v), want success false and %s", got.body, err, row.body)
				}
			} else if got.body != row.body {
				t.Errorf("body %q, want %q", got.body, row.body)
			}
			if n := b.e.Stats().Refusals[row.kind]; n != 1 {
				t.Errorf("refusals %v, want one %q", b.e.Stats().Refusals, row.kind)
			}
		})
	}
}

// TestEdges are the last requests that are still good.
func TestEdges(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	ns := func(at time.Time) string { return at.Format(time.RFC3339) }
	for name, path := range map[string]string{
		"oldest":        window(zoneA, now.Add(-168*time.Hour), now.Add(-167*time.Hour)),
		"newest":        window(zoneA, now.Add(-2*time.Minute), now.Add(-time.Minute)),
		"widest":        window(zoneA, now.Add(-2*time.Hour), now.Add(-time.Hour)),
		"rfc 3339":      window(zoneA, now, now, "start", ns(now.Add(-time.Hour)), "end", "2026-11-20T15:30:00+01:00"),
		"whole sample":  window(zoneA, now.Add(-time.Hour), now.Add(-59*time.Minute), "sample", "1"),
		"nothing named": window(zoneA, now.Add(-time.Hour), now.Add(-59*time.Minute), "fields", ""),
	} {
		if got := b.get(path); got.status != http.StatusOK || len(got.lines()) < 100 {
			t.Errorf("%s: status %d and %d lines", name, got.status, len(got.lines()))
		}
	}
	if got := b.get(window(zoneA, now.Add(-time.Hour), now.Add(-59*time.Minute)), "X-Auth-Email", "ops@example.eu", "X-Auth-Key", "c2547eb745079dac9320b638f5e225cf483cc5cfdda41"); got.status != http.StatusOK {
		t.Errorf("old-style key: status %d %s", got.status, got.body)
	}
}

func TestBoundaryAndPlan(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *logpulltest.Config) {
		c.Zones = append(c.Zones, logpulltest.Zone{ID: strings.Repeat("c", 32), Name: "small.example", AccountID: account, Plan: "pro", Retention: true})
	})
	path := window(zoneA, now.Add(-10*time.Minute), now.Add(-9*time.Minute))
	if got := b.get(window(strings.Repeat("c", 32), now.Add(-10*time.Minute), now.Add(-9*time.Minute))); got.status != http.StatusForbidden || !strings.Contains(got.body, authError) {
		t.Errorf("pro plan: %d %s", got.status, got.body)
	}
	for _, row := range []struct {
		regions string
		status  int
	}{{"", 200}, {"us,eu", 200}, {"us", 200}, {"eu", 403}} {
		b.e.SetBoundary(account, row.regions)
		if got := b.get(path); got.status != row.status {
			t.Errorf("boundary %q: status %d, want %d", row.regions, got.status, row.status)
		}
		got := b.get("/accounts/"+account+"/logs/control/cmb/config", "Authorization", "Bearer writer-token-0001")
		if !strings.Contains(got.body, `"regions":"`+row.regions+`"`) {
			t.Errorf("boundary %q: config %s", row.regions, got.body)
		}
	}
}
