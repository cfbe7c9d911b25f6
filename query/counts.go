package query

import "github.com/fabriziosalmi/rainlogs/core/filter"

// CountsEngine is the engine, in its provenance, of an answer to Counts that took no SQL.
const CountsEngine = "columns"

// Counts says what a request's SQL asks, where that is how often values stand in its records. An engine that can count
// without SQL may answer it, with the same rows; others answer the SQL.
type Counts struct {
	Filters []filter.Filter // all of them hold
	// Fields are counted, each by itself. The rows are of each the Top most frequent values: the field's position, the
	// value as text, how many records have it, how many values the field has, how many records there are, and false,
	// which says that all records were counted. They go by position, frequency and text; NULL is no value, and is last.
	Fields []string
	Top    int
	// MaxText bounds the texts, in characters: what is longer is cut there.
	MaxText int
	// Grid, in place of Fields, counts records by their window, time and status. The rows have zone, seq, (time - Start) / Step, the
	// status / 100 and how many records, in no order.
	Grid *Grid
}

// Grid parts time into buckets.
type Grid struct {
	Time, Status string // fields; without a status there is none
	Start, Step  int64  // nanoseconds
}
