// Package query is the port of the query engine: what is asked, what comes
// back, and what the answer stands on.
//
// The packages below it, from the bottom up:
//
//	schema    the columns of a dataset and their types
//	record    one NDJSON line read into the columns that are wanted
//	dataset   which sealed objects answer for a range, checked when they are used
//	columns   Parquet derived from objects, so that they need not be read again
//	duckdb    SQL over a dataset; the only package that imports DuckDB
//	format    an answer written as table, csv, tsv, json, ndjson or markdown
//	worker    a process boundary: questions that can be stopped whatever the engine does
//	saved     the incident questions that ship with the program, and a user's own
//
// Nothing is answered from bytes that were not compared with the chain first,
// and each answer carries its provenance. A value or a line that cannot be read as
// expected never drops a row and never fails a query: the cell is NULL and
// the provenance counts it.
package query
