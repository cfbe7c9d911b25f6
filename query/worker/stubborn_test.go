//go:build linux

package worker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/worker"
)

// TestDuckDBIgnoresInterrupts is what the process boundary is for: should it
// fail one day, DuckDB has learned to stop, or to be quick.
func TestDuckDBIgnoresInterrupts(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("keeps a core busy for half a minute")
	}
	e, err := duckdb.Open(t.Context(), duckdb.Config{TempDir: t.TempDir(), Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	archive := datasettest.New(t, datasettest.Zone)
	archive.Window(start, time.Minute, "{}\n")
	d := archive.Open(dataset.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	interrupted := make(chan struct{})
	once := sync.OnceFunc(func() { cancel(); close(interrupted) })
	ended := make(chan error, 1)
	go func() {
		res, err := e.Query(ctx, query.Request{SQL: stubborn, Dataset: d, Progress: func(int64) {
			time.AfterFunc(100*time.Millisecond, once) // the line is read, the call comes next
		}})
		if err == nil {
			err = res.Close()
		}
		ended <- err
	}()
	<-interrupted
	select {
	case err := <-ended:
		t.Errorf("DuckDB has stopped within a second of the interrupt: %v", err)
	case <-time.After(time.Second):
		<-ended // DuckDB cannot be closed before
	}
}

// TestStubbornIsStopped: ten in a row, each really stopped, each followed by
// an answer, and nothing left of them.
func TestStubbornIsStopped(t *testing.T) { //nolint:paralleltest // counts this process's children and files
	c, temp := newClient(t, nil)
	pid(t, c)
	files, children := openFiles(t), processes(t)
	for i := range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		var asked time.Time
		_, err := c.Ask(ctx, worker.Question{SQL: stubborn, Progress: func(p worker.Progress) {
			if p.Phase == worker.Lines {
				asked = time.Now()
				cancel()
			}
		}})
		cancel()
		took := time.Since(asked)
		t.Logf("%d: stopped %s after the cancel", i, took.Round(time.Millisecond))
		if !errors.Is(err, query.ErrInterrupted) || !errors.Is(err, context.Canceled) || took > 10*time.Second {
			t.Errorf("%d: %s: %v", i, took, err)
		}
		if now := processes(t); len(now) != len(children)-1 { // not even an idle one
			t.Errorf("%d: processes %v are left", i, now)
		}
		if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
			t.Errorf("%d: folders %v are left", i, left)
		}
		if rows, _ := must(t, c, worker.Question{SQL: "SELECT 42"}); rows[0][0] != int64(42) {
			t.Errorf("%d: then %v", i, rows)
		}
	}
	if now := openFiles(t); now != files {
		t.Errorf("%d files are open, not %d", now, files)
	}
	if now := processes(t); len(now) != len(children) {
		t.Errorf("processes %v, not %v", now, children)
	}
}

// A time limit is enforced as a cancel is.
func TestStubbornTimeout(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, nil)
	asked := time.Now()
	_, err := c.Ask(t.Context(), worker.Question{SQL: folded, Limits: worker.Limits{Timeout: 200 * time.Millisecond}})
	if took := time.Since(asked); !errors.Is(err, query.ErrTimeout) || !strings.Contains(err.Error(), "of 200ms") || took > 10*time.Second {
		t.Errorf("after %s: %v", took, err)
	}
	if rows, _ := must(t, c, worker.Question{SQL: "SELECT 42"}); rows[0][0] != int64(42) {
		t.Errorf("then %v", rows)
	}
}

// asSession makes the test binary a session that is killed in the middle of a
// stubborn statement.
const asSession = "RAINLOGS_TEST_AS_SESSION"

func TestAsSession(t *testing.T) { //nolint:paralleltest // it is a process
	if os.Getenv(asSession) == "" {
		t.Skip("not a session")
	}
	c, temp := newClient(t, func(cfg *worker.Config) { cfg.Stderr = os.Stderr })
	id := pid(t, c)
	_, _ = c.Ask(t.Context(), worker.Question{SQL: stubborn, Progress: func(p worker.Progress) {
		if p.Phase == worker.Lines {
			_, _ = fmt.Fprintf(os.Stdout, "session %d %s\n", id, temp)
		}
	}})
}

// TestSessionIsKilled: the worker of a session that is gone ends too, and
// leaves no folder.
func TestSessionIsKilled(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestAsSession$")
	cmd.Env = append(os.Environ(), asSession+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var workerPID int
	var temp string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n, _ := fmt.Sscanf(lines.Text(), "session %d %s", &workerPID, &temp); n == 2 {
			break
		}
	}
	fd, err := unix.PidfdOpen(workerPID, 0)
	if err != nil {
		t.Fatalf("worker %d: %v", workerPID, err)
	}
	defer unix.Close(fd)
	if left, _ := filepath.Glob(filepath.Join(temp, "rlq*")); len(left) != 1 {
		t.Fatalf("folders %v", left)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed
	ends := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if n, err := unix.Poll(ends, 20_000); n != 1 {
		t.Fatalf("the worker goes on without its session: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	_ = os.RemoveAll(temp)
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// processes are this process's children that live.
func processes(t *testing.T) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		_, rest, _ := strings.Cut(string(b), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			id, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			out = append(out, id)
		}
	}
	return out
}
