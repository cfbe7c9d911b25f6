package sqlite_test

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// One of the version before customers brought tokens keeps its customers, their
// keys and zones, and takes tokens.
func TestUpgradedToCredentials(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	before, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	want := fillTenant(t, before)
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	change(t, path, "DROP TABLE credentials", "DELETE FROM goose_db_version WHERE version_id >= 5")
	after := open(t, path)
	if diff := cmp.Diff(want, tenantOf(t, after)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	if err := after.PutCredential(t.Context(), tenant.Credential{Customer: "acme", Name: "own", Plugin: "logpull", Sealed: []byte("x"), Recipient: "age1"}); err != nil {
		t.Error(err)
	}
}

// fillTenant gives a catalog a customer with a key and a zone.
func fillTenant(t *testing.T, c *sqlite.Catalog) []any {
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

func tenantOf(t *testing.T, c *sqlite.Catalog) []any {
	t.Helper()
	customer, err := c.Customer(t.Context(), "acme")
	keys, errKeys := c.ListKeys(t.Context(), "acme")
	zones, errZones := c.ZonesOf(t.Context(), "acme")
	if err := errors.Join(err, errKeys, errZones); err != nil || len(keys) != 1 || len(zones) != 1 {
		t.Fatalf("%v, %d keys, %d zones", err, len(keys), len(zones))
	}
	return []any{customer, keys, zones, ledger(t, c)}
}

// change runs statements on a catalog's file that nobody has open.
func change(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
