package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// beside works with the site's catalog, and closes it.
func (s *site) beside(do func(c *sqlite.Catalog) error) {
	s.t.Helper()
	c, err := sqlite.Open(s.t.Context(), filepath.Join(s.dir, "catalog.db"))
	must(s.t, err)
	must(s.t, do(c))
	must(s.t, c.Close())
}

func (s *site) tenants() (taken tenant.Snapshot) {
	s.t.Helper()
	s.beside(func(c *sqlite.Catalog) (err error) {
		taken, err = tenant.Take(s.t.Context(), c, c)
		return err
	})
	return taken
}

// A customer's zone is called as the operator's is, and comes before it: the
// operator's commands act on the operator's, and say so when it is gone.
func TestCustomersNames(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 5_000), logpulltest.Faults{})
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	at := time.Now().UTC().Truncate(time.Millisecond)
	theirs := catalog.Zone{ID: strings.Repeat("0", 31) + "1", Dataset: "http_requests", Name: "shop.example.eu", AddedAt: at, Source: tenant.OwnSource("acme", "own")}
	s.beside(func(c *sqlite.Catalog) error {
		return c.Restore(t.Context(), tenant.Snapshot{
			Customers:   []tenant.Customer{{ID: "acme", Name: "Acme", CreatedAt: at}},
			Keys:        []tenant.Key{{ID: "k", Customer: "acme", Name: "first", Role: tenant.Admin, Prefix: "p", Hash: []byte("h"), CreatedAt: at}},
			Credentials: []tenant.Credential{{Customer: "acme", Name: "own", Plugin: "logpull", Sealed: []byte("sealed"), Recipient: "age1x", CreatedAt: at, UpdatedAt: at}},
			Owners:      map[string]string{theirs.ID: "acme"}, Zones: []catalog.Zone{theirs},
		})
	})
	if out := s.ok("zone", "list"); !strings.Contains(out, "shop.example.eu (customer acme)") || strings.Count(out, "(customer ") != 1 {
		t.Errorf("zones:\n%s", out)
	}
	if out := s.ok("__complete", "zone", "pause", ""); !strings.Contains(out, "shop.example.eu\n") || !strings.Contains(out, theirs.ID+"\n") {
		t.Errorf("completion:\n%s", out)
	}
	s.says("("+zoneID+") is paused", "zone", "pause", "shop.example.eu")
	s.ok("zone", "set", "shop.example.eu", "--schedule", "7 * * * *")
	before := s.tenants()
	if diff := cmp.Diff(theirs, before.Zones[0]); diff != "" {
		t.Errorf("the customer's zone (-before +after):\n%s", diff)
	}

	// The catalog is made again from a file that can be read: nothing is lost.
	s.ok("archive", "rebuild-catalog")
	if diff := cmp.Diff(before, s.tenants()); diff != "" {
		t.Errorf("rebuilt (-before +after):\n%s", diff)
	}
	s.ok("zone", "remove", "shop.example.eu")
	for _, args := range [][]string{{"zone", "remove"}, {"zone", "pause"}, {"pull"}, {"coverage"}} {
		s.refused(2, "not under collection", append(args, "shop.example.eu")...)
	}
	if left := s.tenants().Zones; len(left) != 1 || left[0].ID != theirs.ID || left[0].Paused {
		t.Errorf("zones are %+v", left)
	}
	s.says("("+theirs.ID+") is paused", "zone", "pause", theirs.ID)
}
