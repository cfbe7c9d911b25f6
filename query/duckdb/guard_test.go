package duckdb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	d := small(t)
	dir := t.TempDir()
	e := openEngine(t, duckdb.Config{TempDir: dir})
	out := filepath.Join(t.TempDir(), "out")
	spill, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(spill) != 1 {
		t.Fatalf("temporary folders %v, %v", spill, err)
	}
	for _, sql := range []string{
		"COPY (SELECT 1) TO '" + out + "'",
		"COPY (SELECT 1) TO '" + spill[0] + "/x.csv'",
		"COPY logs TO '" + out + "' (FORMAT parquet)",
		"CREATE TABLE t (a VARCHAR); COPY t FROM '/etc/passwd'",
		"EXPORT DATABASE '" + out + "'",
		"IMPORT DATABASE '" + out + "'",
		"SELECT * FROM read_text('/etc/passwd')",
		"SELECT * FROM read_blob('/proc/self/environ')",
		"SELECT * FROM read_csv('/etc/passwd')",
		"SELECT * FROM read_json_objects('/etc/passwd')",
		"SELECT * FROM '/etc/passwd'",
		"SELECT * FROM '/etc/hosts.csv'",
		"SELECT * FROM read_parquet('https://example.org/x.parquet')",
		"SELECT * FROM sniff_csv('/etc/passwd')",
		"SELECT * FROM parquet_metadata('/etc/passwd')",
		"SELECT * FROM glob('/*')",
		"ATTACH '" + out + ".db' AS other",
		"ATTACH ':memory:' AS other",
		"ATTACH 'dbname=x' AS pg (TYPE postgres)",
		"DETACH memory",
		"USE system",
		"INSTALL httpfs",
		"LOAD httpfs",
		"LOAD '/tmp/evil.duckdb_extension'",
		"UPDATE EXTENSIONS",
		"SET enable_external_access = true",
		"SET lock_configuration = false",
		"SET threads = 64",
		"SET memory_limit = '64GB'",
		"RESET memory_limit",
		"SET SESSION TimeZone = 'Asia/Tokyo'",
		"SET VARIABLE x = 1",
		"PRAGMA enable_profiling",
		"PRAGMA profiling_output = '" + out + "'",
		"PRAGMA import_database('/tmp')",
		"CALL enable_logging(storage = 'file', storage_path = '" + out + "')",
		"SELECT * FROM enable_logging(storage = 'file', storage_path = '" + out + "'); SELECT 1",
		"CALL pragma_version()",
		"SELECT * FROM arrow_scan(1, 2, 3)",
		"SELECT * FROM system.main.\"Enable_Logging\" /* x */ -- y\n (storage = 'file', storage_path = '" + out + "')",
		"CREATE MACRO m() AS TABLE SELECT * FROM enable_logging(); FROM m()",
		"SELECT * FROM query('SELECT 1')",
		"SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
		"SELECT * FROM duckdb_secrets()",
		"SELECT 1\x00",
		"SELECT U&\"x\"",
		"CREATE SECRET s (TYPE s3, KEY_ID 'k', SECRET 's')",
		"CREATE PERSISTENT SECRET s (TYPE http)",
		"SELECT getenv('HOME')",
		"SELECT getvariable('x') FROM which_secret('s3://x', 's3')",
		"CHECKPOINT", "VACUUM", "BEGIN", "COMMIT",
		"PREPARE p AS SELECT 1", "EXECUTE p",
		"SELECT 1; COPY (SELECT 1) TO '" + out + "'",
		"SELECT 1 /* ' */; COPY (SELECT 1) TO '" + out + "' --'",
		"SELECT $$ ; $$; SET threads = 3; SELECT 1",
		"INSERT INTO logs VALUES (1)",
		"",
		" ; -- nothing",
		"SELEC 1",
		"SELECT nope FROM logs",
		strings.Repeat(" ", 2<<20),
	} {
		res, err := e.Query(context.Background(), query.Request{SQL: sql, Dataset: d})
		if err == nil {
			err = drain(res)
		}
		if !errors.Is(err, query.ErrForbidden) && !errors.Is(err, query.ErrSQL) {
			t.Errorf("%.80s: error %v", sql, err)
		}
	}
	if made, _ := filepath.Glob(out + "*"); len(made) != 0 {
		t.Errorf("files were written: %v", made)
	}
	if left, _ := filepath.Glob(filepath.Join(spill[0], "*", "*")); len(left) != 0 { // an instance that is ready has a folder
		t.Errorf("left in the temporary folder: %v", left)
	}
}

