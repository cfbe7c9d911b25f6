package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// versionTable is goose's, under a name that leaves another program's alone.
const versionTable = "rainlogs_catalog_version"

//go:embed migrations/*.sql
var migrations embed.FS

// namesPoolSize reports whether a data source name that was parsed sets the pool's size.
func namesPoolSize(dsn string) bool { return strings.Contains(dsn, "pool_max_conns") }

// prepare brings the schema up to date. Processes that open a new database at
// once take turns.
func (c *Catalog) prepare(ctx context.Context) error {
	conn, err := c.locks.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer cut(conn) // and so the turn ends, however it went
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", lockKey("schema", evidence.ChainID{})); err != nil {
		return fmt.Errorf("lock schema: %w", err)
	}
	if err := c.migrate(ctx); err != nil {
		return err
	}
	return c.touch(ctx)
}

func (c *Catalog) migrate(ctx context.Context) (err error) {
	db := stdlib.OpenDBFromPool(c.pool)
	defer func() { err = errors.Join(err, db.Close()) }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName(versionTable),
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	have, known, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("read schema version: %w", err)
	case have > known:
		return fmt.Errorf("schema is version %d, this program knows %d: %w", have, known, catalog.ErrNewer)
	case have == known:
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate schema from version %d to %d: %w", have, known, err)
	}
	return nil
}

// touch makes sure that the tables and columns which the schema's version
// promises are there, by one question to each.
func (c *Catalog) touch(ctx context.Context) error {
	q := c.read()
	for _, ask := range []func() error{
		func() error { _, err := q.ZoneByID(ctx, ""); return err },
		func() error { _, err := q.Standing(ctx, dbsqlc.StandingParams{}); return err },
		func() error { _, err := q.WindowAt(ctx, dbsqlc.WindowAtParams{}); return err },
		func() error { _, err := q.ListPending(ctx, dbsqlc.ListPendingParams{}); return err },
		func() error { _, err := q.Head(ctx, dbsqlc.HeadParams{}); return err },
		func() error { _, err := q.Holds(ctx, dbsqlc.HoldsParams{}); return err },
		func() error { _, err := q.Observed(ctx, dbsqlc.ObservedParams{}); return err },
		func() error { _, err := q.LockBudgets(ctx, nil); return err },
		func() error { _, err := q.Note(ctx, ""); return err },
		func() error { _, err := q.ListMissed(ctx, dbsqlc.ListMissedParams{}); return err },
		func() error { _, err := q.Customer(ctx, ""); return err },
		func() error { _, err := q.KeyByPrefix(ctx, ""); return err },
		func() error { _, err := q.ZoneOwner(ctx, ""); return err },
		func() error { _, err := q.Credential(ctx, dbsqlc.CredentialParams{}); return err },
		func() error { _, err := q.ListEvents(ctx, dbsqlc.ListEventsParams{}); return err },
	} {
		if err := ask(); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("check tables: %w", err)
		}
	}
	return nil
}
