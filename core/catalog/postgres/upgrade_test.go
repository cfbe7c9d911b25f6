package postgres_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/pgtest"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// A database of the version before there were customers keeps what is in it,
// and its zones are the operator's.
func TestUpgradedToTenants(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Shared(t).DSN(t)
	before, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	z := catalog.Zone{ID: chain.Zone, Dataset: chain.Dataset, Name: "example.com", AddedAt: epoch, Paused: true}
	if err := before.PutZone(t.Context(), z); err != nil {
		t.Fatal(err)
	}
	if err := before.Plan(t.Context(), chain, minutes(0, 3)); err != nil {
		t.Fatal(err)
	}
	rows := windows(t, before)
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `DROP TABLE audit_events, zone_owners, api_keys, customers;
		DELETE FROM rainlogs_catalog_version WHERE version_id >= 3`); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := open(t, dsn)
	zones, err := after.ZonesOf(t.Context(), tenant.Operator)
	if diff := cmp.Diff([]catalog.Zone{z}, zones); err != nil || diff != "" {
		t.Errorf("%v, the operator's zones (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff(rows, windows(t, after)); diff != "" || len(rows) != 3 {
		t.Errorf("windows (-before +after):\n%s", diff)
	}
}
