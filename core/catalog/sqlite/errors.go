package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

// primary is the part of an extended result code that says what happened; the
// rest says where (https://www.sqlite.org/rescode.html).
const primary = 0xff

// translate turns SQLite's result codes into the port's errors and the
// operating system's, and leaves every other error alone.
func translate(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return catalog.ErrNotFound
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & primary {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", catalog.ErrCorrupt, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("disk or quota is full: %w: %w", syscall.ENOSPC, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return fmt.Errorf("file or its folder cannot be written: %w: %w", fs.ErrPermission, err)
	case sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("file, or one that SQLite keeps beside it, cannot be opened: %w", err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("another process kept the file locked for %s ms: %w", busyTimeout, err)
	}
	return err
}
