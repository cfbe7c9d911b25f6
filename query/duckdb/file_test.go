package duckdb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
)

// outside asks a DuckDB of its own, as whoever receives a file does.
func outside(t *testing.T, path, question string) [][]string {
	t.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(question)
	if err != nil {
		t.Fatalf("%s: %v", question, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for rows.Next() {
		row, into := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		texts := make([]string, len(row))
		for i, v := range row {
			texts[i] = fmt.Sprint(v)
		}
		out = append(out, texts)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// gappy are two windows with one that is missing between them.
func gappy(t *testing.T) *datasettest.Archive {
	a := datasettest.New(t, datasettest.Zone)
	for _, minute := range []int{0, 10} {
		at := start.Add(time.Duration(minute) * time.Minute)
		a.Window(at, 5*time.Minute, fmt.Sprintf(`{"EdgeStartTimestamp":%d,"ClientIP":"192.0.2.%d","EdgeResponseStatus":200,"BotTags":["a","b"],"Cookies":{"k":"è"}}`+"\n",
			at.UnixNano()+123456789, minute))
	}
	return a
}

func TestExport(t *testing.T) {
	t.Parallel()
	d := gappy(t).Open(dataset.Options{})
	dir := t.TempDir()
	e := openEngine(t, duckdb.Config{TempDir: dir, Program: "rainlogs test"})
	const text = `CREATE TABLE mine AS SELECT 10 AS n;
		SELECT EdgeStartTimestamp AS t, ClientIP AS a, EdgeResponseStatus AS A, BotTags, Cookies, sum(EdgeResponseStatus) OVER () * 1000000000000000000 AS h,
			{'x': 9007199254740993::HUGEINT} AS s, $n + 1 AS p, NULL AS nothing FROM logs, mine ORDER BY t DESC -- the end`
	types := map[duckdb.Export]string{
		duckdb.Parquet:  "t TIMESTAMP_NS, a VARCHAR, A_1 BIGINT, BotTags VARCHAR[], Cookies JSON, h DECIMAL(38,0), s VARCHAR, p BIGINT, nothing INTEGER",
		duckdb.Database: "t TIMESTAMP_NS, a VARCHAR, A_1 BIGINT, BotTags VARCHAR[], Cookies JSON, h HUGEINT, s STRUCT(x HUGEINT), p BIGINT, nothing INTEGER",
	}
	for as, want := range types {
		x, err := e.Export(t.Context(), query.Request{SQL: text, Params: map[string]any{"n": int64(41)}, Dataset: d, Stats: true}, as)
		if err != nil {
			t.Fatalf("%s: %v", as, err)
		}
		path, answer := "", "'"+x.Path+"'"
		if as == duckdb.Database {
			path, answer = x.Path, "answer"
		}
		var described []string
		for _, row := range outside(t, path, "DESCRIBE FROM "+answer) {
			described = append(described, row[0]+" "+row[1])
		}
		if diff := cmp.Diff(want, strings.Join(described, ", ")); diff != "" {
			t.Errorf("%s: %s", as, diff)
		}
		rows := outside(t, path, "SELECT epoch_ns(t), a, A_1, array_to_string(BotTags, '+'), Cookies->>'k', h::VARCHAR, CAST(to_json(s) AS VARCHAR) LIKE '%9007199254740993%', p, nothing FROM "+answer)
		nanos := start.UnixNano() + 123456789
		if diff := cmp.Diff([][]string{
			{fmt.Sprint(nanos + int64(10*time.Minute)), "192.0.2.10", "200", "a+b", "è", "400000000000000000000", "true", "42", "<nil>"},
			{fmt.Sprint(nanos), "192.0.2.0", "200", "a+b", "è", "400000000000000000000", "true", "42", "<nil>"},
		}, rows); diff != "" {
			t.Errorf("%s: %s", as, diff)
		}
		if x.Rows != 2 || x.Provenance.Coverage.Complete || x.Provenance.Objects.Verified != 2 || x.Provenance.Stats.PeakMemory == 0 {
			t.Errorf("%s: %d rows, %+v", as, x.Rows, x.Provenance)
		}
		if as == duckdb.Database {
			told := outside(t, path, `SELECT program, complete, "sql" = (provenance->>'sql'), provenance->>'$.coverage.incomplete[0].state', provenance->>'$.objects.verified' FROM provenance`)
			if diff := cmp.Diff([][]string{{"rainlogs test", "false", "true", "missing", "2"}}, told); diff != "" {
				t.Error(diff)
			}
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(x.Path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s stays: %v", x.Path, err)
		}
	}
	for _, sql := range []string{"EXPLAIN SELECT 1", "CREATE TABLE t AS SELECT 1", "SELECT nope", "SELECT 1; SET threads = 1"} {
		if _, err := e.Export(t.Context(), query.Request{SQL: sql, Dataset: d}, duckdb.Parquet); !errors.Is(err, query.ErrSQL) && !errors.Is(err, query.ErrForbidden) {
			t.Errorf("%s: error %v", sql, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*", "*", "*")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// TestExportGuard: what an export may write is no way for the SQL to read or write anything.
func TestExportGuard(t *testing.T) {
	t.Parallel()
	d := small(t)
	e := openEngine(t, duckdb.Config{TempDir: t.TempDir()})
	out := filepath.Join(t.TempDir(), "out")
	for _, as := range []duckdb.Export{duckdb.Parquet, duckdb.Database} {
		for _, sql := range []string{
			"COPY (SELECT 1) TO '" + out + "'; SELECT 1",
			"EXPLAIN ANALYZE COPY (SELECT 1) TO '" + out + "'; SELECT 1",
			"ATTACH '" + out + "' AS x; SELECT 1",
			"ATTACH ':memory:' AS rainlogs_export; SELECT 1",
			"CREATE TABLE rainlogs_export.main.provenance AS SELECT 1 AS complete; SELECT 1",
			"INSERT INTO rainlogs_export.main.answer VALUES (1); SELECT 1",
			"SELECT * FROM rainlogs_export.main.answer",
			"SELECT * FROM read_parquet('answer.parquet')",
			"SELECT * FROM '/etc/passwd'",
			"SELECT 1) TO '" + out + "' (FORMAT csv); SELECT (1",
			"SELECT 1) TO '" + out + "' --",
			"DETACH rainlogs_export; SELECT 1",
		} {
			x, err := e.Export(t.Context(), query.Request{SQL: sql, Dataset: d}, as)
			if err == nil {
				_ = x.Close()
			}
			if !errors.Is(err, query.ErrForbidden) && !errors.Is(err, query.ErrSQL) {
				t.Errorf("%s: %s: error %v", as, sql, err)
			}
		}
	}
	if made, _ := filepath.Glob(out + "*"); len(made) != 0 {
		t.Errorf("files were written: %v", made)
	}
}

// TestExportMemory writes several times the memory.
func TestExportMemory(t *testing.T) {
	t.Parallel()
	d := small(t)
	e := openEngine(t, duckdb.Config{Memory: 128 << 20, TempDir: t.TempDir(), Threads: 1, Once: true})
	const wide = "SELECT range AS r, md5(range::VARCHAR) || md5((range + 1)::VARCHAR) || repeat('x', 200) AS s FROM range(1500000)"
	for as, answer := range map[duckdb.Export]string{duckdb.Parquet: "", duckdb.Database: "answer"} {
		x, err := e.Export(t.Context(), query.Request{SQL: wide, Dataset: d, Stats: true}, as)
		if err != nil {
			t.Errorf("%s: %v", as, err)
			continue
		}
		path := x.Path
		if answer == "" {
			path, answer = "", "'"+x.Path+"'"
		}
		if got := outside(t, path, "SELECT count(*), sum(length(s)), bool_and(s[:32] = md5(r::VARCHAR)) FROM "+answer); got[0][0] != "1500000" || got[0][1] != "396000000" || got[0][2] != "true" {
			t.Errorf("%s: %v", as, got)
		}
		t.Logf("%s: %d MiB in buffers at most, %+v", as, x.Provenance.Stats.PeakMemory>>20, *x.Provenance.Stats)
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestUntypedParameters: a column whose type depends on a parameter hides the others from a prepared statement.
func TestUntypedParameters(t *testing.T) {
	t.Parallel()
	d := small(t)
	e := openEngine(t, duckdb.Config{})
	for text, want := range map[string]string{
		"SELECT 1 AS a, $n + 1, [3] AS c":                            "[a INTEGER] [($n + 1) BIGINT] [c INTEGER[]]: 1 6 [3]",
		`SELECT $n AS a, '{"x":12345678901234567890}'::JSON AS j`:    `[a BIGINT] [j JSON]: 5 {"x":12345678901234567890}`,
		"SELECT count(*) AS n, $n::DECIMAL(9,2) AS d FROM logs":      "[n BIGINT] [d DECIMAL(9,2)]: 2 5.00",
		"CREATE TABLE t (i INT); SELECT $n || 'x' AS a, $n % 3 -- c": "[a VARCHAR] [($n % 3) BIGINT]: 5x 2",
	} {
		res, err := e.Query(t.Context(), query.Request{SQL: text, Params: map[string]any{"n": int64(5)}, Dataset: d})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := ""
		for _, c := range res.Columns {
			got += fmt.Sprintf("[%s %s] ", c.Name, c.Type)
		}
		got = strings.TrimSpace(got) + ":"
		for row, err := range res.Rows() {
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			for _, v := range row {
				if j, ok := v.(query.JSON); ok {
					v = string(j)
				}
				got += fmt.Sprintf(" %v", v)
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		if err := res.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestForbiddenIsSaid(t *testing.T) {
	t.Parallel()
	d := small(t)
	e := openEngine(t, duckdb.Config{})
	for _, text := range []string{"COPY (SELECT 1) TO '/tmp/x.csv'", "SELECT 1; COPY logs TO '/tmp/x' (FORMAT parquet)", "SELECT * FROM '/etc/hosts.csv'", "ATTACH '/tmp/x.db' AS x"} {
		if _, err := e.Query(context.Background(), query.Request{SQL: text, Dataset: d}); !errors.Is(err, query.ErrForbidden) {
			t.Errorf("%s: error %v", text, err)
		}
	}
}

// TestExplain plans without fetching an object.
func TestExplain(t *testing.T) {
	t.Parallel()
	a := gappy(t)
	d := a.Open(dataset.Options{})
	e := openEngine(t, duckdb.Config{})
	for text, want := range map[string][]string{
		"SELECT ClientIP, count(*) FROM logs WHERE EdgeResponseStatus >= $n GROUP BY 1": {"ClientIP", "EdgeResponseStatus"},
		"SELECT line FROM raw WHERE _line > $n":                                         {"_line", "line"},
	} {
		p, err := e.Explain(t.Context(), query.Request{SQL: text, Params: map[string]any{"n": int64(1)}, Dataset: d})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, p.Columns); diff != "" {
			t.Errorf("%s: %s\n%s", text, diff, p.Text)
		}
		if p.Objects.Read != 2 || p.Objects.Selected != 2 || p.Objects.Lines != 2 || p.Objects.Bytes == 0 || !strings.Contains(p.Text, "─") {
			t.Errorf("%s: %+v", text, p)
		}
	}
	if len(a.Store.Fetched) != 0 {
		t.Errorf("fetched %v", a.Store.Fetched)
	}
	buildColumns(t, d)
	if _, err := e.Explain(t.Context(), query.Request{SQL: "SHOW TABLES; DROP TABLE x", Dataset: d}); !errors.Is(err, query.ErrSQL) {
		t.Errorf("error %v", err)
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	d := small(t)
	e := openEngine(t, duckdb.Config{})
	for range 2 { // the second on an instance that was made ready
		res, err := e.Query(t.Context(), query.Request{SQL: "SELECT r FROM range(200000) t(r), logs ORDER BY hash(r)", Dataset: d, Stats: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range res.Rows() {
			if err != nil {
				t.Fatal(err)
			}
		}
		s := res.Provenance.Stats
		if s.Rows != 400000 || s.PeakMemory < 1<<20 || s.ScanSeconds <= 0 || s.RowsSeconds <= 0 || s.CheckSeconds <= 0 || s.BuildSeconds <= 0 {
			t.Errorf("%+v", s)
		}
		if err := res.Close(); err != nil {
			t.Error(err)
		}
	}
	res, err := e.Query(t.Context(), query.Request{SQL: "SELECT 1", Dataset: d})
	if err != nil || res.Provenance.Stats != nil {
		t.Errorf("%+v, %v", res.Provenance.Stats, err)
	}
	_ = res.Close()
}
