package duckdb_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/publish"
)

// TestPublishedColumnsAnswerTheSame: DuckDB by itself, over the hive-partitioned
// files alone, and this engine over the objects.
func TestPublishedColumnsAnswerTheSame(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone, "NewField4", "NewField5", "NewField6", "NewField7")
	for i := range 8 {
		at := start.Add(time.Duration(i) * 20 * time.Minute)
		var b strings.Builder
		for n := range 500 {
			fmt.Fprintf(&b, `{"EdgeStartTimestamp":%d,"RayID":"r%d-%d","ClientIP":"192.0.2.%d","EdgeResponseStatus":%s,"EdgeResponseBytes":%d,"BotTags":["a","ü"],"Cookies":{"k":%d},"WAFAttackScore":null`,
				at.Add(-time.Duration(n)*time.Second).UnixNano()+int64(n), i, n, n%7, []string{"200", "404", `"503"`, `"odd"`}[n%4], n*i, n)
			if i > 3 { // of a later time
				fmt.Fprintf(&b, `,"NewField%d":[%d,"x"]`, i, n)
			}
			b.WriteString("}\n")
		}
		a.Window(at, 20*time.Minute, b.String()+"no record\n"+wideLines(20, at))
	}
	cache, err := columns.Open(columns.Config{Dir: filepath.Join(t.TempDir(), "columns")})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := publish.Run(t.Context(), publish.Config{
		Store: a.Store, Location: "file:///nowhere", Archive: "a", Dataset: "http_requests", Chains: []dataset.Chain{a.Chain()}, Cache: cache, TempDir: t.TempDir(),
	})
	if err != nil || sum.Files != 8 || sum.Rows != 8*521 {
		t.Fatalf("%+v, %v", sum, err)
	}
	dir := t.TempDir()
	for _, key := range a.Store.Keys("columns/") {
		path := filepath.Join(dir, key)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, a.Store.Objects[key], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE VIEW logs AS FROM read_parquet('" + dir + "/columns/http_requests/data/*/*/*/*.parquet', hive_partitioning = true, union_by_name = true)"); err != nil {
		t.Fatal(err)
	}
	e, d := openEngine(t, duckdb.Config{}), a.Open(dataset.Options{})
	for _, q := range []struct{ ours, theirs string }{
		{"SELECT count(*), count(RayID), count(_error), count(EdgeResponseStatus), count(NewField5) FROM logs", ""},
		{"SELECT EdgeResponseStatus, count(*), sum(EdgeResponseBytes) FROM logs GROUP BY 1 ORDER BY 1", ""},
		{"SELECT ClientIP, count(DISTINCT RayID) FROM logs GROUP BY 1 ORDER BY 1", ""},
		{"SELECT sum(epoch_ns(EdgeStartTimestamp)), max(epoch_ns(EdgeStartTimestamp)) FROM logs", "SELECT sum(EdgeStartTimestamp_nanos), max(EdgeStartTimestamp_nanos) FROM logs"},
		{"SELECT min(epoch_us(EdgeStartTimestamp)), max(epoch_us(EdgeStartTimestamp)) FROM logs", ""},
		{"SELECT CAST(Cookies AS VARCHAR), CAST(NewField6 AS VARCHAR) FROM logs WHERE RayID = 'r6-17'", ""},
		{"SELECT _zone, _seq, _object, count(*) FROM logs GROUP BY ALL ORDER BY ALL", "SELECT zone, _seq, _object, count(*) FROM logs GROUP BY ALL ORDER BY ALL"},
		{"SELECT 3, count(*) FROM logs", "SELECT count(DISTINCT hour), count(*) FROM logs WHERE hour BETWEEN 12 AND 15 AND date = DATE '2026-01-01'"},
		{"SELECT 'VARCHAR'", "SELECT typeof(BotTags) FROM logs LIMIT 1"},
	} {
		ours, _ := ask(t, e, d, q.ours)
		if q.theirs == "" {
			q.theirs = q.ours
		}
		if diff := cmp.Diff(texts(ours), theirs(t, db, q.theirs)); diff != "" {
			t.Errorf("%s:\n%s", q.theirs, diff)
		}
	}
}

func texts(rows [][]any) (out []string) {
	for _, row := range rows {
		out = append(out, fmt.Sprint(row...))
	}
	return out
}

func theirs(t *testing.T, db *sql.DB, text string) (out []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row := make([]any, len(names))
		to := make([]any, len(names))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprint(row...))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
