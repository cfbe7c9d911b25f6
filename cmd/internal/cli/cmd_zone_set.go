package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
)

// beginHelp says what becomes of a beginning.
const beginHelp = "--from is where the collector begins, in receive time; without it, collector.backfill before the zone was\n" +
	"added. What of it is not sealed yet and older than the source keeps (168h at Cloudflare) cannot be had: it is\n" +
	"sealed as one gap, for good. A later beginning undoes nothing: windows that are in the ledger stay there."

// defaultSchedule takes a zone's own schedule away.
const defaultSchedule = "default"

// zoneFlags are what an operator says of a zone.
type zoneFlags struct {
	name, schedule, from, tz string

	begin                     time.Time // from, parsed
	named, scheduled, limited bool      // which of them were given
}

func (f *zoneFlags) addTo(cmd *cobra.Command, name string) {
	cmd.Flags().StringVar(&f.name, "name", "", name)
	cmd.Flags().StringVar(&f.schedule, "schedule", "", `when new windows are planned: a cron expression in UTC, @hourly, "@every 10m", or "default" for collector.schedule`)
	cmd.Flags().StringVar(&f.from, "from", "", `where collection begins, receive time (2026-11-23T14:00:00Z, "2026-11-23 14:00", -24h, -7d, now)`)
	cmd.Flags().StringVar(&f.tz, "tz", "UTC", "time zone of a --from without one, such as Europe/Rome")
}

// parse checks what was given before anything is opened.
func (f *zoneFlags) parse(cmd *cobra.Command, now time.Time) error {
	f.named, f.scheduled, f.limited = cmd.Flags().Changed("name"), cmd.Flags().Changed("schedule"), cmd.Flags().Changed("from")
	if f.named && (strings.TrimSpace(f.name) == "" || strings.ContainsFunc(f.name, unicode.IsControl)) {
		return site.Usagef("--name %q is not a name", f.name)
	}
	if f.scheduled && f.schedule != defaultSchedule {
		if _, err := schedule.ParseTimes(f.schedule); err != nil {
			return site.Usagef("--schedule: %w", err)
		}
	}
	from, _, err := (&rangeFlags{from: f.from, tz: f.tz}).parse(now)
	if err != nil {
		return err
	}
	if f.limited && from.IsZero() {
		return site.Usagef("--from is empty")
	}
	f.begin = from.Truncate(time.Second)
	return nil
}

// edit applies what was given to a zone, and warns of what cannot be had.
func (w *workspace) edit(z *catalog.Zone, f zoneFlags) error {
	if f.named {
		other, err := w.Catalog.Zone(w.ctx, f.name)
		switch {
		case errors.Is(err, catalog.ErrNotFound):
		case err != nil:
			return fmt.Errorf("find zone: %w", err)
		case other.Chain() != z.Chain():
			return site.Usagef("--name %q is what zone %s is called by", f.name, other.ID)
		}
		z.Name = f.name
	}
	if f.scheduled {
		if z.Schedule = f.schedule; f.schedule == defaultSchedule {
			z.Schedule = ""
		}
	}
	if !f.limited {
		return nil
	}
	z.From = f.begin
	limits, err := w.sourceLimits(*z)
	if err != nil {
		return err
	}
	if oldest := w.Env.Now().Add(-limits.MaxAge); limits.MaxAge > 0 && z.From.Before(oldest) {
		return w.tell("warning: the source keeps %s: what is older than %s and not sealed yet is going to be sealed as a gap", limits.MaxAge, site.RFC3339(oldest))
	}
	return nil
}

func newZoneSet(env *site.Env, g *site.Globals) *cobra.Command {
	var f zoneFlags
	cmd := &cobra.Command{
		Use: "set ZONE", Short: "Change a zone's name, schedule or beginning", Args: cobra.ExactArgs(1), ValidArgsFunction: completeZones(env, g),
		Long: "Change a zone's name, schedule or beginning. A running collector goes by it from its next plan on; a\n" +
			"beginning that was moved back is planned when the zone's schedule comes next.\n\n" + beginHelp + "\n\n" + site.ExitHelp,
		Example: "rainlogs zone set example.com --schedule \"*/15 * * * *\"\nrainlogs zone set example.com --schedule default --from -5d",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.parse(cmd, env.Now()); err != nil {
				return err
			}
			if !f.named && !f.scheduled && !f.limited {
				return site.Usagef("there is nothing to set: give --name, --schedule or --from")
			}
			return ask(cmd, env, g, openCatalog, func(z zoneKeeper) error { return z.set(args[0], f) })
		},
	}
	f.addTo(cmd, "its new readable name")
	return site.OverServer(cmd)
}

