package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"sync"

	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite/internal/dbsqlc"
)

// prepared asks with statements that are prepared once for each connection: to
// parse and plan a question takes three times as long as most take to answer.
// SQLite itself plans anew what another process's change of the schema has made
// stale. Statements end with their connections: to close db is enough.
//
// A question that has begun is answered: to be able to stop it, the driver and
// database/sql each start a goroutine for it, which took a tenth of all that a
// request of the API costs. What is not begun yet ends with its context.
type prepared struct {
	db    *sql.DB
	stmts sync.Map // *sql.Stmt by query; queries are dbsqlc's, so that their number is fixed
}

var _ dbsqlc.DBTX = (*prepared)(nil)

// stmt is that of a query.
func (p *prepared) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := p.stmts.Load(query); ok {
		return s.(*sql.Stmt), nil //nolint:forcetypeassert // nothing else is stored
	}
	s, err := p.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err //nolint:wrapcheck // the callers wrap
	}
	if first, loaded := p.stmts.LoadOrStore(query, s); loaded {
		_ = s.Close()                 //nolint:sqlclosecheck // another was first; nobody else has this one
		return first.(*sql.Stmt), nil //nolint:forcetypeassert // as above
	}
	return s, nil
}

// ExecContext implements dbsqlc.DBTX.
func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := p.stmt(ctx, query) //nolint:sqlclosecheck // it lives on
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...) //nolint:wrapcheck // the callers wrap
}

// PrepareContext implements dbsqlc.DBTX.
func (p *prepared) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.db.PrepareContext(ctx, query) //nolint:wrapcheck // the callers wrap
}

// QueryContext implements dbsqlc.DBTX.
func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := p.stmt(ctx, query) //nolint:sqlclosecheck // it lives on
	if err = cmp.Or(err, ctx.Err()); err != nil {
		return nil, err
	}
	return s.QueryContext(context.WithoutCancel(ctx), args...) //nolint:wrapcheck // the callers wrap
}

// QueryRowContext implements dbsqlc.DBTX.
func (p *prepared) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := p.stmt(ctx, query) //nolint:sqlclosecheck // it lives on
	if err = cmp.Or(err, ctx.Err()); err != nil {
		return p.db.QueryRowContext(ctx, query, args...) // a row that says why
	}
	return s.QueryRowContext(context.WithoutCancel(ctx), args...)
}
