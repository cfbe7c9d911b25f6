package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// Config limits an engine.
type Config struct {
	Memory  int64         // bytes a request's instance may use, 0 = 2 GiB
	Threads int           // 0 = the number of processors
	TempDir string        // parent of the folder that large sorts spill to, "" = os.TempDir()
	Timeout time.Duration // of a request, the reading of its rows included; 0 = 5 minutes
	Program string        // "rainlogs 1.0.0", for provenance
	Now     func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Memory == 0 {
		c.Memory = 2 << 30
	}
	if c.Threads == 0 {
		c.Threads = runtime.GOMAXPROCS(0)
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Memory < 64<<20:
		return fmt.Errorf("query memory of %d bytes is less than 64 MiB", c.Memory)
	case c.Threads < 0 || c.Threads > 1024:
		return fmt.Errorf("%d query threads are outside 1 to 1024", c.Threads)
	case c.Timeout < 0:
		return fmt.Errorf("query timeout %s is negative", c.Timeout)
	}
	return nil
}

// Engine answers requests with DuckDB. It is safe for concurrent use; each
// request has the whole of the limits.
type Engine struct {
	cfg     Config
	dir     string // private; each request spills into a folder of its own in it
	version string
	denied  map[string]bool // table functions that no request may call
}

var _ query.Engine = (*Engine)(nil)

// Open checks the config and that DuckDB works. The caller must Close, after
// the results of all requests.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("open query engine: %w", err)
	}
	dir, err := os.MkdirTemp(cfg.TempDir, "rainlogs-duckdb-") // 0700
	if err != nil {
		return nil, fmt.Errorf("make temporary folder: %w", err)
	}
	e := &Engine{cfg: cfg, dir: dir}
	if err := e.learn(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// learn asks DuckDB for its version and for the functions to refuse.
func (e *Engine) learn(ctx context.Context) (err error) {
	s, err := e.newSession(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.conn.QueryRowContext(ctx, "SELECT version()").Scan(&e.version); err != nil {
		return fmt.Errorf("ask for the engine's version: %w", err)
	}
	rows, err := s.conn.QueryContext(ctx, "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type LIKE 'table%'")
	if err != nil {
		return fmt.Errorf("ask for the engine's functions: %w", err)
	}
	defer rows.Close() //nolint:errcheck // read to its end, or its error is returned
	e.denied = map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return fmt.Errorf("ask for the engine's functions: %w", err)
		}
		e.denied[name] = !tableFunctions[name]
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("ask for the engine's functions: %w", err)
	}
	return nil
}

// Version is the engine and its version.
func (e *Engine) Version() string { return "duckdb " + e.version }

// Close removes the temporary folder.
func (e *Engine) Close() error {
	if err := os.RemoveAll(e.dir); err != nil {
		return fmt.Errorf("remove temporary folder: %w", err)
	}
	return nil
}

// Query runs a request. See query.Engine.
func (e *Engine) Query(ctx context.Context, req query.Request) (*query.Result, error) {
	if req.Dataset == nil {
		return nil, errors.New("query without a dataset")
	}
	started := e.cfg.Now()
	statements, err := parse(req.SQL, e.denied)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	s, err := e.newSession(ctx)
	if err != nil {
		defer cancel()
		return nil, cmp.Or(ended(ctx, e.cfg.Timeout), err)
	}
	closer := func() error { cancel(); return s.close() }
	s.stats.progress = req.Progress
	a, err := s.ask(ctx, req, statements)
	if err != nil {
		return nil, errors.Join(s.explain(ctx, err, e.cfg.Timeout), closer())
	}
	p := query.Provenance{
		SQL: req.SQL, Params: req.Params, Engine: e.Version(), Program: e.cfg.Program,
		AskedAt: started.UTC(), ElapsedMillis: e.cfg.Now().Sub(started).Milliseconds(),
		Provenance: req.Dataset.Provenance(), Scan: s.stats.snapshot(),
	}
	rows := func(yield func([]any, error) bool) {
		for row, err := range a.rows() {
			if err != nil {
				err = s.explain(ctx, err, e.cfg.Timeout)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
	return query.NewResult(a.columns, p, rows, func() error { return errors.Join(a.close(), closer()) }), nil
}

// session is one request's DuckDB instance.
type session struct {
	db    *sql.DB
	conn  *sql.Conn
	dir   string
	stats *stats
	lines []*lineSource // to be closed once DuckDB is
}

// newSession opens a guarded instance that is not yet locked.
func (e *Engine) newSession(ctx context.Context) (*session, error) {
	dir, err := os.MkdirTemp(e.dir, "request-")
	if err != nil {
		return nil, fmt.Errorf("make temporary folder: %w", err)
	}
	s := &session{dir: dir, stats: newStats()}
	connector, err := duck.NewConnector("", nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open duckdb: %w", err), s.close())
	}
	s.db = sql.OpenDB(connector)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to duckdb: %w", err), s.close())
	}
	for _, setting := range []string{
		fmt.Sprintf("threads = %d", e.cfg.Threads),
		fmt.Sprintf("memory_limit = '%dB'", e.cfg.Memory),
		"temp_directory = " + quoteText(dir), // before file access ends
		"TimeZone = 'UTC'",
		"autoinstall_known_extensions = false",
		"autoload_known_extensions = false",
		"allow_community_extensions = false",
		"enable_external_access = false",
	} {
		if _, err := s.conn.ExecContext(ctx, "SET "+setting); err != nil {
			return nil, errors.Join(fmt.Errorf("guard duckdb: set %s: %w", setting, err), s.close())
		}
	}
	return s, nil
}

// ask makes the views, locks the configuration and runs the request.
func (s *session) ask(ctx context.Context, req query.Request, statements []string) (*answer, error) {
	if err := s.publish(ctx, req.Dataset); err != nil {
		return nil, err
	}
	if err := s.define(ctx); err != nil {
		return nil, err
	}
	if _, err := s.conn.ExecContext(ctx, "SET lock_configuration = true"); err != nil {
		return nil, fmt.Errorf("lock duckdb: %w", err)
	}
	return s.run(ctx, statements, req.Params)
}

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
	errs = append(errs, os.RemoveAll(s.dir))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close query: %w", err)
	}
	return nil
}
