package collector

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/api/client"
	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// maxAudit bounds one list of the audit log.
const maxAudit = 100_000

// NewAudit is the command audit.
func NewAudit(env *site.Env, g *site.Globals, program string) *cobra.Command {
	var customer string
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use: "audit", Short: "List what was done over the REST API and to its keys, by whom, from where, and what became of it", Args: cobra.NoArgs,
		Long: "List the audit log, the latest first: each act over the REST API that changes something, and each of api-key here, which says\n" +
			"\"command line\". An outcome is the HTTP status, or done or failed; an act without one goes on, or the process died over it.\n" +
			"Over --server it is the log of the customer whose the key is that asks.\n\n" + site.ExitHelp,
		Example: program + " audit --limit 1000 --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > maxAudit {
				return site.Usagef("--limit %d: want 1 to %d", limit, maxAudit)
			}
			events, err := audited(cmd, env, g, customer, limit+1)
			if err != nil {
				return err
			}
			return printEvents(env, events, limit, asJSON)
		},
	}
	cmd.Flags().StringVar(&customer, "customer", tenant.Operator, "whose, by the customer's id")
	cmd.Flags().IntVar(&limit, "limit", 100, "how many at most")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, as the API has it")
	return site.OverServer(cmd)
}

// audited are the latest acts of a customer, here or over the API.
func audited(cmd *cobra.Command, env *site.Env, g *site.Globals, customer string, limit int) (events []gen.Event, err error) {
	ctx := cmd.Context()
	if g.Remote() {
		err = withServer(cmd, g, customer, func(c *client.Client, _ string) (err error) {
			events, err = auditedOver(ctx, c, limit)
			return err
		})
		return events, err
	}
	err = withTenants(ctx, env, g, customer, func(_ *site.Workspace, s tenant.Store) error {
		kept, err := s.ListEvents(ctx, customer, 0, limit)
		for _, e := range kept {
			events = append(events, gen.Event{
				Seq: e.Seq, At: e.At, Action: e.Action, Address: e.Address, RequestId: e.RequestID,
				ApiKey: known(e.Key), Subject: known(e.Subject), Outcome: known(e.Outcome),
			})
		}
		return err
	})
	return events, err
}

func auditedOver(ctx context.Context, c *client.Client, limit int) (events []gen.Event, err error) {
	for e, err := range c.Audit(ctx) {
		if err != nil {
			return nil, fmt.Errorf("list the audit log: %w", err)
		}
		if events = append(events, e); len(events) == limit {
			break
		}
	}
	return events, nil
}

// known is nil for what is not known.
func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// printEvents prints limit events, and says so if there are more.
func printEvents(env *site.Env, events []gen.Event, limit int, asJSON bool) error {
	shown := events[:min(len(events), limit)]
	var err error
	if asJSON {
		err = site.PrintJSON(env.Out, append([]gen.Event{}, shown...)) // "[]" for none
	} else {
		err = site.Table(env.Out, "AT\tACTION\tSUBJECT\tKEY\tFROM\tOUTCOME\tREQUEST", func(row func(...any)) {
			for _, e := range shown {
				row(e.At.UTC().Format(time.RFC3339), e.Action, text(e.Subject), text(e.ApiKey), e.Address, text(e.Outcome), e.RequestId)
			}
		})
	}
	switch {
	case err != nil:
	case len(events) > limit:
		_, err = fmt.Fprintf(env.Err, "there are more than these %d: raise --limit\n", limit)
	case len(events) == 0:
		_, err = fmt.Fprintln(env.Err, "nothing yet: the audit log has what is changed over the API")
	}
	return err //nolint:wrapcheck // says what it did
}

func text(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}
