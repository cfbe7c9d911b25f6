package duckdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// column is one column of a table function and what the view makes of it.
type column struct {
	name string
	is   schema.Type
	from origin
}

// origin is where a line's column comes from.
type origin uint8

const (
	fromField  origin = iota // the record's member of the column's name
	fromZone                 // the entry's zone
	fromSeq                  // the entry's seq
	fromObject               // the object's key
	fromNumber               // the line's number
	fromOffset               // the line's offset
	fromText                 // the line as text
	fromBytes                // the line as stored
	fromFault                // why the line is not a record
)

var (
	zoneColumn   = column{"_zone", schema.String, fromZone}
	seqColumn    = column{"_seq", schema.Int, fromSeq}
	objectColumn = column{"_object", schema.String, fromObject}
	lineColumn   = column{"_line", schema.Int, fromNumber}
)

var metaColumns = []column{zoneColumn, seqColumn, objectColumn, lineColumn, {"_error", schema.String, fromFault}}

// logColumns are those of the logs view.
func logColumns(fields []schema.Field) []column {
	var out []column
	for _, f := range fields {
		out = append(out, column{f.Name, f.Type, fromField})
	}
	return append(out, metaColumns...)
}

// rawColumns are those of the raw view.
func rawColumns() []column {
	return []column{zoneColumn, seqColumn, objectColumn, lineColumn,
		{"_offset", schema.Int, fromOffset}, {"line", schema.String, fromText}, {"bytes", schema.String, fromBytes}}
}

// publish registers the table functions and makes the views that are the same
// for each dataset. They look at the dataset when a statement is bound.
func (s *session) publish(ctx context.Context) error {
	for _, t := range []struct {
		name string
		open func() (duck.ParallelChunkTableSource, error)
	}{
		{"logs", s.openLogs},
		{"raw", s.openRaw},
		{"windows", s.openRows(windowColumns, windowRows)},
		{"chain", s.openRows(chainColumns, chainRows)},
	} {
		f := duck.ParallelChunkTableFunction{
			BindArguments: func(map[string]any, ...any) (duck.ParallelChunkTableSource, error) { return t.open() },
		}
		if err := duck.RegisterTableUDF(s.conn, "rainlogs_"+t.name, f); err != nil {
			return fmt.Errorf("register table %s: %w", t.name, err)
		}
	}
	return s.create(ctx, [][2]string{
		{"raw", "SELECT " + selection(rawColumns(), nil) + " FROM rainlogs_raw()"},
		{"windows", "FROM rainlogs_windows()"}, {"chain", "FROM rainlogs_chain()"},
	})
}

// publishLogs makes the view of the records, unless it was made ahead.
func (s *session) publishLogs(ctx context.Context) error {
	view := s.logs.view()
	if view == s.view {
		return nil
	}
	return s.create(ctx, [][2]string{{"logs", view}})
}

// create makes views. To make one binds it, which must touch no object.
func (s *session) create(ctx context.Context, views [][2]string) error {
	s.creating = true
	defer func() { s.creating = false }()
	for _, view := range views {
		if _, err := s.conn.ExecContext(ctx, "CREATE OR REPLACE VIEW "+view[0]+" AS "+view[1]); err != nil {
			return fmt.Errorf("make view %s: %w", view[0], err)
		}
	}
	return nil
}

func (s *session) openLogs() (duck.ParallelChunkTableSource, error) {
	if !s.logs.all {
		return s.openLines(s.logs.columns, s.logs.read)
	}
	return s.openAll(s.logs.columns)
}

func (s *session) openRaw() (duck.ParallelChunkTableSource, error) { return s.openAll(rawColumns()) }

// openAll checks each object of the range, unless the view is only being made.
func (s *session) openAll(columns []column) (duck.ParallelChunkTableSource, error) {
	if s.creating {
		return s.openLines(columns, nil)
	}
	s.use.Read = append(s.use.Read, s.data.Objects()...)
	if s.purpose.planning {
		return s.openLines(columns, s.data.Objects())
	}
	began := s.now()
	defer func() { s.spent.checking += s.now().Sub(began) }()
	objects, err := checked(s.ctx, s.data, s.data.Objects())
	if err != nil {
		return nil, s.stats.fail(err)
	}
	return s.openLines(columns, objects)
}

func (s *session) openLines(columns []column, objects []*dataset.Object) (duck.ParallelChunkTableSource, error) {
	src, err := newLineSource(s.ctx, s.data, objects, columns, s.stats)
	if err != nil {
		return nil, err
	}
	s.lines = append(s.lines, src)
	return src, nil
}

func (s *session) openRows(columns []column, load func(*dataset.Dataset) rows) func() (duck.ParallelChunkTableSource, error) {
	return func() (duck.ParallelChunkTableSource, error) {
		return newRowSource(columns, func() rows {
			if s.creating {
				return rows{}
			}
			return load(s.data)
		})
	}
}

