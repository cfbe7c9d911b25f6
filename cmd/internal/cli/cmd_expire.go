package cli

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/retention"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

type expireOptions struct {
	olderThan, reason   string
	dryRun, yes, asJSON bool
}

func newExpire(env *site.Env, g *site.Globals) *cobra.Command {
	var o expireOptions
	cmd := &cobra.Command{
		Use:   "expire [ZONE]",
		Short: "Remove objects that are older than the retention policy keeps them",
		Long: "Remove the objects of windows that ended longer ago than collector.retention. An expiry entry is sealed first: the\n" +
			"chain stays whole, and tells what was removed and why. What a legal hold covers stays; what the store locks is\n" +
			"reported and tried again next time. Without ZONE, every chain of the archive is looked at.\n\n" + site.ExitHelp,
		Example:           "rainlogs archive expire --dry-run\nrainlogs archive expire example.com --yes\nrainlogs archive expire example.com --older-than 180d --reason \"order of the DPO, 2026-11-20\"",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeZones(env, g),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := openWorkspace(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			return runExpire(w, args, o)
		},
	}
	cmd.Flags().StringVar(&o.olderThan, "older-than", "", "age from which objects are removed, such as 400d or 72h (default: collector.retention)")
	cmd.Flags().StringVar(&o.reason, "reason", "", "why; sealed with the expiry (default: collector.retention_reason)")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only say what would be removed")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

// expiry is what is to be done of a chain, and what was.
type expiry struct {
	Chain string             `json:"chain"`
	Plan  retention.Plan     `json:"plan"`
	Done  *retention.Summary `json:"done,omitempty"`
	Error string             `json:"error,omitempty"`
	id    evidence.ChainID
}

func runExpire(w *workspace, args []string, o expireOptions) (err error) {
	policy, err := w.policy(o)
	if err != nil {
		return err
	}
	if !o.yes && !o.dryRun && !w.Env.Interactive {
		return site.Usagef("expire removes objects for good: look with --dry-run, then say --yes")
	}
	chains, err := w.chainsOf(args)
	if err != nil {
		return err
	}
	k, c, err := w.keeper(policy)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	out := make([]expiry, len(chains))
	total := int64(0)
	for i, id := range chains {
		out[i] = expiry{Chain: id.String(), id: id}
		if err := c.CatchUp(w.ctx, id); err != nil {
			return err //nolint:wrapcheck // names the chain already
		}
		if out[i].Plan, err = k.Plan(w.ctx, id); err != nil {
			return err //nolint:wrapcheck // says what it did
		}
		total += out[i].Plan.Objects
	}
	if !o.asJSON {
		if err := printPlan(w, policy, out); err != nil {
			return err
		}
	}
	if o.dryRun || total == 0 {
		return expiryJSON(w, o, out)
	}
	if !o.yes {
		if err := confirm(w, fmt.Sprintf("remove %d objects for good?", total)); err != nil {
			return err
		}
	}
	failed := expireChains(w, k, out)
	if err := expiryJSON(w, o, out); err != nil {
		return err
	}
	if !o.asJSON {
		if err := printExpired(w, out); err != nil {
			return err
		}
	}
	if failed != nil {
		return failed
	}
	return w.ctx.Err()
}

// expireChains goes on to the next chain when one fails.
func expireChains(w *workspace, k *retention.Keeper, out []expiry) error {
	var errs []error
	failed := int64(0)
	for i := range out {
		s, err := k.Expire(w.ctx, out[i].id)
		out[i].Done, failed = &s, failed+s.FailedCount
		if err != nil {
			out[i].Error = err.Error()
			errs = append(errs, err)
		}
	}
	if failed > 0 {
		errs = append(errs, fmt.Errorf("%d objects could not be removed; the next expire tries them again", failed))
	}
	return errors.Join(errs...)
}

// policy is the config's, or that of the flags.
func (w *workspace) policy(o expireOptions) (retention.Policy, error) {
	p := retention.Policy{Keep: w.Config.Collector.Retention, Reason: w.Config.Collector.Reason}
	if o.olderThan != "" {
		d, ok := parseDuration(o.olderThan)
		if !ok || d <= 0 {
			return p, site.Usagef("--older-than %q is not an age such as 400d or 72h", o.olderThan)
		}
		p.Keep = d
	}
	if o.reason != "" {
		p.Reason = o.reason
	}
	if p.Keep == 0 {
		return p, site.Usagef("collector.retention is 0: objects are kept for ever. Say --older-than to remove some all the same")
	}
	p.Text = retention.Text(p.Keep)
	return p, nil
}

// chainsOf are the chains of the zones named, or all that the store has.
func (w *workspace) chainsOf(names []string) ([]evidence.ChainID, error) {
	if len(names) == 0 {
		return verify.ListChains(w.ctx, w.Store) //nolint:wrapcheck // says what it did
	}
	ids := make([]evidence.ChainID, len(names))
	for i, name := range names {
		var err error
		if ids[i], err = w.chainOf(name); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// keeper applies a policy; the collector that it seals by is to be closed.
func (w *workspace) keeper(p retention.Policy) (*retention.Keeper, *collect.Collector, error) {
	c, err := w.sealer()
	if err != nil {
		return nil, nil, err
	}
	k, err := retention.New(retention.Config{
		Catalog: w.Catalog, Collector: c, Store: w.Store, Policy: p, Now: w.Env.Now, Log: w.Logger(),
		Reader: chain.Lookup{Store: w.Store, Archive: w.Archive, Key: w.Key.Public()},
	})
	if err != nil {
		return nil, nil, errors.Join(asUsage(err), c.Close())
	}
	return k, c, nil
}

// asUsage makes what the caller gave wrongly a wrong usage.
func asUsage(err error) error {
	for _, e := range []error{retention.ErrInvalid, retention.ErrHoldExists, retention.ErrNoHold} {
		if errors.Is(err, e) {
			return site.Usage(err)
		}
	}
	return err
}

// confirm asks on the terminal; anything but yes is an error.
func confirm(w *workspace, question string) error {
	_, _ = fmt.Fprintf(w.Env.Err, "%s [yes/no] ", question) // who does not see it does not say yes
	line, _ := bufio.NewReader(w.Env.In).ReadString('\n')   // nor does who ends the input
	if answer := strings.ToLower(strings.TrimSpace(line)); answer == "yes" || answer == "y" {
		return nil
	}
	return site.EndWith(site.ExitFailed, "nothing was removed")
}

func expiryJSON(w *workspace, o expireOptions, out []expiry) error {
	if !o.asJSON {
		return nil
	}
	return site.PrintJSON(w.Env.Out, out)
}

func printPlan(w *workspace, p retention.Policy, out []expiry) error {
	_, _ = fmt.Fprintf(w.Env.Out, "objects older than %s (%s)\n\n", p.Text, site.SafeLine(p.Reason)) // the table reports what this could
	return site.Table(w.Env.Out, "CHAIN\tFROM\tTO\tWINDOWS\tLEFT OVER\tOBJECTS\tSIZE\tHELD\tLOCKED", func(row func(...any)) {
		for _, e := range out {
			from, to := "-", "-"
			if !e.Plan.From.IsZero() {
				from, to = site.RFC3339(e.Plan.From), site.RFC3339(e.Plan.To)
			}
			row(e.Chain, from, to, e.Plan.Windows, e.Plan.Expiring, e.Plan.Objects, site.BytesText(e.Plan.Bytes), e.Plan.Held, int64(len(e.Plan.Locked))+e.Plan.MoreLock)
		}
	})
}

func printExpired(w *workspace, out []expiry) error {
	_, _ = fmt.Fprintln(w.Env.Out) // the table reports what this could
	return site.Table(w.Env.Out, "", func(row func(...any)) {
		for _, e := range out {
			row(e.Chain, fmt.Sprintf("%d windows declared expired, %d objects (%s) removed, %d windows held, %d objects locked, %d failed",
				e.Done.Declared, e.Done.Objects, site.BytesText(e.Done.Bytes), e.Done.Held, e.Done.LockedCount, e.Done.FailedCount))
			for _, l := range e.Done.Locked {
				until := "unknown"
				if !l.Until.IsZero() {
					until = site.RFC3339(l.Until)
				}
				row("  locked", l.Key+" until "+until)
			}
			for _, f := range e.Done.Failed {
				row("  failed", f.Key+": "+f.Text)
			}
		}
	})
}
