package duckdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/sqltext"
)

// allowed are the statements of a request: questions, and tables, views and
// macros of its own. COPY, ATTACH, SET, PRAGMA, CALL, LOAD, INSTALL, EXPORT,
// transactions and prepared statements are not among them.
var allowed = map[duck.StmtType]bool{
	duck.STATEMENT_TYPE_SELECT:      true,
	duck.STATEMENT_TYPE_EXPLAIN:     true,
	duck.STATEMENT_TYPE_CREATE:      true,
	duck.STATEMENT_TYPE_CREATE_FUNC: true,
	duck.STATEMENT_TYPE_INSERT:      true,
	duck.STATEMENT_TYPE_UPDATE:      true,
	duck.STATEMENT_TYPE_DELETE:      true,
	duck.STATEMENT_TYPE_DROP:        true,
}

// maxSQL bounds a request's text in bytes.
const maxSQL = 1 << 20

// prepare prepares one statement and refuses those that are not allowed.
func prepare(ctx context.Context, conn *duck.Conn, statement string) (*duck.Stmt, duck.StmtType, error) {
	prepared, err := conn.PrepareContext(ctx, statement)
	if err != nil {
		return nil, 0, err
	}
	stmt, ok := prepared.(*duck.Stmt)
	if !ok {
		return nil, 0, errors.Join(errors.New("driver has another statement type"), prepared.Close())
	}
	kind, err := stmt.StatementType()
	if err == nil && !allowed[kind] {
		word, _, _ := strings.Cut(strings.TrimSpace(statement), " ")
		err = fmt.Errorf("%w: %.40q", query.ErrForbidden, strings.ToUpper(word))
	}
	if err != nil {
		return nil, 0, errors.Join(err, stmt.Close())
	}
	return stmt, kind, nil
}

// tableFunctions are those that a request may call besides the views. All
// others that the engine has are refused, known or new: with
// enable_external_access off they cannot read files, but arrow_scan takes raw pointers, query
// and json_execute_serialized_sql run SQL that was not looked at, and
// enable_logging with a file makes DuckDB 1.5 abort the process when it closes.
var tableFunctions = map[string]bool{
	"range": true, "generate_series": true, "unnest": true, "repeat": true, "repeat_row": true,
	"json_each": true, "json_tree": true, "histogram": true, "icu_calendar_names": true, "pg_timezone_names": true,
	"duckdb_columns": true, "duckdb_functions": true, "duckdb_keywords": true, "duckdb_tables": true,
	"duckdb_types": true, "duckdb_views": true,
}

// parse parts SQL into its statements and refuses calls of the functions in denied.
func parse(sql string, denied map[string]bool) ([]string, error) {
	if len(sql) > maxSQL {
		return nil, fmt.Errorf("%w: it has %d bytes, more than %d", query.ErrSQL, len(sql), maxSQL)
	}
	if strings.Contains(sql, "\x00") {
		return nil, fmt.Errorf("%w: it has a NUL byte, where DuckDB would stop reading", query.ErrSQL)
	}
	var statements []string
	start, empty := 0, true
	name := "" // of the token before, if it can be a function's
	end := func(i int) {
		if !empty {
			statements = append(statements, sql[start:i])
		}
		start, empty = i+1, true
	}
	for i := 0; i < len(sql); {
		next, kind, _ := sqltext.Next(sql, i)
		switch {
		case kind == sqltext.Blank:
			i = next
			continue
		case sql[i] == ';':
			end(i)
		case sql[i] == '(' && denied[name]:
			return nil, fmt.Errorf("%w: the function %s", query.ErrForbidden, name)
		default:
			empty = false
		}
		name = ""
		switch kind {
		case sqltext.Word:
			name = strings.ToLower(sql[i:next])
		case sqltext.QuotedName:
			name = strings.ToLower(strings.ReplaceAll(strings.Trim(sql[i:next], `"`), `""`, `"`))
		}
		i = next
	}
	end(len(sql))
	if len(statements) == 0 {
		return nil, fmt.Errorf("%w: there is no statement", query.ErrSQL)
	}
	return statements, nil
}
