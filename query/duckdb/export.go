package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/fabriziosalmi/rainlogs/query"
)

// Export is a kind of file that DuckDB writes itself.
type Export string

// The kinds.
const (
	Parquet  Export = "parquet" // one file, zstd
	Database Export = "duckdb"  // a DuckDB database with the tables answer and provenance
)

// Exported is an answer in a file of the request's folder, which is gone once
// it is closed. It MUST be closed.
type Exported struct {
	Path       string
	Rows       int64
	Columns    []query.Column
	Provenance query.Provenance
	running    *running
}

// Close removes the file.
func (x *Exported) Close() error { return x.running.close() }

// attached is the catalog of a database that is being written. It exists only
// while the last statement runs, which is a SELECT and can write nowhere.
const attached = "rainlogs_export"

// Export runs a request whose last statement is a SELECT, and writes its rows
// to a file with the types that they have. They flow within DuckDB, under the request's limits.
// The file is the only one that DuckDB may write; a request's own SQL has no statement that writes.
func (e *Engine) Export(ctx context.Context, req query.Request, as Export) (*Exported, error) {
	x := &Exported{}
	write, ok := map[Export]func(*session, context.Context, exporting) (int64, error){
		Parquet: (*session).writeParquet, Database: (*session).writeDatabase,
	}[as]
	if !ok {
		return nil, fmt.Errorf("export: unknown kind %.40q", string(as))
	}
	name := "answer." + string(as)
	// A database has its log beside it, and moves that aside while it is written back.
	why := purpose{files: []string{name, name + ".wal", name + ".wal.checkpoint", name + ".wal.recovery", name + ".tmp"}}
	r, err := e.start(ctx, req, why, func(r *running, statements []string) error {
		statement, a, args, err := r.last(r.ctx, statements, req.Params)
		if err != nil {
			return err
		}
		if a.kind != duck.STATEMENT_TYPE_SELECT {
			return fmt.Errorf("%w: only the rows of a SELECT can be exported", query.ErrSQL)
		}
		x.Path, x.Columns = filepath.Join(r.dir, name), a.columns
		x.Provenance = r.provenance()
		stop := r.spent.scan(r.now)
		x.Rows, err = write(r.session, r.ctx, exporting{x.Path, statement, a, args})
		stop()
		if err != nil {
			return err
		}
		x.Provenance = r.provenance() // damage and values met on the way are in it
		r.measure(x.Provenance.Stats, x.Rows, 0)
		if as == Database {
			return r.writeProvenance(r.ctx, x.Path, x.Provenance)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	x.running = r
	return x, nil
}

// exporting is what is written where.
type exporting struct {
	path      string
	statement string
	answer    *answer
	args      []any
}

// sql is the SELECT with unique names, and with the types that cast gives.
func (x exporting) sql(cast func(duck.TypeInfo, string) string) string {
	list, inner := make([]string, len(x.answer.columns)), make([]string, len(x.answer.columns))
	for i, name := range uniqueNames(x.answer.columns) {
		inner[i] = fmt.Sprintf("c%d", i)
		value := inner[i]
		if info := x.answer.infos[i]; info != nil {
			value = cast(info, value)
		}
		list[i] = value + " AS " + quoteName(name)
	}
	return fmt.Sprintf("SELECT %s FROM (\n%s\n) AS answer(%s)", strings.Join(list, ", "), x.statement, strings.Join(inner, ", "))
}

// uniqueNames are the columns' names, made unique as a table's must be.
func uniqueNames(columns []query.Column) []string {
	seen := map[string]bool{}
	names := make([]string, len(columns))
	for i, c := range columns {
		name := c.Name
		for n := 2; seen[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s_%d", c.Name, n)
		}
		seen[strings.ToLower(name)], names[i] = true, name
	}
	return names
}

func (s *session) writeParquet(ctx context.Context, x exporting) (rows int64, err error) {
	err = s.conn.QueryRowContext(ctx, "COPY (\n"+x.sql(parquetValue)+"\n) TO "+quoteText(x.path)+
		" (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)", x.args...).Scan(&rows)
	return rows, err
}

// parquetValue casts what Parquet cannot hold exactly: 128-bit integers become
// doubles there, so that they are written as decimals; what it has no type for is text.
func parquetValue(info duck.TypeInfo, value string) string {
	switch info.InternalType() {
	case duck.TYPE_HUGEINT, duck.TYPE_UHUGEINT:
		return "CAST(" + value + " AS DECIMAL(38,0))"
	case duck.TYPE_BIGNUM, duck.TYPE_BIT, duck.TYPE_INTERVAL, duck.TYPE_TIME_TZ, duck.TYPE_GEOMETRY:
		return "CAST(" + value + " AS VARCHAR)"
	case duck.TYPE_UNION, duck.TYPE_VARIANT:
		return "CAST(to_json(" + value + ") AS VARCHAR)"
	case duck.TYPE_LIST, duck.TYPE_ARRAY:
		return parquetList(info, value)
	case duck.TYPE_STRUCT, duck.TYPE_MAP:
		if !exact(info) {
			return "CAST(to_json(" + value + ") AS VARCHAR)"
		}
	}
	return value
}

func parquetList(info duck.TypeInfo, value string) string {
	if exact(info) {
		return value
	}
	if list, ok := info.Details().(*duck.ListDetails); ok && list.Child.InternalType() == duck.TYPE_HUGEINT {
		return "CAST(" + value + " AS DECIMAL(38,0)[])"
	}
	return "CAST(to_json(" + value + ") AS VARCHAR)"
}

// exact reports whether Parquet holds each value of a type.
func exact(info duck.TypeInfo) bool {
	switch d := info.Details().(type) {
	case *duck.ListDetails:
		return exact(d.Child)
	case *duck.ArrayDetails:
		return exact(d.Child)
	case *duck.MapDetails:
		return exact(d.Key) && exact(d.Value)
	case *duck.StructDetails:
		for _, entry := range d.Entries {
			if !exact(entry.Info()) {
				return false
			}
		}
		return true
	}
	return parquetValue(info, "") == ""
}

func (s *session) writeDatabase(ctx context.Context, x exporting) (rows int64, err error) {
	if _, err := s.conn.ExecContext(ctx, "ATTACH "+quoteText(x.path)+" AS "+attached); err != nil {
		return 0, fmt.Errorf("make database: %w", err)
	}
	err = s.conn.QueryRowContext(ctx, "CREATE TABLE "+attached+".main.answer AS "+
		x.sql(func(_ duck.TypeInfo, value string) string { return value }), x.args...).Scan(&rows)
	return rows, err
}

// writeProvenance writes the second table, and ends the database.
func (s *session) writeProvenance(ctx context.Context, path string, p query.Provenance) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("write provenance: %w", err)
	}
	if _, err := s.conn.ExecContext(ctx, "CREATE TABLE "+attached+`.main.provenance AS SELECT
		CAST($1 AS VARCHAR) AS program, CAST($2 AS VARCHAR) AS engine, CAST($3 AS TIMESTAMP) AS asked_at, CAST($4 AS VARCHAR) AS "sql",
		CAST($5 AS BOOLEAN) AS complete, CAST($6 AS JSON) AS provenance`,
		p.Program, p.Engine, p.AskedAt, p.SQL, p.Coverage.Complete, string(text)); err != nil {
		return fmt.Errorf("write provenance: %w", err)
	}
	if _, err := s.conn.ExecContext(ctx, "DETACH "+attached); err != nil {
		return fmt.Errorf("end database %s: %w", filepath.Base(path), err)
	}
	return nil
}
