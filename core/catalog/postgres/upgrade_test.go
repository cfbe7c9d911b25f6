package postgres_test

import (
	"errors"
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
	if _, err := conn.Exec(t.Context(), `DROP TABLE credentials, audit_events, zone_owners, api_keys, customers;
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

// One of the version before customers brought tokens keeps its customers, their
// keys and zones, and takes tokens.
func TestUpgradedToCredentials(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Shared(t).DSN(t)
	before, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	want := fillTenant(t, before)
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `DROP TABLE credentials; DELETE FROM rainlogs_catalog_version WHERE version_id >= 4`); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := open(t, dsn)
	if diff := cmp.Diff(want, tenantOf(t, after)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	if err := after.PutCredential(t.Context(), tenant.Credential{Customer: "acme", Name: "own", Plugin: "logpull", Sealed: []byte("x"), Recipient: "age1"}); err != nil {
		t.Error(err)
	}
}

// fillTenant gives a catalog a customer with a key and a zone.
func fillTenant(t *testing.T, c *postgres.Catalog) []any {
	t.Helper()
	k := tenant.Key{ID: "k", Customer: "acme", Name: "first", Role: tenant.Admin, Prefix: "p", Hash: []byte("h"), CreatedAt: epoch}
	err := errors.Join(
		c.AddCustomer(t.Context(), tenant.Customer{ID: "acme", Name: "Acme", CreatedAt: epoch}, k),
		c.OwnZone(t.Context(), chain.Zone, "acme"),
		c.PutZone(t.Context(), catalog.Zone{ID: chain.Zone, Dataset: chain.Dataset, Name: "example.com", AddedAt: epoch}),
		c.Plan(t.Context(), chain, minutes(0, 3)),
	)
	if err != nil {
		t.Fatal(err)
	}
	return tenantOf(t, c)
}

func tenantOf(t *testing.T, c *postgres.Catalog) []any {
	t.Helper()
	customer, err := c.Customer(t.Context(), "acme")
	keys, errKeys := c.ListKeys(t.Context(), "acme")
	zones, errZones := c.ZonesOf(t.Context(), "acme")
	if err := errors.Join(err, errKeys, errZones); err != nil || len(keys) != 1 || len(zones) != 1 {
		t.Fatalf("%v, %d keys, %d zones", err, len(keys), len(zones))
	}
	return []any{customer, keys, zones, windows(t, c)}
}
