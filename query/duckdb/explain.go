package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// Plan is what a request would do.
type Plan struct {
	Text    string      `json:"plan"` // DuckDB's, drawn
	Objects PlanObjects `json:"objects"`
	Columns []string    `json:"columns"` // of the views, that scans read; sorted
}

// PlanObjects counts what a request would need of a range.
type PlanObjects struct {
	Selected int   `json:"selected"` // the range's
	Columns  int   `json:"columns"`  // would be answered from columns
	Read     int   `json:"read"`     // would be fetched and checked
	Bytes    int64 `json:"bytes"`    // as stored, of those that would be read
	Lines    int64 `json:"lines"`    // of both
}

// Explain plans a request whose last statement is a SELECT and fetches no
// object for that statement; those before it run. A column that only a record would show is not
// known here.
func (e *Engine) Explain(ctx context.Context, req query.Request) (_ *Plan, err error) {
	p := &Plan{}
	r, err := e.start(ctx, req, purpose{planning: true}, func(r *running, statements []string) error {
		statement, a, args, err := r.last(r.ctx, statements, req.Params)
		if err != nil {
			return err
		}
		if a.kind != duck.STATEMENT_TYPE_SELECT {
			return fmt.Errorf("%w: only a SELECT has a plan", query.ErrSQL)
		}
		if p.Text, err = r.planOf(r.ctx, "EXPLAIN "+statement, args); err != nil {
			return err
		}
		tree, err := r.planOf(r.ctx, "EXPLAIN (FORMAT JSON) "+statement, args)
		p.Columns = scanned(tree)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.Objects = counted(req.Dataset, r.use)
	return p, r.close()
}

func (s *session) planOf(ctx context.Context, sql string, args []any) (text string, err error) {
	rows, err := s.conn.QueryContext(ctx, sql, args...)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return "", fmt.Errorf("read plan: %w", err)
		}
		text += value
	}
	return text, rows.Err()
}

// counted counts objects that nobody has checked.
func counted(d *dataset.Dataset, use dataset.Use) PlanObjects {
	p := PlanObjects{Selected: len(d.Objects())}
	seen := map[*dataset.Object]bool{}
	for _, o := range use.Columns {
		seen[o] = true
		p.Columns++
		p.Lines += o.Entry.Content.Lines
	}
	read := map[*dataset.Object]bool{}
	for _, o := range use.Read {
		if read[o] {
			continue
		}
		read[o] = true
		p.Read++
		p.Bytes += o.Entry.Object.Bytes
		if !seen[o] {
			p.Lines += o.Entry.Content.Lines
		}
	}
	return p
}

// operator is a node of DuckDB's plan.
type operator struct {
	Name     string                     `json:"name"`
	Info     map[string]json.RawMessage `json:"extra_info"`
	Children []operator                 `json:"children"`
}

// scanned are the columns that the scans of a plan read. A plan of another
// form has none: it is told for information.
func scanned(tree string) []string {
	var roots []operator
	if json.Unmarshal([]byte(tree), &roots) != nil {
		return nil
	}
	names := map[string]bool{}
	for _, o := range roots {
		o.collect(names)
	}
	out := []string{}
	for name := range names {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (o operator) collect(names map[string]bool) {
	for _, child := range o.Children {
		child.collect(names)
	}
	if _, isScan := o.Info["Function"]; !isScan && !strings.Contains(o.Name, "PARQUET") && !strings.Contains(o.Name, "RAINLOGS") {
		return
	}
	var list []string
	var one string
	switch raw := o.Info["Projections"]; {
	case json.Unmarshal(raw, &list) == nil:
	case json.Unmarshal(raw, &one) == nil:
		list = []string{one}
	}
	for _, name := range list {
		names[name] = true
	}
}
