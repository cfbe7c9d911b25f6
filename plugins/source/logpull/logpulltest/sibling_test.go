package logpulltest_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

func TestFieldsIsABareObject(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	got := b.get("/zones/" + zoneA + "/logs/received/fields")
	var fields map[string]string
	if err := json.Unmarshal([]byte(got.body), &fields); err != nil {
		t.Fatalf("status %d: %v", got.status, err)
	}
	want := logpulltest.Names(logpulltest.LogpullFields())
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(fields))); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if len(want) != 123 || len(logpulltest.Fields()) != 124 {
		t.Errorf("%d fields of Logpull, %d in all; want 123 and 124", len(want), len(logpulltest.Fields()))
	}
	for name, text := range fields {
		if text == "" {
			t.Errorf("%s has no description", name)
		}
	}
}

func TestRetentionIsNotRetroactive(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	flag := "/zones/" + zoneA + "/logs/control/retention/flag"
	writer := []string{"Authorization", "Bearer writer-token-0001"}
	if got := b.do(http.MethodPost, flag, `{"flag":false}`); got.status != http.StatusForbidden || !strings.Contains(got.body, "Unauthorized") {
		t.Errorf("switching with a read token: %d %s", got.status, got.body)
	}
	if got := b.do(http.MethodPost, flag, `{"flag":1}`, writer...); got.status != http.StatusBadRequest {
		t.Errorf("malformed body: %d %s", got.status, got.body)
	}
	off := b.clock.Now()
	b.do(http.MethodPost, flag, `{"flag":false}`, writer...)
	if got := b.get(flag); !strings.Contains(got.body, `"result":{"flag":false}`) || !strings.Contains(got.body, `"success":true`) {
		t.Errorf("flag after switching off: %s", got.body)
	}
	if got := b.get(window(zoneA, off.Add(-10*time.Minute), off.Add(-5*time.Minute))); got.status != http.StatusBadRequest {
		t.Errorf("pull with retention off: %d", got.status)
	}
	b.clock.Add(10 * time.Minute)
	b.do(http.MethodPost, flag, `{"flag":true}`, writer...)
	b.clock.Add(20 * time.Minute)
	for _, row := range []struct {
		name     string
		from, to time.Duration
		some     bool
	}{{"before", -5 * time.Minute, 0, true}, {"while off", 0, 10 * time.Minute, false}, {"after", 10 * time.Minute, 15 * time.Minute, true}} {
		got := b.get(window(zoneA, off.Add(row.from), off.Add(row.to)))
		if got.status != http.StatusOK || (got.body != "") != row.some {
			t.Errorf("%s: status %d, %d lines", row.name, got.status, len(got.lines()))
		}
	}
}

func TestZoneAndVerify(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	got := b.get("/zones/"+zoneA, "Authorization", "Bearer writer-token-0001")
	var zone struct {
		Success bool
		Result  struct {
			ID, Name string
			Account  struct{ ID string }
			Plan     struct {
				LegacyID string `json:"legacy_id"`
			}
		}
	}
	if err := json.Unmarshal([]byte(got.body), &zone); err != nil {
		t.Fatal(err)
	}
	if r := zone.Result; !zone.Success || r.ID != zoneA || r.Name != "example.eu" || r.Account.ID != account || r.Plan.LegacyID != "enterprise" {
		t.Errorf("zone: %s", got.body)
	}
	if got := b.get("/user/tokens/verify"); got.status != http.StatusOK || !strings.Contains(got.body, `"status":"active"`) || strings.Contains(got.body, reader) {
		t.Errorf("verify: %d %s", got.status, got.body)
	}
}

// TestRayIDs finds each of some records by its RayID, and several of one.
func TestRayIDs(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	start := now.Add(-30 * time.Minute)
	byRay := map[string][]string{}
	for _, line := range b.truth(zoneA, start, start.Add(2*time.Minute), "RayID", "ParentRayID", "ClientRequestURI") {
		var rec struct{ RayID string }
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			t.Fatal(err)
		}
		byRay[rec.RayID] = append(byRay[rec.RayID], line)
	}
	asked, several := 0, 0
	for _, ray := range slices.Sorted(maps.Keys(byRay)) {
		if len(byRay[ray]) == 1 && asked > 20 {
			continue
		}
		asked++
		if len(byRay[ray]) > 1 {
			several++
		}
		got := b.get("/zones/" + zoneA + "/logs/rayids/" + ray + "?fields=RayID,ParentRayID,ClientRequestURI")
		if diff := cmp.Diff(byRay[ray], sorted(got.lines())); diff != "" {
			t.Fatalf("ray %s (-want +got):\n%s", ray, diff)
		}
	}
	if several == 0 {
		t.Error("no RayID had several records")
	}
	if got := b.get("/zones/" + zoneA + "/logs/rayids/0123456789abcdef"); got.status != http.StatusOK || got.body != "" {
		t.Errorf("unknown ray: %d %q", got.status, got.body)
	}
}
