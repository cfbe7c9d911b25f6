package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite/internal/dbsqlc"
)

const (
	// applicationID marks the file as a catalog ("RnLg") and keeps the
	// program from making tables in another program's database.
	applicationID = 0x526e4c67
	// quickCheckMax is the largest file that is checked whole at each Open.
	// That is some 80,000 windows and a tenth of a second.
	quickCheckMax = 8 << 20
	// schemaRetry is how often one who waits for another's migration looks again.
	schemaRetry = 20 * time.Millisecond
)

//go:embed migrations/*.sql
var migrations embed.FS

var errForeign = errors.New("file is a database of another program")

// prepare checks the file and brings its schema up to date. Processes that
// open a new file at once take turns.
func (c *Catalog) prepare(ctx context.Context) (err error) {
	file, err := c.lockFile("schema.lock")
	if err != nil {
		return err
	}
	turn := flock.New(file)
	if _, err := turn.TryLockContext(ctx, schemaRetry); err != nil {
		return fmt.Errorf("lock schema: %w", err)
	}
	defer func() { err = errors.Join(err, turn.Unlock()) }()
	if err := c.identify(ctx); err != nil {
		return err
	}
	if err := c.quickCheck(ctx); err != nil {
		return err
	}
	if err := c.migrate(ctx); err != nil {
		return err
	}
	return c.touch(ctx)
}

// identify refuses a foreign database and marks a new one as ours.
func (c *Catalog) identify(ctx context.Context) error {
	var id, tables int64
	if err := c.writer.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return fmt.Errorf("read application id: %w", err)
	}
	if err := c.writer.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	if id != applicationID && (id != 0 || tables > 0) {
		return errForeign
	}
	var mode string
	if err := c.writer.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return fmt.Errorf("set journal mode: %w", err)
	}
	if mode != "wal" {
		return fmt.Errorf("set journal mode: file system allows %q only, not wal", mode)
	}
	if id == applicationID {
		return nil
	}
	if _, err := c.writer.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return fmt.Errorf("mark file: %w", err)
	}
	return nil
}

// quickCheck looks for damage of the file's structure and of its rows' form.
// A large file is left to the checks that SQLite makes of each page it reads.
func (c *Catalog) quickCheck(ctx context.Context) error {
	var size int64
	const bytes = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
	if err := c.writer.QueryRowContext(ctx, bytes).Scan(&size); err != nil {
		return fmt.Errorf("read size: %w", err)
	}
	if size > quickCheckMax {
		return nil
	}
	var verdict string
	if err := c.writer.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("check file: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("check file: %w: %.200s", catalog.ErrCorrupt, verdict)
	}
	return nil
}

func (c *Catalog) migrate(ctx context.Context) error {
	p, err := provider(c.writer)
	if err != nil {
		return err
	}
	have, known, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("read schema version: %w", misfit(ctx, err))
	case have > known:
		return fmt.Errorf("schema is version %d, this program knows %d: %w", have, known, catalog.ErrNewer)
	case have == known:
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate schema from version %d to %d: %w", have, known, misfit(ctx, err))
	}
	return nil
}

func provider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}

// touch makes sure that the tables and columns which the schema's version
// promises are there, by one question to each.
func (c *Catalog) touch(ctx context.Context) error {
	q := c.read()
	_, errZones := q.ZoneByID(ctx, "")
	_, errStandings := q.Standing(ctx, dbsqlc.StandingParams{})
	_, errWindows := q.WindowAt(ctx, dbsqlc.WindowAtParams{})
	_, errDue := q.DueWindows(ctx, dbsqlc.DueWindowsParams{})
	_, errExpirable := q.Expirable(ctx, dbsqlc.ExpirableParams{})
	_, errExpiring := q.Expiring(ctx, dbsqlc.ExpiringParams{})
	_, errPending := q.ListPending(ctx, dbsqlc.ListPendingParams{})
	_, errHeads := q.Head(ctx, dbsqlc.HeadParams{})
	_, errHolds := q.Holds(ctx, dbsqlc.HoldsParams{})
	_, errObserved := q.Observed(ctx, dbsqlc.ObservedParams{})
	_, errBudgets := q.Budget(ctx, "")
	_, errNotes := q.Note(ctx, "")
	_, errMissed := q.ListMissed(ctx, dbsqlc.ListMissedParams{})
	_, errCustomers := q.Customer(ctx, "")
	_, errKeys := q.KeyByPrefix(ctx, "")
	_, errOwners := q.ZoneOwner(ctx, "")
	_, errCredentials := q.Credential(ctx, dbsqlc.CredentialParams{})
	_, errEvents := q.ListEvents(ctx, dbsqlc.ListEventsParams{})
	for _, err := range []error{
		errZones, errStandings, errWindows, errDue, errExpirable, errExpiring, errPending, errHeads,
		errHolds, errObserved, errBudgets, errNotes, errMissed, errCustomers, errKeys, errOwners, errCredentials, errEvents,
	} {
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("check tables: %w", misfit(ctx, err))
		}
	}
	return nil
}

// misfit adds ErrCorrupt to an error which says that the schema is not what
// its version promises: a statement that SQLite cannot compile (SQLITE_ERROR:
// no such table, or one too many), or versions that goose cannot read.
func misfit(ctx context.Context, err error) error {
	var e *sqlite.Error
	if ctx.Err() != nil || errors.As(err, &e) && e.Code()&primary != sqlite3.SQLITE_ERROR {
		return err
	}
	return fmt.Errorf("%w: %w", catalog.ErrCorrupt, err)
}
