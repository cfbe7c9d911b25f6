package cli

import (
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/format"
	"github.com/fabriziosalmi/rainlogs/query/tally"
)

type statsOptions struct {
	times           rangeFlags
	zones           []string
	by, format, out string
	asJSON          bool
	requireComplete bool
	noCache         bool
}

func newStats(env *site.Env, g *site.Globals) *cobra.Command {
	var o statsOptions
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Count the lines of a range by status class and by time, from the sealed tallies",
		Long: "Count lines by status class, and draw them by time, from what the verified chain's entries have sealed of them: no object is\n" +
			"opened, so that months take no longer than hours. Numbers are exact where the range and the steps meet the tallies' rows (whole\n" +
			"minutes, mostly), else least and most are told. Times are event time (EdgeStartTimestamp). A stretch marked ? was not, or not\n" +
			"yet, collected whole: few lines there prove nothing.\n\n" + site.ExitHelp,
		Example: "rainlogs stats --zone example.com --from -24h\nrainlogs stats --by day --tz Europe/Rome --format csv -o days.csv",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			step, err := tally.ParseStep(o.by)
			if err != nil {
				return site.Usagef("--by: %w", err)
			}
			f, err := format.Parse(o.format)
			if err != nil {
				return site.Usagef("--format: %w", err)
			}
			if o.asJSON {
				f = format.JSON
			}
			w, err := openReader(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			return w.stats(o, step, f)
		},
	}
	o.times.addTo(cmd, "the range, event time (default: all)")
	cmd.Flags().StringArrayVar(&o.zones, "zone", nil, "a zone, by name or id; again for more (default: all)")
	cmd.Flags().StringVar(&o.by, "by", string(tally.Auto), "length of a step: minute, 5m, 15m, hour, 6h, day, week, month, year, or auto")
	cmd.Flags().StringVar(&o.format, "format", string(format.Table), "table, csv, tsv, json, ndjson or markdown")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	cmd.Flags().StringVarP(&o.out, "output", "o", "", "write to a file instead of standard output")
	cmd.Flags().BoolVar(&o.requireComplete, "require-complete", false, "exit 4 if the range has gaps or holes")
	addNoCache(cmd, &o.noCache)
	_ = cmd.RegisterFlagCompletionFunc("zone", completeZones(env, g)) // the flag exists
	return cmd
}

func (w *workspace) stats(o statsOptions, step tally.Step, f format.Format) error {
	began := w.Env.Now()
	w.noCache = o.noCache
	from, to, err := o.times.parse(w.Env.Now())
	if err != nil {
		return err
	}
	loc, err := time.LoadLocation(o.times.tz)
	if err != nil {
		return site.Usagef("--tz: %w", err)
	}
	chains, err := w.queryChains(o.zones)
	if err != nil {
		return err
	}
	answer, err := tally.Ask(chains, tally.Options{Range: dataset.Range{From: from, To: to}, Step: step, Location: loc})
	if errors.Is(err, tally.ErrBuckets) {
		return site.Usagef("--by: %w", err)
	}
	if err != nil {
		return site.Usagef("--from, --to: %w", err)
	}
	err = w.withOutput(o.out, func(out io.Writer) error { return writeStats(out, f, answer, loc, statGlyphsFor(w.Env)) })
	if err == nil && f != format.JSON {
		err = writeStatsFooter(w.Env.Err, answer, w.Env.Now().Sub(began))
	}
	if err == nil && o.requireComplete && !answer.Coverage.Complete {
		return site.EndWith(site.ExitIncomplete, "coverage of the range is incomplete")
	}
	return err
}
