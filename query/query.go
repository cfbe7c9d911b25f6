package query

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// The errors of asking. An adapter wraps its engine's own messages in them.
var (
	ErrSQL         = errors.New("query refused by the SQL engine")
	ErrForbidden   = errors.New("statement is not allowed in a query")
	ErrTimeout     = errors.New("query ran into its timeout")
	ErrInterrupted = errors.New("query interrupted")
)

// Engine answers SQL over a dataset. Its methods are safe for concurrent use.
type Engine interface {
	// Query runs one request to its result. Cancelling ctx interrupts it, and
	// must not happen before the result is closed.
	Query(ctx context.Context, req Request) (*Result, error)
	io.Closer
}

// Request is one question.
type Request struct {
	// SQL is one or more statements parted by ";". The last one answers; those
	// before it may create tables and views, which live as long as the request.
	SQL string
	// Params are the values of $name parameters.
	Params  map[string]any
	Dataset *dataset.Dataset
	// Counts, if not nil, says the same as SQL.
	Counts *Counts
	// Progress, if not nil, is called as lines of the dataset are read, not concurrently, on
	// threads of the engine's: it must return at once. A line that is read twice counts twice.
	Progress func(lines int64)
	// Stats measures the request, for Provenance.Stats.
	Stats bool
}

// Column is one column of a result.
type Column struct {
	Name string
	Type string // the engine's type name: "BIGINT", "TIMESTAMP_NS", "VARCHAR[]"
}

// Result is an answer. It MUST be closed; its rows can be read once.
//
// A cell is nil, bool, int64, uint64, *big.Int, float64, string, []byte,
// time.Time (UTC), Number (an exact decimal) or JSON (lists, structs and JSON columns).
type Result struct {
	Columns    []Column
	Provenance Provenance
	rows       iter.Seq2[[]any, error]
	close      func() error
}

// NewResult is for engines.
func NewResult(columns []Column, p Provenance, rows iter.Seq2[[]any, error], closer func() error) *Result {
	return &Result{columns, p, rows, closer}
}

// Rows yields the rows. A yielded slice is valid until the next one.
func (r *Result) Rows() iter.Seq2[[]any, error] { return r.rows }

// Close frees the result. It is idempotent.
func (r *Result) Close() error {
	if r.close == nil {
		return nil
	}
	closer := r.close
	r.close = nil
	return closer()
}

// JSON is a cell that is a JSON text.
type JSON = json.RawMessage

// Number is a cell that is an exact decimal, as text.
type Number string

// Provenance says what an answer stands on.
type Provenance struct {
	dataset.Provenance

	SQL           string            `json:"sql"`
	Params        map[string]any    `json:"params,omitempty"`
	Engine        string            `json:"engine"`  // "duckdb v1.5.6"
	Program       string            `json:"program"` // "rainlogs 1.0.0"
	AskedAt       time.Time         `json:"asked_at"`
	ElapsedMillis int64             `json:"elapsed_ms"`
	Scan          dataset.ScanStats `json:"scan"`
	Stats         *Stats            `json:"stats,omitempty"` // if it was asked for; whole once the rows have been read
}

// Stats says what a request took.
type Stats struct {
	CheckSeconds float64 `json:"check_seconds"` // finding columns; fetching and checking objects
	BuildSeconds float64 `json:"build_seconds"` // views, statements before the last, the plan
	ScanSeconds  float64 `json:"scan_seconds"`  // the last statement
	RowsSeconds  float64 `json:"rows_seconds"`  // reading its rows and writing them
	Rows         int64   `json:"rows"`
	PeakMemory   int64   `json:"peak_memory"` // bytes in the engine's buffers, by its own count
	PeakSpill    int64   `json:"peak_spill"`  // bytes in its temporary folder
}