func drain(res *query.Result) error {
	var err error
	for _, rowErr := range res.Rows() {
		err = errors.Join(err, rowErr)
	}
	return errors.Join(err, res.Close())
}

// What an analyst may do besides SELECT.
func TestAllowed(t *testing.T) {
	t.Parallel()
	d := small(t)
	e := openEngine(t, duckdb.Config{})
	for _, sql := range []string{
		"DESCRIBE logs", "SHOW TABLES", "SUMMARIZE SELECT ClientIP FROM logs", "EXPLAIN SELECT * FROM logs", "FROM logs", "WITH x AS (FROM raw) SELECT * FROM x",
		"CREATE VIEW v AS SELECT ClientIP FROM logs; SELECT * FROM v", "CREATE TEMP TABLE t (a INT); INSERT INTO t VALUES (1); DELETE FROM t; DROP TABLE t; SELECT 1",
		"PIVOT logs ON EdgeResponseStatus USING count(*)", "VALUES (1, [2])", "SELECT 1;;", "SELECT 1 -- end", "TABLE windows",
	} {
		res, err := e.Query(context.Background(), query.Request{SQL: sql, Dataset: d})
		if err == nil {
			err = drain(res)
		}
		if err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func TestCancelAndTimeout(t *testing.T) {
	t.Parallel()
	d := small(t)
	const endless = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range * b.range % 7 = 3"
	e := openEngine(t, duckdb.Config{Timeout: 300 * time.Millisecond})
	_, err := e.Query(context.Background(), query.Request{SQL: endless, Dataset: d})
	if !errors.Is(err, query.ErrTimeout) {
		t.Errorf("error %v, want a timeout", err)
	}
	e = openEngine(t, duckdb.Config{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err = e.Query(ctx, query.Request{SQL: "SELECT 1", Dataset: d}); !errors.Is(err, query.ErrInterrupted) {
		t.Errorf("error %v, want an interrupt", err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	stop := time.AfterFunc(200*time.Millisecond, cancel)
	defer stop.Stop()
	began := time.Now()
	_, err = e.Query(ctx, query.Request{SQL: endless, Dataset: d})
	if !errors.Is(err, query.ErrInterrupted) {
		t.Errorf("error %v, want an interrupt", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the interrupt took %s", took)
	}
	// The engine stays usable.
	if rows, _ := ask(t, e, d, "SELECT count(*) FROM logs"); rows[0][0] != int64(2) {
		t.Errorf("after the interrupt: %v", rows)
	}
}

// What is larger than the memory is answered with the request's own folder, which goes with the result.
func TestMemoryLimitAndSpill(t *testing.T) {
	t.Parallel()
	d := small(t)
	const wide = "SELECT range AS r, repeat('x', 100) || (range * 7919 % 1000003) AS s FROM range(1500000)"
	last, text := int64(0), ""
	for r := range int64(1500000) {
		if s := strconv.FormatInt(r*7919%1000003, 10); s >= text {
			last, text = r, s
		}
	}
	dir := t.TempDir()
	e := openEngine(t, duckdb.Config{Memory: 128 << 20, TempDir: dir, Threads: 1, Once: true})
	for name, c := range map[string]struct {
		sql  string
		want any
	}{
		"sort":      {"SELECT r FROM (" + wide + ") ORDER BY s, r LIMIT 1 OFFSET 1499999", last},
		"aggregate": {"SELECT count(*) FROM (SELECT s, count(*) n FROM (" + wide + ") GROUP BY s) WHERE n = 2", int64(499_997)},
		"join":      {"SELECT count(*) FROM (" + wide + ") a JOIN (" + wide + ") b ON a.s = b.s AND a.r = b.r", int64(1_500_000)},
	} {
		res, err := e.Query(t.Context(), query.Request{SQL: c.sql, Dataset: d})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for row, err := range res.Rows() {
			if err != nil || row[0] != c.want {
				t.Errorf("%s: %v, %v, want %v", name, row, err, c.want)
			}
		}
		if err := res.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(left) != 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
	// What cannot spill is refused.
	_, err := e.Query(context.Background(), query.Request{SQL: "SELECT list(repeat('x', 1000) || range) FROM range(2000000)", Dataset: d})
	if !errors.Is(err, query.ErrSQL) || !strings.Contains(err.Error(), "Out of Memory") {
		t.Errorf("error %v, want out of memory", err)
	}
	// So is what would spill more than is allowed; and the same spills without the limit.
	e = openEngine(t, duckdb.Config{Memory: 128 << 20, Spill: 8 << 20, TempDir: dir, Threads: 1, Once: true})
	_, err = e.Query(context.Background(), query.Request{SQL: "SELECT r FROM (" + wide + ") ORDER BY s, r LIMIT 1 OFFSET 1499999", Dataset: d})
	if !errors.Is(err, query.ErrSQL) || !strings.Contains(err.Error(), "max_temp_directory_size") {
		t.Errorf("error %v, want the limit of the temporary folder", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*", "*", "*")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestOpenRefusesConfig(t *testing.T) {
	t.Parallel()
	for _, cfg := range []duckdb.Config{{Memory: 1}, {Threads: -1}, {Timeout: -1}, {TempDir: filepath.Join(t.TempDir(), "none")}} {
		if e, err := duckdb.Open(context.Background(), cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
			_ = e.Close()
		}
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	var want []string
	for w := range 3 {
		var content []string
		at := start.Add(time.Duration(w) * 5 * time.Minute)
		for i := range 500 {
			content = append(content, fmt.Sprintf(`{ "ClientIP" : "c%d",  "EdgeStartTimestamp":%d,"n":"%s"}`+"\r", i%10, at.Add(time.Duration(i)*time.Millisecond).UnixNano(), strings.Repeat("é\xff", i)))
		}
		want = append(want, content...)
		a.Window(at, 5*time.Minute, strings.Join(content, "\n"))
	}
	d := a.Open(dataset.Options{})
	e := openEngine(t, duckdb.Config{})
	got := func(where string, params map[string]any) []string {
		var out []string
		for line, err := range e.Lines(context.Background(), d, where, params, nil) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(line.Text))
		}
		return out
	}
	if all := got("", nil); strings.Join(all, "\n") != strings.Join(want, "\n") {
		t.Errorf("%d lines differ from the %d stored", len(all), len(want))
	}
	var some []string
	for i, l := range want {
		if i%10 == 7 {
			some = append(some, l)
		}
	}
	if found := got("ClientIP = $ip -- comment", map[string]any{"ip": "c7"}); strings.Join(found, "\n") != strings.Join(some, "\n") {
		t.Errorf("%d lines differ from the %d that match", len(found), len(some))
	}
	if none := got("false", nil); len(none) != 0 {
		t.Errorf("%d lines match nothing", len(none))
	}
	for _, where := range []string{"1=1); SELECT (1", "1=1) UNION ALL SELECT 'x', 1 WHERE (true", "nope = 1"} {
		var err error
		for _, err = range e.Lines(context.Background(), d, where, nil, nil) {
			break
		}
		if !errors.Is(err, query.ErrForbidden) && !errors.Is(err, query.ErrSQL) {
			t.Errorf("%s: error %v", where, err)
		}
	}
}

func TestTemporaryFolderIsPrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openEngine(t, duckdb.Config{TempDir: dir})
	made, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(made) != 1 {
		t.Fatalf("%v, %v", made, err)
	}
	info, err := os.Stat(made[0])
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("mode %s", info.Mode())
	}
}
