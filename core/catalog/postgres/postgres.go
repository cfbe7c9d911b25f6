// Package postgres keeps the catalog in a PostgreSQL database, for collectors
// on several hosts that share one archive.
//
// The tables are those of the SQLite catalog, in the schema that the
// connection's search_path names first; a job queue may live beside them. The
// database's clock, not the hosts', is what budgets go by.
//
// That windows of one chain never overlap is not a constraint of the tables
// (one over ranges needs an extension, btree_gist, which a hosted database may
// refuse): whoever writes to a chain's ledger first takes the chain's advisory
// lock for the transaction, and so looks before it writes, alone.
//
// A chain's Lock is an advisory lock of a session: it ends with its connection,
// and so with the process or the network. A pooler that gives each transaction
// another session (PgBouncer's transaction mode) breaks it; connect directly.
//
// Nothing is tried again in here. What a caller may try again, because the
// database restarts or cannot be reached, is catalog.ErrUnavailable.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

//go:generate sqlc generate

// lockConns bounds the connections that hold chains. They have a pool of their
// own: were they of the queries' pool, those who hold all of it could ask nothing.
const lockConns = 64

// Catalog is a catalog.Catalog in a database. It is safe for concurrent use.
type Catalog struct {
	pool  *pgxpool.Pool
	locks *pgxpool.Pool

	mu     sync.Mutex
	held   map[*held]struct{}
	closed bool
}

var _ catalog.Catalog = (*Catalog)(nil)

// errDSN says nothing of the name: the password may be anywhere in a malformed one.
var errDSN = errors.New("data source name is malformed (want postgres://USER@HOST/DATABASE, or KEY=VALUE words)")

// Open connects to the database that the data source name describes and brings
// its schema up to date. pool_max_conns in the name bounds the connections for
// queries; without it they are four a processor, 16 at least. The errors are
// catalog.ErrUnavailable, catalog.ErrNewer, catalog.ErrCorrupt, and the
// context's; none holds the password. Close releases what Open took.
func Open(ctx context.Context, dsn string) (*Catalog, error) {
	c := &Catalog{held: map[*held]struct{}{}}
	var err error
	if c.pool, err = pool(ctx, dsn, 0); err != nil {
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	if c.locks, err = pool(ctx, dsn, lockConns); err != nil {
		c.pool.Close()
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	if err := c.prepare(ctx); err != nil {
		err = translate(ctx, err)
		_ = c.Close() // it only gives back; err says why
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	return c, nil
}

// pool returns a pool of at most size connections, 0 for what the name says.
// Nothing is connected yet.
func pool(ctx context.Context, dsn string, size int) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errDSN
	}
	least := int32(max(16, 4*runtime.GOMAXPROCS(0)))
	switch {
	case size > 0:
		cfg.MaxConns, cfg.MinConns, cfg.MinIdleConns = int32(size), 0, 0
	case !namesPoolSize(dsn):
		cfg.MaxConns = least
	}
	cfg.ConnConfig.RuntimeParams["application_name"] = applicationName()
	p, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, errDSN
	}
	return p, nil
}

// applicationName is what other sessions see of this process.
func applicationName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "?" // the pid alone helps too
	}
	return fmt.Sprintf("rainlogs %.40s:%d", host, os.Getpid())
}

// Pool returns the connections for queries, which a job queue may use too.
func (c *Catalog) Pool() *pgxpool.Pool { return c.pool }

// LockCollector lets everybody pass: daemons share the database.
func (c *Catalog) LockCollector(ctx context.Context) (unlock func() error, err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("lock collector: %w", err)
	}
	return func() error { return nil }, nil
}

// Close gives up the locks that are still held and closes the connections. It
// waits for queries under way.
func (c *Catalog) Close() error {
	c.mu.Lock()
	c.closed = true
	left := c.held
	c.held = nil
	c.mu.Unlock()
	for h := range left {
		_ = h.unlock() // the connection's end unlocks too
	}
	c.locks.Close()
	c.pool.Close()
	return nil
}

// read returns the queries outside any transaction: each is its own snapshot.
func (c *Catalog) read() *dbsqlc.Queries { return dbsqlc.New(c.pool) }

// write runs f in one transaction, which is committed if f returns nil and
// leaves no trace otherwise.
func (c *Catalog) write(ctx context.Context, f func(q *dbsqlc.Queries) error) error {
	err := pgx.BeginTxFunc(ctx, c.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		return f(dbsqlc.New(tx))
	})
	return translate(ctx, err)
}

// writeLedger is write by the one writer to the chain's ledger.
func (c *Catalog) writeLedger(ctx context.Context, chain evidence.ChainID, f func(q *dbsqlc.Queries) error) error {
	return c.write(ctx, func(q *dbsqlc.Queries) error {
		if err := q.LockLedger(ctx, lockKey("ledger", chain)); err != nil {
			return err
		}
		return f(q) // its statements see what the writers before have committed
	})
}
