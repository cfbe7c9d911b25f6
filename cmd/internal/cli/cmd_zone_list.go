package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/metrics"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

func newZoneList(env *site.Env, g *site.Globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the zones under collection, and how far each is", Args: cobra.NoArgs,
		Long: "List the zones under collection, and how far each is, by what the catalog holds: no source is asked, and a\n" +
			"collector need not run (rainlogsd health tells whether one does).\n\n" +
			"STATE  collecting; paused; blocked and why, and below it what to do; resting until a time\n" +
			"LAG    since the start of the oldest open window; where none is open, since the end of the last one; before\n" +
			"       the first, since --from or the day it was added. One window that stays open holds it, whatever is\n" +
			"       sealed behind that window\n" +
			"OPEN   how many windows are planned and neither sealed nor given up\n\n" + site.ExitHelp,
		Example: "rainlogs zone list\nrainlogs zone list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd, env, g, openCatalog, func(z zoneLister) error {
				views, err := z.views()
				if err != nil {
					return err
				}
				if asJSON {
					return site.PrintJSON(env.Out, views)
				}
				return printZones(env, views)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return site.OverServer(cmd)
}

// zoneView is a zone as it stands.
type zoneView struct {
	Zone     string    `json:"zone"`
	Name     string    `json:"name"`
	Dataset  string    `json:"dataset"`
	Customer string    `json:"customer,omitempty"` // whose it is, if not the operator's
	Source   string    `json:"source"`             // its name in the config
	Subject  string    `json:"subject,omitempty"`  // what the source calls the zone, if not by its id
	State    zoneState `json:"state"`
	Schedule string    `json:"schedule,omitempty"` // its own
	AddedAt  time.Time `json:"added_at"`
	From     time.Time `json:"from,omitzero"`

	Blocked      string    `json:"blocked,omitempty"` // the reason, also of one that is paused
	Detail       string    `json:"detail,omitempty"`
	Remedy       string    `json:"remedy,omitempty"`
	BlockedSince time.Time `json:"blocked_since,omitzero"`
	NotBefore    time.Time `json:"not_before,omitzero"` // nothing is asked of the source before
	ProbedAt     time.Time `json:"probed_at,omitzero"`

	SealedUntil time.Time               `json:"sealed_until"`
	LagSeconds  int64                   `json:"lag_seconds"`
	Open        int64                   `json:"open"`
	OpenBy      map[catalog.State]int64 `json:"open_by_state,omitempty"`
	OldestOpen  time.Time               `json:"oldest_open,omitzero"`
}

// zoneState is a zone's state in one word.
type zoneState string

const (
	collecting zoneState = "collecting"
	paused     zoneState = "paused"
	blocked    zoneState = "blocked"
	resting    zoneState = "resting"
)

func (w *workspace) zoneViews() ([]zoneView, error) {
	zones, err := w.Catalog.ListZones(w.ctx)
	if err != nil {
		return nil, fmt.Errorf("list zones: %w", err)
	}
	standings, err := w.Catalog.ListStandings(w.ctx)
	if err != nil {
		return nil, fmt.Errorf("list standings: %w", err)
	}
	backlog, err := w.Catalog.Backlog(w.ctx)
	if err != nil {
		return nil, fmt.Errorf("sum up backlog: %w", err)
	}
	standing := map[evidence.ChainID]catalog.Standing{}
	for _, s := range standings {
		standing[s.Chain] = s
	}
	open := map[evidence.ChainID][]catalog.Backlog{}
	for _, b := range backlog {
		open[b.Chain] = append(open[b.Chain], b)
	}
	owners, err := w.owners()
	if err != nil {
		return nil, err
	}
	now := w.Env.Now()
	views := make([]zoneView, 0, len(zones)) // "[]" in JSON
	for _, z := range zones {
		v := newZoneView(z, standing[z.Chain()], open[z.Chain()], now)
		if v.SealedUntil, err = metrics.SealedUntil(w.ctx, w.Catalog, z, open[z.Chain()]); err != nil {
			return nil, err //nolint:wrapcheck // names the zone already
		}
		v.Customer = owners[z.ID]
		v.LagSeconds = int64(max(now.Sub(v.SealedUntil), 0) / time.Second)
		views = append(views, v)
	}
	return views, nil
}

// owners are the customers whose zones are not the operator's, by zone.
func (w *workspace) owners() (map[string]string, error) {
	s, ok := w.Catalog.(tenant.Store)
	if !ok {
		return nil, nil
	}
	return s.ListOwners(w.ctx) //nolint:wrapcheck // says what it did
}

