package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/pgtest"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
)

// desk is a catalog with one zone, and the program's commands about its queue.
type desk struct {
	*testing.T
	config string
	open   func(cfg jobs.Config) *jobs.Queue
}

func newDesk(t *testing.T, address string, c catalog.Zones) *desk {
	t.Helper()
	d := &desk{T: t, config: filepath.Join(t.TempDir(), "rainlogs.yaml")}
	text := fmt.Sprintf("archive: {storage: [{plugin: fs, path: ./archive}]}\ncatalog: %s\n", address)
	d.must(os.WriteFile(d.config, []byte(text), 0o600))
	d.must(c.PutZone(t.Context(), catalog.Zone{ID: zoneID(0), Name: zoneName(0), Dataset: "http_requests", AddedAt: time.Now().UTC()}))
	return d
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// jobs runs a command about the queue, demands its exit code, and returns all it said.
func (d *desk) jobs(code int, says string, args ...string) (stdout, stderr string) {
	d.Helper()
	got, stdout, stderr := run(d.T, append([]string{"jobs", "--config", d.config}, args...)...)
	if got != code || !strings.Contains(stdout+stderr, says) {
		d.Errorf("jobs %v: exit code %d, want %d and %q\n%s%s", args, got, code, says, stdout, stderr)
	}
	return stdout, stderr
}

// ids are of the jobs that a listing has, by state.
func (d *desk) ids(args ...string) map[string][]string {
	d.Helper()
	out, _ := d.jobs(0, "", append([]string{"list", "--json"}, args...)...)
	var found []struct {
		ID       int64  `json:"id"`
		State    string `json:"state"`
		ZoneName string `json:"zone_name"`
	}
	d.must(json.Unmarshal([]byte(out), &found))
	ids := map[string][]string{}
	for _, j := range found {
		ids[j.State] = append(ids[j.State], strconv.FormatInt(j.ID, 10))
	}
	return ids
}

// windowOf finds a window's job.
func (d *desk) windowOf(w evidence.Window) string {
	d.Helper()
	out, _ := d.jobs(0, "", "list", "--json", "--kind", "window", "--zone", zoneName(0), "--state", strings.Join(jobs.States(), ","))
	var found []jobs.Job
	d.must(json.Unmarshal([]byte(out), &found))
	for _, j := range found {
		if j.Start.Equal(w.Start) && j.End.Equal(w.End) {
			return strconv.FormatInt(j.ID, 10)
		}
	}
	d.Fatalf("no job of %s in %s", w, out)
	return ""
}

// state waits until a job has come to a state.
func (d *desk) state(q *jobs.Queue, id, want string) {
	d.Helper()
	n, err := strconv.ParseInt(id, 10, 64)
	d.must(err)
	deadline, again := time.NewTimer(30*time.Second), time.NewTicker(50*time.Millisecond)
	defer deadline.Stop()
	defer again.Stop()
	for {
		j, err := q.Get(d.Context(), n)
		d.must(err)
		if j.State == want {
			return
		}
		select {
		case <-again.C:
		case <-deadline.C:
			d.Fatalf("job %s is %s, and never became %s", id, j.State, want)
		}
	}
}

func hour(i int) evidence.Window {
	start := time.Date(2026, 11, 23, i, 0, 0, 0, time.UTC)
	return evidence.Window{Start: start, End: start.Add(time.Hour)}
}

// handlers fail the first window, are long over the second, and do the rest.
func handlers(began chan<- struct{}) *jobs.Handlers {
	return &jobs.Handlers{
		Window: func(ctx context.Context, _ evidence.ChainID, w evidence.Window) error {
			switch w {
			case hour(0):
				return errors.New("store is away:\n\x1b[2J" + strings.Repeat("long ", 40) + "end")
			case hour(1):
				close(began)
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		},
		Plan: func(context.Context) error { return nil },
	}
}

// TestJobs looks into the queue of a collector that runs, and meddles with it.
func TestJobs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "catalog.db")
	c, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // only read from here on
	d := newDesk(t, "sqlite:"+path, c)
	d.open = func(cfg jobs.Config) *jobs.Queue {
		q, err := jobs.OpenSQLite(t.Context(), c.QueuePath(), cfg)
		d.must(err)
		return q
	}
	d.before(func() {
		if _, err := os.Stat(c.QueuePath()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("looking made a queue (%v)", err)
		}
	})
	d.during()
}

// TestJobsOnPostgres does the same on the other database.
func TestJobsOnPostgres(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Shared(t).DSN(t)
	c, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // only read from here on
	file := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(file, []byte(dsn), 0o600); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, "file:"+file, c)
	d.open = func(cfg jobs.Config) *jobs.Queue {
		q, err := jobs.OpenPostgres(t.Context(), c.Pool(), cfg)
		d.must(err)
		return q
	}
	d.before(func() {
		if ok, err := jobs.HasPostgres(t.Context(), c.Pool()); ok || err != nil {
			t.Errorf("looking made a queue (%v)", err)
		}
	})
	d.during()
}

// before any collector has run, there is nothing to be seen, and nothing is made.
func (d *desk) before(none func()) {
	d.Helper()
	d.jobs(0, "no collector has run yet", "list")
	if out, _ := d.jobs(0, "no collector has run yet", "list", "--json"); strings.TrimSpace(out) != "[]" {
		d.Errorf("JSON of no queue: %s", out)
	}
	for _, verb := range []string{"show", "retry", "cancel"} {
		d.jobs(1, "no collector has run yet", verb, "1")
		d.jobs(2, "is not a job's id", verb, "one")
	}
	d.jobs(2, "running, available, retryable, scheduled, discarded, cancelled, completed", "list", "--state", "lost")
	d.jobs(2, "window, plan, observe, expire, selfcheck, heal", "list", "--kind", "wind")
	d.jobs(2, "--limit 0", "list", "--limit", "0")
	d.jobs(2, "is not under collection", "list", "--zone", "nowhere.example")
	none()
}

