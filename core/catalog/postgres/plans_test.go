package postgres

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/pgtest"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// The questions that are asked of millions of rows are answered from an index,
// and those about few of them from the index of those few.
func TestQueryPlans(t *testing.T) {
	t.Parallel()
	c, err := Open(t.Context(), pgtest.Shared(t).DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // says nothing
	id := evidence.ChainID{Zone: strings.Repeat("0", 31) + "7", Dataset: "http_requests"}
	for _, s := range []string{
		`INSERT INTO windows SELECT lpad(to_hex(z), 32, '0'), 'http_requests', h * 3600, h * 3600 + 3600,
CASE WHEN h < 1999 THEN 'sealed' ELSE 'planned' END, 0, 0, '', '', CASE WHEN h < 1999 THEN h ELSE -1 END, 1, 1,
CASE WHEN h < 1000 THEN 'removed' WHEN h < 1010 THEN 'expiring' ELSE 'kept' END
FROM generate_series(1, 20) AS z CROSS JOIN generate_series(0, 1999) AS h`,
		"VACUUM ANALYZE windows",
	} {
		if _, err := c.pool.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	x := &explainer{t: t, pool: c.pool}
	q := dbsqlc.New(x)
	for _, ask := range []struct {
		index string
		ask   func() error
	}{
		{"windows_pkey", func() error {
			_, err := q.WindowsIn(t.Context(), dbsqlc.WindowsInParams{Zone: id.Zone, Dataset: id.Dataset, FromS: 3600000, ToS: 3700000})
			return err
		}},
		{"windows_open", func() error {
			_, err := q.OpenWindowsIn(t.Context(), dbsqlc.OpenWindowsInParams{Zone: id.Zone, Dataset: id.Dataset, ToS: 1 << 40})
			return err
		}},
		{"windows_open", func() error {
			_, err := q.DueWindows(t.Context(), dbsqlc.DueWindowsParams{Zone: id.Zone, Dataset: id.Dataset, AtMost: 10})
			return err
		}},
		{"windows_open", func() error { _, err := q.Backlog(t.Context()); return err }},
		{"windows_kept", func() error {
			_, err := q.Expirable(t.Context(), dbsqlc.ExpirableParams{Zone: id.Zone, Dataset: id.Dataset, BeforeS: 1 << 40, AtMost: 10})
			return err
		}},
		{"windows_expiring", func() error {
			_, err := q.Expiring(t.Context(), dbsqlc.ExpiringParams{Zone: id.Zone, Dataset: id.Dataset, AtMost: 10})
			return err
		}},
		{"windows_by_seq", func() error {
			_, err := q.SetRemoved(t.Context(), dbsqlc.SetRemovedParams{Zone: id.Zone, Dataset: id.Dataset, Seq: 1500})
			return err
		}},
		{"windows_by_seq", func() error {
			return q.SetExpiring(t.Context(), dbsqlc.SetExpiringParams{Zone: id.Zone, Dataset: id.Dataset, Seqs: []int64{1500, 1501}})
		}},
	} {
		if err := ask.ask(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(x.plan, " "+ask.index+" ") || strings.Contains(x.plan, "Seq Scan") {
			t.Errorf("plan is not of %s:\n%s", ask.index, x.plan)
		}
	}
}

// explainer runs statements and keeps the plan of the last.
type explainer struct {
	t    *testing.T
	pool dbsqlc.DBTX
	plan string
}

func (x *explainer) explain(ctx context.Context, query string, args []any) {
	x.t.Helper()
	_, body, _ := strings.Cut(query, "\n")
	rows, err := x.pool.Query(ctx, "EXPLAIN "+body, args...)
	if err != nil {
		x.t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		x.t.Fatal(err)
	}
	x.plan = strings.Join(lines, "\n") + "\n"
}

func (x *explainer) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	x.explain(ctx, query, args)
	return x.pool.Exec(ctx, query, args...)
}

func (x *explainer) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	x.explain(ctx, query, args)
	return x.pool.Query(ctx, query, args...)
}

func (x *explainer) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	x.explain(ctx, query, args)
	return x.pool.QueryRow(ctx, query, args...)
}

func (x *explainer) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return x.pool.SendBatch(ctx, b)
}
