package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/chaincache"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/overview"
)

// station is what the workstation's screens see of an archive.
type station struct {
	memory   chaincache.Memory
	w        *workspace
	env      *site.Env
	g        *site.Globals
	keys     *keymap.Map
	readOnly string     // why nothing can be changed, "" if it can
	kept     string     // the session's file, "" if it is not kept
	notice   screen.Say // to begin with
}

var _ overview.Data = (*station)(nil)

// Overview reads the catalog, if there is one, and the chains, each of which it
// verifies. What is wrong with one of them is its own trouble.
func (s *station) Overview(ctx context.Context) (overview.Overview, error) {
	now := overview.Overview{At: s.env.Now().UTC()}
	views, err := s.views(ctx)
	if err != nil && ctx.Err() != nil {
		return now, ctx.Err() //nolint:wrapcheck // the person's own stop
	}
	unknown := ""
	if err != nil {
		unknown = "catalog: " + err.Error()
	}
	w := &workspace{Workspace: s.w.Workspace, ctx: ctx}
	ids, err := verify.ListChains(ctx, w.Store)
	if err != nil {
		return now, fmt.Errorf("list chains: %w", err)
	}
	sealed := len(ids)
	for _, v := range views {
		if id := (evidence.ChainID{Zone: v.Zone, Dataset: v.Dataset}); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for n, id := range ids {
		z := overview.Zone{Name: id.Zone, ID: id.Zone, Dataset: id.Dataset, StateText: "not collected here", State: overview.Paused}
		if unknown != "" {
			z.StateText, z.Detail = "unknown", unknown
		}
		if i := slices.IndexFunc(views, func(v zoneView) bool { return v.Zone == id.Zone && v.Dataset == id.Dataset }); i >= 0 {
			z = zoneInView(views[i])
		}
		if n < sealed {
			if err := read(w, id, &z, now.At); err != nil {
				return now, err
			}
		}
		now.Zones = append(now.Zones, z)
	}
	slices.SortFunc(now.Zones, func(a, b overview.Zone) int { return strings.Compare(a.Name, b.Name) })
	return now, nil
}

// views are the zones as the catalog has them, opened anew: it may have been
// away a moment ago.
func (s *station) views(ctx context.Context) ([]zoneView, error) {
	c, err := openCatalog(ctx, s.env, s.g)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.zoneViews()
}

func zoneInView(v zoneView) overview.Zone {
	states := map[zoneState]overview.State{collecting: overview.Collecting, resting: overview.Resting, paused: overview.Paused, blocked: overview.Blocked}
	return overview.Zone{
		Name: v.Name, ID: v.Zone, Dataset: v.Dataset, State: states[v.State], StateText: v.stateText(), Detail: oneLine(v.Detail), Remedy: oneLine(v.Remedy),
		SealedUntil: v.SealedUntil, Lag: time.Duration(v.LagSeconds) * time.Second, Open: v.Open,
	}
}

// read fills in what the chain says.
func read(w *workspace, id evidence.ChainID, z *overview.Zone, now time.Time) error {
	chains, err := w.readChains([]evidence.ChainID{id})
	switch {
	case err != nil && site.ExitCode(err) == site.ExitDamaged:
		z.Damage = strings.TrimPrefix(err.Error(), "read chain: ")
		return nil
	case err != nil || len(chains) == 0:
		return err
	}
	c := chains[0]
	z.Entries, z.Pinned = c.Report.Size, c.KeyTrust != verify.TrustUnpinned
	fill(z, id, c.Entries, now)
	return nil
}

// fill counts what was sealed, and draws the last days.
func fill(z *overview.Zone, id evidence.ChainID, entries []*evidence.Entry, now time.Time) {
	today := now.Truncate(24 * time.Hour)
	first, until := today.AddDate(0, 0, 1-overview.MaxDays), time.Time{}
	begin := today
	for _, e := range entries {
		if e.Window == nil {
			continue
		}
		if e.Kind == evidence.KindLog && e.Content != nil {
			z.Lines += e.Content.Lines
		}
		if e.Object != nil {
			z.Bytes += e.Object.Bytes
		}
		if e.Window.End.After(until) {
			until = e.Window.End
		}
		if e.Window.Start.Before(begin) {
			begin = e.Window.Start
		}
	}
	if until.IsZero() {
		return
	}
	last := today
	if ended := until.Add(-1).Truncate(24 * time.Hour); today.Sub(ended) > overview.MaxDays/4*24*time.Hour {
		last, first = ended, ended.AddDate(0, 0, 1-overview.MaxDays) // nobody collects it any more: its own last days
	}
	from := later(begin, first)
	if !from.Before(until) {
		return
	}
	for d := from.Truncate(24 * time.Hour); !d.After(last); d = d.AddDate(0, 0, 1) {
		z.Days = append(z.Days, overview.Day{Date: d})
	}
	for _, span := range dataset.Ledger(id, entries, dataset.Range{From: from, To: until}, 0) {
		enter(z, span)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

var cellOf = map[dataset.State]overview.Cell{
	dataset.Collected: overview.Collected, dataset.Empty: overview.Empty, dataset.Partial: overview.Partial,
	dataset.Gap: overview.Gap, dataset.Missing: overview.Missing, dataset.Expired: overview.Expired,
}

// enter puts one span into the days.
func enter(z *overview.Zone, span dataset.Span) {
	switch span.State {
	case dataset.Gap:
		z.Gaps++
	case dataset.Missing:
		z.Missing++
	}
	start := z.Days[0].Date
	for at := later(span.Start, start); at.Before(span.End); at = at.Truncate(time.Hour).Add(time.Hour) {
		day := int(at.Sub(start) / (24 * time.Hour))
		if day >= len(z.Days) {
			return
		}
		hour := &z.Days[day].Hours[at.Hour()]
		*hour = max(*hour, cellOf[span.State])
	}
	if day := int(span.Start.Sub(start) / (24 * time.Hour)); day >= 0 && day < len(z.Days) {
		z.Days[day].Lines += span.Lines
	}
}
