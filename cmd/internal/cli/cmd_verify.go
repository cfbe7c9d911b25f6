package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

type verifyOptions struct {
	times           rangeFlags
	level, key      string
	asJSON          bool
	requireComplete bool
	noCache         bool // of coverage alone: verify never reads what is kept
	calendar        bool // of coverage alone
}

func newVerify(env *site.Env, g *site.Globals) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify [ZONE]",
		Short: "Verify the archive: chain, objects, content, coverage",
		Long: "Verify signatures, entries, tree and tiles (chain), the stored bytes of every object (objects), and the\n" +
			"decompressed lines (content). Chains are always verified whole; --from and --to limit objects and coverage.\n\n" +
			"Over --server the server verifies by its own key, and its word is what is printed: rainlogs-verify needs nobody's.\n\n" + site.ExitHelp,
		Example:           "rainlogs verify\nrainlogs verify example.com --level chain\nrainlogs verify --key verifier.pub --json",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeZones(env, g),
		RunE: func(cmd *cobra.Command, args []string) error {
			return ask(cmd, env, g, openReader, func(v verifier) error { return runVerify(env, v, args, o) })
		},
	}
	o.times.addTo(cmd, "the range")
	cmd.Flags().StringVar(&o.level, "level", string(verify.LevelContent), "chain, objects or content")
	cmd.Flags().StringVar(&o.key, "key", "", "pinned verifier key, or a file with it (default: that of the signing key here)")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print the report as JSON")
	cmd.Flags().BoolVar(&o.requireComplete, "require-complete", false, "exit 4 if the range has gaps or holes")
	return site.OverServer(cmd)
}

func runVerify(env *site.Env, by verifier, zones []string, o verifyOptions) error {
	report, err := by.verified(zones, o)
	if err != nil {
		return err
	}
	if o.asJSON {
		err = site.PrintJSON(env.Out, report)
	} else {
		err = report.WriteText(env.Out)
	}
	switch {
	case err != nil:
		return err //nolint:wrapcheck // says what it did
	case !report.Intact:
		return site.EndWith(site.ExitDamaged, fmt.Sprintf("the archive is damaged or was tampered with: %d findings", int64(len(report.Findings))+report.More))
	case o.requireComplete && !report.Complete:
		return site.EndWith(site.ExitIncomplete, "coverage of the range is incomplete")
	}
	return nil
}

func (w *workspace) verifyOptions(args []string, o verifyOptions) (verify.Options, error) {
	level, err := verify.ParseLevel(o.level)
	if err != nil {
		return verify.Options{}, site.Usagef("--level: %w", err)
	}
	opts := w.readOptions()
	opts.Level = level
	if o.key != "" {
		k, err := pinnedKey(o.key)
		if err != nil {
			return opts, err
		}
		opts.Key = &k
	}
	if opts.From, opts.To, err = o.times.parse(w.Env.Now()); err != nil {
		return opts, err
	}
	for _, name := range args {
		id, err := w.chainOf(name)
		if err != nil {
			return opts, err
		}
		opts.Chains = append(opts.Chains, id)
	}
	return opts, nil
}

// readOptions are how this machine verifies: by the public half of its own
// signing key where it has one, else by what it remembers.
func (w *workspace) readOptions() verify.Options {
	opts := verify.Options{Known: verify.Known{Dir: w.Config.Known}, Now: w.Env.Now, Patience: 10 * time.Second}
	if key, err := w.ArchiveKey(); err == nil {
		k := key.Public()
		opts.Key = &k
	}
	return opts
}

// verify runs a verification with a progress bar.
func (w *workspace) verify(opts verify.Options) (*verify.Report, error) {
	return w.verifyStore(w.Store, opts)
}

func (w *workspace) verifyStore(store verify.Store, opts verify.Options) (*verify.Report, error) {
	progress := site.Bar{}
	stage := ""
	opts.Progress = func(p verify.Progress) {
		if p.Stage != stage {
			progress.Done()
			units := p.Stage
			if p.Stage == "objects" {
				units = site.InBytes
			}
			stage, progress = p.Stage, site.NewBar(w.Env, w.Globals, "verify "+p.Stage, p.Total, units)
		}
		progress.Set(p.Done, p.Total)
	}
	report, err := verify.Run(w.ctx, store, opts)
	progress.Done()
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return report, nil
}

// chainOf finds a chain by zone name, which needs the catalog, or by zone id, alone or as
// ID/DATASET, which does not.
func (w *workspace) chainOf(name string) (evidence.ChainID, error) {
	if zone, of, both := strings.Cut(name, "/"); both { // the chain itself
		return evidence.NewChainID(zone, of) //nolint:wrapcheck // says what is wrong with it
	}
	if id, err := evidence.NewChainID(name, datasetHTTP); err == nil {
		return w.chainOfID(id)
	}
	if w.Catalog == nil {
		if err := w.OpenRest(w.ctx); err != nil {
			return evidence.ChainID{}, err
		}
	}
	z, err := w.zone(name)
	return z.Chain(), err
}

// chainOfID is the chain of a zone id: Cloudflare's http_requests, unless the
// archive has another dataset of the zone and not that.
func (w *workspace) chainOfID(id evidence.ChainID) (evidence.ChainID, error) {
	all, err := verify.ListChains(w.ctx, w.Store)
	if err != nil {
		return id, err //nolint:wrapcheck // says what it did
	}
	other := id
	for _, c := range all {
		switch {
		case c == id:
			return id, nil
		case c.Zone == id.Zone:
			other = c
		}
	}
	return other, nil
}
