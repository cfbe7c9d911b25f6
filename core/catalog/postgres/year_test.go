package postgres_test

import (
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/catalog/catalogtest"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/pgtest"
)

// BenchmarkYear asks the ledger of a thousand zones (RAINLOGS_BENCH_ROWS=8760000
// is their year). The test server does not wait for the disk.
func BenchmarkYear(b *testing.B) {
	c := open(b, pgtest.Shared(b).DSN(b))
	hours := catalogtest.BenchHours(b)
	const load = `INSERT INTO windows
    (zone, dataset, start_s, end_s, state, attempts, next_ms, reason, detail, seq, lines, bytes, object)
SELECT lpad(to_hex(z), 32, '0'), 'http_requests', $3::bigint + h * 3600, $3::bigint + h * 3600 + 3600,
    CASE WHEN h < $2::int - 2 THEN 'sealed' WHEN h < $2::int - 1 THEN 'retrying' ELSE 'planned' END, 0, 0, '', '',
    CASE WHEN h < $2::int - 2 THEN h ELSE -1 END, 12345, 23456789,
    CASE WHEN h < $2::int / 2 THEN 'removed' WHEN h < $2::int / 2 + 10 THEN 'expiring' ELSE 'kept' END
FROM generate_series(0, $1::int - 1) AS z CROSS JOIN generate_series(0, $2::int - 1) AS h
ORDER BY z, h`
	_, err := c.Pool().Exec(b.Context(), load, catalogtest.BenchZones, hours, catalogtest.BenchEpoch().Unix())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := c.Pool().Exec(b.Context(), "VACUUM ANALYZE windows"); err != nil { // as autovacuum does
		b.Fatal(err)
	}
	catalogtest.Bench(b, c, hours)
}
