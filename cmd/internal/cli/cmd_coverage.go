package cli

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

func newCoverage(env *site.Env, g *site.Globals) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "coverage [ZONE]",
		Short: "Show what the chain covers: collected, empty, expired, gap, missing",
		Long: "Show, from the verified chain, which stretches of receive time were collected, were empty, have expired, are sealed gaps, or\n" +
			"are missing. --calendar draws a row a day with a cell an hour, in UTC; over more than 62 days a row a week with a cell a day.\n" +
			"A cell shows the worst of what is in it.\n\n" +
			"Over --server it is what the collector's catalog says: nothing is verified, and what has expired shows as it was sealed.\n\n" + site.ExitHelp,
		Example:           "rainlogs coverage example.com --from -24h --require-complete\nrainlogs coverage example.com --calendar --from -7d",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeZones(env, g),
		RunE: func(cmd *cobra.Command, args []string) error {
			return ask(cmd, env, g, openReader, func(c coverer) error { return runCoverage(env, c, args, o) })
		},
	}
	o.times.addTo(cmd, "the range, receive time")
	addNoCache(cmd, &o.noCache)
	cmd.Flags().BoolVar(&o.calendar, "calendar", false, "draw a calendar")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&o.requireComplete, "require-complete", false, "exit 4 if the range has gaps or holes")
	return site.OverServer(cmd)
}

func runCoverage(env *site.Env, from coverer, zones []string, o verifyOptions) error {
	chains, err := from.covered(zones, o)
	if err != nil {
		return err
	}
	complete := true
	for _, c := range chains {
		complete = complete && c.Report.Complete
	}
	switch {
	case o.asJSON:
		reports := make([]verify.ChainReport, len(chains))
		for i, c := range chains {
			reports[i] = c.Report
		}
		err = site.PrintJSON(env.Out, reports)
	case o.calendar:
		err = printCalendars(env, chains, from.names())
	default:
		err = printCoverage(env, chains)
	}
	if err == nil && !complete && !o.asJSON {
		err = tellOpen(env, chains, from)
	}
	if err == nil && o.requireComplete && !complete {
		return site.EndWith(site.ExitIncomplete, "coverage of the range is incomplete")
	}
	return err
}

func printCoverage(env *site.Env, chains []verify.Chain) error {
	return site.Table(env.Out, "ZONE\tFROM\tTO\tSTATE\tWINDOWS\tLINES", func(row func(...any)) {
		for _, c := range chains {
			for _, s := range c.Report.Segments {
				row(c.ID.Zone, site.RFC3339(s.From), site.RFC3339(s.To), stateText(&s), s.Windows, site.Count(s.Lines))
			}
		}
	})
}

// tellOpen says where what is missing may be yet to come: a zone that was just
// added is missing until its past is fetched.
func tellOpen(env *site.Env, chains []verify.Chain, from coverer) error {
	open, names := from.open(), from.names()
	for _, c := range chains {
		missing := slices.ContainsFunc(c.Report.Segments, func(s verify.Segment) bool { return s.State == verify.Missing })
		if n := open[c.ID]; n > 0 && missing {
			if err := tellOn(env, "%s: %s windows are planned and not collected yet; what is missing may be among them", cmp.Or(names[c.ID], c.ID.Zone), site.Count(n)); err != nil {
				return err
			}
		}
	}
	return nil
}

func printCalendars(env *site.Env, chains []verify.Chain, names map[evidence.ChainID]string) error {
	g := glyphsFor(env)
	if _, err := fmt.Fprintln(env.Out, g.legend()); err != nil {
		return err //nolint:wrapcheck // standard output is gone
	}
	for _, c := range chains {
		if _, err := fmt.Fprintf(env.Out, "\n%s\n", site.SafeLine(heading(c.ID, names[c.ID]))); err != nil {
			return err //nolint:wrapcheck // standard output is gone
		}
		if len(c.Report.Segments) == 0 {
			_, _ = fmt.Fprintln(env.Out, "nothing is covered yet") // the next line reports what this could
			continue
		}
		cal := newCalendar(c.Report.Segments)
		cal.count(c.Entries)
		if err := cal.draw(env.Out, g, c.Report.Segments); err != nil {
			return err
		}
	}
	return nil
}

// heading names a chain by its zone's name too, where that is known.
func heading(id evidence.ChainID, name string) string {
	if name == "" || name == id.Zone {
		return id.String()
	}
	return fmt.Sprintf("%s  %s", name, id)
}

// beside is the catalog, nil without one: what coverage shows of the archive does not depend on it.
func (w *workspace) beside() catalog.Catalog {
	if w.Catalog != nil {
		return w.Catalog
	}
	if path, ok := strings.CutPrefix(w.Config.Catalog, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return nil // opening would make it
		}
	}
	c, err := site.OpenCatalog(w.ctx, w.Config.Catalog, w.Env.Getenv)
	if err != nil {
		w.Logger().DebugContext(w.ctx, "coverage is shown without the catalog", "error", err)
		return nil
	}
	w.Catalog = c // closed with the workspace
	return c
}

// names are what zones are called by, as far as that is known.
func (w *workspace) names() map[evidence.ChainID]string {
	names := map[evidence.ChainID]string{}
	c := w.beside()
	if c == nil {
		return names
	}
	zones, err := c.ListZones(w.ctx)
	if err != nil {
		w.Logger().DebugContext(w.ctx, "zones are shown without names", "error", err)
	}
	for _, z := range zones {
		names[z.Chain()] = z.Name
	}
	return names
}

// open are the windows that are planned and not collected yet, as far as that is known.
func (w *workspace) open() map[evidence.ChainID]int64 {
	open := map[evidence.ChainID]int64{}
	c := w.beside()
	if c == nil {
		return open
	}
	backlog, err := c.Backlog(w.ctx)
	if err != nil {
		w.Logger().DebugContext(w.ctx, "coverage is shown without what is planned", "error", err)
	}
	for _, b := range backlog {
		open[b.Chain] += b.Windows
	}
	return open
}
