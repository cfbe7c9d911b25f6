//go:build linux

package worker_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/worker"
)

// asWorker makes the test binary a worker process: it runs TestAsWorker alone.
const asWorker = "RAINLOGS_TEST_AS_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

// The statements that DuckDB does not interrupt: one call that takes half a
// minute, when it runs, and when it is folded while the statement is planned.
const (
	stubborn = "SELECT levenshtein(repeat(left(_zone, 1), 60000), repeat('x', 60000)) FROM logs"
	folded   = "SELECT levenshtein(repeat('a', 60000), repeat('b', 60000))"
)

func newClient(t *testing.T, change func(*worker.Config)) (c *worker.Client, temp string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	temp, err = os.MkdirTemp("", "w") //nolint:usetesting // a session that is killed has no cleanup; and short, see pluginhost
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temp) })
	cfg := worker.Config{Path: self, Args: []string{"-test.run=^TestAsWorker$"}, Env: append(os.Environ(), asWorker+"=1"), TempDir: temp}
	if change != nil {
		change(&cfg)
	}
	if c, err = worker.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	return c, temp
}

// TestAsWorker is the worker. What a question's first zone names, it does.
func TestAsWorker(t *testing.T) { //nolint:paralleltest // it is a process
	if os.Getenv(asWorker) == "" {
		t.Skip("not a worker")
	}
	t.Cleanup(worker.Leave)
	in, out, err := worker.Takeover()
	if err != nil {
		t.Fatal(err)
	}
	archive := datasettest.New(t, datasettest.Zone, "EdgeStartTimestamp", "EdgeResponseStatus")
	archive.Window(start, 5*time.Minute, `{"EdgeStartTimestamp":1767268801123456789,"EdgeResponseStatus":200}`+"\n")
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGTERM)
	defer stop()
	err = worker.Serve(ctx, in, out, worker.ServeConfig{
		Open: func(ctx context.Context, q worker.Question, progress func(done, total int64)) (query.Engine, *dataset.Dataset, error) {
			engine, err := duckdb.Open(ctx, duckdb.Config{Memory: 512 << 20, Threads: 1, Timeout: q.Limits.Timeout, Program: "rainlogs test"})
			if err != nil {
				return nil, nil, err
			}
			t.Cleanup(func() { _ = engine.Close() })
			d, err := dataset.Open(ctx, archive.Store, []dataset.Chain{archive.Chain()}, dataset.Options{Range: q.Range, SkipDamaged: q.SkipDamaged})
			if err != nil || len(q.Zones) == 0 {
				return engine, d, err
			}
			return act(ctx, q.Zones[0], engine, d, progress)
		},
		Classify: func(err error) (int, string) {
			if errors.Is(err, errUsage) {
				return 2, "ask otherwise"
			}
			return 1, ""
		},
	})
	if err != nil {
		t.Error(err)
	}
}

var errUsage = errors.New("no such zone")

func act(ctx context.Context, what string, engine query.Engine, d *dataset.Dataset, progress func(done, total int64)) (query.Engine, *dataset.Dataset, error) {
	switch what {
	case "usage":
		return nil, nil, errUsage
	case "damage":
		return nil, nil, fmt.Errorf("open: %w", &dataset.DamageError{Chain: d.Chains()[0].ID, Seq: 7, Key: "logs/x", Problem: "object is missing"})
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "exit":
		_, _ = fmt.Fprintln(os.Stderr, "fatal error: out of\x1b memory")
		os.Exit(7)
	case "waits": // until it is cancelled
		progress(1, 3)
		<-ctx.Done()
		return nil, nil, ctx.Err()
	case "prints":
		fmt.Println("this is no frame") //nolint:forbidigo // that is the point
	case "kinds":
		return kinds{}, d, nil
	case "broken": // after some rows
		return kinds{fails: true}, d, nil
	case "pid":
		return kinds{pid: true}, d, nil
	}
	return engine, d, nil
}

// kinds is an engine that answers with every kind of cell, twice.
type kinds struct{ fails, pid bool }

func (kinds) Close() error { return nil }

func (k kinds) Query(_ context.Context, req query.Request) (*query.Result, error) {
	row := everyKind()
	if k.pid {
		row = []any{int64(os.Getpid())}
	}
	columns := make([]query.Column, len(row))
	for i := range columns {
		columns[i] = query.Column{Name: fmt.Sprint("c", i), Type: "VARCHAR"}
	}
	rows := func(yield func([]any, error) bool) {
		if yield(row, nil) && k.fails {
			yield(nil, fmt.Errorf("%w: half way", query.ErrSQL))
		}
	}
	p := query.Provenance{SQL: req.SQL, Params: req.Params, Provenance: req.Dataset.Provenance(dataset.Use{})}
	return query.NewResult(columns, p, iter.Seq2[[]any, error](rows), nil), nil
}

func everyKind() []any {
	huge, _ := new(big.Int).SetString("170141183460469231731687303715884105727", 10)
	return []any{nil, true, int64(-1), uint64(1 << 63), huge, 0.1, "\xff", []byte{0}, start.Add(123456789), query.Number("1.10"),
		query.JSON(`[1]`), strings.Repeat("long", 1<<20)}
}
