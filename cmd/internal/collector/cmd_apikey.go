package collector

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// NewAPIKeys is the command api-key, which needs config and catalog only: it is
// how the operator gets a first key, and takes away one that nobody else can.
func NewAPIKeys(env *site.Env, g *site.Globals, program string) *cobra.Command {
	cmd := site.NewGroup("api-key", "Make, list, rotate or revoke keys of the REST API",
		newKeyAdd(env, g, program), newKeyList(env, g, program), newKeyRotate(env, g, program), newKeyRevoke(env, g, program))
	cmd.Long = "Keys of the REST API, of the operator or of a customer. The API can do the same for who has an admin key; this\n" +
		"makes the first one. A running collector believes it at once, and hears of a revocation within a second.\n" +
		"Over --server, keys are the customer's whose the key is that asks.\n\n" + site.ExitHelp
	return cmd
}

type keyAddOptions struct {
	customer, name, role string
	expires              time.Duration
	asJSON               bool
}

func newKeyAdd(env *site.Env, g *site.Globals, program string) *cobra.Command {
	var o keyAddOptions
	cmd := &cobra.Command{
		Use: "add", Short: "Make a key and print it, this once", Args: cobra.NoArgs,
		Example: program + " api-key add --role auditor --name audit-2026 --expires 720h",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(tenant.Roles(), tenant.Role(o.role)) || o.name == "" || o.expires < 0 {
				return site.Usagef("want --name, --role of %q, and --expires of 0 or more", tenant.Roles())
			}
			return withKeys(cmd, env, g, o.customer, func(k keyring) error { return runKeyAdd(cmd.Context(), env, k, o) })
		},
	}
	cmd.Flags().StringVar(&o.customer, "customer", tenant.Operator, "whose key it is, by the customer's id")
	cmd.Flags().StringVar(&o.name, "name", "", "what it is for")
	cmd.Flags().StringVar(&o.role, "role", string(tenant.Admin), "admin, operator, analyst or auditor")
	cmd.Flags().DurationVar(&o.expires, "expires", 0, "how long it works; 0 is until it is revoked")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return site.OverServer(cmd)
}

// keyView is a key as the commands print it.
type keyView struct {
	ID        string    `json:"id"`
	Customer  string    `json:"customer"`
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	Prefix    string    `json:"prefix"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
	UsedAt    time.Time `json:"last_used_at,omitzero"`
	Secret    string    `json:"secret,omitempty"`
}

func viewKey(k tenant.Key) keyView {
	return keyView{
		ID: k.ID, Customer: k.Customer, Name: k.Name, Role: string(k.Role), Prefix: k.Prefix,
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt, UsedAt: k.UsedAt,
	}
}

func runKeyAdd(ctx context.Context, env *site.Env, keys keyring, o keyAddOptions) error {
	v, err := keys.add(ctx, o)
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	return printSecret(env, v, o.asJSON)
}

// printSecret prints a key that was just made, and its secret by itself.
func printSecret(env *site.Env, v keyView, asJSON bool) error {
	if asJSON {
		return site.PrintJSON(env.Out, v) //nolint:wrapcheck // says what it did
	}
	if _, err := fmt.Fprintf(env.Err, "key %s of %s, role %s; it is shown this once:\n", site.SafeLine(v.ID), site.SafeLine(v.Customer), site.SafeLine(v.Role)); err != nil {
		return err //nolint:wrapcheck // standard error is gone
	}
	_, err := fmt.Fprintln(env.Out, site.SafeLine(v.Secret))
	return err //nolint:wrapcheck // standard output is gone
}

func newKeyList(env *site.Env, g *site.Globals, program string) *cobra.Command {
	var customer string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List keys, ended ones too, without their secrets", Args: cobra.NoArgs,
		Example: program + " api-key list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withKeys(cmd, env, g, customer, func(k keyring) error {
				views, err := k.all(cmd.Context())
				if err != nil {
					return err //nolint:wrapcheck // says what it did
				}
				if asJSON {
					return site.PrintJSON(env.Out, views) //nolint:wrapcheck // says what it did
				}
				return printKeys(env, views)
			})
		},
	}
	cmd.Flags().StringVar(&customer, "customer", tenant.Operator, "whose, by the customer's id")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return site.OverServer(cmd)
}

func printKeys(env *site.Env, keys []keyView) error {
	now := env.Now()
	return site.Table(env.Out, "ID\tNAME\tROLE\tPREFIX\tCREATED\tLAST USED\tSTATE", func(row func(...any)) { //nolint:wrapcheck // says what it did
		for _, k := range keys {
			state := "in force"
			switch {
			case !k.RevokedAt.IsZero():
				state = "revoked " + site.RFC3339(k.RevokedAt)
			case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
				state = "expired " + site.RFC3339(k.ExpiresAt)
			case !k.ExpiresAt.IsZero():
				state = "until " + site.RFC3339(k.ExpiresAt)
			}
			row(k.ID, strings.Join(strings.Fields(k.Name), " "), k.Role, k.Prefix, site.RFC3339(k.CreatedAt), timeOrNothing(k.UsedAt), state)
		}
	})
}

func newKeyRotate(env *site.Env, g *site.Globals, program string) *cobra.Command {
	var customer string
	var overlap time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use: "rotate ID", Short: "Make a key in the place of another, which ends, and print it, this once", Args: cobra.ExactArgs(1),
		Example: program + " api-key rotate 4f2kq7n3aabbccdd --overlap 1h",
		RunE: func(cmd *cobra.Command, args []string) error {
			if overlap < 0 || overlap > maxOverlap || overlap%time.Second != 0 {
				return site.Usagef("--overlap %s: want whole seconds, %s at most", overlap, maxOverlap)
			}
			return withKeys(cmd, env, g, customer, func(k keyring) error {
				v, err := k.rotate(cmd.Context(), args[0], overlap)
				if err != nil {
					return err //nolint:wrapcheck // says what it did
				}
				return printSecret(env, v, asJSON)
			})
		},
	}
	cmd.Flags().StringVar(&customer, "customer", tenant.Operator, "whose, by the customer's id")
	cmd.Flags().DurationVar(&overlap, "overlap", 0, "how long the old key still works")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return site.OverServer(cmd)
}

func newKeyRevoke(env *site.Env, g *site.Globals, program string) *cobra.Command {
	var customer string
	cmd := &cobra.Command{
		Use: "revoke ID", Short: "End a key, the last admin key too", Args: cobra.ExactArgs(1),
		Long:    "End a key. Here that may be the last admin key; over --server that one is refused.\n\n" + site.ExitHelp,
		Example: program + " api-key revoke 4f2kq7n3aabbccdd",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withKeys(cmd, env, g, customer, func(k keyring) error { return k.revoke(cmd.Context(), args[0]) })
		},
	}
	cmd.Flags().StringVar(&customer, "customer", tenant.Operator, "whose, by the customer's id")
	return site.OverServer(cmd)
}
