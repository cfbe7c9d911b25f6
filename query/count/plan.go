package count

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/parquet/file"
	"golang.org/x/sync/errgroup"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// plan is what is counted, in all files alike.
type plan struct {
	ask        *query.Counts
	names      []string // of the columns that are read by their values, each once
	types      []schema.Type
	conditions []condition
	of         []int // each condition's column
	fields     []int // each counted field's column
	status     int   // the column of the grid's status, -1 for none
}

// newPlan refuses what would not surely get the SQL engine's answer.
func newPlan(ask *query.Counts, parts []part) (*plan, error) {
	p := &plan{ask: ask, status: -1}
	for _, f := range ask.Filters {
		at, err := p.column(f.Field, parts)
		if err != nil {
			return nil, err
		}
		c, err := newCondition(f, p.types[at])
		if err != nil {
			return nil, err
		}
		p.conditions, p.of = append(p.conditions, c), append(p.of, at)
	}
	if ask.Grid != nil {
		return p, p.grid(parts)
	}
	for _, name := range ask.Fields {
		at, err := p.column(name, parts)
		if err != nil {
			return nil, err
		}
		p.fields = append(p.fields, at)
	}
	return p, nil
}

func (p *plan) grid(parts []part) (err error) {
	g := p.ask.Grid
	if is, err := typeOf(g.Time, parts); err != nil || is != schema.Time || g.Step <= 0 {
		return errElsewhere
	}
	if g.Status == "" {
		return nil
	}
	if p.status, err = p.column(g.Status, parts); err == nil && p.types[p.status] != schema.Int {
		err = errElsewhere
	}
	return err
}

// column is the place of a column that is read by its values.
func (p *plan) column(name string, parts []part) (int, error) {
	if at := slices.Index(p.names, name); at >= 0 {
		return at, nil
	}
	is, err := typeOf(name, parts)
	if err != nil || is != schema.String && is != schema.Int {
		return 0, errElsewhere
	}
	p.names, p.types = append(p.names, name), append(p.types, is)
	return len(p.names) - 1, nil
}

// typeOf is a field's type. All files agree on it, and one at least has the field.
func typeOf(name string, parts []part) (is schema.Type, err error) {
	found := false
	for _, f := range parts {
		i := slices.IndexFunc(f.Fields, func(field schema.Field) bool { return field.Name == name })
		switch {
		case i < 0 && !f.Answers([]schema.Field{{Name: name}}), i >= 0 && found && f.Fields[i].Type != is:
			return is, errElsewhere
		case i >= 0:
			found, is = true, f.Fields[i].Type
		}
	}
	if !found {
		return is, errElsewhere
	}
	return is, nil
}

// run counts with so many threads, each of which takes one file after another.
func (p *plan) run(ctx context.Context, parts []part, kept *Kept, threads int) ([][]any, error) {
	var next atomic.Int64
	numberings := kept.numberings(p.names, p.types)
	counters := make([]*counter, min(threads, max(1, len(parts))))
	group, counting := errgroup.WithContext(ctx)
	for i := range counters {
		counters[i] = newCounter(p, numberings)
		group.Go(func() error {
			for counting.Err() == nil {
				at := next.Add(1) - 1
				if at >= int64(len(parts)) {
					return nil
				}
				if err := counters[i].part(counting, parts[at]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err //nolint:wrapcheck // the counter's
	}
	if p.ask.Grid != nil {
		var rows [][]any
		for _, c := range counters {
			rows = append(rows, c.cells...)
		}
		return rows, nil
	}
	return p.frequent(counters)
}

// part counts a file. The libraries below panic on what they did not expect: the SQL engine may fare better.
func (c *counter) part(ctx context.Context, f part) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("count columns: panic: %v\n%s", p, debug.Stack())
		}
	}()
	in, err := os.Open(f.Path)
	if err != nil {
		return fmt.Errorf("open columns: %w", err)
	}
	defer in.Close() //nolint:errcheck // only read from
	r, err := file.NewParquetReader(in, file.WithReadProps(c.props))
	if err != nil {
		return fmt.Errorf("read columns: %w", err)
	}
	root := r.MetaData().Schema
	where := func(name string) int { return root.ColumnIndexByName(name) }
	places := make([]int, len(c.plan.names))
	for i, name := range c.plan.names {
		places[i] = where(name)
	}
	for i := range r.NumRowGroups() {
		if err := ctx.Err(); err != nil {
			return err //nolint:wrapcheck // the caller's own
		}
		g := group{r.RowGroup(i), f, i, places, where(columns.EventColumn), -1}
		if c.plan.ask.Grid != nil {
			g.time = where(c.plan.ask.Grid.Time)
		}
		if err := c.group(g); err != nil {
			return err
		}
	}
	return nil
}
