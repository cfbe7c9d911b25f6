// Package sqlite keeps the catalog in one SQLite file, for a collector that
// runs on one machine.
//
// Several processes may have the file open, such as the command line beside a
// collector. Readers never wait (write-ahead log); writers take turns and each
// takes its turn at the start of its transaction (BEGIN IMMEDIATE), so that no
// transaction fails half-way for having read before it wrote.
//
// Beside the file PATH stand PATH-wal and PATH-shm, which are SQLite's, and
// the folder PATH.locks/ with the locks of the chains and of the daemon. A lock is the operating
// system's, so a dead process holds none. Neither SQLite's locks nor these are
// to be trusted on a network file system.
//
// A committed transaction is on the disk (synchronous=FULL). SQLite has no
// checksums over its pages: Open finds damage of the file's structure, but not
// a changed byte inside a value. The archive, not the catalog, is evidence.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite/internal/dbsqlc"
)

//go:generate sqlc generate

const (
	// busyTimeout is how long, in milliseconds, a transaction waits for
	// another process's before it fails.
	busyTimeout = "10000"
	readers     = 4
)

// Catalog is a catalog.Catalog in one file. It is safe for concurrent use.
type Catalog struct {
	path   string           // absolute, without symbolic links
	writer *sql.DB          // one connection: writers of this process queue in Go, where their contexts are heard
	reader *sql.DB          // cannot write
	asks   *prepared        // by the reader
	now    func() time.Time // of the budgets
}

var _ catalog.Catalog = (*Catalog)(nil)

// Open opens the catalog at path and brings its schema up to date. A missing
// or empty file becomes a new catalog, readable by its owner alone; the folder
// must exist. The errors are catalog.ErrCorrupt, catalog.ErrNewer, those of
// io/fs, and of the context. Close releases what Open took.
func Open(ctx context.Context, path string) (*Catalog, error) {
	real, err := create(path)
	if err != nil {
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	c := &Catalog{path: real, now: time.Now}
	if c.writer, err = pool(real, 1, url.Values{"_txlock": {"immediate"}}); err != nil {
		return nil, fmt.Errorf("open catalog %s: %w", path, err)
	}
	if c.reader, err = pool(real, readers, url.Values{"_query_only": {"1"}}); err != nil {
		return nil, fmt.Errorf("open catalog %s: %w", path, errors.Join(err, c.writer.Close()))
	}
	c.asks = &prepared{db: c.reader}
	if err := c.prepare(ctx); err != nil {
		return nil, fmt.Errorf("open catalog %s: %w", path, errors.Join(translate(err), c.Close()))
	}
	return c, nil
}

// create makes sure of a file at path and returns its one true name, so that
// two processes that reach it through different links share its locks. An
// existing file is never opened here: closing it would drop the POSIX locks
// that SQLite holds on it elsewhere in this process.
func create(path string) (string, error) {
	if path == "" {
		return "", errors.New("path is empty")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err //nolint:wrapcheck // names the path
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err //nolint:wrapcheck // names the path
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", err //nolint:wrapcheck // names the path
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err //nolint:wrapcheck // names the path
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a file", path)
	}
	return path, nil
}

// pool returns a pool of connections to an existing file. Nothing is opened yet.
func pool(path string, size int, params url.Values) (*sql.DB, error) {
	params.Set("mode", "rw") // a file removed meanwhile is an error, not a new catalog
	params.Set("_busy_timeout", busyTimeout)
	params.Set("_foreign_keys", "1")
	params.Set("_synchronous", "FULL")
	params.Set("_defensive", "1")
	params.Set("_dqs", "0")
	params.Set("_error_rc", "1")
	slashed := filepath.ToSlash(path)
	if slashed[0] != '/' {
		slashed = "/" + slashed // "C:/…", as SQLite's URIs want it
	}
	uri := url.URL{Scheme: "file", Path: slashed, RawQuery: params.Encode()}
	connector, err := sqlite.NewConnector(uri.String())
	if err != nil {
		return nil, err //nolint:wrapcheck // Open wraps
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// Close closes the file. Locks stay with those who hold them.
func (c *Catalog) Close() error {
	// The writer last: the last connection folds the write-ahead log into the file.
	if err := errors.Join(c.reader.Close(), c.writer.Close()); err != nil {
		return fmt.Errorf("close catalog: %w", err)
	}
	return nil
}

// QueuePath is the absolute path of the SQLite file beside this one that a job
// queue may have for itself. It need not exist, and loses nothing that counts.
func (c *Catalog) QueuePath() string { return c.path + ".queue" }

// read returns the queries outside any transaction: each is its own snapshot.
func (c *Catalog) read() *dbsqlc.Queries { return dbsqlc.New(c.asks) }

// write runs f in one transaction, which is committed if f returns nil and
// leaves no trace otherwise.
func (c *Catalog) write(ctx context.Context, f func(q *dbsqlc.Queries) error) error {
	tx, err := c.writer.BeginTx(ctx, nil)
	if err != nil {
		return translate(err)
	}
	if err := f(dbsqlc.New(tx)); err != nil {
		_ = tx.Rollback() // err says why; a connection that cannot roll back is discarded
		return translate(err)
	}
	return translate(tx.Commit())
}
