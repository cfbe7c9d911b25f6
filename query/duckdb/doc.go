// Package duckdb answers SQL over a dataset with DuckDB. It is the only
// package that imports DuckDB.
//
// # Shape
//
// Each request gets a DuckDB instance of its own, in memory, and each
// instance sees one dataset through table functions of this program: DuckDB
// opens no file, it asks for chunks of rows, and the reader behind them
// decompresses, checks and parses. So the columns that a query does not use are
// never parsed, a value of an unexpected type is one NULL and a count, and nothing that a request
// does survives it. An instance costs some 30 ms.
//
//	logs     the records of the range, one row a line, typed (see package schema),
//	         with _zone, _seq (entry), _object (key), _line (1-based), _error
//	raw      the lines as stored: _zone, _seq, _object, _line, _offset,
//	         line (text, invalid UTF-8 replaced) and bytes (exact)
//	windows  the coverage ledger of the range
//	chain    the entries of the chains
//
// Times are TIMESTAMP_NS, UTC: comparisons, min, max, epoch_ns and strftime %n
// are exact to the nanosecond. DuckDB computes date_trunc, time_bucket and
// plus an interval in microseconds (TIMESTAMP).
//
// # Guard
//
// The SQL is an analyst's, and may be a saved query by somebody else. The
// instance has no file system and no network (enable_external_access), no
// extensions to load, a locked configuration, a memory and a thread limit and
// a timeout; and only statements of the kinds in allowed are run, one at a
// time. Cancelling the request's context interrupts it.
//
// Memory: DuckDB's limit holds for DuckDB. Each thread's reader adds its
// zstd window (8 MiB as sealed by RainLogs) and the longest line.
package duckdb
