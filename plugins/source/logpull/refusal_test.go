package logpull_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

const (
	badTime = "bad query: error parsing time: invalid time range: "
	badAuth = `{"result":null,"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"messages":[]}`
)

// TestRefusals has a row for each documented answer that is not records, and
// for those that are not documented.
func TestRefusals(t *testing.T) {
	t.Parallel()
	date := start.Format(http.TimeFormat)
	for _, row := range []struct {
		name   string
		status int
		body   string
		header []string
		class  source.Class
		reason string
		after  time.Duration
		hint   string // part of it; "-" for none
	}{
		{"too early", 400, badTime + "too early: logs older than 168h0m0s are not available", nil, source.ClassGone, source.ReasonTooOld, 0, "-"},
		{"too early, other words", 400, "Logs older than 7 days are gone", nil, source.ClassGone, source.ReasonTooOld, 0, "-"},
		{"too recent", 400, badTime + "too recent: minimum delay in serving logs is 1m0s", nil, source.ClassRetry, "", time.Minute, "clock"},
		{"too long", 400, badTime + "too long: maximum query range (difference between start and end) is 1h0m0s", nil, source.ClassBug, "", 0, "report"},
		{"order", 400, badTime + "start not before end", nil, source.ClassBug, "", 0, "report"},
		{"start time", 400, "bad query: error parsing start time: must be unix timestamp or rfc3339 string", nil, source.ClassBug, "", 0, "report"},
		{"end time", 400, "bad query: error parsing end time: must be unix timestamp or rfc3339 string", nil, source.ClassBug, "", 0, "report"},
		{"unknown argument", 400, "bad query parameter: query arguments are limited to: start,end,fields,count,sample,timestamps", nil, source.ClassBug, "", 0, "report"},
		{"retention", 400, "Retention is not turned on. Please enable log retention", nil, source.ClassBlocked, source.ReasonRetentionOff, 0, "Logs Write"},
		{"unknown field", 400, `bad query: error parsing fields: unknown field "X"`, nil, source.ClassBlocked, "", 0, "fields"},
		{"malformed key", 400, `{"success":false,"errors":[{"code":6003,"message":"Invalid request headers","error_chain":[{"code":6103,"message":"Invalid format"}]}]}`, nil, source.ClassBlocked, source.ReasonCredential, 0, "Logs Read"},
		{"malformed header", 400, `{"success":false,"errors":[{"code":1,"message":"x","error_chain":[{"code":6111,"message":"y"}]}]}`, nil, source.ClassBlocked, source.ReasonCredential, 0, "Logs Read"},
		{"boundary", 403, "not available under your Customer Metadata Boundary", nil, source.ClassBlocked, source.ReasonBoundary, 0, "Logpush"},
		{"bad token", 401, badAuth, nil, source.ClassBlocked, source.ReasonCredential, 0, "Logs Read"},
		{"no permission", 403, badAuth, nil, source.ClassBlocked, source.ReasonNotEntitled, 0, "Enterprise"},
		{"forbidden by a proxy", 403, "<html><h1>No</h1></html>", nil, source.ClassBlocked, source.ReasonNotEntitled, 0, "Logs Read"},
		{"not found", 404, `{"success":false,"errors":[{"code":7003,"message":"Could not route"}]}`, nil, source.ClassBlocked, "", 0, "id"},
		{"unknown 400", 400, "no idea", nil, source.ClassBlocked, "", 0, "168 h"},
		{"unknown 4xx", 418, "", nil, source.ClassBlocked, "", 0, "168 h"},
		{"timeout", 408, "", nil, source.ClassSplit, source.ReasonTimeout, 0, "-"},
		{"429 bare", 429, "Too many requests", nil, source.ClassRetry, source.ReasonRate, time.Minute, "-"},
		{"429 seconds", 429, "", []string{"Retry-After", "17"}, source.ClassRetry, source.ReasonRate, 17 * time.Second, "-"},
		{"429 at once", 429, "", []string{"Retry-After", "0"}, source.ClassRetry, source.ReasonRate, time.Second, "-"},
		{"429 for ever", 429, "", []string{"Retry-After", "2000000000"}, source.ClassRetry, source.ReasonRate, 2 * time.Hour, "-"},
		{"429 overflow", 429, "", []string{"Retry-After", "99999999999999999999"}, source.ClassRetry, source.ReasonRate, time.Minute, "-"},
		{"429 negative", 429, "", []string{"Retry-After", "-5"}, source.ClassRetry, source.ReasonRate, time.Minute, "-"},
		{"429 date", 429, "", []string{"Retry-After", start.Add(90 * time.Second).Format(http.TimeFormat), "Date", date}, source.ClassRetry, source.ReasonRate, 90 * time.Second, "-"},
		{"429 past date", 429, "", []string{"Retry-After", start.Add(-time.Hour).Format(http.TimeFormat), "Date", date}, source.ClassRetry, source.ReasonRate, time.Second, "-"},
		{"429 of the API", 429, `{"success":false,"errors":[{"code":971,"message":"slow down"}]}`, []string{"Retry-After", "300"}, source.ClassRetry, source.ReasonRateCredential, 5 * time.Minute, "-"},
		{"500", 500, "oops", nil, source.ClassRetry, "", 0, "-"},
		{"502", 502, "<html>", nil, source.ClassRetry, "", 0, "-"},
		{"503 with a time", 503, "", []string{"Retry-After", "30"}, source.ClassRetry, "", 30 * time.Second, "-"},
		{"522", 522, "", nil, source.ClassRetry, "", 0, "-"},
		{"no content", 204, "", nil, source.ClassRetry, "", 0, "retention"},
		{"redirect", 302, "", []string{"Location", "https://elsewhere.example/"}, source.ClassBlocked, "", 0, "base_url"},
		{"partial content", 206, "{}", nil, source.ClassBlocked, "", 0, "168 h"},
		{"200 with an error", 200, badAuth, nil, source.ClassRetry, "", 0, "Logs Read"},
		{"200 with a compressed error", 200, zip(badAuth + "\n"), []string{"Content-Encoding", "gzip"}, source.ClassRetry, "", 0, "Logs Read"},
		{"200 with a login page", 200, "<!doctype html>}", nil, source.ClassRetry, "", 0, "proxy"},
		{"200 with a compressed login page", 200, zip("<!doctype html>"), []string{"Content-Encoding", "gzip"}, source.ClassRetry, "", 0, "proxy"},
		{"other encoding", 200, "x", []string{"Content-Encoding", "br"}, source.ClassBlocked, "", 0, "proxy"},
		{"two encodings", 200, "x", []string{"Content-Encoding", "gzip", "Content-Encoding", "gzip"}, source.ClassBlocked, "", 0, "proxy"},
		{"compressed refusal", 400, zip(badTime + "too early: logs older than 168h0m0s"), []string{"Content-Encoding", "gzip"}, source.ClassGone, source.ReasonTooOld, 0, "-"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := read(t.Context(), open(t, constant(row.status, row.body, row.header...)), window(start, time.Minute))
			e := classed(t, err)
			if e.Class != row.class || e.Reason != row.reason || e.After != row.after {
				t.Errorf("class %s, reason %q, after %s; want %s, %q, %s (%v)", e.Class, e.Reason, e.After, row.class, row.reason, row.after, e)
			}
			if row.hint == "-" && e.Hint != "" || row.hint != "-" && !strings.Contains(e.Hint, row.hint) {
				t.Errorf("hint %q, want %q in it", e.Hint, row.hint)
			}
			if e.Op != "pull" || e.Msg == "" {
				t.Errorf("says only %q", e.Error())
			}
		})
	}
}

