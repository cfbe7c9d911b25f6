package cli

import (
	"cmp"
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/api/client"
	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// optional is what a field holds that may be absent, or its zero.
func optional[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// notEmpty is nil for a text that says nothing.
func notEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// zoneOfWire is a zone as the catalog here would have it, and how it stands.
func zoneOfWire(z gen.Zone) (catalog.Zone, catalog.Standing) {
	out := catalog.Zone{
		ID: z.Id, Name: z.Name, Dataset: z.Dataset, AddedAt: z.AddedAt, Paused: z.Paused, Schedule: optional(z.Schedule), From: optional(z.From), Source: z.Source,
	}
	if z.Source == site.DefaultSource {
		out.Source = ""
	}
	if z.SourceZone != z.Id {
		out.Subject = z.SourceZone
	}
	return out, catalog.Standing{Chain: out.Chain(), Blocked: optional(z.Blocked), Detail: optional(z.BlockedDetail), Since: optional(z.BlockedSince)}
}

// views joins the zones with how far each is.
func (r *remote) views() ([]zoneView, error) {
	zones, err := r.client.Zones(r.ctx)
	if err != nil {
		return nil, fmt.Errorf("list zones: %w", err)
	}
	backlog, err := r.client.Backlog(r.ctx)
	if err != nil {
		return nil, fmt.Errorf("sum up backlog: %w", err)
	}
	far := map[evidence.ChainID]gen.ZoneBacklog{}
	for _, b := range backlog {
		far[evidence.ChainID{Zone: b.Zone, Dataset: b.Dataset}] = b
	}
	now := r.env.Now()
	views := make([]zoneView, 0, len(zones)) // "[]" in JSON
	for _, wire := range zones {
		z, standing := zoneOfWire(wire)
		b, ok := far[z.Chain()]
		if !ok {
			continue // it was added between the two questions, or removed
		}
		standing.NotBefore, standing.ProbedAt = optional(b.NotBefore), optional(b.ProbedAt)
		var open []catalog.Backlog
		for state, n := range b.Open {
			open = append(open, catalog.Backlog{Chain: z.Chain(), State: catalog.State(state), Windows: n, Oldest: optional(b.OldestOpen)})
		}
		v := newZoneView(z, standing, open, now)
		v.SealedUntil = b.SealedUntil
		v.LagSeconds = int64(max(now.Sub(v.SealedUntil), 0) / time.Second)
		views = append(views, v)
	}
	return views, nil
}

func (r *remote) zoneNames() ([]string, error) {
	zones, err := r.client.Zones(r.ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // for the shell's completion
	}
	names := make([]string, len(zones))
	for i, z := range zones {
		names[i] = z.Name
	}
	return names, nil
}

// zone finds a zone by id or name, or by what its source calls it: a
// customer's zones have ids that nobody knows by heart.
func (r *remote) zone(idOrName string) (catalog.Zone, error) {
	zones, err := r.client.Zones(r.ctx)
	if err != nil {
		return catalog.Zone{}, fmt.Errorf("find zone: %w", err)
	}
	for _, is := range []func(z gen.Zone) bool{
		func(z gen.Zone) bool { return z.Id == idOrName || z.Id+"/"+z.Dataset == idOrName },
		func(z gen.Zone) bool { return z.Name == idOrName },
		func(z gen.Zone) bool { return z.SourceZone == idOrName },
	} {
		for _, wire := range zones {
			if is(wire) {
				z, _ := zoneOfWire(wire)
				return z, nil
			}
		}
	}
	return catalog.Zone{}, site.Usagef("zone %q is not under collection (rainlogs zone list; rainlogs zone add ZONE_ID)", idOrName)
}

// zonesOf are zones by name; no names are all.
func (r *remote) zonesOf(names []string) ([]catalog.Zone, error) {
	var out []catalog.Zone
	for _, name := range names {
		z, err := r.zone(name)
		if err != nil {
			return nil, err
		}
		out = append(out, z)
	}
	if len(names) > 0 {
		return out, nil
	}
	zones, err := r.client.Zones(r.ctx)
	if err != nil {
		return nil, fmt.Errorf("list zones: %w", err)
	}
	for _, wire := range zones {
		z, _ := zoneOfWire(wire)
		out = append(out, z)
	}
	return out, nil
}

// ref names a zone to the API.
func ref(z catalog.Zone) client.Zone { return client.Zone{ID: z.ID, Dataset: z.Dataset} }

func (r *remote) add(zone string, o zoneAddOptions) error {
	if o.asJSON {
		return site.Usagef("--json prints the report of a probe, which the API has none of: leave it out, and see zone list --json")
	}
	in := gen.NewZone{SourceZone: zone, Name: cmp.Or(o.name, zone), Dataset: notEmpty(o.dataset), Source: notEmpty(o.source)}
	if o.scheduled && o.schedule != defaultSchedule {
		in.Schedule = &o.schedule
	}
	if o.limited {
		in.From = &o.begin
	}
	made, err := r.client.AddZone(r.ctx, in)
	if err != nil {
		return fmt.Errorf("add zone: %w", err)
	}
	return r.tell("zone %s (%s) is under collection: the collector probes it and collects it from now on, and rainlogs pull %s what is due at once; zone list tells what blocks it, if anything does", made.Name, made.Id, made.Name)
}

func (r *remote) set(zone string, f zoneFlags) error {
	if f.limited {
		return site.Usagef("--from: over the API a zone's beginning is said when it is added, and not changed")
	}
	var patch gen.ZonePatch
	if f.named {
		patch.Name = &f.name
	}
	if f.scheduled {
		if patch.Schedule = &f.schedule; f.schedule == defaultSchedule {
			patch.Schedule = new(string)
		}
	}
	z, err := r.zone(zone)
	if err != nil {
		return err
	}
	if z, err = r.change(z, patch); err != nil {
		return err
	}
	return r.tell("zone %s (%s) is %s", z.Name, z.ID, standingOf(z))
}

func (r *remote) change(z catalog.Zone, patch gen.ZonePatch) (catalog.Zone, error) {
	wire, err := r.client.ChangeZone(r.ctx, ref(z), patch)
	if err != nil {
		return z, fmt.Errorf("change zone: %w", err)
	}
	z, _ = zoneOfWire(*wire)
	return z, nil
}

func (r *remote) pause(zone string) error {
	z, err := r.zone(zone)
	if err != nil {
		return err
	}
	if z.Paused {
		return r.tell("zone %s (%s) was paused already", z.Name, z.ID)
	}
	yes := true
	if z, err = r.change(z, gen.ZonePatch{Paused: &yes}); err != nil {
		return err
	}
	return r.tell("zone %s (%s) is paused: the collector leaves it alone until rainlogs zone resume %s", z.Name, z.ID, z.Name)
}

func (r *remote) resume(zone string) error {
	z, err := r.zone(zone)
	if err != nil {
		return err
	}
	said, no := "was not paused", false
	if z.Paused {
		said = "is collected again"
	}
	if z, err = r.change(z, gen.ZonePatch{Paused: &no}); err != nil {
		return err
	}
	return r.tell("zone %s (%s) %s", z.Name, z.ID, said)
}

func (r *remote) remove(zone string) error {
	z, err := r.zone(zone)
	if err != nil {
		return err
	}
	if err := r.client.RemoveZone(r.ctx, ref(z)); err != nil {
		return fmt.Errorf("remove zone: %w", err)
	}
	return r.tell("zone %s is no longer collected; what was sealed stays", z.Name)
}

// pull has the collector pull what is due: which range that is, it knows itself.
func (r *remote) pull(zone string, o pullOptions) error {
	if o.times.from != "" || o.times.to != "" || o.window != 0 || o.requireComplete {
		return site.Usagef("--from, --to, --window and --require-complete: over the API the collector pulls what is due, in its own windows")
	}
	z, err := r.zone(zone)
	if err != nil {
		return err
	}
	n, err := r.client.Pull(r.ctx, ref(z))
	if err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	if o.asJSON {
		return site.PrintJSON(r.env.Out, map[string]any{"queued": n})
	}
	_, err = fmt.Fprintf(r.env.Out, "%s: %s queued, to be pulled before all else\n", site.SafeLine(z.Name), site.Number(int(n), "window is", "windows are"))
	return err //nolint:wrapcheck // standard output is gone
}
