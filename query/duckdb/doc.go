// Package duckdb answers SQL over a dataset with DuckDB. It is the only
// package that imports DuckDB.
//
// # Shape
//
// Each request gets a DuckDB instance of its own, in memory, that sees one dataset; nothing that a request
// does survives it. An instance costs some 15 ms: the next one is opened while
// nobody waits (Config.Once says that there will be none), and reads the footers of the last
// request's files, up to 256 of them. The goroutine that does so ends by itself, and Close waits for it.
//
// The view logs is made of files of columns (package columns) for the objects that have them, read
// by DuckDB, and of a table function of this program for the others: DuckDB asks for chunks of
// rows, and the reader behind it decompresses, checks and parses. Columns that a query does not use are
// not parsed, and a value of an unexpected type is one NULL and a count. Both give the same
// cells; a member that was not asked of the source and that an object's first line lacks is a column
// only where columns were built. raw always reads.
//
// # When what is checked
//
// A request that names logs finds the columns, and checks the other objects of the range, before its SQL
// is bound; raw checks all of them when it is bound. Damage is thus found before a row flows, and where it is
// skipped, windows in the same statement says so. A request that names neither
// touches no object. If a file of columns is gone by the time that it is opened, the request is run
// again without columns.
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
// instance opens the files of columns of the request (allowed_paths) and no other file, and no network (enable_external_access), no
// extensions to load, a locked configuration, a memory and a thread limit and
// a timeout; and only statements of the kinds in allowed are run, one at a
// time. Cancelling the request's context interrupts it.
//
// Memory: DuckDB's limit holds for DuckDB. Each thread's reader adds its
// zstd window (8 MiB as sealed by RainLogs) and the longest line.
package duckdb
