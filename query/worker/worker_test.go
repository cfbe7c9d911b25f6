//go:build linux

package worker_test

import (
	"context"
	"errors"
	"math/big"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/worker"
)

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// ask reads an answer to its end.
func ask(t *testing.T, c *worker.Client, q worker.Question) ([][]any, *query.Result, error) {
	t.Helper()
	res, err := c.Ask(t.Context(), q)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err := res.Close(); err != nil {
			t.Error(err)
		}
	}()
	var rows [][]any
	for row, err := range res.Rows() {
		if err != nil {
			return rows, res, err
		}
		rows = append(rows, append([]any(nil), row...))
	}
	return rows, res, nil
}

func must(t *testing.T, c *worker.Client, q worker.Question) ([][]any, *query.Result) {
	t.Helper()
	rows, res, err := ask(t, c, q)
	if err != nil {
		t.Fatal(err)
	}
	return rows, res
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, nil)
	rows, res := must(t, c, worker.Question{
		SQL:    "SELECT EdgeStartTimestamp, EdgeResponseStatus, $n::BIGINT + 1, _zone FROM logs",
		Params: map[string]any{"n": int64(1234567890123456788), "unused": nil},
		Range:  dataset.Range{From: start, To: start.Add(time.Hour)},
	})
	want := [][]any{{start.Add(time.Second + 123456789), int64(200), int64(1234567890123456789), datasettest.Zone}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	p := res.Provenance
	if p.Objects.Verified != 1 || p.Scan.Lines != 1 || !strings.HasPrefix(p.Engine, "duckdb v") || p.Params["n"] != int64(1234567890123456788) ||
		p.Coverage.Complete || len(p.Coverage.Incomplete) == 0 || !p.Chains[0].Pinned || !p.Range.From.Equal(start) {
		t.Errorf("provenance %+v", p)
	}
	if len(res.Columns) != 4 || res.Columns[0] != (query.Column{Name: "EdgeStartTimestamp", Type: "TIMESTAMP_NS"}) {
		t.Errorf("columns %v", res.Columns)
	}
}

// Each kind of cell, a text larger than a frame, and a process that prints.
func TestCellsCross(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, nil)
	bigInt := cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })
	for range 2 {
		rows, _ := must(t, c, worker.Question{SQL: "x", Zones: []string{"kinds"}})
		if diff := cmp.Diff([][]any{everyKind()}, rows, bigInt); diff != "" {
			t.Errorf("%.2000s", diff)
		}
	}
	rows, _ := must(t, c, worker.Question{SQL: "SELECT repeat('x', 20_000_000), 'nan'::DOUBLE", Zones: []string{"prints"}})
	if text, _ := rows[0][0].(string); len(text) != 20_000_000 {
		t.Errorf("a text of 20 MB came as %d bytes", len(text))
	}
}

func TestErrorsCross(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, nil)
	for name, test := range map[string]struct {
		q    worker.Question
		is   error
		text string
	}{
		"syntax":    {worker.Question{SQL: "SELEC 1"}, query.ErrSQL, "syntax error"},
		"forbidden": {worker.Question{SQL: "SET threads = 8"}, query.ErrForbidden, "SET"},
		"half way":  {worker.Question{SQL: "x", Zones: []string{"broken"}}, query.ErrSQL, "half way"},
		"timeout": {worker.Question{SQL: "SELECT count(*) FROM range(10_000_000) a, range(10_000_000) b WHERE a.range * b.range = 7",
			Limits: worker.Limits{Timeout: 300 * time.Millisecond}}, query.ErrTimeout, "300ms"},
		"parameter": {worker.Question{SQL: "SELECT 1", Params: map[string]any{"p": struct{}{}}}, nil, "cannot cross"},
		"too long":  {worker.Question{SQL: strings.Repeat(" ", 5<<20)}, nil, "more than"},
	} {
		_, _, err := ask(t, c, test.q)
		if err == nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err := ask(t, c, worker.Question{SQL: "x", Zones: []string{"damage"}})
	var damage *dataset.DamageError
	if !errors.As(err, &damage) || damage.Seq != 7 || damage.Key != "logs/x" || damage.Chain.Zone != datasettest.Zone {
		t.Errorf("damage crosses as %v, %+v", err, damage)
	}
	_, _, err = ask(t, c, worker.Question{SQL: "x", Zones: []string{"usage"}})
	var told *worker.Error
	if !errors.As(err, &told) || told.Code != 2 || told.Hint != "ask otherwise" || told.Text != errUsage.Error() {
		t.Errorf("a usage error crosses as %#v", err)
	}
}

