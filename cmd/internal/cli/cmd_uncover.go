package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

type uncoverOptions struct{ dryRun, yes, asJSON bool }

func newUncover(env *site.Env, g *site.Globals) *cobra.Command {
	var o uncoverOptions
	cmd := &cobra.Command{
		Use:   "uncover [ZONE…]",
		Short: "Bring back evidence that was overwritten or deleted and of which the store keeps the first version",
		Long: "In a bucket with versions, whoever may write can put a newer version over an object, or mark it as deleted; where it is locked,\n" +
			"the sealed bytes stay, as the first version. Every file of the archive is verified as by verify --level objects. Where the first\n" +
			"version, and not the present one, has the bytes that were sealed, what lies over it is removed for good, and that is sealed into the\n" +
			"chain. What covers it under a lock of its own is reported. Keep the bucket's access log first: what is removed is a trace of who did it.\n\n" + site.ExitHelp,
		Example:           "rainlogs archive uncover --dry-run\nrainlogs archive uncover example.com --yes",
		ValidArgsFunction: completeZones(env, g),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := openWorkspace(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			return runUncover(w, args, o)
		},
	}
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only say what is covered")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

// uncovering is what became of one covered file.
type uncovering struct {
	Chain     string `json:"chain"`
	Key       string `json:"key"`
	SHA256    string `json:"sha256"` // sealed, and of the first version
	Found     string `json:"found"`  // in its place
	Uncovered bool   `json:"uncovered"`
	Error     string `json:"error,omitempty"`
}

// uncoverReport is what the command reports.
type uncoverReport struct {
	Covered []uncovering `json:"covered"`
	Others  int64        `json:"other_findings"` // that no first version heals
}

func runUncover(w *workspace, zones []string, o uncoverOptions) error {
	if !o.yes && !o.dryRun && !w.Env.Interactive {
		return site.Usagef("uncover removes what lies over evidence for good: look with --dry-run, then say --yes")
	}
	report, err := w.findCovered(zones)
	if err != nil {
		return err
	}
	if o.dryRun || len(report.Covered) == 0 {
		return endUncover(w, report, o)
	}
	if !o.yes {
		for _, u := range report.Covered {
			_, _ = fmt.Fprintf(w.Env.Err, "%s: %s\n", site.SafeLine(u.Key), site.SafeLine(u.Found)) // who does not see it does not say yes
		}
		if err := confirm(w, fmt.Sprintf("remove what lies over %d files for good?", len(report.Covered))); err != nil {
			return err
		}
	}
	w.uncover(report.Covered)
	sealErr := w.sealUncovered(report.Covered)
	return errors.Join(endUncover(w, report, o), sealErr)
}

// findCovered verifies the archive and takes what it finds covered.
func (w *workspace) findCovered(zones []string) (uncoverReport, error) {
	out := uncoverReport{Covered: []uncovering{}}
	opts := w.readOptions()
	opts.Level = verify.LevelObjects
	if len(zones) > 0 {
		var err error
		if opts.Chains, err = w.chainsOf(zones); err != nil {
			return out, err
		}
	}
	found, err := w.verify(opts)
	if err != nil {
		return out, err
	}
	out.Others = found.More
	for _, f := range found.Findings {
		if f.Code != verify.CodeCovered {
			out.Others++
			continue
		}
		out.Covered = append(out.Covered, uncovering{Chain: f.Chain, Key: f.Key, SHA256: f.SHA256, Found: f.Got})
	}
	return out, nil
}

// uncover goes on to the next file when one fails. The store compares the
// first version with its SHA-256 once more before it removes anything.
func (w *workspace) uncover(files []uncovering) {
	for i := range files {
		err := w.ctx.Err()
		if err == nil {
			err = errors.ErrUnsupported
			if v, ok := w.Store.(storage.Versioner); ok {
				err = v.Uncover(w.ctx, files[i].Key, files[i].SHA256)
			}
		}
		if files[i].Uncovered = err == nil; err != nil {
			files[i].Error = err.Error()
		}
	}
}

// uncoveredAtOnce is how many files one observation names: an entry is of 64 KiB.
const uncoveredAtOnce = 50

// sealUncovered seals into each chain what was found over its files.
func (w *workspace) sealUncovered(files []uncovering) (err error) {
	byChain := map[string][]evidence.Uncovered{}
	for _, u := range files {
		if u.Uncovered {
			byChain[u.Chain] = append(byChain[u.Chain], evidence.Uncovered{Found: fmt.Sprintf("%.200s", u.Found), Key: u.Key, SHA256: u.SHA256})
		}
	}
	if len(byChain) == 0 {
		return nil
	}
	c, err := w.sealer()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for chain, objects := range byChain {
		zone, dataset, _ := strings.Cut(chain, "/")
		id, parseErr := evidence.NewChainID(zone, dataset)
		if parseErr != nil {
			return fmt.Errorf("seal what was uncovered: %w", parseErr)
		}
		_, enterErr := c.Enter(w.ctx, id, func(context.Context) ([]evidence.Entry, error) { return uncoveredEntries(objects) })
		if enterErr != nil {
			return fmt.Errorf("seal what was uncovered: %w", enterErr)
		}
	}
	return nil
}

func uncoveredEntries(objects []evidence.Uncovered) ([]evidence.Entry, error) {
	var entries []evidence.Entry
	for part := range slices.Chunk(objects, uncoveredAtOnce) {
		value, err := json.Marshal(evidence.UncoveredValue{Objects: part})
		if err != nil {
			return nil, fmt.Errorf("encode what was uncovered: %w", err)
		}
		entries = append(entries, evidence.Entry{
			Kind: evidence.KindObservation, Observation: &evidence.Observation{Topic: evidence.TopicUncovered, Value: value},
		})
	}
	return entries, nil
}

// endUncover reports, and says by the exit code what is left.
func endUncover(w *workspace, report uncoverReport, o uncoverOptions) error {
	if err := printUncovered(w, report, o); err != nil {
		return err
	}
	failed := 0
	for _, u := range report.Covered {
		if u.Error != "" {
			failed++
		}
	}
	switch {
	case failed > 0:
		return site.EndWith(site.ExitFailed, fmt.Sprintf("%d files are still covered; their sealed bytes are kept", failed))
	case o.dryRun && len(report.Covered) > 0:
		return site.EndWith(site.ExitDamaged, fmt.Sprintf("%d files are covered", len(report.Covered)))
	case report.Others > 0:
		return site.EndWith(site.ExitDamaged, fmt.Sprintf("%d findings are left that no first version heals: rainlogs verify names them", report.Others))
	}
	return nil
}

func printUncovered(w *workspace, report uncoverReport, o uncoverOptions) error {
	if o.asJSON {
		return site.PrintJSON(w.Env.Out, report)
	}
	if len(report.Covered) == 0 {
		_, err := fmt.Fprintln(w.Env.Out, "nothing is covered")
		return err //nolint:wrapcheck // standard output is gone
	}
	return site.Table(w.Env.Out, "WHAT\tKEY\tFOUND THERE\tSEALED SHA-256", func(row func(...any)) {
		for _, u := range report.Covered {
			what := "covered"
			switch {
			case u.Uncovered:
				what = "uncovered"
			case u.Error != "":
				what = "FAILED"
			}
			row(what, u.Key, u.Found, u.SHA256)
			if u.Error != "" {
				row("", u.Error)
			}
		}
	})
}
