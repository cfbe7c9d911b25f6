package server

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// endpoint is one of the API's, with what it wants and answers.
type endpoint struct {
	method, path string // {zone}, {job}: an object's of the tenant that is asked for
	body         string
	roles        []tenant.Role
	status       int // for one who may
}

func endpoints() []endpoint {
	return []endpoint{
		{"GET", "/v1/me", "", anybody, 200},
		{"GET", "/v1/audit", "", watchers, 200},
		{"POST", "/v1/api-keys", `{"name":"ci","role":"analyst"}`, admins, 201},
		{"GET", "/v1/api-keys", "", watchers, 200},
		{"DELETE", "/v1/api-keys/{key}", "", admins, 204},
		{"POST", "/v1/api-keys/{key}/rotate", `{}`, admins, 201},
		{"PUT", "/v1/sources/{source}", `{"token":"` + cfToken + `"}`, admins, 200},
		{"GET", "/v1/sources", "", anybody, 200},
		{"DELETE", "/v1/sources/{source}", "", admins, 204},
		{"POST", "/v1/zones", `{"source_zone":"` + strings.Repeat("c", 32) + `","name":"new.eu"}`, collectors, 201},
		{"GET", "/v1/zones", "", anybody, 200},
		{"GET", "/v1/backlog", "", anybody, 200},
		{"GET", "/v1/zones/{zone}", "", anybody, 200},
		{"PATCH", "/v1/zones/{zone}", `{"schedule":"7 * * * *"}`, collectors, 200},
		{"POST", "/v1/zones/{zone}/pull", "", collectors, 202},
		{"GET", "/v1/zones/{zone}/jobs", "", anybody, 200},
		{"GET", "/v1/zones/{zone}/coverage?from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z", "", anybody, 200},
		{"GET", "/v1/zones/{zone}/chain", "", anybody, 200},
		{"GET", "/v1/jobs/{job}", "", anybody, 200},
		{"GET", "/v1/jobs/{job}/download", "", readers, 200},
		{"GET", "/v1/zones/{zone}/logs?from=2026-11-23T00:00:00Z&to=2026-11-23T00:05:00Z&where=EdgeResponseStatus%3E=200", "", readers, 200},
		{"POST", "/v1/zones/{zone}/verify?level=chain", "", verifiers, 200},
		{"DELETE", "/v1/zones/{zone}", "", admins, 204},
	}
}

// about reports whether it is about an object, which may be another's. What is
// put under a name is the customer's own, whoever else has one of that name.
func (e endpoint) about() bool { return strings.Contains(e.path, "{") && e.method != http.MethodPut }

func (b *bundle) fill(e endpoint, customer, keyID string) string {
	return strings.NewReplacer("{zone}", b.zones[customer], "{job}", b.jobs[customer], "{key}", keyID, "{source}", customer+"-own").Replace(e.path)
}

// spare is a key that a test may end.
func (b *bundle) spare(customer string) string {
	b.Helper()
	k, _ := b.mint(customer, tenant.AuditorRole, noTime)
	b.ok(b.catalog.AddKey(b.Context(), k))
	return k.ID
}

var requestIDs = regexp.MustCompile(`"request_id":"[a-z2-7]{16}"`)

// Every endpoint × every role × the own, another's and the operator's things.
func TestIsolation(t *testing.T) {
	t.Parallel()
	for _, role := range tenant.Roles() {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			key := b.keys[acme][role]
			for _, e := range endpoints() { // the last one removes the zone
				if !slices.Contains(e.roles, role) {
					b.want(403, api.CodeForbidden, e.method, b.fill(e, acme, b.spare(acme)), key, e.body)
					b.want(403, api.CodeForbidden, e.method, b.fill(e, other, b.spare(other)), key, e.body)
					continue
				}
				if e.about() {
					b.hidden(e, key)
				}
				own := b.want(e.status, "", e.method, b.fill(e, acme, b.spare(acme)), key, e.body)
				for _, secret := range []string{b.zones[other], b.zones[tenant.Operator], "other.eu", "operator.eu", "other-own", "operator-own", cfToken} {
					if strings.Contains(own, secret) && e.path != "/v1/audit" {
						t.Errorf("%s %s tells of %s: %s", e.method, e.path, secret, own)
					}
				}
			}
		})
	}
}

