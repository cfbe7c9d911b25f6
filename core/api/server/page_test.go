package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/selfcheck"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

// signIn posts the form as a browser does, and returns the cookie, nil for none.
func (b *bundle) signIn(key string, header ...string) (*httptest.ResponseRecorder, *http.Cookie) {
	b.Helper()
	w, _ := b.call("POST", "/sign-in", "", url.Values{"key": {key}}.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, header...)...)
	for _, c := range w.Result().Cookies() { //nolint:bodyclose // a recorder's
		return w, c
	}
	return w, nil
}

// browse asks as somebody who is signed in.
func (b *bundle) browse(path string, c *http.Cookie) (*httptest.ResponseRecorder, string) {
	b.Helper()
	if c == nil {
		return b.call("GET", path, "", "")
	}
	return b.call("GET", path, "", "", "Cookie", c.Name+"="+c.Value)
}

func (b *bundle) shows(path string, c *http.Cookie, parts ...string) string {
	b.Helper()
	w, got := b.browse(path, c)
	if w.Code != http.StatusOK {
		b.Fatalf("%s: status %d\n%s", path, w.Code, got)
	}
	for _, p := range parts {
		if !strings.Contains(got, p) {
			b.Errorf("%s lacks %q:\n%s", path, p, got)
		}
	}
	return got
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.keys[acme][tenant.AuditorRole]
	b.shows("/", nil, `<form method="post" action="/sign-in">`)
	w, c := b.signIn(" " + key + "\n") // as it is pasted
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/?in" || c == nil {
		t.Fatalf("status %d, headers %v", w.Code, w.Header())
	}
	if c.Name != "__Host-rainlogs" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 3600 {
		t.Errorf("cookie is %+v", c)
	}
	for _, told := range []string{c.Value, b.log.String()} {
		if strings.Contains(told, key[len(key)-52:]) {
			t.Error("the key is in the cookie or in the log")
		}
	}
	b.shows("/", c, "acme.eu", "as of")
	b.shows("/?in", nil, "kept no cookie")
	for _, bad := range []string{"", "x", key[:len(key)-1] + "7", registrationToken, strings.Repeat("k", 1000)} {
		w, c := b.signIn(bad)
		if w.Code != http.StatusUnauthorized || c != nil || !strings.Contains(w.Body.String(), "opens nothing here") || bad != "" && len(bad) > 8 && strings.Contains(w.Body.String(), bad) {
			t.Errorf("%.20q: status %d, cookie %v\n%s", bad, w.Code, c, w.Body)
		}
	}
	// Somebody else's page cannot sign anybody in, or out.
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "", "Origin", "https://evil.example"}} {
		if w, c := b.signIn(key, header...); w.Code != http.StatusForbidden || c != nil {
			t.Errorf("%v: status %d, cookie %v", header, w.Code, c)
		}
		if w, _ := b.call("POST", "/sign-out", "", "", header...); w.Code != http.StatusForbidden {
			t.Errorf("%v: status %d", header, w.Code)
		}
	}
	w, _ = b.call("POST", "/sign-out", "", "", "Sec-Fetch-Site", "same-origin")
	if got := w.Result().Cookies(); w.Code != http.StatusSeeOther || len(got) != 1 || got[0].MaxAge != -1 { //nolint:bodyclose // a recorder's
		t.Errorf("status %d, cookies %v", w.Code, got)
	}
}

// A session ends with its time and with its key, and cannot be made or changed
// by who has none.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := func(c *http.Cookie) bool {
		_, got := b.browse("/", c)
		return strings.Contains(got, "acme.eu")
	}
	_, c := b.signIn(b.keys[acme][tenant.AnalystRole])
	parts := strings.Split(c.Value, ".")
	_, foreign := b.signIn(b.keys[other][tenant.AnalystRole])
	theirs := strings.Split(foreign.Value, ".")
	for name, value := range map[string]string{
		"later end": parts[0] + "." + parts[1] + ".99999999999." + parts[3], "other's signature": strings.Join(append(parts[:3:3], theirs[3]), "."),
		"other's prefix": theirs[0] + "." + strings.Join(parts[1:], "."), "nobody's prefix": strings.Repeat("a", 13) + "." + strings.Join(parts[1:], "."),
		"unsigned": strings.Join(parts[:3], ".") + ".", "empty": "", "long": strings.Repeat("a", 4000), "short": c.Value[:len(c.Value)-1],
	} {
		if in(&http.Cookie{Name: c.Name, Value: value}) {
			t.Errorf("%s: is let in", name)
		}
	}
	// Who keeps the page open stays, for half a day; who does not is out in an hour.
	open := c
	for range 30 {
		b.pass(20 * time.Minute)
		w, got := b.browse("/", open)
		if !strings.Contains(got, "acme.eu") {
			t.Fatal("the page was open, and is out")
		}
		if renewed := w.Result().Cookies(); len(renewed) > 0 { //nolint:bodyclose // a recorder's
			open = renewed[0]
		}
	}
	if in(c) {
		t.Error("the first cookie is good for ever")
	}
	b.pass(2*time.Hour + time.Minute)
	if in(open) {
		t.Error("a session has no end")
	}
	_, c = b.signIn(b.keys[acme][tenant.AnalystRole])
	row, err := b.catalog.KeyByPrefix(t.Context(), parts[0])
	b.ok(err)
	b.want(204, "", "DELETE", "/v1/api-keys/"+row.ID, b.keys[acme][tenant.Admin], "")
	if in(c) {
		t.Error("the key is revoked, and its session goes on")
	}
}