// standingOf is what the operator has said of a zone, in words.
func standingOf(z catalog.Zone) string {
	text := "collected"
	if z.Paused {
		text = "paused"
	}
	if z.Schedule == "" {
		text += ", on the collector's schedule"
	} else {
		text += fmt.Sprintf(", on its own schedule %q", z.Schedule)
	}
	if !z.From.IsZero() {
		text += ", from " + site.RFC3339(z.From) + " on"
	}
	return text
}

// change keeps a zone as it is now, and tells how that is.
func (w *workspace) change(z catalog.Zone, said string) error {
	if err := w.Catalog.PutZone(w.ctx, z); err != nil {
		return fmt.Errorf("change zone: %w", err)
	}
	return w.tell("zone %s (%s) %s", z.Name, z.ID, said)
}

func newZonePause(env *site.Env, g *site.Globals) *cobra.Command {
	return site.OverServer(&cobra.Command{
		Use: "pause ZONE", Short: "Stop the collecting of a zone for a while; its archive stays", Args: cobra.ExactArgs(1), ValidArgsFunction: completeZones(env, g),
		Long: "Stop the collecting of a zone until it is resumed. A window that is being pulled comes to its end. Retention\n" +
			"goes on, and rainlogs pull still collects what it is told to. Once resumed, the collector catches up; what is\n" +
			"older than the source keeps (168h at Cloudflare) is lost then and sealed as a gap.\n\n" + site.ExitHelp,
		Example: "rainlogs zone pause example.com",
		RunE: func(cmd *cobra.Command, args []string) error {
			return ask(cmd, env, g, openCatalog, func(z zoneKeeper) error { return z.pause(args[0]) })
		},
	})
}

func (w *workspace) pause(z catalog.Zone) error {
	if z.Paused {
		return w.tell("zone %s (%s) was paused already", z.Name, z.ID)
	}
	z.Paused = true
	return w.change(z, "is paused: the collector leaves it alone until rainlogs zone resume "+z.Name)
}

func newZoneResume(env *site.Env, g *site.Globals) *cobra.Command {
	return site.OverServer(&cobra.Command{
		Use: "resume ZONE", Short: "Go on with the collecting of a zone", Args: cobra.ExactArgs(1), ValidArgsFunction: completeZones(env, g),
		Long: "Go on with the collecting of a zone that was paused, from where it stopped. A zone that is blocked is probed\n" +
			"at once by a running collector, and not only after collector.recheck: resume it once what blocked it is\n" +
			"mended, paused or not.\n\n" + site.ExitHelp,
		Example: "rainlogs zone resume example.com",
		RunE: func(cmd *cobra.Command, args []string) error {
			return ask(cmd, env, g, openCatalog, func(z zoneKeeper) error { return z.resume(args[0]) })
		},
	})
}

func (w *workspace) resume(z catalog.Zone) error {
	said := "was not paused"
	if z.Paused {
		z.Paused, said = false, "is collected again"
	}
	if err := w.change(z, said); err != nil {
		return err
	}
	return w.askProbe(z.Chain())
}

// askProbe has a blocked zone probed by the collector. The standing is the
// workers' to change: they get a job to look at it anew.
func (w *workspace) askProbe(id evidence.ChainID) error {
	s, err := w.Catalog.Standing(w.ctx, id)
	if err != nil {
		return fmt.Errorf("read standing of %s: %w", id, err)
	}
	if s.Blocked == "" {
		return nil
	}
	ok, err := site.HasQueue(w.ctx, w.Catalog)
	if err != nil || !ok {
		return err
	}
	q, err := site.OpenQueue(w.ctx, w.Catalog, jobs.Config{Log: w.Logger()})
	if err != nil {
		return err
	}
	_, err = q.Insert(w.ctx, []jobs.Insertion{jobs.ObserveJob(id)})
	if err = errors.Join(err, q.Close()); err != nil {
		return fmt.Errorf("have the zone probed: %w", err)
	}
	return w.tell("it is blocked (%s): a running collector probes it now", s.Blocked)
}
