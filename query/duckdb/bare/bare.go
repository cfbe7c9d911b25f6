// Package bare is DuckDB as it comes, without guard and archive: what
// benchmarks measure RainLogs against. No command imports it.
package bare

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2" // the driver
)

// DB is an instance in memory.
type DB struct{ db *sql.DB }

// Open opens an instance of so many threads, 0 = all processors.
func Open(ctx context.Context, threads int) (*DB, error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, fmt.Errorf("open duckdb: %w", err)
	}
	db.SetMaxOpenConns(1) // else each has an instance of its own
	settings := []string{"SET TimeZone = 'UTC'"}
	if threads > 0 {
		settings = append(settings, fmt.Sprintf("SET threads = %d", threads))
	}
	for _, s := range settings {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return nil, errors.Join(fmt.Errorf("set up duckdb: %w", err), db.Close())
		}
	}
	return &DB{db}, nil
}

// Close ends the instance.
func (d *DB) Close() error {
	if err := d.db.Close(); err != nil {
		return fmt.Errorf("close duckdb: %w", err)
	}
	return nil
}

// Query returns a statement's rows as text, a line each, cells parted by tabs.
func (d *DB) Query(ctx context.Context, statement string) (string, error) {
	rows, err := d.db.QueryContext(ctx, statement)
	if err != nil {
		return "", fmt.Errorf("ask duckdb: %w", err)
	}
	defer rows.Close() //nolint:errcheck // read to its end, or its error is returned
	names, err := rows.Columns()
	if err != nil {
		return "", fmt.Errorf("ask duckdb: %w", err)
	}
	cells, into := make([]any, len(names)), make([]any, len(names))
	for i := range cells {
		into[i] = &cells[i]
	}
	var out strings.Builder
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return "", fmt.Errorf("ask duckdb: %w", err)
		}
		for i, c := range cells {
			if i > 0 {
				out.WriteByte('\t')
			}
			fmt.Fprint(&out, c)
		}
		out.WriteByte('\n')
	}
	if err := rows.Err(); err != nil {
		return "", fmt.Errorf("ask duckdb: %w", err)
	}
	return out.String(), nil
}
