package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
)

// NewJobs is the command jobs, which needs config and catalog only. program is
// the name that its examples call.
func NewJobs(env *site.Env, g *site.Globals, program string) *cobra.Command {
	cmd := site.NewGroup("jobs", "List, show, retry or cancel the jobs of the collector's queue",
		newJobsList(env, g, program), newJobsShow(env, g, program), newJobsRetry(env, g, program), newJobsCancel(env, g, program))
	cmd.Long = "Look into the collector's queue, beside a running collector or without one. Jobs are only the work: what is\n" +
		"still to be collected stands in the ledger, from which the collector fills the queue every few seconds.\n\n" + site.ExitHelp
	return cmd
}

// view is the queue as it is seen from outside.
type view struct {
	*site.Workspace
	queue *jobs.Queue       // nil: no collector has made one yet
	names map[string]string // of the zones, by id
}

func openView(ctx context.Context, env *site.Env, g *site.Globals) (*view, error) {
	w, err := site.OpenCatalogOnly(ctx, env, g)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	v := &view{Workspace: w, names: map[string]string{}}
	if err := v.open(ctx); err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

func (v *view) open(ctx context.Context) error {
	zones, err := v.Catalog.ListZones(ctx)
	if err != nil {
		return fmt.Errorf("list zones: %w", err)
	}
	for _, z := range zones {
		v.names[z.ID] = z.Name
	}
	ok, err := site.HasQueue(ctx, v.Catalog)
	if err != nil || !ok {
		return err //nolint:wrapcheck // says what it did
	}
	v.queue, err = site.OpenQueue(ctx, v.Catalog, jobs.Config{Log: v.Logger()})
	return err //nolint:wrapcheck // says what it did
}

func (v *view) close() {
	if v.queue != nil {
		if err := v.queue.Close(); err != nil {
			v.Logger().Warn("close queue", "error", err)
		}
	}
	v.Close()
}

// noQueue is told where there is no queue to look into.
const noQueue = "no collector has run yet: there is no queue"

type jobsListOptions struct {
	states, kinds []string
	zone          string
	limit         int
	asJSON        bool
}

func newJobsList(env *site.Env, g *site.Globals, program string) *cobra.Command {
	var o jobsListOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List jobs: those under way first, then those that wait, then those that were given up",
		Long: "List jobs, by state and in the order in which they were inserted. Without --state, those that are completed\n" +
			"are left out. DUE is when a job that waits may be taken; LAST ERROR is that of its last failed attempt,\n" +
			"shortened. What a source says of a window is no error of its job: it stands in the ledger, and in rainlogs\n" +
			"zone list if it blocks the zone.\n\n" +
			"Over --server it is the windows of the ledger that are listed, of which the jobs are the work: the latest first, without\n" +
			"--state those that are neither sealed nor given up. What state they can be in: " + strings.Join(windowStates, ", ") + ".\n\n" + site.ExitHelp,
		Example: program + " jobs list\n" + program + " jobs list --state discarded --kind window --zone example.com --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withWork(cmd.Context(), env, g, func(w worklist) error { return runJobsList(cmd.Context(), env, w, o) })
		},
	}
	cmd.Flags().StringSliceVar(&o.states, "state", nil, "only jobs in this state, more than once for several: "+strings.Join(jobs.States(), ", "))
	cmd.Flags().StringSliceVar(&o.kinds, "kind", nil, "only jobs of this kind, more than once for several: "+strings.Join(jobs.Kinds(), ", "))
	cmd.Flags().StringVar(&o.zone, "zone", "", "only jobs of this zone, by name or id")
	cmd.Flags().IntVar(&o.limit, "limit", 100, "how many at most")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return site.OverServer(cmd)
}

// check is for what there are states of: jobs, or windows.
func (o *jobsListOptions) check(states []string) error {
	if err := among("--state", o.states, states); err != nil {
		return err
	}
	if err := among("--kind", o.kinds, jobs.Kinds()); err != nil {
		return err
	}
	if o.limit < 1 || o.limit >= jobs.MaxList {
		return site.Usagef("--limit %d: want 1 to %d", o.limit, jobs.MaxList-1)
	}
	return nil
}

func among(flag string, given, valid []string) error {
	for _, s := range given {
		if !slices.Contains(valid, s) {
			return site.Usagef("%s %q: want one of %s", flag, s, strings.Join(valid, ", "))
		}
	}
	return nil
}

