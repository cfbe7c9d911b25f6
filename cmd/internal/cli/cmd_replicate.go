package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/replicate"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

type replicateOptions struct {
	to                   string
	verify, deep, dryRun bool
	asJSON               bool
}

func newReplicate(env *site.Env, g *site.Globals) *cobra.Command {
	var o replicateOptions
	cmd := &cobra.Command{
		Use:   "replicate [ZONE…] --to STORE",
		Short: "Copy the archive into another store: verified, resumable, only what is missing",
		Long: "Copy the archive into another store. STORE is an entry as in archive.storage; archive.sovereignty judges it. Each chain is\n" +
			"verified first; an object whose bytes are not those that were sealed is not copied, and named. Run it again to go on, or to bring\n" +
			"the copy up to date. A copy of another history, or a longer one, is never written to. With --deep the objects that the copy has\n" +
			"already are read and compared; --verify then verifies the copy as a whole, as an outsider would. If the store has locks, copies are\n" +
			"locked for collector.retention.\n\n" + site.ExitHelp,
		Example:           "rainlogs archive replicate --to '{plugin: fs, path: /mnt/usb/archive}' --verify",
		ValidArgsFunction: completeZones(env, g),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := openReader(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			return runReplicate(w, args, o)
		},
	}
	cmd.Flags().StringVar(&o.to, "to", "", "the store, such as {plugin: fs, path: /mnt/copy}")
	cmd.Flags().BoolVar(&o.verify, "verify", false, "verify the whole copy afterwards, contents too")
	cmd.Flags().BoolVar(&o.deep, "deep", false, "read what the copy has already, and compare it")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only say what is missing")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

func runReplicate(w *workspace, zones []string, o replicateOptions) error {
	entry, err := storeEntry("--to", o.to)
	if err != nil {
		return err
	}
	cfg := replicate.Config{From: w.Store, Verify: w.readOptions(), Deep: o.deep, DryRun: o.dryRun, Log: w.Logger(), Retain: w.Config.Collector.Retention, Now: w.Env.Now}
	if len(zones) > 0 {
		if cfg.Verify.Chains, err = w.chainsOf(zones); err != nil {
			return err
		}
	}
	if cfg.To, err = w.StartStore(w.ctx, entry); err != nil {
		return fmt.Errorf("open the copy: %w", err)
	}
	var bar site.Bar
	var chain evidence.ChainID
	cfg.Progress = func(p replicate.Progress) {
		if chain != p.Chain {
			bar.Done()
			chain, bar = p.Chain, site.NewBar(w.Env, w.Globals, "copy "+p.Chain.Zone, p.Total, site.InBytes)
		}
		bar.Set(p.Done, p.Total)
	}
	sum, err := replicate.Run(w.ctx, cfg)
	bar.Done()
	var damaged *verify.DamagedError
	switch {
	case errors.As(err, &damaged):
		return site.EndWith(site.ExitDamaged, "the archive is damaged, and was not copied: "+err.Error())
	case errors.Is(err, replicate.ErrDiverged):
		return site.EndWith(site.ExitDamaged, err.Error())
	case err != nil:
		return err //nolint:wrapcheck // says what it did
	}
	if err := printReplicated(w, sum, o); err != nil {
		return err
	}
	if !sum.Complete() {
		return site.EndWith(site.ExitDamaged, fmt.Sprintf("%d parts could not be copied as they were sealed", int64(len(sum.Problems))+sum.More))
	}
	if o.verify && !o.dryRun {
		return verifyCopy(w, cfg)
	}
	return nil
}

// storeEntry reads a store as it would stand in archive.storage.
func storeEntry(flag, text string) (config.Plugin, error) {
	entry := config.Plugin{}
	if strings.TrimSpace(text) == "" {
		return nil, site.Usagef("say where to: %s '{plugin: fs, path: /mnt/copy}'", flag)
	}
	if err := yaml.Unmarshal([]byte(text), &entry); err != nil || entry.Name() == "" {
		return nil, site.Usagef("%s %.200q is no store such as {plugin: fs, path: /mnt/copy}", flag, text)
	}
	return entry, nil
}

func printReplicated(w *workspace, sum replicate.Summary, o replicateOptions) error {
	if o.asJSON {
		return site.PrintJSON(w.Env.Out, sum)
	}
	done := "copied"
	if o.dryRun {
		done = "missing"
	}
	return site.Table(w.Env.Out, "", func(row func(...any)) {
		row("archive", sum.Archive)
		row("chains", sum.Chains)
		row("objects", fmt.Sprintf("%s %s (%s), %s there already, %s given up by retention",
			site.Count(sum.Objects), done, site.BytesText(sum.Bytes), site.Count(sum.Present), site.Count(sum.Expired)))
		row("chain files", fmt.Sprintf("%s %s", site.Count(sum.Files), done))
		for _, p := range sum.Problems {
			row("PROBLEM", p.Key+": "+p.Text)
		}
		if sum.More > 0 {
			row("PROBLEM", fmt.Sprintf("and %d more", sum.More))
		}
	})
}

// verifyCopy verifies the copy by itself, with the key that is trusted here.
func verifyCopy(w *workspace, cfg replicate.Config) error {
	report, err := w.verifyStore(cfg.To, verify.Options{Level: verify.LevelContent, Key: cfg.Verify.Key, Chains: cfg.Verify.Chains, Now: w.Env.Now})
	if err != nil {
		return err
	}
	if !report.Intact {
		for _, f := range report.Findings {
			_, _ = fmt.Fprintf(w.Env.Err, "the copy: %s\n", site.SafeLine(f.Text)) // the exit code tells
		}
		return site.EndWith(site.ExitDamaged, fmt.Sprintf("the copy has %d findings", int64(len(report.Findings))+report.More))
	}
	_, err = fmt.Fprintf(w.Env.Err, "the copy is intact: %s, %s objects read\n", site.Number(len(report.Chains), "chain", "chains"), site.Count(report.Objects))
	return err //nolint:wrapcheck // standard error is gone
}
