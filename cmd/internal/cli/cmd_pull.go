package cli

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

type pullOptions struct {
	times           rangeFlags
	window          time.Duration
	asJSON          bool
	requireComplete bool
}

func newPull(env *site.Env, g *site.Globals) *cobra.Command {
	var o pullOptions
	cmd := &cobra.Command{
		Use:   "pull ZONE",
		Short: "Collect a range of windows now, in the foreground",
		Long: "Collect every window of a range that is not in the archive yet. Times are receive times: Cloudflare\n" +
			"delivers a request some minutes after it happened. Windows that fail stay open and are tried by the next pull.\n" +
			"The rates of requests that the source admits are shared with a collector that runs; where both collect, each waits.\n\n" +
			"Over --server it is the collector that pulls, in the background: what is due of the zone, before all else.\n\n" + site.ExitHelp,
		Example:           "rainlogs pull example.com --from -24h\nrainlogs pull example.com --from 2026-11-23T00:00:00Z --to 2026-11-23T06:00:00Z --window 1h",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeZones(env, g),
		RunE: func(cmd *cobra.Command, args []string) error {
			return ask(cmd, env, g, openWorkspace, func(p puller) error { return p.pull(args[0], o) })
		},
	}
	o.times.addTo(cmd, "the range, receive time (default: the last hour; the end at most now less collector.lag)")
	cmd.Flags().DurationVar(&o.window, "window", 0, "length of new windows (default: collector.window)")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print the summary as JSON")
	cmd.Flags().BoolVar(&o.requireComplete, "require-complete", false, "exit 4 if the range has gaps")
	return site.OverServer(cmd)
}

func runPull(w *workspace, zoneName string, o pullOptions) error {
	z, err := w.zone(zoneName)
	if err != nil {
		return err
	}
	req, err := w.pullRequest(z, o)
	if err != nil {
		return err
	}
	sum, err := w.collect(z, req, o.asJSON)
	if err != nil {
		return err
	}
	if o.asJSON {
		err = site.PrintJSON(w.Env.Out, summaryJSON(sum))
	} else {
		err = printSummary(w, z, req, sum)
	}
	if err != nil {
		return err
	}
	return pullOutcome(sum, o.requireComplete)
}

// pullRequest checks the range against the source's limits before anything
// is planned: a window that can never be had must not get into the ledger by
// a slip of the keyboard.
func (w *workspace) pullRequest(z catalog.Zone, o pullOptions) (collect.Request, error) {
	now := w.Env.Now()
	from, to, err := o.times.parse(now)
	if err != nil {
		return collect.Request{}, err
	}
	limits, err := w.sourceLimits(z)
	if err != nil {
		return collect.Request{}, err
	}
	policy := schedule.Policy{Window: w.Config.Collector.Window, Lag: w.Config.Collector.Lag}.For(limits)
	size := cmp.Or(o.window, policy.Window)
	latest := now.Add(-policy.Lag).Truncate(time.Minute).UTC()
	if to.IsZero() {
		to = latest
	}
	if from.IsZero() {
		from = to.Add(-time.Hour)
	}
	from, to = from.Truncate(time.Second), to.Truncate(time.Second)
	switch {
	case size < time.Second || size%time.Second != 0 || limits.MaxWindow > 0 && size > limits.MaxWindow:
		return collect.Request{}, site.Usagef("--window %s: want whole seconds up to %s, the source's widest window", size, limits.MaxWindow)
	case to.After(now.Add(-limits.MinLag)):
		return collect.Request{}, site.Usagef("--to %s is less than %s ago: the source serves nothing so young (now is %s)", site.RFC3339(to), limits.MinLag, site.RFC3339(now))
	case limits.MaxAge > 0 && from.Before(now.Add(-limits.MaxAge)):
		return collect.Request{}, site.Usagef("--from %s is more than %s ago: the source no longer has it (earliest now: %s)", site.RFC3339(from), limits.MaxAge, site.RFC3339(now.Add(-limits.MaxAge)))
	case !from.Before(to):
		return collect.Request{}, site.Usagef("--from %s is not before --to %s", site.RFC3339(from), site.RFC3339(to))
	}
	return collect.Request{Chain: z.Chain(), From: from, To: to, Window: size}, nil
}

