package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/tui/app"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	screens "github.com/fabriziosalmi/rainlogs/tui/screen/collector"
	"github.com/fabriziosalmi/rainlogs/tui/screen/overview"
	"github.com/fabriziosalmi/rainlogs/tui/screen/settings"
)

// remoteDays are the days of a zone that the overview asks a collector elsewhere
// about: a question each at first, and then only those that are not whole.
const remoteDays = 31

// outpost is what the workstation's screens see of a collector elsewhere.
type outpost struct {
	remote
	me       gen.Me
	readOnly string // why nothing can be changed, "" if it can

	mu   sync.Mutex // guards days
	days map[zoneDay]*gen.Coverage
}

// zoneDay is a day of a zone's.
type zoneDay struct {
	zone, dataset string
	date          time.Time
}

var (
	_ overview.Data = (*outpost)(nil)
	_ screens.Data  = (*outpost)(nil)
	_ settings.Data = (*outpost)(nil)
)

// openRemote is open for a collector elsewhere: the screens that the API can
// answer. Nothing is kept of a session.
func (t *sitting) openRemote(ctx context.Context) (*app.App, error) {
	c, err := t.g.Client()
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	t.closing = func() error { c.Close(); return nil }
	me, err := c.Me(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask who the API key is: %w", err)
	}
	o := &outpost{remote: remote{env: t.env, g: t.g, ctx: ctx, client: c}, me: *me, readOnly: t.at.why, days: map[zoneDay]*gen.Coverage{}}
	if role := me.ApiKey.Role; o.readOnly == "" && role != gen.KeyRoleAdmin && role != gen.KeyRoleOperator {
		o.readOnly = "the API key is an " + string(role) + "'s"
	}
	keys, err := stationKeys(config.Keys{})
	if err != nil {
		return nil, err
	}
	style, fixed, err := t.at.style(t.at.terminal, nil)
	if err != nil {
		return nil, err
	}
	notice := screen.Say{Text: fmt.Sprintf("the last %d days, by the word of %s: nothing is verified", remoteDays, o.g.ServerName())}
	return app.New(app.Config{
		First: screen.Overview, Keys: keys, Theme: style, FixedTheme: fixed, Flagged: t.at.flagged, Title: me.Customer.Name, ReadOnly: o.readOnly != "",
		NoMouse: t.at.noMouse, Notice: notice,
		Screens: map[screen.Name]screen.Screen{
			screen.Overview:  overview.New(overview.Config{Data: o, Keys: keys}),
			screen.Collector: screens.New(screens.Config{Data: o, Keys: keys, Local: time.Local, ReadOnly: o.readOnly != ""}),
			screen.Help:      settings.New(settings.Config{Data: o, Keys: keys}),
		},
	}), nil
}

// during is the remote for one question of a screen's; what is told goes to out.
func (o *outpost) during(ctx context.Context, out io.Writer) *remote {
	return &remote{env: quiet(o.env, out), g: o.g, ctx: ctx, client: o.client}
}

// Overview implements overview.Data.
func (o *outpost) Overview(ctx context.Context) (overview.Overview, error) {
	now := overview.Overview{At: o.env.Now().UTC()}
	views, err := o.during(ctx, io.Discard).views()
	if err != nil {
		return now, advised(err)
	}
	for _, v := range views {
		z := zoneInView(v)
		if err := o.fill(ctx, &z, v, now.At); err != nil {
			return now, advised(fmt.Errorf("coverage of %s: %w", v.Name, err))
		}
		now.Zones = append(now.Zones, z)
	}
	slices.SortFunc(now.Zones, func(a, b overview.Zone) int { return strings.Compare(a.Name, b.Name) })
	return now, nil
}

// fill draws the last days of a zone.
func (o *outpost) fill(ctx context.Context, z *overview.Zone, v zoneView, now time.Time) error {
	today := now.Truncate(24 * time.Hour)
	begin := v.From
	if begin.IsZero() {
		begin = v.AddedAt.Add(-backfill)
	}
	date := later(begin.Truncate(24*time.Hour), today.AddDate(0, 0, 1-remoteDays))
	var segments []verify.Segment
	for ; !date.After(today); date = date.AddDate(0, 0, 1) {
		part, err := o.day(ctx, zoneDay{v.Zone, v.Dataset, date}, now)
		if err != nil {
			return err
		}
		day := overview.Day{Date: date}
		for _, s := range part.Spans {
			day.Lines += s.Lines
			z.Bytes += s.Bytes
			segments = addSegment(segments, segmentOf(s))
		}
		z.Lines += day.Lines
		z.Days = append(z.Days, day)
	}
	segments = trimmed(segments, true, true)
	if len(segments) == 0 {
		z.Days = nil // nothing is sealed yet
		return nil
	}
	z.Days = slices.DeleteFunc(z.Days, func(d overview.Day) bool { return !d.Date.Add(24 * time.Hour).After(segments[0].From) })
	for _, s := range segments {
		enter(z, dataset.Span{Start: s.From, End: s.To, State: dataset.State(s.State)})
	}
	return nil
}

