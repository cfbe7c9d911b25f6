package sqlite

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

// ask asks with the statement that every answer here is asked with.
func ask(t *testing.T, c *Catalog, want int) {
	t.Helper()
	got, err := c.Windows(t.Context(), testChain, testEpoch, testEpoch.AddDate(1, 0, 0))
	if err != nil || len(got) != want {
		t.Fatalf("%d windows (%v), want %d", len(got), err, want)
	}
}

// A prepared statement answers from what is there when it is asked: what
// another process has written, after its upgrade of the schema too.
func TestPreparedSchema(t *testing.T) {
	t.Parallel()
	c := testOpen(t)
	other, err := Open(t.Context(), c.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	for i, change := range []string{
		"SELECT 1",
		"ALTER TABLE windows ADD COLUMN later TEXT NOT NULL DEFAULT ''",
		"CREATE INDEX later ON windows (zone, dataset, end_s)",
		"DROP INDEX later",
		"CREATE TABLE w2 AS SELECT * FROM windows", // its pages are elsewhere
		"VACUUM",
	} {
		ask(t, c, i)
		if _, err := other.writer.ExecContext(t.Context(), change); err != nil {
			t.Fatalf("%s: %v", change, err)
		}
		if err := other.Plan(t.Context(), testChain, testWindows(i, 1, time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	ask(t, c, 6)
}

// What has been answered holds no snapshot: the write-ahead log can be folded
// into the file, though the statements live on.
func TestPreparedLetsGo(t *testing.T) {
	t.Parallel()
	c := testOpen(t)
	for i := range 3 {
		if err := c.Plan(t.Context(), testChain, testWindows(i, 1, time.Minute)); err != nil {
			t.Fatal(err)
		}
		ask(t, c, i+1)
		if _, err := c.Head(t.Context(), testChain); !errors.Is(err, catalog.ErrNotFound) {
			t.Fatalf("head: %v", err)
		}
		var busy, log, folded int
		if err := c.writer.QueryRowContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &folded); err != nil || busy != 0 {
			t.Fatalf("busy is %d (%v): somebody reads yet", busy, err)
		}
		if info, err := os.Stat(c.path + "-wal"); err != nil || info.Size() != 0 {
			t.Fatalf("write-ahead log: %v, %v", info, err)
		}
	}
}

// Whose context ends, ends for itself: the statement is others' too.
func TestPreparedCancelled(t *testing.T) {
	t.Parallel()
	c := testOpen(t)
	if err := c.Plan(t.Context(), testChain, testWindows(0, 2000, time.Minute)); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%2 == 0 {
				time.AfterFunc(time.Duration(i)*100*time.Microsecond, cancel)
			}
			got, err := c.Windows(ctx, testChain, testEpoch, testEpoch.AddDate(1, 0, 0))
			if err == nil && len(got) == 2000 || ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return
			}
			t.Errorf("%d windows, %v", len(got), err)
		})
	}
	all.Wait()
	ask(t, c, 2000)
}

// After Close every question is an error, and none a panic.
func TestPreparedClosed(t *testing.T) {
	t.Parallel()
	c := testOpen(t)
	ask(t, c, 0)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Windows(t.Context(), testChain, testEpoch, testEpoch.AddDate(1, 0, 0)); err == nil {
		t.Error("a closed catalog answers a question that it was asked before")
	}
	if _, err := c.Backlog(t.Context()); err == nil {
		t.Error("a closed catalog answers a new question")
	}
	if _, err := c.Note(t.Context(), "x"); err == nil || errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("a closed catalog says: %v", err)
	}
}
