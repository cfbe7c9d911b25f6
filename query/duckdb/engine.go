package duckdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/columns"
)

// Config limits an engine.
type Config struct {
	Memory  int64         // bytes a request's instance may use, 0 = 2 GiB
	Threads int           // 0 = the number of processors
	Spill   int64         // bytes a request may write to its temporary folder beyond that, 0 = 10 times Memory
	TempDir string        // parent of the folder that large sorts spill to, "" = os.TempDir()
	Timeout time.Duration // of a request, the reading of its rows included; 0 = 5 minutes
	Program string        // "rainlogs 1.0.0", for provenance
	Now     func() time.Time
	Columns Columns // nil: each object is read
	Once    bool    // one request is asked: no instance is made ready for a next one
}

// Columns gives the columns of objects; columns.Cache is one.
type Columns interface {
	// Find returns an entry's columns if there are any that can be relied on.
	Find(e *evidence.Entry) (columns.File, bool)
}

func (c Config) withDefaults() Config {
	if c.Memory == 0 {
		c.Memory = 2 << 30
	}
	if c.Spill == 0 {
		c.Spill = 10 * c.Memory
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
	case c.Spill < 0:
		return fmt.Errorf("query spill of %d bytes is negative", c.Spill)
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
	spare   spare
	last    atomic.Pointer[lately]
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

// learn asks DuckDB for its version and for the functions to refuse. The
// instance that it asks is the first request's.
func (e *Engine) learn(ctx context.Context) (err error) {
	s, err := e.newSession(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
			return
		}
		e.spare.put(s)
	}()
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
	err := e.spare.close()
	if removed := os.RemoveAll(e.dir); removed != nil {
		err = errors.Join(err, fmt.Errorf("remove temporary folder: %w", removed))
	}
	return err
}

// Query runs a request. See query.Engine.
func (e *Engine) Query(ctx context.Context, req query.Request) (*query.Result, error) {
	res, _, err := e.query(ctx, req)
	return res, err
}

// query is Query; what the answer used is told too.
func (e *Engine) query(ctx context.Context, req query.Request) (*query.Result, *running, error) {
	var a *answer
	r, err := e.start(ctx, req, purpose{}, func(r *running, statements []string) (err error) {
		a, err = r.run(r.ctx, statements, req.Params)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	p := r.provenance()
	rows := func(yield func([]any, error) bool) {
		began, n := e.cfg.Now(), int64(0)
		for row, err := range a.rows() {
			if err != nil {
				err = r.explain(r.ctx, err, e.cfg.Timeout)
			}
			if !yield(row, err) || err != nil {
				return
			}
			n++
		}
		r.measure(p.Stats, n, e.cfg.Now().Sub(began))
	}
	return query.NewResult(a.columns, p, rows, func() error { return errors.Join(a.close(), r.close()) }), r, nil
}

// purpose is what a request's instance is set up for.
type purpose struct {
	files    []string // names in the request's folder that DuckDB may write
	planning bool     // nothing is to be read
}

// running is a request on an instance of its own.
type running struct {
	*session
	engine  *Engine
	req     query.Request
	ctx     context.Context //nolint:containedctx // it ends with the request
	cancel  context.CancelFunc
	started time.Time
}

// start makes an instance ready for a request and does what is to be done with
// its statements. The caller must close what it returns.
func (e *Engine) start(ctx context.Context, req query.Request, why purpose, do func(*running, []string) error) (*running, error) {
	if req.Dataset == nil {
		return nil, errors.New("query without a dataset")
	}
	started := e.cfg.Now()
	statements, err := parse(req.SQL, e.denied)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	r := &running{engine: e, req: req, ctx: ctx, cancel: cancel, started: started}
	err = r.answer(statements, why, e.cfg.Columns, do)
	if errors.Is(err, errColumnsLost) {
		err = r.answer(statements, why, nil, do)
	}
	if err != nil {
		cancel()
		return nil, err
	}
	return r, nil
}

func (r *running) answer(statements []string, why purpose, from Columns, do func(*running, []string) error) error {
	e := r.engine
	s, err := e.take(r.ctx)
	if err != nil {
		return cmp.Or(ended(r.ctx, e.cfg.Timeout), err)
	}
	s.ctx, s.data, s.stats.progress, s.purpose = r.ctx, r.req.Dataset, r.req.Progress, why
	r.session = s
	if err = s.ready(r.ctx, r.req, from); err == nil {
		err = do(r, statements)
	}
	if err != nil {
		return errors.Join(s.explain(r.ctx, err, e.cfg.Timeout), e.end(s))
	}
	return nil
}

// provenance is that of the answer so far.
func (r *running) provenance() query.Provenance {
	e := r.engine
	p := query.Provenance{
		SQL: r.req.SQL, Params: r.req.Params, Engine: e.Version(), Program: e.cfg.Program,
		AskedAt: r.started.UTC(), ElapsedMillis: e.cfg.Now().Sub(r.started).Milliseconds(),
		Provenance: r.req.Dataset.Provenance(r.use), Scan: r.stats.snapshot(),
	}
	if r.req.Stats {
		p.Stats = &query.Stats{}
	}
	return p
}

func (r *running) close() error {
	r.cancel()
	return r.engine.end(r.session)
}

// take returns the instance that was made ready, or a new one.
func (e *Engine) take(ctx context.Context) (*session, error) {
	s, err := e.spare.take(ctx)
	if s != nil || err != nil {
		return s, err
	}
	return e.newSession(ctx)
}

// end closes an instance, and makes one ready for the next request: not
// earlier, where it would take processors from a running one.
func (e *Engine) end(s *session) error {
	if len(s.logs.files) > 0 {
		e.last.Store(&lately{s.logs.paths(), s.logs.view(), len(s.logs.read) == 0})
	}
	err := s.close()
	if !e.cfg.Once {
		e.spare.fill(e.nextSession)
	}
	return err
}

// lately is what the last request with files of columns used.
type lately struct {
	paths []string
	view  string
	whole bool // no object had to be read
}

// nextSession opens an instance that knows the footers of the last request's
// files, and has its view: the next question is mostly of the same range.
func (e *Engine) nextSession(ctx context.Context) (*session, error) {
	s, err := e.newSession(ctx)
	if err != nil {
		return nil, err
	}
	if last := e.last.Load(); last != nil {
		s.warm(ctx, last)
	}
	return s, nil
}

// Ready waits until the next request's instance is there, as it is when nobody
// has asked for some milliseconds.
func (e *Engine) Ready() {
	e.spare.mu.Lock()
	coming := e.spare.coming
	e.spare.mu.Unlock()
	if coming != nil {
		<-coming
	}
}
