package format

import (
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/query"
)

// Format is a way to write an answer.
type Format string

// The formats.
const (
	Table    Format = "table"
	CSV      Format = "csv"
	TSV      Format = "tsv"
	JSON     Format = "json"
	NDJSON   Format = "ndjson"
	Markdown Format = "markdown"
)

// The formats of files that the engine writes itself: Write does not.
const (
	Parquet Format = "parquet"
	DuckDB  Format = "duckdb"
)

// All are the formats of Write, in the order of their description.
var All = []Format{Table, CSV, TSV, JSON, NDJSON, Markdown}

// Names are those of all formats, for a flag's help.
const Names = "table, csv, tsv, json, ndjson, markdown; parquet or duckdb into a file"

// File reports whether a format is one of files only.
func (f Format) File() bool { return f == Parquet || f == DuckDB }

// ParseAny reads the name of any format.
func ParseAny(name string) (Format, error) {
	if f := Format(name); f.File() {
		return f, nil
	}
	f, err := Parse(name)
	if err != nil {
		err = fmt.Errorf("%w, %s, %s", err, Parquet, DuckDB)
	}
	return f, err
}

// Parse reads the name of a format of Write.
func Parse(name string) (Format, error) {
	if f := Format(name); f.File() {
		return "", fmt.Errorf("format %s is a file of its own, which only rainlogs query writes: rainlogs query --format %s -o FILE", f, f)
	}
	var names []string
	for _, f := range All {
		if string(f) == name {
			return f, nil
		}
		names = append(names, string(f))
	}
	return "", fmt.Errorf("format %.40q is none of %s", name, strings.Join(names, ", "))
}

// Write writes an answer. It reads the rows to their end and does not close the result.
func Write(w io.Writer, f Format, res *query.Result) error {
	writers := map[Format]func(io.Writer, *query.Result) error{
		Table: writeTable, CSV: writeCSV, TSV: writeTSV, JSON: writeJSON, NDJSON: writeNDJSON, Markdown: writeMarkdown,
	}
	write, ok := writers[f]
	if !ok {
		return fmt.Errorf("write answer: unknown format %.40q", string(f))
	}
	if err := write(w, res); err != nil {
		return fmt.Errorf("write answer as %s: %w", f, err)
	}
	return nil
}

// Text is a cell as text; null reports NULL.
func Text(v any) (s string, null bool) { return text(v) }

// Numeric reports whether a type's values are numbers.
func Numeric(sqlType string) bool { return rightAligned(sqlType) }

func text(v any) (s string, null bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, false
	case query.JSON:
		return string(v), false
	case query.Number:
		return string(v), false
	case bool:
		return strconv.FormatBool(v), false
	case int64:
		return strconv.FormatInt(v, 10), false
	case uint64:
		return strconv.FormatUint(v, 10), false
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), false
	case *big.Int:
		return v.String(), false
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano), false
	case []byte:
		return `\x` + hex.EncodeToString(v), false
	}
	return fmt.Sprint(v), false
}

// safe makes a text harmless in a terminal and in a line of its own: one with
// a control character, an escape sequence, a direction override or
// invalid UTF-8 is shown as a quoted string with those escaped.
func safe(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) || r == '\uFFFD' {
			return strconv.Quote(s)
		}
	}
	return s
}

// rightAligned reports whether a type's values are numbers.
func rightAligned(sqlType string) bool {
	switch sqlType {
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
		"UHUGEINT", "BIGNUM", "FLOAT", "DOUBLE":
		return true
	}
	return strings.HasPrefix(sqlType, "DECIMAL(")
}
