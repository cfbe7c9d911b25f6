package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

const datasetHTTP = "http_requests"

func newZone(env *site.Env, g *site.Globals) *cobra.Command {
	return site.NewGroup("zone", "Add, list, show, set, pause, resume or remove the zones under collection",
		newZoneAdd(env, g), newZoneList(env, g), newZoneShow(env, g), newZoneSet(env, g),
		newZonePause(env, g), newZoneResume(env, g), newZoneRemove(env, g))
}

type zoneAddOptions struct {
	zoneFlags
	force, asJSON bool
}

func newZoneAdd(env *site.Env, g *site.Globals) *cobra.Command {
	var o zoneAddOptions
	cmd := &cobra.Command{
		Use:   "add ZONE_ID",
		Short: "Probe a zone and put it under collection",
		Long: "Probe a zone (token, permission, retention flag, metadata boundary, fields), say what will and will not\n" +
			"work, and put it under collection. A zone that is there already keeps what no flag changes: its schedule,\n" +
			"its beginning, its pause.\n\n" +
			beginHelp + "\n\n" + site.ExitHelp,
		Example: "rainlogs zone add 023e105f4ecef8ad9ca31a8372d0c353 --name example.com\n" +
			"rainlogs zone add 023e105f4ecef8ad9ca31a8372d0c353 --schedule \"0 * * * *\" --from -6d",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := evidence.NewChainID(args[0], datasetHTTP)
			if err != nil {
				return site.Usage(err)
			}
			if err := o.parse(cmd, env.Now()); err != nil {
				return err
			}
			w, err := openWorkspace(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			return runZoneAdd(w, id, o)
		},
	}
	o.addTo(cmd, "readable name (default: what Cloudflare says, else the id)")
	cmd.Flags().BoolVar(&o.force, "force", false, "add it even if a check failed")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

func runZoneAdd(w *workspace, id evidence.ChainID, o zoneAddOptions) error {
	z, known, err := w.known(id)
	if err != nil {
		return err
	}
	report, err := w.probe(id.Zone)
	if err != nil {
		return err
	}
	if z.Name == id.Zone && report.ZoneName != "" { // nobody has named it
		z.Name = report.ZoneName
	}
	if err := printProbe(w, report, o.asJSON); err != nil {
		return err
	}
	if !report.OK() && !o.force {
		return failedProbe(id.Zone, report, known)
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

// known returns a chain's zone as it is, or one that is new.
func (w *workspace) known(id evidence.ChainID) (z catalog.Zone, known bool, err error) {
	zones, err := w.Catalog.ListZones(w.ctx)
	if err != nil {
		return z, false, fmt.Errorf("list zones: %w", err)
	}
	for _, z := range zones {
		if z.Chain() == id {
			return z, true, nil
		}
	}
	return catalog.Zone{ID: id.Zone, Name: id.Zone, Dataset: id.Dataset, AddedAt: evidence.SealTime(w.Env.Now())}, false, nil
}

// tell says on standard error what was done. What it says is made harmless.
func (w *workspace) tell(format string, args ...any) error {
	_, err := fmt.Fprintln(w.Env.Err, site.SafeLine(fmt.Sprintf(format, args...)))
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

func (w *workspace) probe(zone string) (source.Report, error) {
	src, _, err := w.OpenSource(w.ctx)
	if err != nil {
		return source.Report{}, err
	}
	report, err := src.Probe(w.ctx, zone)
	if err != nil {
		return report, fmt.Errorf("probe zone %s: %w", zone, err)
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
			report, err := w.probe(z.ID)
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
	return &cobra.Command{
		Use: "remove ZONE", Short: "Take a zone out of collection; its archive stays", Args: cobra.ExactArgs(1), ValidArgsFunction: completeZones(env, g),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := openCatalog(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			z, err := w.zone(args[0])
			if err != nil {
				return err
			}
			if err := w.Catalog.RemoveZone(w.ctx, z.ID, z.Dataset); err != nil {
				return fmt.Errorf("remove zone: %w", err)
			}
			return w.tell("zone %s is no longer collected; what was sealed stays", z.Name)
		},
	}
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

// completeZones offers zone names to the shell.
func completeZones(env *site.Env, g *site.Globals) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx := cmd.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		w, err := openCatalog(ctx, env, g)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		defer w.Close()
		zones, err := w.Catalog.ListZones(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []string
		for _, z := range zones {
			names = append(names, z.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
