package server

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

func (s *Server) jobRoutes() {
	add(s, operation(http.MethodGet, "/v1/zones/{id}/jobs", "listJobs", "List a zone's windows, the latest first", http.StatusOK),
		access{roles: anybody}, s.listJobs)
	add(s, operation(http.MethodGet, "/v1/jobs/{id}", "getJob", "One window", http.StatusOK), access{roles: anybody}, s.getJob)
}

// before is the cursor, 0 for none.
func (p Page) before() (int64, error) {
	if p.Cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(p.Cursor, 10, 64)
	if err != nil {
		return 0, api.NewProblem(http.StatusUnprocessableEntity, api.CodeInvalid, "cursor is none that this server gave")
	}
	return n, nil
}

// farFuture is behind every window.
var farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

type jobsOf struct {
	ZoneRef
	Page
}

func (s *Server) listJobs(ctx context.Context, q *request, in *jobsOf) (*body[api.Jobs], error) {
	id, err := q.chain(ctx, in.ZoneRef)
	if err != nil {
		return nil, err
	}
	before := farFuture
	if n, err := in.before(); err != nil {
		return nil, err
	} else if n > 0 {
		before = time.Unix(min(n, farFuture.Unix()), 0)
	}
	windows, err := q.gen.Catalog.Latest(ctx, id, before, in.Limit+1)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	out := api.Jobs{Jobs: make([]api.Job, 0, len(windows))}
	for i, w := range windows {
		if i == in.Limit {
			out.Next = fmt.Sprint(windows[i-1].Window.Start.Unix())
			break
		}
		out.Jobs = append(out.Jobs, wireJob(w))
	}
	return &body[api.Jobs]{out}, nil
}

// A job's id says which window it is.
var jobForm = regexp.MustCompile(`^([0-9a-f]{32})\.([a-z0-9_]{1,64})\.([0-9]{1,11})-([0-9]{1,11})$`)

func jobID(w catalog.Window) string {
	return w.Chain.Zone + "." + w.Chain.Dataset + "." + strconv.FormatInt(w.Window.Start.Unix(), 10) + "-" + strconv.FormatInt(w.Window.End.Unix(), 10)
}

func parseJob(id string) (chain evidence.ChainID, w evidence.Window, ok bool) {
	m := jobForm.FindStringSubmatch(id)
	if m == nil {
		return chain, w, false
	}
	chain, err := evidence.NewChainID(m[1], m[2])
	if err != nil {
		return chain, w, false
	}
	from, errFrom := strconv.ParseInt(m[3], 10, 64)
	to, errTo := strconv.ParseInt(m[4], 10, 64)
	w = evidence.Window{Start: time.Unix(from, 0).UTC(), End: time.Unix(to, 0).UTC()}
	one := errFrom == nil && errTo == nil && from < to && id == jobID(catalog.Window{Chain: chain, Window: w}) // no leading zeros
	return chain, w, one
}

func wireJob(w catalog.Window) api.Job {
	j := api.Job{
		ID: jobID(w), Zone: w.Chain.Zone, Dataset: w.Chain.Dataset, From: w.Window.Start, To: w.Window.End, State: string(w.State),
		Attempts: w.Attempts, NextAt: w.NextAt, Reason: w.Reason, Detail: w.Detail, Lines: w.Lines, Bytes: w.Bytes, Object: string(w.Object),
	}
	if w.Seq >= 0 {
		j.Seq = &w.Seq
	}
	return j
}

// JobRef names a window.
type JobRef struct {
	ID string `path:"id" maxLength:"130" pattern:"^[0-9a-f]{32}\\.[a-z0-9_]{1,64}\\.[0-9]{1,11}-[0-9]{1,11}$"`
}

// job finds a window of the caller's. Another's is not there.
func (q *request) job(ctx context.Context, ref JobRef) (catalog.Window, error) {
	chain, at, ok := parseJob(ref.ID)
	if !ok {
		return catalog.Window{}, catalog.ErrNotFound
	}
	chain, err := q.chain(ctx, ZoneRef{ID: chain.Zone, Dataset: chain.Dataset})
	if err != nil {
		return catalog.Window{}, err
	}
	windows, err := q.gen.Catalog.Windows(ctx, chain, at.Start, at.Start.Add(time.Second))
	if err != nil {
		return catalog.Window{}, err //nolint:wrapcheck // says what it did
	}
	for _, w := range windows {
		if w.Window == at {
			return w, nil
		}
	}
	return catalog.Window{}, catalog.ErrNotFound
}

func (s *Server) getJob(ctx context.Context, q *request, in *JobRef) (*body[api.Job], error) {
	w, err := q.job(ctx, *in)
	if err != nil {
		return nil, err
	}
	return &body[api.Job]{wireJob(w)}, nil
}