func newZoneView(z catalog.Zone, s catalog.Standing, open []catalog.Backlog, now time.Time) zoneView {
	v := zoneView{
		Zone: z.ID, Name: z.Name, Dataset: z.Dataset, Source: site.SourceOf(z), Subject: z.Subject, State: collecting, Schedule: z.Schedule, AddedAt: z.AddedAt, From: z.From,
		Blocked: s.Blocked, BlockedSince: s.Since, NotBefore: s.NotBefore, ProbedAt: s.ProbedAt,
	}
	if s.Blocked != "" {
		v.Detail, v.Remedy = remedyOf(s)
	}
	switch {
	case z.Paused:
		v.State = paused
	case s.Blocked != "":
		v.State = blocked
	case s.NotBefore.After(now):
		v.State = resting
	}
	for _, b := range open {
		if v.OpenBy == nil {
			v.OpenBy = map[catalog.State]int64{}
		}
		v.OpenBy[b.State] += b.Windows
		v.Open += b.Windows
		if v.OldestOpen.IsZero() || b.Oldest.Before(v.OldestOpen) {
			v.OldestOpen = b.Oldest
		}
	}
	return v
}

// remedyOf parts what was found out from what to do about it: the probe's own
// words, else those of the runbook.
func remedyOf(s catalog.Standing) (detail, remedy string) {
	if detail, remedy, ok := strings.Cut(s.Detail, " → "); ok {
		return detail, remedy
	}
	switch s.Blocked {
	case source.ReasonCredential:
		remedy = "the token is refused: renew it"
	case source.ReasonNotEntitled:
		remedy = "give the token Logs Read on the zone; the zone's plan must have Logpull"
	case source.ReasonRetentionOff:
		remedy = "switch log retention on for the zone; what was not retained meanwhile cannot be had"
	case "source":
		remedy = "the source's plugin cannot be started: see rainlogs plugin list and sources in the config"
	case source.ReasonBoundary:
		remedy = "the zone's logs are kept in another region than the one that is asked"
	}
	return s.Detail, remedy
}

func printZones(env *site.Env, views []zoneView) error {
	return site.Table(env.Out, "NAME\tZONE\tSOURCE\tDATASET\tSTATE\tSCHEDULE\tLAG\tOPEN\tADDED", func(row func(...any)) {
		for _, v := range views {
			row(v.calledText(), v.Zone, v.Source, v.Dataset, v.stateText(), v.scheduleText(), v.lagText(env.Now()), v.Open, site.RFC3339(v.AddedAt))
			if text := v.blockedText(); text != "" {
				row("", text)
			}
		}
	})
}

// calledText is the zone's name, which finds only the operator's.
func (v zoneView) calledText() string {
	if v.Customer == "" {
		return oneLine(v.Name)
	}
	return oneLine(v.Name) + " (customer " + oneLine(v.Customer) + ")"
}

func (v zoneView) stateText() string {
	switch {
	case v.Blocked != "":
		if v.State == paused {
			return fmt.Sprintf("paused, blocked (%s)", v.Blocked)
		}
		return fmt.Sprintf("blocked (%s)", v.Blocked)
	case v.State == resting:
		return "resting until " + site.RFC3339(v.NotBefore)
	}
	return string(v.State)
}

func (v zoneView) scheduleText() string {
	if v.Schedule == "" {
		return defaultSchedule
	}
	return v.Schedule
}

// lagText leaves out what nobody looks at: the seconds of hours, the minutes of days.
func (v zoneView) lagText(now time.Time) string {
	lag := now.Sub(v.SealedUntil)
	switch {
	case lag < 0: // it begins in the future
		return "-"
	case lag < time.Minute:
		return fmt.Sprintf("%ds", lag/time.Second)
	case lag < time.Hour:
		return fmt.Sprintf("%dm%ds", lag/time.Minute, lag%time.Minute/time.Second)
	case lag < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", lag/time.Hour, lag%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%dh", lag/(24*time.Hour), lag%(24*time.Hour)/time.Hour)
}

// blockedText is the second line of a zone that is blocked.
func (v zoneView) blockedText() string {
	if v.Blocked == "" {
		return ""
	}
	text := "since " + site.RFC3339(v.BlockedSince)
	if v.Detail != "" {
		text += ": " + oneLine(v.Detail)
	}
	if v.Remedy != "" {
		text += " → " + oneLine(v.Remedy)
	}
	return text
}

// oneLine keeps foreign text to one row of a table.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
