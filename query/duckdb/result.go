package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/big"
	"slices"
	"strings"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/fabriziosalmi/rainlogs/query"
)

// answer is a running statement's rows.
type answer struct {
	kind     duck.StmtType
	columns  []query.Column
	carriers []carrier
	infos    []duck.TypeInfo // nil for a type that is not known

	ctx  context.Context //nolint:containedctx // of the request; rows end with it
	stmt *duck.Stmt
	next driver.Rows
}

// carrier is how a column's values cross from DuckDB to Go.
type carrier uint8

const (
	native     carrier = iota // as the driver gives it
	asText                    // cast to VARCHAR in SQL
	asNumber                  // cast to VARCHAR in SQL, an exact decimal
	asJSONText                // cast to VARCHAR in SQL, a JSON text
)

// run executes the statements and opens the last one's rows.
func (s *session) run(ctx context.Context, statements []string, params map[string]any) (*answer, error) {
	last := len(statements) - 1
	if err := s.before(ctx, statements[:last], params); err != nil {
		return nil, err
	}
	a, args, err := s.describe(ctx, statements[last], params)
	if err != nil {
		return nil, err
	}
	defer s.spent.scan(s.now)()
	if err := s.query(ctx, a, wrap(statements[last], a.carriers), args); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

// query opens an answer's rows. The statement that described it is run itself, unless its columns have to be cast:
// to prepare one binds it, which takes milliseconds over many files.
func (s *session) query(ctx context.Context, a *answer, statement string, args []any) error {
	a.ctx = ctx
	return s.conn.Raw(func(c any) (err error) {
		conn := c.(*duck.Conn)
		if statement != "" {
			if err := a.stmt.Close(); err != nil {
				return err
			}
			if a.stmt, _, err = prepare(ctx, conn, statement); err != nil {
				return err
			}
		}
		named, err := values(conn, args)
		if err != nil {
			return err
		}
		a.next, err = a.stmt.QueryContext(ctx, named)
		return err
	})
}

// values are arguments as the driver takes them.
func values(conn *duck.Conn, args []any) ([]driver.NamedValue, error) {
	out := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		named := arg.(sql.NamedArg) //nolint:forcetypeassert // by bind
		out[i] = driver.NamedValue{Name: named.Name, Ordinal: i + 1, Value: named.Value}
		err := conn.CheckNamedValue(&out[i])
		if errors.Is(err, driver.ErrSkip) {
			out[i].Value, err = driver.DefaultParameterConverter.ConvertValue(named.Value)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: parameter $%s: %w", query.ErrSQL, named.Name, err)
		}
	}
	return out, nil
}

// last executes all statements but the last, and describes that one.
func (s *session) last(ctx context.Context, statements []string, params map[string]any) (string, *answer, []any, error) {
	last := len(statements) - 1
	if err := s.before(ctx, statements[:last], params); err != nil {
		return "", nil, nil, err
	}
	a, args, err := s.describe(ctx, statements[last], params)
	if err == nil {
		err = a.close()
	}
	return statements[last], a, args, err
}

// before executes the statements before the last.
func (s *session) before(ctx context.Context, statements []string, params map[string]any) error {
	for _, statement := range statements {
		if err := s.execute(ctx, statement, params); err != nil {
			return err
		}
	}
	return nil
}

// bind returns the values of the parameters that a statement names: DuckDB
// refuses others.
func bind(stmt *duck.Stmt, params map[string]any) ([]any, error) {
	var args []any
	for n := 1; n <= stmt.NumInput(); n++ {
		name, err := stmt.ParamName(n)
		if err != nil {
			return nil, err
		}
		v, ok := params[name]
		if !ok {
			return nil, fmt.Errorf("%w: parameter $%s has no value", query.ErrSQL, name)
		}
		args = append(args, sql.Named(name, v))
	}
	return args, nil
}

func (s *session) execute(ctx context.Context, statement string, params map[string]any) error {
	var args []any
	err := s.conn.Raw(func(c any) error {
		stmt, _, err := prepare(ctx, c.(*duck.Conn), statement)
		if err != nil {
			return err
		}
		args, err = bind(stmt, params)
		return errors.Join(err, stmt.Close())
	})
	if err != nil {
		return err
	}
	_, err = s.conn.ExecContext(ctx, statement, args...)
	return err
}

// describe returns an answer that knows its columns and has no rows yet, and
// the values to bind. It has to be closed.
func (s *session) describe(ctx context.Context, statement string, params map[string]any) (*answer, []any, error) {
	a := &answer{}
	var args []any
	known := true
	err := s.conn.Raw(func(c any) (err error) {
		stmt, kind, err := prepare(ctx, c.(*duck.Conn), statement)
		if err != nil {
			return err
		}
		a.kind, a.stmt = kind, stmt
		if args, err = bind(stmt, params); err != nil {
			return err
		}
		known, err = a.addColumns(stmt)
		return err
	})
	if err == nil && !known && a.kind == duck.STATEMENT_TYPE_SELECT && len(args) > 0 {
		err = s.learnColumns(ctx, a, statement, args)
	}
	if err != nil {
		return nil, nil, errors.Join(err, a.close())
	}
	return a, args, nil
}