// jobView is a job with its zone's name.
type jobView struct {
	jobs.Job
	ZoneName string `json:"zone_name,omitempty"`
}

func runJobsList(ctx context.Context, env *site.Env, w worklist, o jobsListOptions) error {
	found, more, err := w.list(ctx, o)
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	switch {
	case o.asJSON:
		err = site.PrintJSON(env.Out, append([]work{}, found...)) // "[]" for none
	case found != nil:
		err = printJobs(env, found)
	}
	if err == nil && more {
		_, err = fmt.Fprintf(env.Err, "there are more than these %d: raise --limit, or narrow it down by --state, --kind or --zone\n", len(found))
	}
	return err //nolint:wrapcheck // standard output or error is gone
}

// zoneID finds a zone's id. One that is no longer collected may have jobs.
func (v *view) zoneID(ctx context.Context, idOrName string) (string, error) {
	if idOrName == "" {
		return "", nil
	}
	z, err := v.Catalog.Zone(ctx, idOrName)
	if err == nil {
		return z.ID, nil
	}
	if !errors.Is(err, catalog.ErrNotFound) {
		return "", fmt.Errorf("find zone: %w", err)
	}
	if _, err := evidence.NewChainID(idOrName, "http_requests"); err != nil {
		return "", site.Usagef("--zone %q is not under collection", idOrName)
	}
	return idOrName, nil
}

// list returns jobs state by state, and whether there are more than the limit;
// nil where there is no queue.
func (v *view) list(ctx context.Context, o jobsListOptions) (found []work, more bool, err error) {
	if err := o.check(jobs.States()); err != nil {
		return nil, false, err
	}
	zone, err := v.zoneID(ctx, o.zone)
	if err != nil {
		return nil, false, err
	}
	if v.queue == nil {
		_, _ = fmt.Fprintln(v.Env.Err, noQueue) // as much as can be told
		return nil, false, nil
	}
	found = []work{}
	for _, state := range jobs.States() {
		if !o.wants(state) {
			continue
		}
		some, err := v.queue.List(ctx, jobs.Filter{States: []string{state}, Kinds: o.kinds, Zone: zone, Limit: o.limit - len(found) + 1})
		if err != nil {
			return nil, false, err //nolint:wrapcheck // says what it did
		}
		for _, j := range some {
			found = append(found, v.view(j))
		}
		if len(found) > o.limit {
			return found[:o.limit], true, nil
		}
	}
	return found, false, nil
}

func (o *jobsListOptions) wants(state string) bool {
	if len(o.states) == 0 {
		return state != jobs.StateCompleted
	}
	return slices.Contains(o.states, state)
}

func (v *view) view(j jobs.Job) jobView { return jobView{Job: j, ZoneName: v.names[j.Zone]} }

// zone is the zone's name where it is known.
func (j jobView) zone() string {
	if j.ZoneName != "" {
		return j.ZoneName
	}
	return j.Zone
}

func (j jobView) window() string {
	if j.Start.IsZero() {
		return ""
	}
	return evidence.Window{Start: j.Start, End: j.End}.String()
}

// due is when a job that waits may be taken.
func (j jobView) due() string {
	switch j.State {
	case jobs.StateAvailable, jobs.StateRetryable, jobs.StateScheduled:
		return site.RFC3339(j.ScheduledAt)
	}
	return ""
}

// lastError is shortened to what fits into a line.
func (j jobView) lastError() string {
	if len(j.Errors) == 0 {
		return ""
	}
	return shortened(j.Errors[len(j.Errors)-1].Error)
}

func shortened(s string) string {
	const most = 80
	text := []rune(oneLine(s))
	if len(text) > most {
		return string(text[:most-1]) + "…"
	}
	return string(text)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// row is the job in printJobs' table.
func (j jobView) row() []any {
	return []any{j.ID, j.Kind, j.State, oneLine(j.zone()), j.window(), fmt.Sprintf("%d/%d", j.Attempt, j.MaxAttempts), j.due(), j.lastError()}
}

func printJobs(env *site.Env, found []work) error {
	return site.Table(env.Out, "ID\tKIND\tSTATE\tZONE\tWINDOW\tATTEMPT\tDUE\tLAST ERROR", func(row func(...any)) { //nolint:wrapcheck // says what it did
		for _, j := range found {
			row(j.row()...)
		}
	})
}

func timeOrNothing(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return site.RFC3339(t)
}
