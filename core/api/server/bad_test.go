package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// badBodies are what no endpoint that takes a body takes.
func badBodies() []string {
	bad := []string{
		"", "null", "[]", "42", `"x"`, "{", "}", `{"name"}`, `{"name":}`, "\x00", "\xff\xfe{}", "{}{}", `{"":""}`, `{"name":"x","unknown":1}`,
		`{"__proto__":{}}`, `<?xml version="1.0"?><x/>`, "name=x&role=admin", strings.Repeat("[", 10_000), strings.Repeat(`{"a":`, 5_000),
		`{"name":"` + strings.Repeat("x", 5000) + `"}`, `{"overlap_seconds":-1}`, `{"overlap_seconds":1e300}`,
	}
	for _, v := range []string{"null", "1", "true", "[]", "{}", `["x"]`, `""`, `"a\u0000b"`, `"\u001b[2Jx"`, `"<script>"`, `"../../etc/passwd"`, `"a b"`, `"` + "\n" + `"`} {
		bad = append(bad, `{"name":`+v+`,"role":"root"}`, `{"source_zone":`+v+`,"name":"x","schedule":"x"}`, `{"schedule":`+strings.Replace(v, `""`, `"* * *"`, 1)+`}`)
	}
	return bad
}

// Whatever is wrong with a body is told as a problem, and never a server's error.
func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.keys[acme][tenant.Admin]
	for _, e := range []endpoint{
		{method: "POST", path: "/v1/customers"}, {method: "POST", path: "/v1/api-keys"}, {method: "POST", path: "/v1/zones"},
		{method: "PATCH", path: "/v1/zones/{zone}"}, {method: "POST", path: "/v1/api-keys/{key}/rotate"},
		{method: "PUT", path: "/v1/sources/own"},
	} {
		refused := 0
		for _, body := range badBodies() {
			b.server.tries.of.Purge() // registration is limited by address
			key := admin
			if e.path == "/v1/customers" {
				key = registrationToken
			}
			w, got := b.call(e.method, b.fill(e, acme, b.spareOnce(acme)), key, body)
			if w.Code == 200 || w.Code == 201 {
				continue // some are well-formed for one of the endpoints
			}
			refused++
			p := decode[api.Problem](b, got)
			if w.Code < 400 || w.Code >= 500 || p.Code == "" {
				t.Errorf("%s %s with %.60q: status %d\n%s", e.method, e.path, body, w.Code, got)
			}
		}
		if refused < 40 {
			t.Errorf("%s %s refused %d bodies only", e.method, e.path, refused)
		}
	}
	for _, contentType := range []string{"application/cbor", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
		w, got := b.call("POST", "/v1/api-keys", admin, `{"name":"x","role":"admin"}`, "Content-Type", contentType)
		if w.Code != 415 {
			t.Errorf("%s: status %d\n%s", contentType, w.Code, got)
		}
	}
	b.want(413, api.CodeTooLarge, "POST", "/v1/api-keys", admin, `{"name":"`+strings.Repeat("x", maxBody)+`"}`)
	w, got := b.call("POST", "/v1/api-keys", admin, `{"name":"top-secret-name","role":"secret-role"}`)
	if w.Code != 422 || strings.Contains(got, "secret") {
		t.Errorf("status %d; what was sent is repeated: %s", w.Code, got)
	}
}

