package count

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// Columns gives the columns of objects; columns.Cache is one.
type Columns interface {
	// Find returns an entry's columns if there are any that can be relied on.
	Find(e *evidence.Entry) (columns.File, bool)
}

// Engine answers counts by itself where it can, and has another engine answer all else.
type Engine struct {
	query.Engine
	Columns Columns // nil: all is left to the other engine
	Kept    *Kept   // nil: each question begins anew
	Threads int     // at least 1
	Program string  // "rainlogs 1.0.0", for provenance
	Now     func() time.Time
}

var _ query.Engine = (*Engine)(nil)

// errElsewhere: the SQL engine is to answer.
var errElsewhere = errors.New("cannot be counted from columns alone")

// Query runs a request. See query.Engine.
func (e *Engine) Query(ctx context.Context, req query.Request) (*query.Result, error) {
	if req.Counts == nil || e.Columns == nil {
		return e.Engine.Query(ctx, req) //nolint:wrapcheck // the engine's own
	}
	began := e.Now()
	rows, p, err := e.count(ctx, req)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%w: %w", query.ErrInterrupted, ctx.Err())
	case err != nil:
		return e.Engine.Query(ctx, req) //nolint:wrapcheck // the engine's own
	}
	p.SQL, p.Params, p.Engine, p.Program = req.SQL, req.Params, query.CountsEngine, e.Program
	p.AskedAt, p.ElapsedMillis = began.UTC(), e.Now().Sub(began).Milliseconds()
	return query.NewResult(titles(req.Counts), p, func(yield func([]any, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}, nil), nil
}

// titles are the columns of an answer.
func titles(c *query.Counts) []query.Column {
	if c.Grid != nil {
		return []query.Column{{Name: "zone", Type: "VARCHAR"}, {Name: "seq", Type: "BIGINT"}, {Name: "bucket", Type: "BIGINT"}, {Name: "class", Type: "BIGINT"}, {Name: "n", Type: "BIGINT"}}
	}
	return []query.Column{{Name: "field", Type: "BIGINT"}, {Name: "v", Type: "VARCHAR"}, {Name: "n", Type: "BIGINT"},
		{Name: "distinct", Type: "BIGINT"}, {Name: "total", Type: "BIGINT"}, {Name: "estimated", Type: "BOOLEAN"}}
}

// part is an object and its columns.
type part struct {
	columns.File
	object *dataset.Object
}

// find returns the columns of all objects: there are some of each, or it is an error beside those that there are. Files are
// looked at in parallel: each is hashed when a process first meets it.
func (e *Engine) find(ctx context.Context, objects []*dataset.Object) ([]part, error) {
	found := make([]part, len(objects))
	group, finding := errgroup.WithContext(ctx)
	group.SetLimit(max(1, e.Threads))
	for i, o := range objects {
		group.Go(func() error {
			select {
			case <-finding.Done(): // which another one, or the caller, says
				return nil
			default:
			}
			f, ok := e.Columns.Find(o.Entry)
			if !ok {
				return errElsewhere
			}
			found[i] = part{f, o}
			return nil
		})
	}
	return found, errors.Join(group.Wait(), ctx.Err())
}

// count finds the columns of all objects and counts in them.
func (e *Engine) count(ctx context.Context, req query.Request) (rows [][]any, p query.Provenance, err error) {
	var parts []part
	defer func() {
		for _, f := range parts {
			f.Release()
		}
	}()
	if parts, err = e.find(ctx, req.Dataset.Objects()); err != nil {
		return nil, p, err
	}
	plan, err := newPlan(req.Counts, parts)
	if err != nil {
		return nil, p, err
	}
	kept := e.Kept
	if kept == nil {
		kept = NewKept(Room)
	}
	if rows, err = plan.run(ctx, parts, kept, max(1, e.Threads)); err != nil {
		return nil, p, err
	}
	p.Provenance = req.Dataset.Provenance(dataset.Use{Columns: req.Dataset.Objects()})
	for _, f := range parts {
		p.Scan.Lines += f.Lines
		p.Scan.Unreadable += f.Unreadable
	}
	return rows, p, nil
}
