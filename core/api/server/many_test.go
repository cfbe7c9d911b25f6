package server

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

// TestTenThousandZones looks at a customer with very many zones (RAINLOGS_ZONES=10000; the short
// form has few): a page has fifty of them however many there are, and all answers come in time.
func TestTenThousandZones(t *testing.T) { //nolint:paralleltest // it measures
	n := 150
	if many, err := strconv.Atoi(os.Getenv("RAINLOGS_ZONES")); err == nil {
		n = many
	}
	b := setup(t)
	for i := range n {
		b.addBareZone(other, i)
	}
	key := b.keys[other][tenant.AnalystRole]
	_, c := b.signIn(key)
	last := (n + 1 + zonesOnPage - 1) / zonesOnPage
	for _, ask := range []struct {
		path  string
		cells int // zones in it
	}{
		{"/", zonesOnPage}, {fmt.Sprintf("/?page=%d", last), (n+1-1)%zonesOnPage + 1}, {"/?find=z00001", min(n-10, 10)}, {"/zones/" + b.zones[other], 0},
		{"/v1/zones", n + 1}, {"/v1/backlog", n + 1}, {"/v1/zones/" + b.zones[other] + "/coverage", 0},
	} {
		began := time.Now()
		w, got := b.browse(ask.path, c)
		if strings.HasPrefix(ask.path, "/v1/") {
			w, got = b.call("GET", ask.path, key, "")
		}
		took := time.Since(began)
		t.Logf("%s: %d KiB in %s", ask.path, len(got)>>10, took)
		if w.Code != http.StatusOK || took > pageTime/2 {
			t.Errorf("%s: status %d after %s", ask.path, w.Code, took)
		}
		zones := strings.Count(got, `<a href="/zones/`)
		switch ask.path {
		case "/v1/zones":
			zones = len(decode[api.Zones](b, got).Zones)
		case "/v1/backlog":
			zones = len(decode[api.Backlog](b, got).Zones)
		}
		if ask.cells > 0 && zones != ask.cells {
			t.Errorf("%s shows %d zones, want %d", ask.path, zones, ask.cells)
		}
	}
}

// addBareZone gives a customer a zone with a sealed window, and every second one with an
// open one behind it.
func (b *bundle) addBareZone(customer string, i int) {
	b.Helper()
	id := evidence.ChainID{Zone: fmt.Sprintf("%032x", 1<<40+i), Dataset: "http_requests"}
	b.ok(b.catalog.OwnZone(b.Context(), id.Zone, customer))
	b.ok(b.catalog.PutZone(b.Context(), catalog.Zone{ID: id.Zone, Dataset: id.Dataset, Name: fmt.Sprintf("z%06d.eu", i), AddedAt: b.now()}))
	b.ok(b.catalog.Commit(b.Context(), catalog.Commit{
		Head:    catalog.Head{Chain: id, Size: 2, Checkpoint: []byte("note")},
		Windows: []catalog.Window{{Chain: id, Window: verifytest.Window(0), State: catalog.Sealed, Seq: 1, Lines: 1, Bytes: 2}},
	}))
	if i%2 == 0 {
		b.ok(b.catalog.Plan(b.Context(), id, []evidence.Window{verifytest.Window(1)}))
	}
}
