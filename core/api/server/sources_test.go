package server

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

func tokenBody(token string) string { return fmt.Sprintf(`{"token":%q}`, token) }

// A customer brings a token, collects a zone with it, replaces it, and takes it away.
func TestSources(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.keys[acme][tenant.Admin]
	put := decode[api.Source](b, b.want(200, "", "PUT", "/v1/sources/mine", admin, tokenBody(cfToken)))
	if !put.Own || put.Name != "mine" || put.Plugin != "logpull" || put.TokenSetAt.IsZero() || put.TokenSetAt != put.CreatedAt {
		t.Errorf("source is %+v", put)
	}
	kept, err := b.catalog.Credential(t.Context(), acme, "mine")
	b.ok(err)
	if got, err := b.keyring.Open(acme, "mine", kept.Sealed); err != nil || string(got) != cfToken || kept.Recipient != b.keyring.Recipient() {
		t.Errorf("%v; or another token was kept, or another key is named: %s", err, kept.Recipient)
	}
	zone := `{"source_zone":"` + strings.Repeat("c", 32) + `","name":"new.eu","source":"mine"}`
	z := decode[api.Zone](b, b.want(201, "", "POST", "/v1/zones", admin, zone))
	inside, err := b.catalog.Zone(t.Context(), z.ID)
	b.ok(err)
	if z.Source != "mine" || inside.Source != "customer/acme/mine" {
		t.Errorf("zone is %+v, in the catalog %+v", z, inside)
	}
	b.want(422, api.CodeInvalid, "POST", "/v1/zones", admin, strings.Replace(zone, strings.Repeat("c", 32), "../../user", 1))

	b.pass(time.Hour)
	again := decode[api.Source](b, b.want(200, "", "PUT", "/v1/sources/mine", admin, tokenBody(cfToken+"-2")))
	if again.CreatedAt != put.CreatedAt || !again.TokenSetAt.After(put.TokenSetAt) {
		t.Errorf("replaced, the source is %+v", again)
	}
	list := decode[api.Sources](b, b.want(200, "", "GET", "/v1/sources", b.keys[acme][tenant.AnalystRole], ""))
	var names []string
	for _, s := range list.Sources {
		names = append(names, fmt.Sprintf("%s %t", s.Name, s.Own))
	}
	if diff := cmp.Diff([]string{"acme-own true", "mine true", "logpull false"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.want(409, api.CodeConflict, "DELETE", "/v1/sources/mine", admin, "")
	b.want(204, "", "DELETE", "/v1/zones/"+z.ID, admin, "")
	b.want(204, "", "DELETE", "/v1/sources/mine", admin, "")
	b.want(404, api.CodeNotFound, "DELETE", "/v1/sources/mine", admin, "")
	b.want(403, api.CodeSource, "POST", "/v1/zones", admin, zone)
}

// A token is in no answer, log, event or error, whatever becomes of the request.
func TestTokenIsNeverTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.keys[acme][tenant.Admin]
	var said strings.Builder
	for _, body := range []string{
		tokenBody(cfToken), tokenBody(cfToken + " "), tokenBody(cfToken + "é"), tokenBody(strings.Repeat(cfToken, 200)), `{"token":["` + cfToken + `"]}`,
		`{"token":"` + cfToken, `{"` + cfToken + `":1}`, `"` + cfToken + `"`, `{"token":"` + cfToken + `","plugin":"` + cfToken + `"}`,
	} {
		w, got := b.call("PUT", "/v1/sources/mine", admin, body)
		fmt.Fprintln(&said, w.Code, w.Header(), got)
	}
	b.want(422, api.CodeInvalid, "PUT", "/v1/sources/mine", admin, tokenBody("short"))
	for _, path := range []string{"/v1/sources", "/v1/zones", "/v1/audit", "/v1/me", "/openapi.json"} {
		said.WriteString(b.want(200, "", "GET", path, admin, ""))
	}
	said.WriteString(b.log.String())
	if strings.Contains(said.String(), cfToken) {
		at := strings.Index(said.String(), cfToken)
		t.Errorf("the token was told: %.500s", said.String()[max(0, at-200):])
	}
	events := decode[api.Events](b, b.want(200, "", "GET", "/v1/audit", admin, ""))
	if e := events.Events[len(events.Events)-1]; e.Action != "source.put" || e.Subject != "mine" || e.Outcome != "200" {
		t.Errorf("first event is %+v", e)
	}
}

func TestSourceNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// Another's name says nothing to this customer: it has its own under it.
	b.want(200, "", "PUT", "/v1/sources/other-own", b.keys[acme][tenant.Admin], tokenBody(cfToken))
	theirs, err := b.catalog.Credential(t.Context(), other, "other-own")
	b.ok(err)
	if _, err := b.keyring.Open(other, "other-own", theirs.Sealed); err != nil {
		t.Errorf("another's token was touched: %v", err)
	}
	b.want(409, api.CodeConflict, "PUT", "/v1/sources/logpull", b.keys[acme][tenant.Admin], tokenBody(cfToken)) // it was given that one
	b.want(409, api.CodeConflict, "PUT", "/v1/sources/second", b.keys[tenant.Operator][tenant.Admin], tokenBody(cfToken))
	b.want(200, "", "PUT", "/v1/sources/second", b.keys[acme][tenant.Admin], tokenBody(cfToken)) // is not told that the config has it
	for i := range maxSources - 3 {
		b.bring(acme, fmt.Sprint("s", i), cfToken)
	}
	b.want(409, api.CodeConflict, "PUT", "/v1/sources/more", b.keys[acme][tenant.Admin], tokenBody(cfToken))
	b.want(200, "", "PUT", "/v1/sources/s0", b.keys[acme][tenant.Admin], tokenBody(cfToken))
	for _, name := range []string{"A", "a%2fb", "..", "a.b", strings.Repeat("a", 65), "%00"} {
		if w, got := b.call("PUT", "/v1/sources/"+name, b.keys[acme][tenant.Admin], tokenBody(cfToken)); w.Code < 400 || w.Code >= 500 {
			t.Errorf("%s: status %d: %s", name, w.Code, got)
		}
	}
}

func TestNoTokensTaken(t *testing.T) {
	t.Parallel()
	shut := setup(t, func(c *Config) { c.Keyring = nil })
	shut.want(403, api.CodeCredentialsShut, "PUT", "/v1/sources/mine", shut.keys[acme][tenant.Admin], tokenBody(cfToken))
	if _, err := shut.catalog.Credential(t.Context(), acme, "mine"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("kept all the same: %v", err)
	}
}