// pid is the process that answers.
func pid(t *testing.T, c *worker.Client) int64 {
	t.Helper()
	rows, _ := must(t, c, worker.Question{SQL: "x", Zones: []string{"pid"}})
	return rows[0][0].(int64)
}

// A question that obeys a cancel costs no process, wherever it is cancelled.
func TestCancelIsObeyed(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, func(cfg *worker.Config) { cfg.Grace = time.Minute })
	worked := pid(t, c)

	ctx, cancel := context.WithCancel(t.Context()) // while objects are checked
	_, err := c.Ask(ctx, worker.Question{SQL: "x", Zones: []string{"waits"}, Progress: func(p worker.Progress) {
		if p == (worker.Progress{Phase: worker.Objects, Done: 1, Total: 3}) {
			cancel()
		}
	}})
	cancel()
	if !errors.Is(err, query.ErrInterrupted) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while opening: %v", err)
	}

	ctx, cancel = context.WithCancel(t.Context()) // among the rows, of which a pipe holds few
	res, err := c.Ask(ctx, worker.Question{SQL: "SELECT range FROM range(3_000_000)"})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, err = range res.Rows() {
		if seen++; seen == 1 {
			cancel()
		}
	}
	cancel()
	if !errors.Is(err, query.ErrInterrupted) || seen > 2_000_000 {
		t.Errorf("cancelled among the rows: %v after %d rows", err, seen)
	}
	if err := res.Close(); err != nil {
		t.Error(err)
	}

	if res, err = c.Ask(t.Context(), worker.Question{SQL: "SELECT range FROM range(3_000_000)"}); err != nil { // closed unread
		t.Fatal(err)
	}
	if err := errors.Join(res.Close(), res.Close()); err != nil {
		t.Error(err)
	}

	deadline, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.Ask(deadline, worker.Question{SQL: "x", Zones: []string{"waits"}}); !errors.Is(err, query.ErrTimeout) {
		t.Errorf("past the caller's deadline: %v", err)
	}
	if now := pid(t, c); now != worked {
		t.Errorf("process %d was given up for %d", worked, now)
	}
}

func TestWorkerDies(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, nil)
	for zone, text := range map[string]string{"die": "signal: killed (by somebody, or because memory ran out", "exit": "exit status 7: fatal error: out of"} {
		if _, _, err := ask(t, c, worker.Question{SQL: "SELECT 1", Zones: []string{zone}}); !errors.Is(err, worker.ErrDied) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", zone, err)
		}
		if rows, _ := must(t, c, worker.Question{SQL: "SELECT 1"}); len(rows) != 1 {
			t.Errorf("behind it: %v", rows)
		}
	}
}

func TestQuestionsAtOnce(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, nil)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if rows, _, err := ask(t, c, worker.Question{SQL: "SELECT count(*) FROM logs"}); err != nil || rows[0][0] != int64(1) {
				t.Errorf("%v, %v", rows, err)
			}
		})
	}
	all.Wait()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Ask(t.Context(), worker.Question{SQL: "SELECT 1"}); !errors.Is(err, worker.ErrClosed) {
		t.Errorf("of a closed client: %v", err)
	}
}

// TestCloseWaits: where a client is closed while others ask, nothing is left of
// their questions when Close returns: the program may end then.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	c, temp := newClient(t, func(cfg *worker.Config) { cfg.Grace = time.Minute })
	var all sync.WaitGroup
	var begun sync.WaitGroup
	for range 3 {
		begun.Add(1)
		var once sync.Once
		all.Go(func() {
			_, err := c.Ask(t.Context(), worker.Question{SQL: "x", Zones: []string{"waits"}, Progress: func(worker.Progress) { once.Do(begun.Done) }})
			if err == nil {
				t.Error("a client that is closed answers")
			}
		})
	}
	begun.Wait()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	all.Wait()
}

func TestNoProgram(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, func(cfg *worker.Config) { cfg.Path = "/nonexistent" })
	if _, err := c.Ask(t.Context(), worker.Question{SQL: "SELECT 1"}); err == nil || !strings.Contains(err.Error(), "start query process") {
		t.Error(err)
	}
	c, _ = newClient(t, func(cfg *worker.Config) { cfg.Path, cfg.Args = "/bin/echo", []string{"no frames, but a long line"} })
	if _, err := c.Ask(t.Context(), worker.Question{SQL: "SELECT 1"}); !errors.Is(err, worker.ErrDied) {
		t.Error(err)
	}
}