// hidden demands that another's thing is answered as one that is not there, to
// the byte, and stays as it is.
func (b *bundle) hidden(e endpoint, key string) {
	b.Helper()
	nowhere := strings.NewReplacer(
		"{zone}", strings.Repeat("d", 32), "{job}", strings.Repeat("d", 32)+".http_requests.1795392000-1795392300", "{key}", strings.Repeat("q", 16), "{source}", "none",
	).Replace(e.path)
	before := b.state()
	wAbsent, absent := b.call(e.method, nowhere, key, e.body)
	for _, customer := range []string{other, tenant.Operator} {
		w, got := b.call(e.method, b.fill(e, customer, b.spareOnce(customer)), key, e.body)
		b.problem(w, got, 404, api.CodeNotFound)
		mask := func(s string) string { return requestIDs.ReplaceAllString(s, "") }
		if diff := cmp.Diff(mask(absent), mask(got)); diff != "" || len(absent) != len(got) {
			b.Errorf("another's thing is told from none (-none +another's):\n%s", diff)
		}
		for _, h := range []http.Header{wAbsent.Header(), w.Header()} {
			h.Del("X-Request-Id")
		}
		if diff := cmp.Diff(wAbsent.Header(), w.Header()); diff != "" {
			b.Errorf("headers (-none +another's):\n%s", diff)
		}
	}
	if diff := cmp.Diff(before, b.state()); diff != "" {
		b.Errorf("another's things have changed (-before +after):\n%s", diff)
	}
}

// spareOnce is the id of a key that a customer has: its first.
func (b *bundle) spareOnce(customer string) string {
	b.Helper()
	keys, err := b.catalog.ListKeys(b.Context(), customer)
	b.ok(err)
	return keys[0].ID
}

// state is what the customers have.
func (b *bundle) state() []string {
	b.Helper()
	var s []string
	for _, customer := range []string{other, tenant.Operator} {
		zones, err := b.catalog.ZonesOf(b.Context(), customer)
		b.ok(err)
		keys, err := b.catalog.ListKeys(b.Context(), customer)
		b.ok(err)
		for _, z := range zones {
			s = append(s, fmt.Sprintf("%+v", z))
		}
		for _, k := range keys {
			s = append(s, fmt.Sprintf("%+v", k))
		}
		credentials, err := b.catalog.ListCredentials(b.Context(), customer)
		b.ok(err)
		for _, c := range credentials {
			s = append(s, fmt.Sprintf("%+v", c))
		}
	}
	return s
}

// Two tenants collect one zone of Cloudflare's, and learn nothing of each other.
func TestOneZoneOfTwoTenants(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := `{"source_zone":"` + strings.Repeat("c", 32) + `","name":"same.eu"}`
	ids := map[string]bool{}
	for _, customer := range []string{acme, other, tenant.Operator} {
		z := decode[api.Zone](b, b.want(201, "", "POST", "/v1/zones", b.keys[customer][tenant.Admin], body))
		ids[z.ID] = true
		if z.SourceZone != strings.Repeat("c", 32) || z.Source != "logpull" || z.Dataset != "http_requests" {
			t.Errorf("zone is %+v", z)
		}
		got := decode[api.Zone](b, b.want(200, "", "GET", "/v1/zones/"+z.ID, b.keys[customer][tenant.AuditorRole], ""))
		if diff := cmp.Diff(z, got); diff != "" {
			t.Errorf("(-made +got):\n%s", diff)
		}
		b.want(409, api.CodeConflict, "POST", "/v1/zones", b.keys[customer][tenant.Admin], body)
	}
	if len(ids) != 3 {
		t.Errorf("ids are %v", ids)
	}
	// A source that is another's is refused as one that there is not.
	for _, source := range []string{"second", "third"} {
		in := `{"source_zone":"` + strings.Repeat("c", 32) + `","name":"same.eu","source":"` + source + `"}`
		b.want(403, api.CodeSource, "POST", "/v1/zones", b.keys[acme][tenant.Admin], in)
	}
}

// A zone whose name is another's id is not found by that id.
func TestNameIsNoID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	z, err := b.catalog.Zone(t.Context(), b.zones[other])
	b.ok(err)
	z.Name = strings.Repeat("e", 32) // as an operator may name it
	b.ok(b.catalog.PutZone(t.Context(), z))
	b.ok(b.catalog.OwnZone(t.Context(), z.Name, acme))
	b.want(404, api.CodeNotFound, "GET", "/v1/zones/"+z.Name, b.keys[acme][tenant.Admin], "")
}
