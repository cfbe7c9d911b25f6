package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

const datasetHTTP = "http_requests"

func newZone(env *site.Env, g *site.Globals) *cobra.Command {
	return site.NewGroup("zone", "Add, list, show, set, pause, resume or remove the zones under collection",
		newZoneAdd(env, g), newZoneList(env, g), newZoneShow(env, g), newZoneSet(env, g),
		newZonePause(env, g), newZoneResume(env, g), newZoneRemove(env, g))
}

type zoneAddOptions struct {
	zoneFlags
	source, dataset string
	force, asJSON   bool
}

func newZoneAdd(env *site.Env, g *site.Globals) *cobra.Command {
	var o zoneAddOptions
	cmd := &cobra.Command{
		Use:   "add ZONE",
		Short: "Probe a zone and put it under collection",
		Long: "Probe a zone (token, permission, retention flag, metadata boundary, fields), say what will and will not\n" +
			"work, and put it under collection. A zone that is there already keeps what no flag changes: its schedule,\n" +
			"its beginning, its pause.\n\n" +
			"ZONE is a Cloudflare zone id. With --source it is whatever that source calls a zone: the source's settings are\n" +
			"sources.NAME in the config, a third party's plugin has to be pinned (rainlogs plugin pin). Where that is not an\n" +
			"id (32 hex digits), the archive knows the zone by one that is made of both names, and the chain says so.\n\n" +
			"Over --server no probe is printed: the collector makes one, and zone list tells what blocks the zone.\n\n" + beginHelp + "\n\n" + site.ExitHelp,
		Example: "rainlogs zone add 023e105f4ecef8ad9ca31a8372d0c353 --name example.com\n" +
			"rainlogs zone add 023e105f4ecef8ad9ca31a8372d0c353 --schedule \"0 * * * *\" --from -6d\n" +
			"rainlogs zone add world --source hello --dataset greetings",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(args[0]); err != nil {
				return err
			}
			if err := o.parse(cmd, env.Now()); err != nil {
				return err
			}
			return ask(cmd, env, g, openWorkspace, func(z zoneKeeper) error { return z.add(args[0], o) })
		},
	}
	o.addTo(cmd, "readable name (default: what the source says, else ZONE)")
	cmd.Flags().StringVar(&o.source, "source", site.DefaultSource, "the source, by its name in the config and the plugin folder")
	cmd.Flags().StringVar(&o.dataset, "dataset", "", "one of the source's datasets (default: its only one)")
	cmd.Flags().BoolVar(&o.force, "force", false, "add it even if a check failed")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return site.OverServer(cmd)
}

