package jobs

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRescueOwn: a job that is running for the database alone is given back,
// and none that may still be at work or whose end may still be written.
func TestRescueOwn(t *testing.T) {
	t.Parallel()
	const me = "me:1"
	path := filepath.Join(t.TempDir(), "q.db")
	nothing := func(context.Context) error { return nil }
	chain := func(context.Context, evidence.ChainID) error { return nil }
	q, err := OpenSQLite(t.Context(), path, Config{ID: me, Workers: map[string]int{Live: 1}, Handlers: &Handlers{
		Plan: nothing, Check: nothing, Heal: nothing, Observe: chain, Expire: chain,
		Window: func(context.Context, evidence.ChainID, evidence.Window) error { return nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	id := evidence.ChainID{Zone: "0123456789abcdef0123456789abcdef", Dataset: "http_requests"}
	start := time.Unix(1_795_000_000, 0).UTC()
	if n, err := q.Insert(t.Context(), []Insertion{WindowJob(id, evidence.Window{Start: start, End: start.Add(time.Hour)}, Live)}); n != 1 || err != nil {
		t.Fatalf("%d inserted, %v", n, err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	long := time.Now().Add(-10 * time.Minute)
	for _, tc := range []struct {
		name          string
		by            string
		since         time.Time
		before, after func(job int64)
		want          int
	}{
		{"another process's", "other:1", long, nil, nil, 0},
		{"begun just now", me, time.Now(), nil, nil, 0},
		{"at work", me, long, func(job int64) { q.track.begin(job) }, func(job int64) { q.track.end(job, long) }, 0},
		{"ended just now", me, long, func(job int64) { q.track.end(job, time.Now()) }, func(job int64) { q.track.end(job, long) }, 0},
		{"ended long ago", me, long, nil, nil, 1},
	} {
		if _, err := db.ExecContext(t.Context(), `UPDATE river_job SET state = 'running', attempt = 1, attempted_by = json_array(?), attempted_at = ?`,
			tc.by, tc.since.UTC().Format("2006-01-02 15:04:05.000")); err != nil {
			t.Fatal(err)
		}
		running, err := q.List(t.Context(), Filter{States: []string{StateRunning}})
		if err != nil || len(running) != 1 || running[0].AttemptedBy != tc.by {
			t.Fatalf("%s: %+v, %v", tc.name, running, err)
		}
		if tc.before != nil {
			tc.before(running[0].ID)
		}
		if n, err := q.RescueOwn(t.Context()); n != tc.want || err != nil {
			t.Errorf("%s: %d given back, %v, want %d", tc.name, n, err, tc.want)
		}
		if tc.after != nil {
			tc.after(running[0].ID)
		}
	}
	again, err := q.List(t.Context(), Filter{States: []string{StateAvailable}})
	if err != nil || len(again) != 1 || len(again[0].Errors) != 1 {
		t.Errorf("%+v, %v", again, err)
	}
}
