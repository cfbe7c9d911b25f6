package cli

import (
	"crypto/rand"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

func newKey(env *site.Env, g *site.Globals) *cobra.Command {
	return site.NewGroup("key", "Generate a signing key, or show the verifier keys to pin", newKeyGenerate(env), newKeyShow(env, g))
}

func newKeyGenerate(env *site.Env) *cobra.Command {
	var out, archive string
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Write a new signing key to a file of mode 0600 and print its verifier key",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if archive == "" {
				archive = uuid.NewString()
			}
			k, err := chain.GenerateKey(rand.Reader, evidence.KeyName(archive))
			if err != nil {
				return err //nolint:wrapcheck // says what it did
			}
			if err := writeNew(out, []byte(k.Marshal()+"\n"), 0o600); err != nil {
				return err
			}
			_, err = fmt.Fprintln(env.Out, k.Public().VKey())
			return err //nolint:wrapcheck // standard output is gone
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file to write")
	cmd.Flags().StringVar(&archive, "archive", "", "UUID of the archive the key is for (default: a new one)")
	_ = cmd.MarkFlagRequired("out") // the flag exists
	return cmd
}

func newKeyShow(env *site.Env, g *site.Globals) *cobra.Command {
	var policy bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print the archive's verifier key, and each chain's under its origin",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := openWorkspace(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			if policy {
				return printPolicy(w)
			}
			return printKeys(w)
		},
	}
	cmd.Flags().BoolVar(&policy, "policy", false, "print a C2SP tlog-policy with every chain as a log")
	return cmd
}

func printKeys(w *workspace) error {
	zones, err := w.Catalog.ListZones(w.ctx)
	if err != nil {
		return fmt.Errorf("list zones: %w", err)
	}
	return site.Table(w.Env.Out, "", func(row func(...any)) {
		row("archive", w.Key.Public().VKey())
		for _, z := range zones {
			row(z.Name, w.Key.Public().VKeyFor(evidence.Origin(w.Archive, z.Chain())))
		}
	})
}

// printPolicy writes what an auditor's tools take as their trust: C2SP
// tlog-policy, without witnesses as long as there are none.
func printPolicy(w *workspace) error {
	zones, err := w.Catalog.ListZones(w.ctx)
	if err != nil {
		return fmt.Errorf("list zones: %w", err)
	}
	for _, z := range zones {
		if _, err := fmt.Fprintf(w.Env.Out, "log %s\n", w.Key.Public().VKeyFor(evidence.Origin(w.Archive, z.Chain()))); err != nil {
			return err //nolint:wrapcheck // standard output is gone
		}
	}
	_, err = fmt.Fprintln(w.Env.Out, "quorum none")
	return err //nolint:wrapcheck // standard output is gone
}