// selection is a view's list over a source with the given fields, nil for one
// that has all columns. A source gives JSON and lists as JSON text, which was checked when it was
// made, and DuckDB makes the value.
func selection(columns []column, fields []schema.Field) string {
	has := make(map[string]bool, len(fields))
	for _, f := range fields {
		has[f.Name] = true
	}
	list := make([]string, len(columns))
	for i, c := range columns {
		name := quoteName(c.name)
		switch {
		case fields != nil && c.from == fromField && !has[c.name]:
			list[i] = fmt.Sprintf("CAST(NULL AS %s) AS %s", c.is.SQL(), name)
		case c.is == schema.JSON:
			list[i] = fmt.Sprintf("CAST(%s AS JSON) AS %s", name, name)
		case c.is == schema.StringList, c.is == schema.IntList:
			list[i] = fmt.Sprintf("CAST(CAST(%s AS JSON) AS %s) AS %s", name, c.is.SQL(), name)
		default:
			list[i] = name
		}
	}
	return strings.Join(list, ", ")
}

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
func quoteText(s string) string { return `'` + strings.ReplaceAll(s, `'`, `''`) + `'` }

// typeInfo is the driver's type of a column.
func typeInfo(c column) (duck.TypeInfo, error) {
	if c.from == fromBytes {
		return duck.NewTypeInfo(duck.TYPE_BLOB)
	}
	simple := map[schema.Type]duck.Type{
		schema.JSON: duck.TYPE_VARCHAR, schema.String: duck.TYPE_VARCHAR, schema.Int: duck.TYPE_BIGINT,
		schema.Float: duck.TYPE_DOUBLE, schema.Bool: duck.TYPE_BOOLEAN, schema.Time: duck.TYPE_TIMESTAMP_NS,
		schema.StringList: duck.TYPE_VARCHAR, schema.IntList: duck.TYPE_VARCHAR,
	}
	return duck.NewTypeInfo(simple[c.is])
}

func columnInfos(columns []column) ([]duck.ColumnInfo, error) {
	infos := make([]duck.ColumnInfo, len(columns))
	var errs error
	for i, c := range columns {
		t, err := typeInfo(c)
		infos[i], errs = duck.ColumnInfo{Name: c.name, T: t}, errors.Join(errs, err)
	}
	return infos, errs
}

var windowColumns = []column{
	{name: "zone", is: schema.String}, {name: "start", is: schema.Time}, {name: "end", is: schema.Time},
	{name: "state", is: schema.String}, {name: "reason", is: schema.String},
	{name: "seq", is: schema.Int}, {name: "lines", is: schema.Int},
}

func windowRows(d *dataset.Dataset) rows {
	spans := d.Spans()
	return rows{len(spans), func(i int) []any { return windowRow(spans[i]) }}
}

func windowRow(w dataset.Span) []any {
	var reason, seq any
	if w.Reason != "" {
		reason = w.Reason
	}
	if w.Seq >= 0 {
		seq = w.Seq
	}
	return []any{w.Zone, w.Start, w.End, string(w.State), reason, seq, w.Lines}
}

var chainColumns = []column{
	{name: "zone", is: schema.String}, {name: "dataset", is: schema.String}, {name: "seq", is: schema.Int},
	{name: "kind", is: schema.String}, {name: "sealed_at", is: schema.Time},
	{name: "window_start", is: schema.Time}, {name: "window_end", is: schema.Time},
	{name: "object", is: schema.String}, {name: "object_bytes", is: schema.Int}, {name: "object_sha256", is: schema.String},
	{name: "lines", is: schema.Int}, {name: "content_bytes", is: schema.Int}, {name: "content_sha256", is: schema.String},
	{name: "merkle_root", is: schema.String}, {name: "first_event", is: schema.Time}, {name: "last_event", is: schema.Time},
	{name: "prev", is: schema.String},
}

func chainRows(d *dataset.Dataset) rows {
	entries := d.Entries()
	return rows{len(entries), func(i int) []any { return chainRow(entries[i]) }}
}

func chainRow(e *evidence.Entry) []any {
	row := make([]any, len(chainColumns))
	row[0], row[1], row[2], row[3], row[4] = e.Zone, e.Dataset, e.Seq, string(e.Kind), e.SealedAt
	row[16] = e.Prev.String()
	if w := e.Window; w != nil {
		row[5], row[6] = w.Start, w.End
	}
	if o := e.Object; o != nil {
		row[7], row[8], row[9] = o.Key, o.Bytes, o.SHA256.String()
	}
	if c := e.Content; c != nil {
		row[10], row[11], row[12], row[13] = c.Lines, c.Bytes, c.SHA256.String(), c.MerkleRoot.String()
		if c.FirstEvent != nil {
			row[14] = *c.FirstEvent
		}
		if c.LastEvent != nil {
			row[15] = *c.LastEvent
		}
	}
	return row
}
