package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/api/client"
	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
)

// worklist is what a collector has to do: the queue here, or the ledger's
// windows at a collector elsewhere, whose queue is nobody's but its own.
type worklist interface {
	list(ctx context.Context, o jobsListOptions) (found []work, more bool, err error)
	show(ctx context.Context, id string) (work, error)
}

// work is a job or a window. As JSON it is all that is known of it.
type work interface {
	row() []any // of printJobs' table
	details(say func(name, value string))
}

// withWork has the worklist answer f.
func withWork(ctx context.Context, env *site.Env, g *site.Globals, f func(w worklist) error) error {
	if g.Remote() {
		c, err := g.Client()
		if err != nil {
			return err //nolint:wrapcheck // says what it did
		}
		defer c.Close()
		return f(&remoteWork{env: env, client: c})
	}
	v, err := openView(ctx, env, g)
	if err != nil {
		return err
	}
	defer v.close()
	return f(v)
}

// optional is what a field holds that may be absent, or its zero.
func optional[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// windowStates are those of the ledger.
var windowStates = []string{
	string(gen.JobStatePulling), string(gen.JobStateRetrying), string(gen.JobStateBlocked), string(gen.JobStatePlanned), string(gen.JobStateSealed), string(gen.JobStateLost),
}

// maxLooked is how many windows of a zone are looked at for those that are meant.
const maxLooked = 5000

// remoteWork is the ledger of a collector elsewhere.
type remoteWork struct {
	env    *site.Env
	client *client.Client
}

// windowView is a window of the ledger.
type windowView struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	State    string    `json:"state"`
	Zone     string    `json:"zone"`
	ZoneName string    `json:"zone_name,omitempty"`
	Dataset  string    `json:"dataset"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Attempt  int64     `json:"attempt"` // failed ones
	Due      time.Time `json:"scheduled_at,omitzero"`
	Reason   string    `json:"reason,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Seq      *int64    `json:"seq,omitempty"`
	Lines    int64     `json:"lines"`
	Bytes    int64     `json:"bytes"`
	Object   string    `json:"object"`
}

func windowOf(j gen.Job, names map[evidence.ChainID]string) windowView {
	return windowView{
		ID: j.Id, Kind: jobs.KindWindow, State: string(j.State), Zone: j.Zone, ZoneName: names[evidence.ChainID{Zone: j.Zone, Dataset: j.Dataset}], Dataset: j.Dataset,
		Start: j.From, End: j.To, Attempt: j.Attempts, Due: optional(j.NextAt), Reason: optional(j.Reason), Detail: optional(j.Detail),
		Seq: j.Seq, Lines: j.Lines, Bytes: j.Bytes, Object: string(j.Object),
	}
}

func (w windowView) window() string { return evidence.Window{Start: w.Start, End: w.End}.String() }

// fault is why the window is not sealed.
func (w windowView) fault() string {
	if w.Reason != "" && w.Detail != "" {
		return w.Reason + ": " + w.Detail
	}
	return w.Reason + w.Detail
}

func (w windowView) row() []any {
	name := w.ZoneName
	if name == "" {
		name = w.Zone
	}
	return []any{w.ID, w.Kind, w.State, oneLine(name), w.window(), w.Attempt, timeOrNothing(w.Due), shortened(w.fault())}
}

func (w windowView) details(say func(name, value string)) {
	say("id", w.ID)
	say("kind", w.Kind)
	say("state", w.State)
	say("zone", w.Zone)
	say("zone name", w.ZoneName)
	say("dataset", w.Dataset)
	say("window", w.window())
	say("failed attempts", strconv.FormatInt(w.Attempt, 10))
	say("due", timeOrNothing(w.Due))
	say("last error", w.fault())
	if w.Seq != nil {
		say("entry", strconv.FormatInt(*w.Seq, 10))
		say("records", fmt.Sprintf("%s lines, %s, %s", site.Count(w.Lines), site.BytesText(w.Bytes), w.Object))
	}
}

// list looks through the zones' windows, the latest first.
func (r *remoteWork) list(ctx context.Context, o jobsListOptions) (found []work, more bool, err error) {
	if err := o.check(windowStates); err != nil {
		return nil, false, err
	}
	zones, err := r.zones(ctx)
	if err != nil {
		return nil, false, err
	}
	found = []work{}
	names := namesOf(zones)
	known := o.zone == ""
	for _, z := range zones {
		if o.zone != "" && o.zone != z.Id && o.zone != z.Name && o.zone != z.SourceZone {
			continue
		}
		known = true
		if len(o.kinds) > 0 && !slices.Contains(o.kinds, jobs.KindWindow) {
			continue
		}
		some, rest, err := r.windows(ctx, z, o, o.limit-len(found))
		if err != nil {
			return nil, false, err
		}
		for _, j := range some {
			found = append(found, windowOf(j, names))
		}
		more = more || rest
	}
	if !known {
		return nil, false, site.Usagef("--zone %q is not under collection", o.zone)
	}
	return found, more, nil
}

// windows are at most as many of a zone's that are meant, and whether there are others.
func (r *remoteWork) windows(ctx context.Context, z gen.Zone, o jobsListOptions, most int) (found []gen.Job, more bool, err error) {
	looked := 0
	for j, err := range r.client.Jobs(ctx, client.Zone{ID: z.Id, Dataset: z.Dataset}) {
		if err != nil {
			return nil, false, fmt.Errorf("list windows of %s: %w", z.Name, err)
		}
		if looked++; looked > maxLooked {
			_, err := fmt.Fprintf(r.env.Err, "%s: only the latest %s windows were looked at\n", site.SafeLine(z.Name), site.Count(maxLooked))
			return found, more, err //nolint:wrapcheck // standard error is gone
		}
		if !o.wantsWindow(j.State) {
			continue
		}
		if len(found) == most {
			return found, true, nil
		}
		found = append(found, j)
	}
	return found, false, nil
}

func (o *jobsListOptions) wantsWindow(state gen.JobState) bool {
	if len(o.states) == 0 {
		return state != gen.JobStateSealed && state != gen.JobStateLost
	}
	return slices.Contains(o.states, string(state))
}

func (r *remoteWork) show(ctx context.Context, id string) (work, error) {
	j, err := r.client.Job(ctx, id)
	var p *api.Problem
	if errors.As(err, &p) && (p.Code == api.CodeNotFound || p.Code == api.CodeInvalid) {
		return nil, site.Usagef("there is no window %.140q: jobs list has their ids", id)
	}
	if err != nil {
		return nil, fmt.Errorf("look at window: %w", err)
	}
	zones, err := r.zones(ctx)
	if err != nil {
		return nil, err
	}
	return windowOf(*j, namesOf(zones)), nil
}

func (r *remoteWork) zones(ctx context.Context) ([]gen.Zone, error) {
	zones, err := r.client.Zones(ctx)
	if err != nil {
		return nil, fmt.Errorf("list zones: %w", err)
	}
	return zones, nil
}

func namesOf(zones []gen.Zone) map[evidence.ChainID]string {
	names := map[evidence.ChainID]string{}
	for _, z := range zones {
		names[evidence.ChainID{Zone: z.Id, Dataset: z.Dataset}] = z.Name
	}
	return names
}
