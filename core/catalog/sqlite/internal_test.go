package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

var (
	testChain = evidence.ChainID{Zone: strings.Repeat("c", 32), Dataset: "http_requests"}
	testEpoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
)

func testOpen(t testing.TB) *Catalog {
	t.Helper()
	c, err := Open(t.Context(), filepath.Join(t.TempDir(), "catalog.db"))
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

func testWindows(from, n int, size time.Duration) []evidence.Window {
	ws := make([]evidence.Window, n)
	for i := range ws {
		ws[i].Start = testEpoch.Add(time.Duration(from+i) * size)
		ws[i].End = ws[i].Start.Add(size)
	}
	return ws
}

// A full disk fails the transaction, by name, and leaves what was there.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	c := testOpen(t)
	if err := c.Plan(t.Context(), testChain, testWindows(0, 10, time.Minute)); err != nil {
		t.Fatal(err)
	}
	var pages int
	if err := c.writer.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(pages int) {
		if _, err := c.writer.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages)
	err := c.Plan(t.Context(), testChain, testWindows(0, 5000, time.Minute))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "full") {
		t.Errorf("error is %v, want %v", err, syscall.ENOSPC)
	}
	if rows, err := c.Windows(t.Context(), testChain, testEpoch, testEpoch.AddDate(1, 0, 0)); err != nil || len(rows) != 10 {
		t.Errorf("%d windows (%v), want 10", len(rows), err)
	}
	limit(1 << 20)
	if err := c.Plan(t.Context(), testChain, testWindows(0, 5000, time.Minute)); err != nil {
		t.Errorf("with space again: %v", err)
	}
}

// The questions that are asked of millions of rows are answered from an index.
func TestQueryPlans(t *testing.T) {
	t.Parallel()
	x := explainer{t: t, db: testOpen(t).writer}
	q := dbsqlc.New(&x)
	const stretch = "PRIMARY KEY (zone=? AND dataset=? AND start_s>? AND start_s<?)"
	for _, c := range []struct {
		want string
		ask  func() error
	}{
		{"SEARCH w USING " + stretch, func() error {
			_, err := q.WindowsIn(t.Context(), dbsqlc.WindowsInParams{})
			return err
		}},
		{"SEARCH w USING INDEX windows_open (zone=? AND dataset=? AND start_s>? AND start_s<?)", func() error {
			_, err := q.OpenWindowsIn(t.Context(), dbsqlc.OpenWindowsInParams{})
			return err
		}},
		{"SEARCH w USING INDEX windows_open (zone=? AND dataset=?)", func() error {
			_, err := q.DueWindows(t.Context(), dbsqlc.DueWindowsParams{})
			return err
		}},
		{"SCAN w USING COVERING INDEX windows_open", func() error { // all that is open, and no more
			_, err := q.Backlog(t.Context())
			return err
		}},
		{"SEARCH windows USING PRIMARY KEY (zone=? AND dataset=?)", func() error {
			_, err := q.FirstWindow(t.Context(), dbsqlc.FirstWindowParams{})
			return err
		}},
		{"SEARCH windows USING PRIMARY KEY (zone=? AND dataset=?)", func() error {
			_, err := q.LastWindow(t.Context(), dbsqlc.LastWindowParams{})
			return err
		}},
		{"SEARCH w USING INDEX windows_kept (zone=? AND dataset=? AND end_s<?)", func() error {
			_, err := q.Expirable(t.Context(), dbsqlc.ExpirableParams{})
			return err
		}},
		{"SEARCH w USING INDEX windows_expiring (zone=? AND dataset=? AND start_s>?)", func() error {
			_, err := q.Expiring(t.Context(), dbsqlc.ExpiringParams{})
			return err
		}},
		{"SEARCH windows USING PRIMARY KEY (zone=? AND dataset=? AND start_s=?)", func() error {
			return q.SetExpiring(t.Context(), dbsqlc.SetExpiringParams{})
		}},
		{"SEARCH windows USING PRIMARY KEY (zone=? AND dataset=? AND start_s=?)", func() error {
			_, err := q.SetRemoved(t.Context(), dbsqlc.SetRemovedParams{})
			return err
		}},
		{"SEARCH windows USING PRIMARY KEY (zone=? AND dataset=? AND start_s=?)", func() error {
			_, err := q.UpdateOpenWindow(t.Context(), dbsqlc.UpdateOpenWindowParams{})
			return err
		}},
		{"SEARCH pending USING PRIMARY KEY (zone=? AND dataset=?)", func() error {
			_, err := q.ListPending(t.Context(), dbsqlc.ListPendingParams{})
			return err
		}},
	} {
		x.plan = nil
		if err := c.ask(); err != nil && !errors.Is(err, sql.ErrNoRows) {
			t.Fatal(err)
		}
		if len(x.plan) == 0 || x.plan[0] != c.want {
			t.Errorf("plan is %q, want %q", x.plan, c.want)
		}
		for _, step := range x.plan {
			if step != c.want && strings.HasPrefix(step, "SCAN") || strings.HasSuffix(step, "TEMP B-TREE FOR ORDER BY") && !strings.Contains(c.want, "pending") || step == "SEARCH w USING PRIMARY KEY (zone=? AND dataset=?)" {
				t.Errorf("plan %q has %q", x.plan, step)
			}
		}
	}
}

