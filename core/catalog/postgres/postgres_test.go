package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/catalogtest"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/pgtest"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/tenant/tenanttest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var (
	chain = evidence.ChainID{Zone: strings.Repeat("0123456789abcdef", 2), Dataset: "http_requests"}
	epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
)

// minutes tiles n minutes from the given one on.
func minutes(from, n int) []evidence.Window {
	ws := make([]evidence.Window, n)
	for i := range ws {
		ws[i].Start = epoch.Add(time.Duration(from+i) * time.Minute)
		ws[i].End = ws[i].Start.Add(time.Minute)
	}
	return ws
}

func open(t testing.TB, dsn string) *postgres.Catalog {
	t.Helper()
	c, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestConformance(t *testing.T) {
	t.Parallel()
	s := pgtest.Shared(t)
	catalogtest.Run(t, func(t testing.TB) catalog.Catalog { return open(t, s.DSN(t)) })
}

func TestTenants(t *testing.T) {
	t.Parallel()
	s := pgtest.Shared(t)
	tenanttest.Run(t, func(t testing.TB) tenanttest.Store { return open(t, s.DSN(t)) })
}

func windows(t testing.TB, c *postgres.Catalog) []catalog.Window {
	t.Helper()
	rows, err := c.Windows(t.Context(), chain, epoch.AddDate(-1, 0, 0), epoch.AddDate(100, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// Processes that start at once make one schema, and see each other's commits.
func TestOpenedAtOnce(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Shared(t).DSN(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c, err := postgres.Open(t.Context(), dsn)
			if err != nil {
				t.Error(err)
				return
			}
			if err := c.Plan(t.Context(), chain, minutes(i*2, 2)); err != nil {
				t.Error(err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(windows(t, open(t, dsn))); n != 16 {
		t.Errorf("%d windows, want 16", n)
	}
}

// Two collectors' locks exclude each other, and the one that does not get it
// hears who has it.
func TestLockOfTwo(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Shared(t).DSN(t)
	one, two := open(t, dsn), open(t, dsn)
	unlock, err := one.Lock(t.Context(), chain)
	if err != nil {
		t.Fatal(err)
	}
	_, err = two.Lock(t.Context(), chain)
	if who := fmt.Sprintf(":%d", os.Getpid()); !errors.Is(err, catalog.ErrBusy) || !strings.Contains(err.Error(), who) {
		t.Errorf("error is %v, want %v that names the holder", err, catalog.ErrBusy)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
	if _, err = two.Lock(t.Context(), chain); err != nil { // and not unlocked: Close gives it up
		t.Fatal(err)
	}
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	if unlock, err = one.Lock(t.Context(), chain); err != nil {
		t.Fatalf("lock of a closed catalog: %v", err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
	if _, err := two.Lock(t.Context(), chain); err == nil {
		t.Error("a closed catalog locks")
	}
	for _, c := range []*postgres.Catalog{one, one} { // daemons share the database
		if _, err := c.LockCollector(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// More chains may be locked than there are connections for queries.
func TestLocksLeaveQueries(t *testing.T) {
	t.Parallel()
	c := open(t, pgtest.Shared(t).DSN(t)+" pool_max_conns=1")
	for i := range 20 {
		id := evidence.ChainID{Zone: fmt.Sprintf("%032x", i), Dataset: "http_requests"}
		if _, err := c.Lock(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if err := c.Plan(t.Context(), id, minutes(0, 1)); err != nil {
			t.Fatal(err)
		}
	}
}

// A session that ends loses its lock: another gets it, and unlock says so.
func TestLostLock(t *testing.T) {
	t.Parallel()
	c := open(t, pgtest.Shared(t).DSN(t))
	unlock, err := c.Lock(t.Context(), chain)
	if err != nil {
		t.Fatal(err)
	}
	var ended int
	const end = `SELECT count(pg_terminate_backend(pid)) FROM pg_locks
WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	if err := c.Pool().QueryRow(t.Context(), end).Scan(&ended); err != nil || ended < 1 { // that of the migrations may not be gone yet
		t.Fatalf("%d sessions ended: %v", ended, err)
	}
	other := lockSoon(t, c)
	if err := unlock(); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("error is %v, want %v", err, catalog.ErrUnavailable)
	}
	if _, err := c.Lock(t.Context(), chain); !errors.Is(err, catalog.ErrBusy) {
		t.Errorf("after the lost lock's unlock: error is %v, want %v", err, catalog.ErrBusy)
	}
	if err := other(); err != nil {
		t.Error(err)
	}
}

// lockSoon locks when the server has noticed a session's end.
func lockSoon(t *testing.T, c *postgres.Catalog) (unlock func() error) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		unlock, err := c.Lock(t.Context(), chain)
		if err == nil {
			return unlock
		}
		if !errors.Is(err, catalog.ErrBusy) {
			t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the lock is not given up")
		}
	}
}

// While the server is away every call is ErrUnavailable; then it goes on, with
// what was committed.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	s := pgtest.New(t)
	dsn := s.DSN(t)
	c := open(t, dsn)
	for i, mode := range []pgtest.Mode{pgtest.Fast, pgtest.Immediate} {
		if err := c.Plan(t.Context(), chain, minutes(i*10, 10)); err != nil {
			t.Fatal(err)
		}
		unlock, err := c.Lock(t.Context(), chain)
		if err != nil {
			t.Fatal(err)
		}
		before := windows(t, c)
		s.Stop(t, mode)
		_, errOpen := postgres.Open(t.Context(), dsn)
		_, errLock := c.Lock(t.Context(), chain)
		_, errTake := c.Take(t.Context(), []catalog.Budget{{Key: "k", Limit: 9, Per: time.Hour}})
		_, errList := c.ListZones(t.Context())
		for name, err := range map[string]error{
			"Open": errOpen, "Lock": errLock, "Take": errTake, "ListZones": errList,
			"Plan":   c.Plan(t.Context(), chain, minutes(500, 1)),
			"Commit": c.Commit(t.Context(), catalog.Commit{Head: catalog.Head{Chain: chain, Size: 1}}),
			"unlock": unlock(),
		} {
			if !errors.Is(err, catalog.ErrUnavailable) {
				t.Errorf("mode %d, %s: error is %v, want %v", mode, name, err, catalog.ErrUnavailable)
			}
		}
		s.Start(t)
		if mode == pgtest.Fast { // a crash without fsync may lose the last transactions
			if diff := cmp.Diff(before, windows(t, c)); diff != "" {
				t.Errorf("ledger (-before +after):\n%s", diff)
			}
		}
		if unlock, err = c.Lock(t.Context(), chain); err != nil {
			t.Fatalf("lock after the restart: %v", err)
		}
		if err := unlock(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenRefused(t *testing.T) {
	t.Parallel()
	s := pgtest.Shared(t)
	exec := func(dsn, statement string) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for statement, want := range map[string]error{
		"INSERT INTO rainlogs_catalog_version (version_id, is_applied) VALUES (9999, true)": catalog.ErrNewer,
		"DROP TABLE missed":                catalog.ErrCorrupt,
		"ALTER TABLE zones DROP COLUMN id": catalog.ErrCorrupt,
	} {
		dsn := s.DSN(t)
		if err := open(t, dsn).Close(); err != nil {
			t.Fatal(err)
		}
		exec(dsn, statement)
		if c, err := postgres.Open(t.Context(), dsn); err == nil {
			t.Errorf("after %q: opened: %v", statement, c.Close())
		} else if !errors.Is(err, want) {
			t.Errorf("after %q: error is %v, want %v", statement, err, want)
		}
	}
}

// However a data source name is wrong, its password is in no error.
func TestPasswordInNoError(t *testing.T) {
	t.Parallel()
	good := pgtest.Shared(t).DSN(t)
	const secret = "hunter2"
	for _, dsn := range []string{
		"postgres://u:" + secret + "@127.0.0.1:1/db?connect_timeout=2",
		"postgres://u:" + secret + "@127.0.0.1:port/db",
		"postgres://u:" + secret + "%zz@127.0.0.1/db",
		"postgres://" + secret + ":@[::1/db",
		"host=127.0.0.1 port=1 password=" + secret,
		"host=127.0.0.1 port=x password=" + secret,
		"password='" + secret,
		secret,
		"host=/nowhere password=" + secret,
		good + "x password=" + secret,
	} {
		c, err := postgres.Open(t.Context(), dsn)
		if err == nil {
			t.Fatalf("%q opened: %v", dsn, c.Close())
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(e.Error(), secret) {
				t.Errorf("error holds the password: %v", e)
			}
		}
	}
}

// What people read may have come from anywhere.
func TestHostileText(t *testing.T) {
	t.Parallel()
	c := open(t, pgtest.Shared(t).DSN(t))
	if err := c.Plan(t.Context(), chain, minutes(0, 1)); err != nil {
		t.Fatal(err)
	}
	w := windows(t, c)[0]
	w.State, w.Detail = catalog.Blocked, "a\x00b\xffc"
	if err := c.Update(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if got := windows(t, c)[0].Detail; got != "a\uFFFDb\uFFFDc" {
		t.Errorf("detail is %q", got)
	}
	if err := c.PutStanding(t.Context(), catalog.Standing{Chain: chain, Detail: "\x00"}); err != nil {
		t.Error(err)
	}
}

// A context ends the wait for another's transaction.
func TestWaitEnds(t *testing.T) {
	t.Parallel()
	c := open(t, pgtest.Shared(t).DSN(t))
	tx, err := c.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE windows"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Plan(ctx, chain, minutes(0, 1)); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("error is %v, want %v", err, context.DeadlineExceeded)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Plan(t.Context(), chain, minutes(0, 1)); err != nil {
		t.Error(err)
	}
}