// sourceZone is what a zone may be called by its source: it stands in chains,
// in terminals and in budgets' keys.
var sourceZone = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$`)

// check refuses what no source can mend, before anything is opened.
func (o zoneAddOptions) check(zone string) error {
	if o.source == site.DefaultSource {
		if _, err := evidence.NewChainID(zone, cmp.Or(o.dataset, datasetHTTP)); err != nil {
			return site.Usage(err)
		}
		return nil
	}
	if !wire.ValidName(o.source) {
		return site.Usagef("--source %.40q is no name of a plugin", o.source)
	}
	if !sourceZone.MatchString(zone) {
		return site.Usagef("zone %.140q: want 1 to 128 letters, digits and ._:/@-, a letter or digit first", zone)
	}
	return nil
}

func runZoneAdd(w *workspace, zone string, o zoneAddOptions) error {
	z, known, err := w.toAdd(zone, o)
	if err != nil {
		return err
	}
	report, err := w.probe(z)
	if err != nil {
		return err
	}
	if z.Name == zone && report.ZoneName != "" { // nobody has named it
		z.Name = report.ZoneName
	}
	if err := printProbe(w, report, o.asJSON); err != nil {
		return err
	}
	if !report.OK() && !o.force {
		return failedProbe(zone, report, known)
	}
	if err := w.edit(&z, o.zoneFlags); err != nil {
		return err
	}
	if err := w.Catalog.PutZone(w.ctx, z); err != nil {
		return fmt.Errorf("add zone: %w", err)
	}
	if known {
		return w.tell("zone %s (%s) was under collection already, since %s: it is %s", z.Name, z.ID, site.RFC3339(z.AddedAt), standingOf(z))
	}
	return w.tell("zone %s (%s) is under collection: rainlogsd collects it from now on, and rainlogs pull %s --from -24h a range at once", z.Name, z.ID, z.Name)
}

// toAdd returns a source's zone as it is, or one that is new.
func (w *workspace) toAdd(zone string, o zoneAddOptions) (z catalog.Zone, known bool, err error) {
	feed, err := w.sources().Named(w.ctx, o.source)
	if err != nil {
		return z, false, err //nolint:wrapcheck // names the source already
	}
	dataset, err := datasetOf(feed, o)
	if err != nil {
		return z, false, err
	}
	id, err := evidence.NewChainID(zone, dataset)
	subject := ""
	if err != nil {
		subject = zone
		if id, err = evidence.NewChainID(evidence.ZoneID(o.source, zone), dataset); err != nil {
			return z, false, site.Usagef("source %s: %w", o.source, err)
		}
	}
	zones, err := w.Catalog.ListZones(w.ctx)
	if err != nil {
		return z, false, fmt.Errorf("list zones: %w", err)
	}
	z = catalog.Zone{ID: id.Zone, Name: zone, Dataset: id.Dataset, AddedAt: evidence.SealTime(w.Env.Now())}
	for _, have := range zones {
		if have.Chain() == id {
			z, known = have, true
		}
	}
	if known && site.SourceOf(z) != o.source && z.Subject == subject {
		return z, true, site.Usagef("zone %s is collected from source %s: remove it first, or say --source %s", z.Name, site.SourceOf(z), site.SourceOf(z))
	}
	if z.Source = o.source; o.source == site.DefaultSource {
		z.Source = ""
	}
	z.Subject = subject
	return z, known, nil
}

// datasetOf is the dataset that is meant of a source's.
func datasetOf(feed collect.Feed, o zoneAddOptions) (string, error) {
	name := o.dataset
	switch all := feed.About.Datasets; {
	case name != "":
	case o.source == site.DefaultSource:
		name = datasetHTTP
	case len(all) == 1:
		name = all[0].Name
	default:
		names := make([]string, len(all))
		for i, d := range all {
			names[i] = d.Name
		}
		return "", site.Usagef("source %s has %d datasets: say --dataset, one of %q", o.source, len(all), names)
	}
	if _, err := feed.Dataset(name); err != nil {
		return "", site.Usage(err)
	}
	return name, nil
}

// tell says on standard error what was done.
func (w *workspace) tell(format string, args ...any) error { return tellOn(w.Env, format, args...) }

// tellOn makes what it says harmless.
func tellOn(env *site.Env, format string, args ...any) error {
	_, err := fmt.Fprintln(env.Err, site.SafeLine(fmt.Sprintf(format, args...)))
	return err //nolint:wrapcheck // standard error is gone
}

// failedProbe makes the exit code tell a refused credential from the rest.
func failedProbe(zone string, report source.Report, known bool) error {
	what := "was not added"
	if known {
		what = "stays as it was"
	}
	code := site.ExitFailed
	for _, c := range report.Checks {
		if c.Status == source.Fail && (c.Name == "token" || c.Name == "permission") {
			code = site.ExitDenied
		}
	}
	return site.EndWith(code, fmt.Sprintf("zone %s %s: a check failed (--force goes on all the same)", zone, what))
}

// probe asks a zone's source about it, within the budgets that collectors have.
func (w *workspace) probe(z catalog.Zone) (source.Report, error) {
	feed, err := w.sources().OfZone(w.ctx, z)
	if err != nil {
		return source.Report{}, err //nolint:wrapcheck // names the source already
	}
	report, err := feed.Source.Probe(w.ctx, feed.Zone)
	if err != nil {
		return report, fmt.Errorf("probe zone %s: %w", feed.Zone, err)
	}
	return report, nil
}

func printProbe(w *workspace, report source.Report, asJSON bool) error {
	if asJSON {
		return site.PrintJSON(w.Env.Out, report)
	}
	return site.Table(w.Env.Out, "", func(row func(...any)) {
		for _, c := range report.Checks {
			row(c.Status, c.Name, c.Value, c.Detail)
			if c.Remedy != "" && c.Status != source.OK {
				row("", "", "", "→ "+c.Remedy)
			}
		}
	})
}

func newZoneShow(env *site.Env, g *site.Globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show ZONE", Short: "Probe a zone again and show what works", Args: cobra.ExactArgs(1), ValidArgsFunction: completeZones(env, g),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := openWorkspace(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			z, err := w.zone(args[0])
			if err != nil {
				return err
			}
			report, err := w.probe(z)
			if err != nil {
				return err
			}
			if err := printProbe(w, report, asJSON); err != nil || report.OK() {
				return err
			}
			return site.EndWith(site.ExitFailed, fmt.Sprintf("zone %s cannot be collected as things stand", z.Name))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newZoneRemove(env *site.Env, g *site.Globals) *cobra.Command {
	return site.OverServer(&cobra.Command{
		Use: "remove ZONE", Short: "Take a zone out of collection; its archive stays", Args: cobra.ExactArgs(1), ValidArgsFunction: completeZones(env, g),
		RunE: func(cmd *cobra.Command, args []string) error {
			return ask(cmd, env, g, openCatalog, func(z zoneKeeper) error { return z.remove(args[0]) })
		},
	})
}

// zone finds a zone by name or id.
func (w *workspace) zone(idOrName string) (catalog.Zone, error) {
	z, err := w.Catalog.Zone(w.ctx, idOrName)
	if errors.Is(err, catalog.ErrNotFound) {
		return z, site.Usagef("zone %q is not under collection (rainlogs zone list; rainlogs zone add ZONE_ID)", idOrName)
	}
	if err != nil {
		return z, fmt.Errorf("find zone: %w", err)
	}
	return z, nil
}

// zonesOf are zones by name or id; no names are all.
func (w *workspace) zonesOf(names []string) ([]catalog.Zone, error) {
	if len(names) == 0 {
		zones, err := w.Catalog.ListZones(w.ctx)
		if err != nil {
			return nil, fmt.Errorf("list zones: %w", err)
		}
		return zones, nil
	}
	zones := make([]catalog.Zone, len(names))
	for i, name := range names {
		var err error
		if zones[i], err = w.zone(name); err != nil {
			return nil, err
		}
	}
	return zones, nil
}

// called is what finds each zone: its name, or, of a customer's, its id.
func (w *workspace) called() ([]string, error) {
	zones, err := w.Catalog.ListZones(w.ctx)
	if err != nil {
		return nil, fmt.Errorf("list zones: %w", err)
	}
	owners, err := w.owners()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, z := range zones {
		if owners[z.ID] == "" {
			out = append(out, z.Name)
		} else {
			out = append(out, z.ID)
		}
	}
	return out, nil
}

// completeZones offers zone names to the shell.
func completeZones(env *site.Env, g *site.Globals) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
		if cmd.Context() == nil {
			cmd.SetContext(context.Background())
		}
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		err := ask(cmd, env, g, openCatalog, func(z zoneLister) (err error) {
			names, err = z.zoneNames()
			return err
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
