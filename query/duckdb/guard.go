package duckdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/fabriziosalmi/rainlogs/query"
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
		next, kind := token(sql, i)
		switch {
		case kind == blank:
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
		case word:
			name = strings.ToLower(sql[i:next])
		case quotedName:
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

type tokenKind uint8

const (
	other tokenKind = iota
	blank           // space or a comment
	word
	quotedName
)

// token returns the end and the kind of the token at i.
func token(sql string, i int) (int, tokenKind) {
	rest := sql[i:]
	switch c := sql[i]; {
	case c == ' ' || c >= '\t' && c <= '\r':
		return i + 1, blank
	case strings.HasPrefix(rest, "--"):
		return i + until(rest, "\n", 2), blank
	case strings.HasPrefix(rest, "/*"):
		return i + comment(rest), blank
	case len(rest) > 1 && (c == 'e' || c == 'E') && rest[1] == '\'':
		return i + 1 + escaped(rest[1:]), other
	case c == '\'':
		return i + until(rest, "'", 1), other // a doubled quote is two strings: the same end
	case c == '"':
		return i + quoted(rest), quotedName
	case c == '$':
		return i + dollar(rest), other
	case wordByte(c):
		n := 1
		for n < len(rest) && (wordByte(rest[n]) || rest[n] == '$') {
			n++
		}
		return i + n, word
	}
	return i + 1, other
}

// quoted returns the end of a quoted name, in which a quote is doubled.
func quoted(s string) int {
	for i := 1; ; {
		i = until(s, `"`, i)
		if i >= len(s) || s[i] != '"' {
			return i
		}
		i++
	}
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// until returns the offset behind the first end at or behind from, or the length.
func until(s, end string, from int) int {
	if i := strings.Index(s[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(s)
}

// comment returns the end of a block comment, which nest as in PostgreSQL.
func comment(s string) int {
	for i, depth := 0, 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// escaped returns the end of an E'…' string, in which a backslash escapes.
func escaped(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '\'':
			return i + 1
		}
	}
	return len(s)
}

// dollar returns the end of a $tag$…$tag$ string, or of the "$" of a parameter.
func dollar(s string) int {
	i := 1
	for i < len(s) && wordByte(s[i]) {
		i++
	}
	if i == len(s) || s[i] != '$' || i > 1 && s[1] >= '0' && s[1] <= '9' {
		return 1
	}
	return until(s, s[:i+1], i+1)
}