func TestMalformedPaths(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.keys[acme][tenant.Admin]
	zone, job := b.zones[acme], b.jobs[acme]
	for _, path := range []string{
		"/v1/zones/A" + zone[1:], "/v1/zones/" + zone[1:], "/v1/zones/" + zone + "0", "/v1/zones/%2e%2e", "/v1/zones/%00", "/v1/zones/..%2f" + zone,
		"/v1/zones/" + zone + "%2fchain", "/v1/zones/" + zone + "/../" + b.zones[other], "/v1//zones", "/v1/zones/", "/v1/zones/./" + zone,
		"/v1/zones/'%20OR%201=1", "/v1/zones/" + zone + "/nothing", "/v2/zones", "/v1", "/v1/me/", "/V1/me", "/v1/zones/" + strings.Repeat("a", 8000),
		"/v1/jobs/" + zone, "/v1/jobs/" + job + "0000000000", "/v1/jobs/" + strings.Replace(job, "http_requests", "..", 1), "/v1/jobs/" + strings.Replace(job, "-", "%2d0", 1),
		"/v1/jobs/x/download", "/v1/jobs/%2e%2e/download", "/v1/api-keys/" + zone,
		"/v1/jobs/" + zone + ".http_requests.99999999999-99999999999", "/v1/jobs/" + zone + ".http_requests.5-4", "/openapi.yaml", "/docs/", "/schemas/Problem",
		"/v1/zones/" + zone + "/jobs?limit=0", "/v1/zones/" + zone + "/jobs?limit=100000", "/v1/zones/" + zone + "/jobs?limit=x",
		"/v1/zones/" + zone + "/jobs?cursor=-1", "/v1/zones/" + zone + "/jobs?cursor=x", "/v1/zones/" + zone + "/jobs?cursor=99999999999999999999",
		"/v1/zones/" + zone + "/jobs?unknown=1", "/v1/zones/" + zone + "?dataset=../x", "/v1/zones/" + zone + "?dataset=firewall_events",
		"/v1/zones/" + zone + "/coverage?from=yesterday", "/v1/zones/" + zone + "/coverage?from=2026-11-24T00:00:00Z&to=2026-11-23T00:00:00Z",
		"/v1/zones/" + zone + "/coverage?from=2020-11-24T00:00:00Z&to=2026-11-23T00:00:00Z", "/v1/zones/" + zone + "/coverage?to=0001-01-02T00:00:00Z",
		"/v1/audit?cursor=1%00", "/v1/audit?limit=-1",
	} {
		w, got := b.call("GET", path, key, "")
		if w.Code != 404 && w.Code != 422 && w.Code != 405 {
			t.Errorf("%.100s: status %d\n%s", path, w.Code, got)
			continue
		}
		if p := decode[api.Problem](b, got); p.Code == "" {
			t.Errorf("%.100s: %s", path, got)
		}
	}
	w, got := b.call("PUT", "/v1/zones", key, "{}")
	b.problem(w, got, 405, api.CodeMethod)
	if allow := w.Header().Get("Allow"); !strings.Contains(allow, "POST") {
		t.Errorf("Allow is %q", allow)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/v1/me", "/nowhere", "/openapi.json", "/docs"} {
		w, _ := b.call("GET", path, "", "")
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
	// What was asked with stands in no answer, and what a client calls itself in no log.
	w, _ := b.call("GET", "/v1/me", "", "", "X-Request-Id", "forged\nline")
	if strings.Contains(b.log.String(), "forged") || w.Header().Get("X-Request-Id") == "forged\nline" {
		t.Error("a client names its request")
	}
}

// Over a real connection: floods of headers, clients that dawdle or vanish.
func TestHostileConnections(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := httptest.NewUnstartedServer(nil)
	server.Config = b.server.HTTP()
	server.Config.ReadHeaderTimeout = 200 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	for name, c := range map[string]struct{ send, want string }{
		"flood":    {"GET /v1/me HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-A: "+strings.Repeat("b", 1000)+"\r\n", 64) + "\r\n", "431"},
		"no host":  {"GET /v1/me HTTP/1.1\r\n\r\n", "400"},
		"no HTTP":  {"\x16\x03\x01\x02\x00", "400"},
		"smuggled": {"POST /v1/zones HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "401"},
		"slow":     {"GET /v1/me HTTP/1.1\r\nHost: x\r\nX-", "400"},
		"two keys": {"GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b.keys[acme][tenant.Admin] + "\r\nAuthorization: Bearer x\r\n\r\n", "401"},
		"one key":  {"GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b.keys[acme][tenant.Admin] + "\r\n\r\n", "200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d net.Dialer
			conn, err := d.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			_, _ = conn.Write([]byte(c.send)) // it may be cut off over it
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			got := ""
			if err == nil {
				got = fmt.Sprint(res.StatusCode)
				_ = res.Body.Close()
			}
			if c.want != got {
				t.Errorf("answer is %q (%v), want %q", got, err, c.want)
			}
		})
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string                `json:"operationId"`
			Security    []map[string][]string `json:"security"`
			Responses   map[string]any        `json:"responses"`
		} `json:"paths"`
	}
	w, body := b.call("GET", "/openapi.json", "", "")
	if err := json.Unmarshal([]byte(body), &doc); err != nil || w.Code != 200 || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatalf("status %d, version %q: %v", w.Code, doc.OpenAPI, err)
	}
	page, html := b.call("GET", "/docs", "", "")
	if page.Code != 200 || strings.Contains(html, "<script") || strings.Contains(html, "src=") || strings.Contains(html, "//unpkg") {
		t.Errorf("status %d; the page loads something", page.Code)
	}
	n := 0
	for path, methods := range doc.Paths {
		for method, op := range methods {
			n++
			if len(op.Security) != 1 || op.OperationID == "" || op.Responses["401"] == nil {
				t.Errorf("%s %s: %+v", method, path, op)
			}
			if !strings.Contains(html, `id="`+op.OperationID+`"`) {
				t.Errorf("the page lacks %s", op.OperationID)
			}
			// Whoever has no key gets no further, whatever the operation.
			b.server.tries.of.Purge()
			b.want(401, api.CodeUnauthorized, strings.ToUpper(method), b.fill(endpoint{path: strings.Replace(path, "{id}", "{zone}", 1)}, acme, ""), "", "")
		}
	}
	if want := len(endpoints()) + 2; n != want { // and registration, and what has no end
		t.Errorf("%d operations in the document, %d in the tests", n, want)
	}
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.want(401, api.CodeUnauthorized, "POST", "/v1/customers", "", `{"name":"x"}`)
	b.want(401, api.CodeUnauthorized, "POST", "/v1/customers", b.keys[tenant.Operator][tenant.Admin], `{"name":"x"}`)
	b.want(422, api.CodeInvalid, "POST", "/v1/customers", registrationToken, `{"name":"x","sources":["third"]}`)
	made := decode[api.Registered](b, b.want(201, "", "POST", "/v1/customers", registrationToken, `{"name":"Müller & Söhne","sources":["second","logpull","second"]}`))
	me := decode[api.Me](b, b.want(200, "", "GET", "/v1/me", made.Key.Secret, ""))
	if me.Customer.Name != "Müller & Söhne" || fmt.Sprint(me.Customer.Sources) != "[logpull second]" {
		t.Errorf("customer is %+v", me.Customer)
	}
	if strings.Contains(b.log.String(), registrationToken) {
		t.Error("the token is in the log")
	}
	shut := setup(t, func(c *Config) { c.Registration = nil })
	shut.want(403, api.CodeRegistrationShut, "POST", "/v1/customers", registrationToken, `{"name":"x"}`)
}

