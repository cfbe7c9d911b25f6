package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// session is one request's DuckDB instance.
type session struct {
	db    *sql.DB
	conn  *sql.Conn
	dir   string
	stats *stats
	lines []*lineSource // to be closed once DuckDB is

	creating bool // a view is being made
	now      func() time.Time
	spent    spent

	// Of the request, nil until there is one.
	ctx     context.Context
	data    *dataset.Dataset
	purpose purpose
	logs    logs
	use     dataset.Use

	view string // logs as it was made ahead, "" if it was not
}

// newSession opens an instance with the views that are the same for each
// dataset. It is neither guarded nor locked yet, and must run no request's SQL.
func (e *Engine) newSession(ctx context.Context) (*session, error) {
	dir, err := os.MkdirTemp(e.dir, "request-")
	if err != nil {
		return nil, fmt.Errorf("make temporary folder: %w", err)
	}
	s := &session{dir: dir, stats: newStats(), now: e.cfg.Now}
	connector, err := duck.NewConnector("", nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open duckdb: %w", err), s.close())
	}
	s.db = sql.OpenDB(connector)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to duckdb: %w", err), s.close())
	}
	err = s.set(ctx,
		fmt.Sprintf("threads = %d", e.cfg.Threads),
		fmt.Sprintf("memory_limit = '%dB'", e.cfg.Memory),
		"temp_directory = "+quoteText(dir), // before file access ends
		fmt.Sprintf("max_temp_directory_size = '%dB'", e.cfg.Spill),
		"TimeZone = 'UTC'",
		"autoinstall_known_extensions = false",
		"autoload_known_extensions = false",
		"allow_community_extensions = false",
		"parquet_metadata_cache = true",      // a file of columns never changes; each statement binds it twice
		"enable_external_file_cache = false", // of no use to one request, and a third of an aggregate's work
	)
	if err == nil {
		err = s.publish(ctx)
	}
	if err == nil {
		err = s.define(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *session) set(ctx context.Context, settings ...string) error {
	for _, setting := range settings {
		if _, err := s.conn.ExecContext(ctx, "SET "+setting); err != nil {
			return fmt.Errorf("guard duckdb: set %.80s: %w", setting, err)
		}
	}
	return nil
}

// guard ends access to all files but those of columns, and those that an
// export writes. allowed_paths can only be set while access is open, and cannot be changed back.
func (s *session) guard(ctx context.Context) error {
	paths := s.logs.paths()
	for _, name := range s.purpose.files {
		paths = append(paths, filepath.Join(s.dir, name))
	}
	for i, p := range paths {
		paths[i] = quoteText(p)
	}
	var settings []string
	if len(paths) > 0 {
		settings = append(settings, "allowed_paths = ["+strings.Join(paths, ", ")+"]")
	}
	return s.set(ctx, append(settings, "enable_external_access = false")...)
}

// ready makes the view of the records and locks the configuration.
func (s *session) ready(ctx context.Context, req query.Request, from Columns) error {
	s.spent.began = s.now()
	if err := s.plan(ctx, from, req.SQL); err != nil {
		return s.stats.fail(err)
	}
	s.spent.checking += s.now().Sub(s.spent.began)
	if req.Stats {
		if err := s.set(ctx, profiling...); err != nil {
			return err
		}
	}
	if err := s.guard(ctx); err != nil {
		return err
	}
	if err := s.publishLogs(ctx); err != nil {
		return err
	}
	return s.set(ctx, "lock_configuration = true")
}

// errColumnsLost: a file of columns was there and is not any more, or cannot be read.
var errColumnsLost = errors.New("columns cannot be read")

// explain turns an error of DuckDB's into the caller's terms: what a reader
// met, an interrupt or the timeout show there as errors of the SQL.
func (s *session) explain(ctx context.Context, err error, timeout time.Duration) error {
	met := s.stats.failure()
	var damage *dataset.DamageError
	var refused *duck.Error
	switch {
	case errors.As(met, &damage):
		return met
	case ctx.Err() != nil:
		return ended(ctx, timeout)
	case met != nil:
		return met
	case s.logs.named(err):
		return fmt.Errorf("%w: %w", errColumnsLost, err)
	case errors.As(err, &refused) && refused.Type == duck.ErrorTypePermission:
		return fmt.Errorf("%w: %w", query.ErrForbidden, err)
	case errors.As(err, &refused):
		return fmt.Errorf("%w: %w", query.ErrSQL, err)
	}
	return err
}

// ended says why a request's context has ended, nil if it has not.
func ended(ctx context.Context, timeout time.Duration) error {
	switch err := ctx.Err(); {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w of %s", query.ErrTimeout, timeout)
	default:
		return fmt.Errorf("%w: %w", query.ErrInterrupted, err)
	}
}

// close ends DuckDB first: until then its threads may call the readers.
func (s *session) close() error {
	var errs []error
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	for _, l := range s.lines {
		l.close()
	}
	s.logs.release()
	errs = append(errs, os.RemoveAll(s.dir))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close query: %w", err)
	}
	return nil
}
