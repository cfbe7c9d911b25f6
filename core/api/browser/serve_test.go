//go:build !race

package browser

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/fabriziosalmi/rainlogs/core/api/server"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/selfcheck"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

// site is a server with the zones of two customers, in all states.
type site struct {
	*testing.T
	catalog *sqlite.Catalog
	archive *verifytest.Archive
	signer  verifytest.Key
	now     time.Time
	url     string
	key     string // of the first
	zone    string // of the first, with something of everything
}

func (s *site) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func serve(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, signer: verifytest.NewKey(1), now: verifytest.Epoch.Add(14*time.Hour + 7*time.Minute)}
	s.archive = verifytest.New(s.signer)
	var err error
	s.catalog, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "catalog.db"))
	s.ok(err)
	t.Cleanup(func() { s.ok(s.catalog.Close()) })
	api, err := server.New(server.Config{
		Version: "test", Cost: bcrypt.MinCost, PerSecond: 1e5, Random: rand.Reader, Now: func() time.Time { return s.now },
		Log: slog.New(slog.DiscardHandler),
	})
	s.ok(err)
	detach := api.Attach(server.Backend{
		Catalog: s.catalog, Tenants: s.catalog, Store: s.archive,
		Lookup: chain.Lookup{Store: s.archive, Archive: s.archive.UUID, Key: s.signer.Public(s.archive.UUID)},
		Checked: func(context.Context) (selfcheck.Status, error) {
			at := s.now.Add(-11 * time.Hour)
			return selfcheck.Status{Last: selfcheck.Result{At: at}, Clean: at}, nil
		},
	})
	t.Cleanup(func() { detach(0) })
	h := httptest.NewUnstartedServer(nil)
	h.Config = api.HTTP()
	h.StartTLS()
	t.Cleanup(h.Close)
	s.url = h.URL
	s.key = s.customer("acme", "Acme S.p.A.")
	s.customer("rival", "Rival Ltd")
	s.zone = s.full(s.add("acme", "shop.example", 1))
	s.full(s.add("rival", "rival.example", 2))
	s.full(s.add("acme", "api.example", 3))
	www := s.full(s.add("acme", "www.a-name-that-is-long-but-not-longer-than-they-are.example", 4))
	s.ok(s.catalog.PutStanding(t.Context(), catalog.Standing{
		Chain: evidence.ChainID{Zone: www, Dataset: "http_requests"}, Blocked: "credential", Since: s.now,
		Detail: "the token <b>may not</b> read logs: HTTP 403\u202e",
	}))
	s.ok(s.catalog.PutZone(t.Context(), catalog.Zone{ID: fmt.Sprintf("%032x", 5), Dataset: "http_requests", Name: "blog.example", AddedAt: s.now, Paused: true}))
	s.ok(s.catalog.OwnZone(t.Context(), fmt.Sprintf("%032x", 5), "acme"))
	return s
}

func (s *site) customer(id, name string) (key string) {
	s.Helper()
	k, secret, err := server.Mint(rand.Reader, bcrypt.MinCost, s.now, id, "first", tenant.AuditorRole, time.Time{})
	s.ok(err)
	s.ok(s.catalog.AddCustomer(s.Context(), tenant.Customer{ID: id, Name: name}, k))
	return secret
}

func (s *site) add(customer, name string, n byte) *verifytest.Chain {
	s.Helper()
	c := s.archive.Chain(n, s.signer)
	c.Seal()
	s.ok(s.catalog.OwnZone(s.Context(), c.ID.Zone, customer))
	s.ok(s.catalog.PutZone(s.Context(), catalog.Zone{ID: c.ID.Zone, Dataset: c.ID.Dataset, Name: name, AddedAt: s.now.AddDate(0, -2, 0)}))
	return c
}

// full fills a month of hours: mostly sealed, some of it empty, expired, lost,
// not in the ledger, or still to come.
func (s *site) full(c *verifytest.Chain) (zone string) {
	s.Helper()
	const month = 31 * 24
	var sealed []catalog.Window
	var open []evidence.Window
	hour := s.now.Truncate(time.Hour)
	for i := range month {
		start := hour.Add(time.Duration(i-month+1) * time.Hour)
		w := catalog.Window{Chain: c.ID, Window: evidence.Window{Start: start, End: start.Add(time.Hour)}, State: catalog.Sealed, Seq: int64(i), Lines: int64(40_000 + i*i%9973), Bytes: 1 << 20}
		switch {
		case i >= month-4:
			open = append(open, w.Window)
			continue
		case i >= 400 && i < 405 || i == 700:
			w.State, w.Reason, w.Lines, w.Bytes = catalog.Lost, "retention", 0, 0
		case i == 731 || i >= 500 && i < 503:
			continue
		case start.Hour() == 3:
			w.Lines, w.Bytes = 0, 0
		case i < 90:
			w.Object = catalog.Removed
		}
		sealed = append(sealed, w)
	}
	ctx := s.Context()
	head := catalog.Head{Chain: c.ID, Size: 1, LastHash: evidence.HashEntry(c.Entries[0]), Checkpoint: []byte("note")}
	s.ok(s.catalog.Commit(ctx, catalog.Commit{Head: head, Windows: sealed}))
	s.ok(s.catalog.Plan(ctx, c.ID, open))
	for i, state := range []catalog.State{catalog.Retrying, catalog.Pulling} {
		s.ok(s.catalog.Update(ctx, catalog.Window{
			Chain: c.ID, Window: open[i], State: state, Attempts: 2 - 2*i, NextAt: s.now.Add(9 * time.Minute), Reason: "rate_limited", Detail: "HTTP 429", Seq: -1,
		}))
	}
	return c.ID.Zone
}