// TestWhatTheServiceSays is in the message, short and safe to show.
func TestWhatTheServiceSays(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ body, want string }{
		{"too early: logs\r\nolder\x1b[31m than\x00 168h", "(HTTP 400: too early: logs older [31m than 168h)"},
		{"a\u202eb\u009bc\xff\u00ad", "(HTTP 400: a b c\uFFFD)"},
		{strings.Repeat("x", 100_000), "(HTTP 400: " + strings.Repeat("x", 300) + "…)"},
		{"you sent Bearer " + token + "!", "(HTTP 400: you sent Bearer [redacted]!)"},
		{`{"success":false,"errors":[{"code":7,"message":"` + token + `"}]}`, "(HTTP 400: code 7 [redacted])"},
		{`{"success":false}`, "(HTTP 400: no reason given)"},
		{"", "(HTTP 400)"},
	} {
		_, _, err := read(t.Context(), open(t, constant(400, row.body)), window(start, time.Minute))
		if e := classed(t, err); !strings.HasSuffix(e.Msg, row.want) {
			t.Errorf("%.40q is told as %q, want %q at its end", row.body, e.Msg, row.want)
		}
	}
}

// TestWindowsRefusedHere never reach the service.
func TestWindowsRefusedHere(t *testing.T) {
	t.Parallel()
	rec := &recording{next: constant(200, "")}
	s := open(t, rec)
	change := func(f func(*source.Request)) source.Request {
		req := window(start, time.Hour)
		f(&req)
		return req
	}
	for name, req := range map[string]source.Request{
		"longer than an hour": window(start, time.Hour+time.Second),
		"empty":               window(start, 0),
		"backwards":           window(start, -time.Second),
		"fraction":            window(start.Add(1), time.Minute),
		"other zone of time":  window(start.In(time.FixedZone("CET", 3600)), time.Minute),
		"before 1970":         window(time.Unix(-60, 0).UTC(), time.Minute),
		"zone in capitals":    change(func(r *source.Request) { r.Zone = strings.ToUpper(zoneA) }),
		"zone with a path":    change(func(r *source.Request) { r.Zone = zoneA + "/../x" }),
		"zone with a newline": change(func(r *source.Request) { r.Zone = zoneA + "\n" }),
		"dataset":             change(func(r *source.Request) { r.Dataset = "firewall_events" }),
		"field with comma":    change(func(r *source.Request) { r.Fields = []string{"RayID,ClientIP"} }),
		"field with argument": change(func(r *source.Request) { r.Fields = []string{"RayID&sample=0.1"} }),
		"field twice":         change(func(r *source.Request) { r.Fields = []string{"RayID", "RayID"} }),
	} {
		if _, err := s.Pull(t.Context(), req); source.ClassOf(err) != source.ClassBug {
			t.Errorf("%s: %v, want class bug", name, err)
		}
	}
	if n := len(rec.paths()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	if _, _, err := read(t.Context(), s, window(start, time.Hour)); err != nil {
		t.Errorf("a whole hour: %v", err)
	}
}
