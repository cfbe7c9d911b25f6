package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/retention"
)

func newHold(env *site.Env, g *site.Globals) *cobra.Command {
	return site.NewGroup("hold", "Keep a range from expiring for as long as a legal matter lasts",
		newHoldPlace(env, g), newHoldLift(env, g), newHoldList(env, g))
}

type holdOptions struct {
	times      rangeFlags
	id, reason string
	asJSON     bool
}

func newHoldPlace(env *site.Env, g *site.Globals) *cobra.Command {
	var o holdOptions
	cmd := &cobra.Command{
		Use:   "place ZONE",
		Short: "Place a legal hold over a range",
		Long: "Place a legal hold: no window that was received in the range, or has events in it, is removed until the hold is\n" +
			"lifted. Holds are sealed into the chain for good: name the matter in --reason, and no person.\n\n" + site.ExitHelp,
		Example:           "rainlogs archive hold place example.com --from 2026-11-20 --to 2026-11-24 --reason \"matter 2026-118\" --id matter-2026-118",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeZones(env, g),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := openWorkspace(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			return runHoldPlace(w, args[0], o)
		},
	}
	o.times.addTo(cmd, "the range, receive time")
	cmd.Flags().StringVar(&o.reason, "reason", "", "why; sealed with the hold")
	cmd.Flags().StringVar(&o.id, "id", "", "name of the hold: a-z, 0-9 and -, at most 64 (default: one is made)")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

func runHoldPlace(w *workspace, zone string, o holdOptions) error {
	from, to, err := o.times.parse(w.Env.Now())
	if err != nil {
		return err
	}
	if from.IsZero() || to.IsZero() || o.reason == "" {
		return site.Usagef("a hold needs --from, --to and --reason")
	}
	whole := to.Truncate(time.Second)
	if whole.Before(to) {
		whole = whole.Add(time.Second)
	}
	window := evidence.Window{Start: from.Truncate(time.Second), End: whole}
	return w.withHold(zone, o.asJSON, "is in force", func(k *retention.Keeper, id evidence.ChainID) (catalog.Hold, error) {
		return k.Hold(w.ctx, id, window, o.id, o.reason)
	})
}

// withHold places or lifts a hold, and tells of it.
func (w *workspace) withHold(zone string, asJSON bool, what string, do func(k *retention.Keeper, id evidence.ChainID) (catalog.Hold, error)) (err error) {
	id, err := w.chainOf(zone)
	if err != nil {
		return err
	}
	k, c, err := w.keeper(retention.Policy{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	h, err := do(k, id)
	if err != nil {
		return asUsage(err)
	}
	if asJSON {
		return site.PrintJSON(w.Env.Out, holdJSON(h))
	}
	_, err = fmt.Fprintf(w.Env.Out, "hold %s over %s to %s %s\n", h.ID, site.RFC3339(h.Window.Start), site.RFC3339(h.Window.End), what)
	return err //nolint:wrapcheck // standard output is gone
}

func newHoldLift(env *site.Env, g *site.Globals) *cobra.Command {
	var o holdOptions
	cmd := &cobra.Command{
		Use: "lift ZONE ID", Short: "Lift a legal hold; the next expire removes what it kept", Args: cobra.ExactArgs(2), ValidArgsFunction: completeZones(env, g),
		Long:    "Lift a legal hold. What it alone kept is removed by the next expire.\n\n" + site.ExitHelp,
		Example: "rainlogs archive hold lift example.com matter-2026-118 --reason \"closed\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := openWorkspace(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			if o.reason == "" {
				return site.Usagef("lifting a hold needs --reason")
			}
			return w.withHold(args[0], o.asJSON, "is lifted", func(k *retention.Keeper, id evidence.ChainID) (catalog.Hold, error) {
				return k.Lift(w.ctx, id, args[1], o.reason)
			})
		},
	}
	cmd.Flags().StringVar(&o.reason, "reason", "", "why; sealed with the lifting")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

func newHoldList(env *site.Env, g *site.Globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list [ZONE]", Short: "List the legal holds in force", Args: cobra.MaximumNArgs(1), ValidArgsFunction: completeZones(env, g),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := openWorkspace(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			return runHoldList(w, args, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func runHoldList(w *workspace, args []string, asJSON bool) error {
	chains, err := w.chainsOf(args)
	if err != nil {
		return err
	}
	var holds []catalog.Hold
	for _, id := range chains {
		of, err := w.Catalog.Holds(w.ctx, id)
		if err != nil {
			return fmt.Errorf("list holds: %w", err)
		}
		holds = append(holds, of...)
	}
	if asJSON {
		out := make([]map[string]any, len(holds))
		for i, h := range holds {
			out[i] = holdJSON(h)
		}
		return site.PrintJSON(w.Env.Out, out)
	}
	return site.Table(w.Env.Out, "ZONE\tID\tFROM\tTO\tREASON", func(row func(...any)) {
		for _, h := range holds {
			row(h.Chain.Zone, h.ID, site.RFC3339(h.Window.Start), site.RFC3339(h.Window.End), h.Reason)
		}
	})
}

func holdJSON(h catalog.Hold) map[string]any {
	return map[string]any{
		"chain": h.Chain.String(), "id": h.ID, "from": site.RFC3339(h.Window.Start), "to": site.RFC3339(h.Window.End),
		"reason": h.Reason, "seq": h.Seq,
	}
}
