// Package format writes a query's answer for people and for programs.
//
//	table     aligned, for a terminal; nothing in a cell can act on the terminal
//	csv, tsv  for spreadsheets and shell tools, values exact
//	json      one document with the columns, the rows and the provenance
//	ndjson    one object a row
//	markdown  a table for a report
//	parquet, duckdb   files with typed columns; package duckdb writes them
//
// Cells are the same text everywhere: times in RFC 3339, UTC, with the digits they
// have; integers and decimals exact; lists, structs and JSON as JSON; blobs
// as \x and hex digits. NULL is "NULL" in table and markdown, an empty
// field in csv (an empty string is ""), \N in tsv, null in JSON.
//
// csv, tsv, json and ndjson carry what is in the records, control characters
// of csv included: they are for files and pipes.
package format