// learnColumns asks for the columns of a SELECT whose types depend on its
// parameters: of those DuckDB knows neither how many there are nor what they are called,
// until there are values.
func (s *session) learnColumns(ctx context.Context, a *answer, statement string, args []any) (err error) {
	const table = "temp.main.rainlogs_columns"
	if _, err := s.conn.ExecContext(ctx, "CREATE TEMP TABLE rainlogs_columns AS FROM (\n"+statement+"\n) LIMIT 0", args...); err != nil { //nolint:gosec // the request's own statement, prepared before
		return err
	}
	learnt := &answer{kind: a.kind}
	err = s.conn.Raw(func(c any) (err error) {
		stmt, _, err := prepare(ctx, c.(*duck.Conn), "FROM "+table)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stmt.Close()) }()
		_, err = learnt.addColumns(stmt)
		return err
	})
	a.columns, a.carriers, a.infos = learnt.columns, learnt.carriers, learnt.infos
	_, dropped := s.conn.ExecContext(ctx, "DROP TABLE "+table)
	return errors.Join(err, dropped)
}

// addColumns reports whether the types of all columns are known.
func (a *answer) addColumns(stmt *duck.Stmt) (known bool, err error) {
	n, err := stmt.ColumnCount()
	if err != nil {
		return false, err
	}
	known = true
	for i := range n {
		name, err := stmt.ColumnName(i)
		if err != nil {
			return false, err
		}
		column, how := query.Column{Name: name, Type: "VARCHAR"}, native
		info, err := stmt.ColumnTypeInfo(i)
		if err != nil {
			known = false // it depends on a parameter
		} else {
			column.Type = typeName(info)
			if a.kind == duck.STATEMENT_TYPE_SELECT {
				how = carry(info)
			}
		}
		a.columns, a.carriers, a.infos = append(a.columns, column), append(a.carriers, how), append(a.infos, info)
	}
	return known, nil
}

// carry decides on a carrier. The driver reads JSON through float64 and
// structs through unordered maps, so that nested values travel as DuckDB's
// own JSON text, and what Go has no exact type for as DuckDB's own text.
func carry(info duck.TypeInfo) carrier {
	if info.Alias() == "JSON" {
		return asJSONText
	}
	switch info.InternalType() {
	case duck.TYPE_LIST, duck.TYPE_ARRAY, duck.TYPE_STRUCT, duck.TYPE_MAP, duck.TYPE_UNION, duck.TYPE_VARIANT:
		return asJSONText
	case duck.TYPE_DECIMAL:
		return asNumber
	case duck.TYPE_INTERVAL, duck.TYPE_UUID, duck.TYPE_BIT, duck.TYPE_ENUM, duck.TYPE_DATE, duck.TYPE_TIME,
		duck.TYPE_TIME_TZ, duck.TYPE_BIGNUM, duck.TYPE_UHUGEINT, duck.TYPE_GEOMETRY:
		return asText
	}
	return native
}

// wrap puts a SELECT into one that casts, keeping its order; "" if there is nothing to cast.
func wrap(statement string, carriers []carrier) string {
	if !slices.ContainsFunc(carriers, func(c carrier) bool { return c != native }) {
		return ""
	}
	var list, names []string
	for i, c := range carriers {
		name := fmt.Sprintf("c%d", i)
		names = append(names, name)
		switch c {
		case native:
			list = append(list, name)
		case asJSONText:
			list = append(list, "CAST(to_json("+name+") AS VARCHAR)")
		default:
			list = append(list, "CAST("+name+" AS VARCHAR)")
		}
	}
	return fmt.Sprintf("SELECT %s FROM (\n%s\n) AS answer(%s)", strings.Join(list, ", "), statement, strings.Join(names, ", "))
}

// rows yields the rows as query.Result promises them.
func (a *answer) rows() iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		raw, row := make([]driver.Value, len(a.columns)), make([]any, len(a.columns))
		for n := 0; ; n++ {
			err := a.read(raw, n)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("read row: %w", err))
				return
			}
			for i, how := range a.carriers {
				row[i] = value(raw[i], how)
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// read reads the n-th row, io.EOF behind the last.
func (a *answer) read(into []driver.Value, n int) error {
	const often = 256
	if n%often == 0 && a.ctx.Err() != nil {
		return a.ctx.Err()
	}
	return a.next.Next(into)
}

func (a *answer) close() (err error) {
	if a.next != nil {
		err, a.next = a.next.Close(), nil
	}
	if a.stmt != nil {
		err, a.stmt = errors.Join(err, a.stmt.Close()), nil
	}
	return err
}

// value brings a driver's value to one of the kinds of query.Result.
func value(v any, how carrier) any {
	text, isText := v.(string)
	switch {
	case v == nil:
		return nil
	case how == asNumber && isText:
		return query.Number(text)
	case how == asJSONText && isText:
		return jsonText(text)
	}
	switch v := v.(type) {
	case int8:
		return int64(v)
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case uint8:
		return uint64(v)
	case uint16:
		return uint64(v)
	case uint32:
		return uint64(v)
	case float32:
		return float64(v)
	case time.Time:
		return v.UTC()
	case bool, int64, uint64, float64, string, []byte, *big.Int:
		return v
	}
	// Nested values of statements that cannot be wrapped, such as INSERT … RETURNING.
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return query.JSON(b)
}

// jsonText is a JSON cell, or a plain string for the texts by which DuckDB
// shows what JSON has no form for, such as Infinity.
func jsonText(text string) any {
	if json.Valid([]byte(text)) {
		return query.JSON(text)
	}
	return text
}
