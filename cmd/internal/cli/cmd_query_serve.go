package cli

import (
	"cmp"
	"context"
	"errors"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/chaincache"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/count"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/worker"
)

// queryServe is the hidden command under which this binary is its own worker.
const queryServe = "query-serve"

func newQueryServe(env *site.Env, g *site.Globals) *cobra.Command {
	return &cobra.Command{
		Use: queryServe, Short: "Answer the questions of another rainlogs process", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			defer worker.Leave()
			in, out, err := worker.Takeover()
			if err != nil {
				return err
			}
			s := &served{env: env, g: g, memory: &chaincache.Memory{}, engines: map[worker.Limits]*duckdb.Engine{}, kept: count.NewKept(count.Room)}
			defer s.close()
			return worker.Serve(cmd.Context(), in, out, worker.ServeConfig{
				Open:     s.open,
				Classify: func(err error) (int, string) { return site.ExitCode(err), site.Hint(err) },
			})
		},
	}
}

// served is the archive that a worker answers from. The first question opens
// it, so that what is wrong with it is that question's error.
type served struct {
	env     *site.Env
	g       *site.Globals
	w       *site.Workspace
	memory  *chaincache.Memory
	engines map[worker.Limits]*duckdb.Engine
	cache   *columns.Cache // nil: none is kept here
	kept    *count.Kept
}

func (s *served) open(ctx context.Context, q worker.Question, progress func(done, total int64)) (query.Engine, *dataset.Dataset, error) {
	if s.w == nil {
		// Not the question's context: the plugins live on.
		w, err := site.OpenReader(context.WithoutCancel(ctx), s.env, s.g)
		if err != nil {
			return nil, nil, err
		}
		s.w = w
	}
	w := &workspace{Workspace: s.w, ctx: ctx, memory: s.memory}
	if s.cache == nil {
		var err error
		if s.cache, err = w.columns(); err != nil {
			return nil, nil, err
		}
	}
	e, err := s.engine(w, q.Limits)
	if err != nil {
		return nil, nil, err
	}
	d, err := w.dataset(q.Zones, dataset.Options{
		Range: q.Range, SkipDamaged: q.SkipDamaged,
		Progress: func(done, total int, _ int64) { progress(int64(done), int64(total)) },
	})
	if err != nil {
		return nil, nil, err
	}
	if s.cache == nil {
		return e, d, nil
	}
	return &count.Engine{
		Engine: e, Columns: s.cache, Kept: s.kept, Threads: cmp.Or(q.Limits.Threads, s.w.Config.Query.Threads, runtime.GOMAXPROCS(0)),
		Program: "rainlogs " + site.Version, Now: s.env.Now,
	}, d, nil
}

func (s *served) engine(w *workspace, limits worker.Limits) (*duckdb.Engine, error) {
	if e := s.engines[limits]; e != nil {
		return e, nil
	}
	cfg := limitsOf(limits)
	if s.cache != nil {
		cfg.Columns = s.cache // one for all: it knows which files it has checked
	}
	e, err := w.openEngine(w.ctx, cfg)
	if err != nil {
		return nil, err
	}
	s.engines[limits] = e
	return e, nil
}

func (s *served) close() {
	var errs []error
	for _, e := range s.engines {
		errs = append(errs, e.Close())
	}
	if s.w == nil {
		return
	}
	if err := errors.Join(errs...); err != nil {
		s.w.Logger().Warn("close query engine", "error", err)
	}
	s.w.Close()
}