func (d *desk) during() {
	d.Helper()
	began := make(chan struct{})
	q := d.open(jobs.Config{
		ID: "test", Handlers: handlers(began), PlanEvery: time.Hour, SoftStop: time.Second,
		Workers: map[string]int{jobs.Backlog: 4, jobs.Plan: 1},
	})
	defer func() { d.must(q.Close()) }()
	var insert []jobs.Insertion
	for i := range 3 {
		insert = append(insert, jobs.WindowJob(chainOf(0), hour(i), jobs.Backlog))
	}
	insert = append(insert, jobs.WindowJob(chainOf(1), hour(3), jobs.Live), jobs.CheckJob()) // nobody works on these
	_, err := q.Insert(d.Context(), insert)
	d.must(err)
	d.must(q.Start(d.Context()))
	defer func() { d.must(q.Stop(context.WithoutCancel(d.Context()))) }()
	<-began
	failing, running, done := d.windowOf(hour(0)), d.windowOf(hour(1)), d.windowOf(hour(2))
	d.state(q, failing, jobs.StateRetryable)
	d.state(q, done, jobs.StateCompleted)
	d.looks(failing, running, done)
	d.retries(q, failing, running, done)
	d.cancels(q, running, done)
}

// looks tests list and show.
func (d *desk) looks(failing, running, done string) {
	d.Helper()
	out, stderr := d.jobs(0, zoneName(0), "list")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 5 || !strings.Contains(lines[1], " running ") || !strings.Contains(out, running+" ") || stderr != "" {
		d.Errorf("want a head and 4 jobs, the running one first:\n%s%s", out, stderr)
	}
	for _, want := range []string{"2026-11-23T00:00:00Z/2026-11-23T01:00:00Z", "/50", `store is away: \x1b[2Jlong`, "…", zoneID(1), "selfcheck"} {
		if !strings.Contains(out, want) {
			d.Errorf("%q is not in\n%s", want, out)
		}
	}
	if strings.Contains(out, jobs.StateCompleted) || strings.Contains(out, "\x1b") {
		d.Errorf("list:\n%s", out)
	}
	if ids := d.ids("--zone", zoneID(1)); len(ids) != 1 || len(ids[jobs.StateAvailable]) != 1 {
		d.Errorf("of a zone that is not collected: %v", ids)
	}
	if ids := d.ids("--kind", "selfcheck", "--kind", "window", "--state", "completed"); len(ids) != 1 || ids[jobs.StateCompleted][0] != done {
		d.Errorf("completed: %v", ids)
	}
	if out, _ := d.jobs(0, "there are more than these 2", "list", "--limit", "2"); strings.Count(out, "\n") != 3 {
		d.Errorf("two of them: %s", out)
	}
	if _, stderr := d.jobs(0, "", "list", "--limit", "4"); stderr != "" {
		d.Errorf("all of them, and yet: %s", stderr)
	}
	out, _ = d.jobs(0, " of at most 50", "show", failing)
	if !strings.Contains(out, "long end") || strings.Contains(out, "\x1b") || !strings.Contains(out, "failed attempt 1") {
		d.Errorf("show: %s", out)
	}
	var shown struct {
		ZoneName string         `json:"zone_name"`
		Errors   []jobs.Failure `json:"errors"`
	}
	out, _ = d.jobs(0, "", "show", failing, "--json")
	if err := json.Unmarshal([]byte(out), &shown); err != nil || shown.ZoneName != zoneName(0) || len(shown.Errors) == 0 || shown.Errors[0].Attempt != 1 {
		d.Errorf("show --json: %v, %+v", err, shown)
	}
	d.jobs(1, "there is no job 999", "show", "999")
}

func (d *desk) retries(q *jobs.Queue, failing, running, done string) {
	d.Helper()
	d.jobs(0, "is running: it is left alone", "retry", running)
	d.jobs(1, "there is no job 999", "retry", "999")
	check := d.ids("--kind", "selfcheck")[jobs.StateAvailable][0]
	d.jobs(0, "was due already", "retry", check)
	_, stderr := d.jobs(1, "1 of 2 jobs", "retry", "999", done)
	if !strings.Contains(stderr, "there is no job 999: ") || !strings.Contains(stderr, "job "+done+" was completed and is due now") {
		d.Errorf("one of two: %s", stderr)
	}
	d.state(q, done, jobs.StateCompleted) // and done again

	d.jobs(0, "and is cancelled", "cancel", failing)
	_, err := q.Insert(d.Context(), []jobs.Insertion{jobs.WindowJob(chainOf(0), hour(0), jobs.Live)}) // as a plan would
	d.must(err)
	d.jobs(1, "another job in the queue does the same", "retry", failing)
	if left := d.ids("--state", "cancelled"); len(left[jobs.StateCancelled]) != 1 {
		d.Errorf("cancelled: %v", left)
	}
}

func (d *desk) cancels(q *jobs.Queue, running, done string) {
	d.Helper()
	d.jobs(1, "is completed: there is nothing to cancel", "cancel", done)
	d.jobs(1, "there is no job 999", "cancel", "999")
	d.jobs(0, "is running: the collector is asked to end it", "cancel", running)
	d.state(q, running, jobs.StateCancelled)
	d.jobs(0, "was cancelled already", "cancel", running)
	check := d.ids("--kind", "selfcheck")[jobs.StateAvailable][0]
	d.jobs(0, "job "+check+" was available and is cancelled", "cancel", check)
}