func (w *workspace) sourceLimits(z catalog.Zone) (source.Limits, error) {
	feed, err := w.sources().OfZone(w.ctx, z)
	return feed.About.Limits, err //nolint:wrapcheck // names the source already
}

// collect runs a collector over a request of a zone, with progress.
func (w *workspace) collect(z catalog.Zone, req collect.Request, quiet bool) (collect.Summary, error) {
	progress := site.NewBar(w.Env, w.Globals, "pull", -1, "windows")
	var turn sync.Mutex // at the bar
	sources, told := w.sources(), w.waits
	w.waits = func(d time.Duration) {
		turn.Lock()
		defer turn.Unlock()
		progress.Clear()
		told(d)
	}
	defer func() { progress.Done() }()
	return w.collectFrom(sources, z, req, func(ev collect.Event) {
		turn.Lock()
		defer turn.Unlock()
		if ev.Err != nil && !quiet {
			progress.Clear()
			_, _ = fmt.Fprintf(w.Env.Err, "%s %s: %s\n", ev.Window, ev.State, site.SafeLine(ev.Err.Error())) // as much as can be told
		}
		progress.Set(int64(ev.Done), int64(ev.Planned))
	})
}

// collectFrom runs a collector over a request of a zone.
func (w *workspace) collectFrom(sources *site.Sources, z catalog.Zone, req collect.Request, told func(collect.Event)) (collect.Summary, error) {
	c, err := collect.New(collect.Config{
		Store: w.Store, Catalog: w.Catalog, Archive: w.Archive, Key: w.Key,
		Feed:      func(ctx context.Context, _ evidence.ChainID) (collect.Feed, error) { return sources.OfZone(ctx, z) },
		Collector: site.Collector(), SpoolDir: w.Config.Spool, Statements: w.Statements, Retain: w.Config.Collector.Retention,
		Concurrency: w.Config.Collector.Concurrency, Now: w.Env.Now, Log: w.Logger(), Progress: told,
	})
	if err != nil {
		return collect.Summary{}, fmt.Errorf("set up collector: %w", err)
	}
	sum, err := c.Collect(w.ctx, req)
	if closeErr := c.Close(); err == nil {
		err = closeErr
	}
	return sum, err //nolint:wrapcheck // names the chain already
}

func summaryJSON(s collect.Summary) map[string]any {
	out := map[string]any{
		"sealed": s.Sealed, "empty": s.Empty, "gaps": s.Gaps, "already": s.Already,
		"open": s.Open, "blocked": s.Blocked, "lines": s.Lines, "bytes": s.Bytes, "complete": s.Complete(),
	}
	if s.LastErr != nil {
		out["error"] = s.LastErr.Error()
	}
	return out
}

func printSummary(w *workspace, z catalog.Zone, req collect.Request, s collect.Summary) error {
	_, err := fmt.Fprintf(w.Env.Out, "%s %s to %s: %d windows sealed (%d empty), %s lines, %s; %d were sealed before",
		site.SafeLine(z.Name), site.RFC3339(req.From), site.RFC3339(req.To), s.Sealed, s.Empty, site.Count(s.Lines), site.BytesText(s.Bytes), s.Already)
	if err == nil && s.Gaps > 0 {
		_, err = fmt.Fprintf(w.Env.Out, "; %d sealed as gaps", s.Gaps)
	}
	if err == nil && !s.Complete() {
		_, err = fmt.Fprintf(w.Env.Out, "; %d still open, %d blocked", s.Open, s.Blocked)
	}
	if err == nil {
		_, err = fmt.Fprintln(w.Env.Out)
	}
	return err //nolint:wrapcheck // standard output is gone
}

// pullOutcome is nil when every window of the range is in the chain.
func pullOutcome(s collect.Summary, requireComplete bool) error {
	switch {
	case s.Complete() && (s.Gaps == 0 || !requireComplete):
		return nil
	case s.Complete():
		return site.EndWith(site.ExitIncomplete, fmt.Sprintf("%d windows of the range are sealed as gaps", s.Gaps))
	case s.LastErr != nil:
		return fmt.Errorf("%d windows are not collected and stay open: %w", s.Open+s.Blocked, s.LastErr)
	}
	return site.EndWith(site.ExitFailed, fmt.Sprintf("%d windows are not collected and stay open", s.Open+s.Blocked))
}
