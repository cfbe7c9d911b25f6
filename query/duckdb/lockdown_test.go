package duckdb

import (
	"errors"
	"strings"
	"testing"
)

// TestEngineRefusesByItself: what reaches outside is refused by the locked engine
// too, where no look at the SQL has come before it. "Permission" and "disabled" are
// DuckDB's words for its settings; a lock's is "locked".
func TestEngineRefusesByItself(t *testing.T) {
	t.Parallel()
	e, err := Open(t.Context(), Config{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.newSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(s.guard(t.Context()), s.set(t.Context(), "lock_configuration = true")); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"SELECT * FROM read_text('/etc/passwd')",
		"SELECT * FROM read_text(['/etc/passwd'])",
		"SELECT * FROM read_blob('/proc/self/environ')",
		"SELECT * FROM read_csv('/etc/passwd')",
		"SELECT * FROM read_json('/etc/passwd')",
		"SELECT * FROM read_json_objects('/etc/passwd')",
		"SELECT * FROM read_ndjson('file:///etc/passwd')",
		"SELECT * FROM read_parquet('/etc/passwd')",
		"SELECT * FROM read_parquet('https://example.org/x.parquet')",
		"SELECT * FROM parquet_metadata('/etc/passwd')",
		"SELECT * FROM parquet_schema('/etc/passwd')",
		"SELECT * FROM parquet_kv_metadata('/etc/passwd')",
		"SELECT * FROM parquet_bloom_probe('/etc/passwd', 'a', 1)",
		"SELECT * FROM sniff_csv('/etc/passwd')",
		"SELECT * FROM glob('/etc/*')",
		"SELECT * FROM '/etc/hosts.csv'",
		"SELECT * FROM 'https://example.org/x.json'",
		"SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
		"SELECT * FROM query_table('/etc/hosts.csv')",
		"CREATE VIEW v AS SELECT * FROM read_csv('/etc/passwd')",
		"CREATE MACRO m() AS TABLE SELECT * FROM read_text('/etc/passwd'); FROM m()",
		"CREATE TABLE c AS FROM read_csv('/etc/passwd')",
		"PREPARE p AS SELECT * FROM read_text('/etc/passwd'); EXECUTE p",
		"COPY (SELECT 1) TO '/tmp/rainlogs-out.csv'",
		"CREATE TABLE t (a VARCHAR); COPY t FROM '/etc/passwd'",
		"EXPORT DATABASE '/tmp/rainlogs-out'",
		"IMPORT DATABASE '/tmp'",
		"ATTACH '/tmp/rainlogs-out.db' AS other",
		"LOAD '/tmp/evil.duckdb_extension'",
		"INSTALL httpfs",
		"LOAD httpfs",
		"SET enable_external_access = true",
		"SET allowed_paths = ['/etc/passwd']",
		"SET allowed_directories = ['/']",
		"SET lock_configuration = false",
		"SET memory_limit = '64GB'",
		"SET temp_directory = '/tmp'",
		"SET home_directory = '/'",
		"SET extension_directory = '/tmp'",
		"SET autoload_known_extensions = true",
		"RESET enable_external_access",
		"PRAGMA enable_external_access = true",
		"PRAGMA profiling_output = '/tmp/rainlogs-out'",
	} {
		_, err := s.conn.ExecContext(t.Context(), sql)
		if err == nil {
			t.Errorf("%s: done", sql)
			continue
		}
		if words := err.Error(); !strings.Contains(words, "Permission") && !strings.Contains(words, "disabled") && !strings.Contains(words, "locked") {
			t.Errorf("%s: refused for another reason: %.200s", sql, words)
		}
	}
}