// Every page × every role × the own, another's, the operator's and no zone.
func TestPagesAreIsolated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, role := range tenant.Roles() {
		_, c := b.signIn(b.keys[acme][role])
		all := b.shows("/", c, "acme.eu") + b.shows("/?find=eu", c, "acme.eu") + b.shows("/?page=2&find=", c) +
			b.shows("/zones/"+b.zones[acme], c, "acme.eu", "entries") + b.shows("/zones/"+b.zones[acme]+"?dataset=http_requests", c, "acme.eu")
		for _, secret := range []string{b.zones[other], b.zones[tenant.Operator], "other.eu", "operator.eu"} {
			if strings.Contains(all, secret) {
				t.Errorf("%s is told of %s", role, secret)
			}
		}
		_, absent := b.browse("/zones/"+strings.Repeat("d", 32), c)
		for _, path := range []string{"/zones/" + b.zones[other], "/zones/" + b.zones[tenant.Operator], "/zones/other.eu", "/zones/acme.eu", "/zones/" + b.zones[acme] + "?dataset=x"} {
			w, got := b.browse(path, c)
			if diff := cmp.Diff(pageRequest(absent), pageRequest(got)); diff != "" || w.Code != http.StatusNotFound {
				t.Errorf("%s: status %d (-none +got):\n%s", path, w.Code, diff)
			}
		}
	}
	_, c := b.signIn(b.keys[tenant.Operator][tenant.Admin]) // who runs it all sees no more
	if all := b.shows("/", c, "operator.eu"); strings.Contains(all, "acme.eu") {
		t.Error("the operator is told of a customer's")
	}
	for _, path := range []string{"/zones/" + b.zones[acme], "/zones/acme.eu", "/zones/operator.eu"} {
		if w, _ := b.browse(path, c); w.Code != http.StatusNotFound {
			t.Errorf("the operator asks %s: status %d", path, w.Code)
		}
	}
	w, _ := b.browse("/zones/"+b.zones[acme], nil)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" {
		t.Errorf("nobody: status %d", w.Code)
	}
}

// pageRequest leaves the request's id out.
func pageRequest(page string) string {
	before, rest, _ := strings.Cut(page, "Request ")
	_, after, _ := strings.Cut(rest, "<")
	return before + after
}