// explainer runs statements and keeps the plan of the last.
type explainer struct {
	t    *testing.T
	db   *sql.DB
	plan []string
}

func (x *explainer) explain(ctx context.Context, query string, args []any) {
	x.t.Helper()
	rows, err := x.db.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		x.t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // checked by Err
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			x.t.Fatal(err)
		}
		x.plan = append(x.plan, step)
	}
	if err := rows.Err(); err != nil {
		x.t.Fatal(err)
	}
}

func (x *explainer) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	x.explain(ctx, query, args)
	return x.db.ExecContext(ctx, query, args...)
}

func (x *explainer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	x.explain(ctx, query, args)
	return x.db.QueryContext(ctx, query, args...)
}

func (x *explainer) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	x.explain(ctx, query, args)
	return x.db.QueryRowContext(ctx, query, args...)
}

func (x *explainer) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return x.db.PrepareContext(ctx, query)
}

// Each migration can be taken back and made again.
func TestMigrationsDownAndUp(t *testing.T) {
	t.Parallel()
	c := testOpen(t)
	schema := func() (s []string) {
		t.Helper()
		rows, err := c.writer.QueryContext(t.Context(), "SELECT name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close() //nolint:errcheck // checked by Err
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			s = append(s, line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := schema()
	p, err := provider(c.writer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.DownTo(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	for _, line := range schema() {
		if !strings.HasPrefix(line, "goose_") && !strings.HasPrefix(line, "sqlite_") {
			t.Errorf("left behind: %s", line)
		}
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, schema()); diff != "" {
		t.Errorf("schema (-before +after):\n%s", diff)
	}
}

// A context ends the wait for another process's transaction.
func TestWaitEnds(t *testing.T) {
	t.Parallel()
	c := testOpen(t)
	other, err := Open(t.Context(), c.path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close() //nolint:errcheck // only in the way
	tx, err := other.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Plan(ctx, testChain, testWindows(0, 1, time.Minute)); !errors.Is(err, ctx.Err()) || ctx.Err() == nil {
		t.Errorf("error is %v, want the context's, %v", err, ctx.Err())
	}
	if _, err := c.ListZones(t.Context()); err != nil {
		t.Errorf("a reader beside a writer: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := c.Plan(t.Context(), testChain, testWindows(0, 1, time.Minute)); err != nil {
		t.Error(err)
	}
}

func TestDamagedDigest(t *testing.T) {
	t.Parallel()
	c := testOpen(t)
	if err := c.Commit(t.Context(), catalog.Commit{Head: catalog.Head{Chain: testChain, Size: 1}}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"PRAGMA ignore_check_constraints = 1", "UPDATE heads SET last_hash = x'00'"} {
		if _, err := c.writer.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Head(t.Context(), testChain); !errors.Is(err, catalog.ErrCorrupt) {
		t.Errorf("error is %v, want %v", err, catalog.ErrCorrupt)
	}
}

// A catalog of the first version becomes one of the second: what is sealed
// keeps its object, what was found out later is unknown.
func TestMigratedFromFirst(t *testing.T) {
	t.Parallel()
	c := testOpen(t)
	p, err := provider(c.writer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.DownTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		"INSERT INTO zones VALUES ('" + testChain.Zone + "', 'http_requests', 'example.com', 7, 1)",
		"INSERT INTO windows VALUES ('" + testChain.Zone + "', 'http_requests', 60, 120, 'sealed', 1, 0, '', '', 5, 10, 100)",
		"INSERT INTO windows VALUES ('" + testChain.Zone + "', 'http_requests', 120, 180, 'retrying', 2, 9, 'retry', 'HTTP 500', -1, 0, 0)",
	} {
		if _, err := c.writer.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Open(t.Context(), c.path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close() //nolint:errcheck // only read
	expirable, err := again.Expirable(t.Context(), testChain, testEpoch, 9)
	if err != nil || len(expirable) != 1 || expirable[0].Seq != 5 || expirable[0].Object != catalog.Kept {
		t.Errorf("expirable are %v (%v)", expirable, err)
	}
	due, err := again.Due(t.Context(), testChain, testEpoch, 9)
	if err != nil || len(due) != 1 || due[0].Attempts != 2 {
		t.Errorf("due are %v (%v)", due, err)
	}
	z, err := again.Zone(t.Context(), "example.com")
	if want := (catalog.Zone{
		ID: testChain.Zone, Dataset: testChain.Dataset, Name: "example.com", AddedAt: time.UnixMilli(7).UTC(), Paused: true,
	}); err != nil || z != want {
		t.Errorf("zone is %+v (%v), want %+v", z, err, want)
	}
	// What there was before there were customers is the operator's.
	zones, err := again.ZonesOf(t.Context(), tenant.Operator)
	if diff := cmp.Diff([]catalog.Zone{z}, zones); err != nil || diff != "" {
		t.Errorf("%v, the operator's zones (-want +got):\n%s", err, diff)
	}
	if _, err := again.Customer(t.Context(), tenant.Operator); err != nil {
		t.Error(err)
	}
}
