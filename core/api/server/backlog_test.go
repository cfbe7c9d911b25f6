package server

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

// A customer is told how far its own zones are, by what its own ledger says.
func TestBacklog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rest := b.now().UTC().Add(time.Hour).Truncate(time.Second)
	b.ok(b.catalog.PutStanding(t.Context(), catalog.Standing{Chain: evidence.ChainID{Zone: b.zones[other], Dataset: "http_requests"}, NotBefore: rest}))
	for customer, notBefore := range map[string]time.Time{acme: {}, other: rest} {
		open := verifytest.Window(2).Start
		want := api.Backlog{Zones: []api.ZoneBacklog{{
			Zone: b.zones[customer], Dataset: "http_requests", SealedUntil: open, OldestOpen: open, Open: map[string]int64{"planned": 1}, NotBefore: notBefore,
		}}}
		got := decode[api.Backlog](b, b.want(200, "", "GET", "/v1/backlog", b.keys[customer][tenant.AnalystRole], ""))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", customer, diff)
		}
	}
	b.want(204, "", "DELETE", "/v1/zones/"+b.zones[acme], b.keys[acme][tenant.Admin], "")
	if got := b.want(200, "", "GET", "/v1/backlog", b.keys[acme][tenant.AnalystRole], ""); got != "{\"zones\":[]}\n" {
		t.Errorf("without zones: %s", got)
	}
}
