package cli

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/publish"
)

type publishOptions struct {
	times                rangeFlags
	zones                []string
	location             string
	dryRun, anew, asJSON bool
}

func newPublish(env *site.Env, g *site.Globals) *cobra.Command {
	var o publishOptions
	cmd := &cobra.Command{
		Use:   "publish-columns",
		Short: "Write the records as Parquet and an Apache Iceberg table into the store, for other engines",
		Long: "Write the records into the store below columns/, as hive-partitioned Parquet (zone, date and hour of the window's start) and an\n" +
			"Apache Iceberg table over it. Only what is missing is added, and of objects that are what was sealed; what has expired is\n" +
			"removed. These files are derived and never evidence: nothing checks them afterwards, and they can be deleted at any time.\n\n" + site.ExitHelp,
		Example: "rainlogs archive publish-columns --dry-run\nrainlogs archive publish-columns --zone example.com --from -7d",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := openReader(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			return runPublish(w, o)
		},
	}
	o.times.addTo(cmd, "the windows that are added")
	cmd.Flags().StringArrayVar(&o.zones, "zone", nil, "a zone, by name or id; again for more (default: all)")
	cmd.Flags().StringVar(&o.location, "location", "", "URI of the store's root as other engines name it (default: file:// or s3:// of the first store)")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only say what would be added and removed")
	cmd.Flags().BoolVar(&o.anew, "anew", false, "begin the table anew, whatever stands there")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	_ = cmd.RegisterFlagCompletionFunc("zone", completeZones(env, g)) // the flag exists
	return cmd
}

func runPublish(w *workspace, o publishOptions) error {
	from, to, err := o.times.parse(w.Env.Now())
	if err != nil {
		return err
	}
	location := cmp.Or(o.location, storeURI(w.Config.Archive.Storage[0]))
	if !strings.Contains(location, "://") {
		return site.Usagef("say with --location how other engines name the store, such as s3://bucket/prefix")
	}
	chains, err := w.queryChains(o.zones)
	if err != nil {
		return err
	}
	cache, err := w.columns()
	if err != nil {
		return err
	}
	if cache == nil {
		return site.Usagef("columns are published from those that are kept here, and query.columns.limit turns them off")
	}
	var sums []publish.Summary
	for _, of := range byDataset(chains) {
		bar := site.NewBar(w.Env, w.Globals, "publish", -1, "files")
		s, err := publish.Run(w.ctx, publish.Config{
			Store: w.Store, Location: location, Archive: w.Archive, Dataset: of[0].ID.Dataset, Chains: of, Cache: cache,
			Range: dataset.Range{From: from, To: to}, DryRun: o.dryRun, Anew: o.anew, Now: w.Env.Now, Log: w.Logger(),
			Progress: func(done, total int) { bar.Set(int64(done), int64(total)) },
		})
		bar.Done()
		if err != nil {
			return publishError(err)
		}
		sums = append(sums, s)
	}
	return w.reportPublished(o, sums)
}

// storeURI is how other engines name a store of one of our plugins, "" for others.
func storeURI(p config.Plugin) string {
	s := p.Settings()
	switch p.Name() {
	case "fs":
		return "file://" + filepath.ToSlash(s["path"])
	case "s3":
		return strings.TrimRight("s3://"+s["bucket"]+"/"+s["prefix"], "/")
	}
	return ""
}

func publishError(err error) error {
	switch {
	case errors.Is(err, publish.ErrForeign):
		return site.EndWith(site.ExitFailed, err.Error()+" (--anew begins a table anew)")
	case errors.Is(err, publish.ErrBehind):
		return site.EndWith(site.ExitFailed, err.Error()+" (run it again; --anew, if the archive was set back)")
	}
	return err
}

func (w *workspace) reportPublished(o publishOptions, sums []publish.Summary) error {
	if err := w.printPublished(o, sums); err != nil {
		return err
	}
	damaged, failed := 0, 0
	for _, s := range sums {
		damaged, failed = damaged+s.Damaged, failed+len(s.Problems)+s.More
	}
	switch {
	case damaged > 0:
		return site.EndWith(site.ExitDamaged, fmt.Sprintf("%d objects are not what was sealed, and were not published", damaged))
	case failed > 0:
		return site.EndWith(site.ExitFailed, fmt.Sprintf("%d files could not be published or removed; the next run tries them again", failed))
	}
	return nil
}

func (w *workspace) printPublished(o publishOptions, sums []publish.Summary) error {
	if o.asJSON {
		return site.PrintJSON(w.Env.Out, sums)
	}
	added, removed := "added", "removed"
	if o.dryRun {
		added, removed = "to be added", "to be removed"
	}
	return site.Table(w.Env.Out, "", func(row func(...any)) {
		for _, s := range sums {
			row("table", s.Table)
			row(added, fmt.Sprintf("%s files, %s records (%s)", site.Count(int64(s.Added)), site.Count(s.AddedRows), site.BytesText(s.Bytes)))
			row(removed, fmt.Sprintf("%s files of expired objects, %s left over", site.Count(int64(s.Removed)), site.Count(int64(s.Swept))))
			row("holds", fmt.Sprintf("%s files, %s records, version %d", site.Count(int64(s.Files)), site.Count(s.Rows), s.Version))
			for _, name := range s.LeftOut {
				row("LEFT OUT", "field "+name)
			}
			for _, p := range s.Problems {
				row("PROBLEM", p.Key+": "+p.Text)
			}
			if s.More > 0 {
				row("PROBLEM", fmt.Sprintf("and %d more", s.More))
			}
		}
	})
}