// What is on the pages, and that hostile names are but text.
func TestPagesShow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.detach(0)
	clean := verifytest.Epoch.Add(-48 * time.Hour)
	back := b.backend()
	back.Checked = func(context.Context) (selfcheck.Status, error) {
		return selfcheck.Status{Last: selfcheck.Result{At: clean.Add(24 * time.Hour), PerChain: map[string]int64{b.zones[acme] + "/http_requests": 3}}, Clean: clean}, nil
	}
	defer b.server.Attach(back)(0)
	id := evidence.ChainID{Zone: b.zones[acme], Dataset: "http_requests"}
	b.clock.Store(int64(time.Until(verifytest.Epoch.Add(6*time.Hour + time.Minute))))
	const hostile = "<script>alert(1)</script>\u202e\x1b[2J&\"'"
	b.ok(b.catalog.PutStanding(t.Context(), catalog.Standing{Chain: id, Blocked: "credential", Detail: hostile, Since: b.now()}))
	b.ok(b.catalog.PutZone(t.Context(), catalog.Zone{ID: id.Zone, Dataset: id.Dataset, Name: hostile, AddedAt: b.now()}))
	window := func(i int) evidence.Window { return verifytest.Window(12 * i) }
	b.ok(b.catalog.Plan(t.Context(), id, []evidence.Window{window(2), window(3), window(4)}))
	for i, state := range map[int]catalog.State{2: catalog.Pulling, 3: catalog.Retrying, 4: catalog.Blocked} {
		b.ok(b.catalog.Update(t.Context(), catalog.Window{Chain: id, Window: window(i), State: state, Attempts: 7, NextAt: b.now(), Reason: "rate_limited", Detail: hostile, Seq: -1}))
	}
	b.ok(b.catalog.Commit(t.Context(), catalog.Commit{
		Head:    catalog.Head{Chain: id, Size: 3, Checkpoint: []byte("note")},
		Windows: []catalog.Window{{Chain: id, Window: window(1), State: catalog.Lost, Reason: "retention", Seq: 2}},
	}))
	_, c := b.signIn(b.keys[acme][tenant.AuditorRole])
	overview := b.shows("/", c, "blocked (credential)", "&lt;script&gt;", `\u202e`, `\u001b`, `content="60"`, "at work</dt><dd>1<", "retrying</dt><dd>1<", "jobs blocked</dt><dd>1<")
	zone := b.shows("/zones/"+id.Zone, c, "At work: 1", "Retrying: 1", "Blocked: 1", "Lost: 1", "7 attempts failed", "rate_limited",
		"2026-11-24 00:00:00 UTC <span class=\"good\">✓", "✗ 3 findings", "2026-11-21 00:00:00 UTC", "2026-11-23 01:00 UTC: gap, 1 windows", "2026-11-23 06:00 UTC: outside")
	for _, page := range []string{overview, zone} {
		if strings.ContainsAny(page, "\u202e\x1b") || strings.Contains(page, "<script") || strings.Contains(page, " style=") || strings.Contains(page, "://") {
			t.Errorf("the page does what a name says, or loads something:\n%s", page)
		}
	}
	// A damaged archive is told, and the page is there without it.
	for k, file := range b.archive.Files {
		if strings.Contains(k, id.Zone) && strings.HasSuffix(k, "checkpoint") {
			file[len(file)-10] ^= 1
		}
	}
	b.shows("/zones/"+id.Zone, c, "✗ the last entry is not the one that was signed")
}

func TestPageHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, c := b.signIn(b.keys[acme][tenant.Admin])
	for _, path := range []string{"/", "/zones/" + b.zones[acme], "/zones/x"} {
		w, _ := b.browse(path, c)
		csp := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", path, w.Header())
		}
	}
	shut := setup(t, func(c *Config) { c.NoStatus = true })
	for _, path := range []string{"/", "/status.css", "/zones/" + shut.zones[acme]} {
		if w, _ := shut.browse(path, nil); w.Code != http.StatusNotFound {
			t.Errorf("%s of no status page: status %d", path, w.Code)
		}
	}
	b.detach(0)
	if w, got := b.browse("/", c); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(got, "starting") {
		t.Errorf("without a backend: status %d\n%s", w.Code, got)
	}
}

// Guessing is limited, and so is looking.
func TestPagesAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	last := 0
	for range tryAtOnce + 1 {
		w, _ := b.signIn("rl_guess")
		last = w.Code
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the last guess got status %d", last)
	}
	b.server.tries.of.Purge()
	_, c := b.signIn(b.keys[acme][tenant.Admin])
	for range looks / 4 {
		defer b.server.looking.take(acme)()
	}
	if w, _ := b.browse("/", c); w.Code != http.StatusTooManyRequests {
		t.Errorf("status %d", w.Code)
	}
	w, _ := b.call("POST", "/sign-in", "", "key="+strings.Repeat("x", 10_000), "Content-Type", "application/x-www-form-urlencoded")
	if w.Code != http.StatusBadRequest {
		t.Errorf("a long form got status %d", w.Code)
	}
}

// Ten thousand zones come in pages that are small.
func TestManyZones(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 500
	for i := range n {
		id := fmt.Sprintf("%031x%x", 0xabc0000+i, i%16)
		b.ok(b.catalog.OwnZone(t.Context(), id, acme))
		b.ok(b.catalog.PutZone(t.Context(), catalog.Zone{ID: id, Dataset: "http_requests", Name: fmt.Sprintf("zone-%05d.eu", i), AddedAt: b.now()}))
	}
	_, c := b.signIn(b.keys[acme][tenant.Admin])
	page := b.shows("/?page=3", c, "page 3 of 11", fmt.Sprintf("%d zones", n+1), "/?page=2", "/?page=4", "zone-00099.eu")
	if strings.Count(page, `<th scope="row">`) != zonesOnPage {
		t.Error("a page has another number of zones")
	}
	b.shows("/?find=ONE-0049", c, "zone-00490.eu")
	for _, strange := range []string{"-1", "0", "999999999999999999999", "x", ""} {
		b.shows("/?page="+strange, c, " of 11")
	}
	if got := b.shows("/?find=%22%3E%3Cscript%3E", c, "No zone has this"); strings.Contains(got, "<script") {
		t.Error("what is looked for is no text")
	}
}