// Every act is entered, and what became of it; what is only read is not.
func TestAudit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin, analyst := b.keys[acme][tenant.Admin], b.keys[acme][tenant.AnalystRole]
	b.want(200, "", "GET", "/v1/zones", admin, "")
	made := decode[api.KeySecret](b, b.want(201, "", "POST", "/v1/api-keys", admin, `{"name":"ci","role":"analyst"}`))
	b.want(403, api.CodeForbidden, "POST", "/v1/zones/"+b.zones[acme]+"/pull", analyst, "")
	b.want(422, api.CodeInvalid, "PATCH", "/v1/zones/"+b.zones[acme], admin, `{"schedule":"never"}`)
	b.want(404, api.CodeNotFound, "DELETE", "/v1/zones/"+b.zones[other], admin, "")
	b.want(401, api.CodeUnauthorized, "DELETE", "/v1/zones/"+b.zones[acme], "", "")
	page := decode[api.Events](b, b.want(200, "", "GET", "/v1/audit?limit=3", b.keys[acme][tenant.AuditorRole], ""))
	rest := decode[api.Events](b, b.want(200, "", "GET", "/v1/audit?limit=3&cursor="+page.Next, b.keys[acme][tenant.AuditorRole], ""))
	var got []string
	for _, e := range append(page.Events, rest.Events...) {
		got = append(got, e.Action+" "+e.Subject+" "+e.Outcome)
		if e.RequestID == "" || e.Address != "192.0.2.1" || e.Key == "" || e.At.IsZero() {
			t.Errorf("event is %+v", e)
		}
	}
	want := []string{
		"zone.remove " + b.zones[other] + " 404", "zone.change " + b.zones[acme] + " 422", "zone.pull " + b.zones[acme] + " 403", "api-key.create " + made.ID + " 201",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || rest.Next != "" {
		t.Errorf("events are %v, want %v", got, want)
	}
	others := decode[api.Events](b, b.want(200, "", "GET", "/v1/audit", b.keys[other][tenant.Admin], ""))
	if len(others.Events) != 0 {
		t.Errorf("another sees %v", others.Events)
	}
}

// A handler that panics is answered for, and logged; the server goes on.
func TestPanic(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.detach(0)
	back := b.backend()
	back.Datasets = func(context.Context, string) ([]string, error) { panic("oops, a secret") }
	defer b.server.Attach(back)(0)
	body := b.want(500, api.CodeInternal, "POST", "/v1/zones", b.keys[acme][tenant.Admin], `{"source_zone":"`+strings.Repeat("c", 32)+`","name":"x"}`)
	if strings.Contains(body, "oops") || !strings.Contains(b.log.String(), "oops") {
		t.Errorf("answer is %s", body)
	}
	b.want(200, "", "GET", "/v1/me", b.keys[acme][tenant.Admin], "")
	events := decode[api.Events](b, b.want(200, "", "GET", "/v1/audit", b.keys[acme][tenant.Admin], ""))
	if len(events.Events) != 1 || events.Events[0].Outcome != "500" {
		t.Errorf("events are %+v", events)
	}
}