// day is what of a day is sealed. One that is whole stays so.
func (o *outpost) day(ctx context.Context, d zoneDay, now time.Time) (*gen.Coverage, error) {
	o.mu.Lock()
	known := o.days[d]
	o.mu.Unlock()
	if known != nil {
		return known, nil
	}
	end := earlier(d.date.AddDate(0, 0, 1), now)
	if !d.date.Before(end) {
		return &gen.Coverage{}, nil // midnight
	}
	found, err := o.client.Coverage(ctx, ref(catalog.Zone{ID: d.zone, Dataset: d.dataset}), d.date, end)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it did
	}
	if found.Complete && end.Equal(d.date.AddDate(0, 0, 1)) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.days[d] = found
	}
	return found, nil
}

// Look implements screens.Data.
func (o *outpost) Look(ctx context.Context) (screens.Standing, error) {
	r := o.during(ctx, io.Discard)
	out := screens.Standing{
		At: r.env.Now().UTC(), Catalog: "of " + o.g.ServerName(), Hidden: true, Log: "its log is where it runs",
		Daemon: screens.Daemon{Level: screens.Good, Text: "answers at " + o.g.ServerName()},
	}
	views, err := r.views()
	if err != nil {
		return out, advised(err)
	}
	for i := range views {
		out.Zones = append(out.Zones, zoneOfView(&views[i]))
		if err := r.windowsAtWork(&out, &views[i]); err != nil {
			return out, advised(err)
		}
	}
	return out, nil
}

// windowsAtWork lists the windows of a zone that are more than planned.
func (r *remote) windowsAtWork(out *screens.Standing, v *zoneView) error {
	left := v.OpenBy[catalog.Pulling] + v.OpenBy[catalog.Retrying] + v.OpenBy[catalog.Blocked]
	if left == 0 {
		return nil
	}
	out.More += max(0, left-maxWindows)
	left = min(left, maxWindows)
	id := screens.ID{Zone: v.Zone, Dataset: v.Dataset}
	for j, err := range r.client.Jobs(r.ctx, ref(catalog.Zone{ID: v.Zone, Dataset: v.Dataset})) {
		if err != nil {
			return fmt.Errorf("list windows: %w", err)
		}
		if left == 0 || j.From.Before(v.OldestOpen) { // they come the latest first
			return nil
		}
		level, ok := map[gen.JobState]screens.Level{gen.JobStatePulling: screens.Good, gen.JobStateRetrying: screens.Warn, gen.JobStateBlocked: screens.Bad}[j.State]
		if !ok {
			continue
		}
		left--
		w := screens.Window{
			ID: id, Name: v.Name, From: j.From.UTC(), To: j.To.UTC(), State: string(j.State), Level: level,
			Attempts: int(j.Attempts), Next: optional(j.NextAt), Reason: optional(j.Reason), Detail: optional(j.Detail),
		}
		if j.State == gen.JobStateBlocked {
			w.Detail, w.Remedy = remedyOf(catalog.Standing{Blocked: w.Reason, Detail: w.Detail})
		}
		out.Windows = append(out.Windows, w)
	}
	return nil
}

// errNotOver is said of what the API has nothing of.
var errNotOver = errors.New("the API does not tell this: ask at the collector's own machine")

// Plugins implements screens.Data.
func (o *outpost) Plugins(context.Context) ([]screens.Plugin, error) { return nil, errNotOver }

// Checks implements screens.Data.
func (o *outpost) Checks(context.Context) ([]screens.Check, error) { return nil, errNotOver }

// Log implements screens.Data.
func (o *outpost) Log(context.Context) ([]screens.LogLine, string, error) { return nil, "", errNotOver }

// Do implements screens.Data.
func (o *outpost) Do(ctx context.Context, order screens.Order) (string, error) {
	var said bytes.Buffer
	r := o.during(ctx, &said)
	name := order.Zone.Zone + "/" + order.Zone.Dataset
	var err error
	switch order.Kind {
	case screens.Pause:
		err = r.pause(name)
	case screens.Resume:
		err = r.resume(name)
	default:
		return "", errNotOver
	}
	return oneLine(said.String()), advised(err)
}

// Pull implements screens.Data: the collector pulls, and the zone tells how far it is.
func (o *outpost) Pull(ctx context.Context, zone screens.ID, _ func(screens.Progress)) (string, error) {
	var said bytes.Buffer
	err := o.during(ctx, &said).pull(zone.Zone+"/"+zone.Dataset, pullOptions{})
	return oneLine(said.String()), advised(err)
}

// Archive implements settings.Data.
func (o *outpost) Archive(ctx context.Context) (settings.Archive, error) {
	a := settings.Archive{
		Name: o.me.Customer.Name, Config: "none: over the API of " + o.g.ServerName(), ReadOnly: o.readOnly,
		Version: "rainlogs " + site.Version,
	}
	zones, err := o.during(ctx, io.Discard).zonesOf(nil)
	if err != nil {
		return a, err
	}
	for _, z := range zones[:min(1, len(zones))] { // one key signs all of them
		c, err := o.client.Chain(ctx, ref(z))
		if err != nil {
			return a, fmt.Errorf("read head: %w", err)
		}
		a.ID = c.Archive
		a.Keys = []settings.Key{{VKey: c.Vkey, Trust: "the server's word: compare it with one that was pinned elsewhere"}}
	}
	return a, nil
}
