package sqlite

import (
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/catalog/catalogtest"
)

// BenchmarkYear asks the ledger of a thousand zones (RAINLOGS_BENCH_ROWS=8760000
// is their year).
func BenchmarkYear(b *testing.B) {
	c := testOpen(b)
	hours := catalogtest.BenchHours(b)
	const load = `WITH RECURSIVE
zones (z) AS (VALUES (0) UNION ALL SELECT z + 1 FROM zones WHERE z + 1 < $1),
hours (h) AS (VALUES (0) UNION ALL SELECT h + 1 FROM hours WHERE h + 1 < $2)
INSERT INTO windows (zone, dataset, start_s, end_s, state, attempts, next_ms, reason, detail, seq, lines, bytes, object)
SELECT printf('%032x', z), 'http_requests', $3 + h * 3600, $3 + h * 3600 + 3600,
    CASE WHEN h < $2 - 2 THEN 'sealed' WHEN h < $2 - 1 THEN 'retrying' ELSE 'planned' END, 0, 0, '', '',
    CASE WHEN h < $2 - 2 THEN h ELSE -1 END, 12345, 23456789,
    CASE WHEN h < $2 / 2 THEN 'removed' WHEN h < $2 / 2 + 10 THEN 'expiring' ELSE 'kept' END
FROM zones CROSS JOIN hours`
	_, err := c.writer.ExecContext(b.Context(), load, catalogtest.BenchZones, hours, catalogtest.BenchEpoch().Unix())
	if err != nil {
		b.Fatal(err)
	}
	catalogtest.Bench(b, c, hours)
}
