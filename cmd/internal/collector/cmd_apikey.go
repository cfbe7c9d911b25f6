package collector

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/bcrypt"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/api/server"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// NewAPIKeys is the command api-key, which needs config and catalog only: it is
// how the operator gets a first key, and takes away one that nobody else can.
func NewAPIKeys(env *site.Env, g *site.Globals, program string) *cobra.Command {
	cmd := site.NewGroup("api-key", "Make, list or revoke keys of the REST API",
		newKeyAdd(env, g, program), newKeyList(env, g, program), newKeyRevoke(env, g, program))
	cmd.Long = "Keys of the REST API, of the operator or of a customer. The API can do the same for who has an admin key; this\n" +
		"makes the first one. A running collector believes it at once, and hears of a revocation within a second.\n\n" + site.ExitHelp
	return cmd
}

// withTenants runs f over the catalog's customers, of which there must be this one.
func withTenants(ctx context.Context, env *site.Env, g *site.Globals, customer string, f func(w *site.Workspace, s tenant.Store) error) error {
	w, err := site.OpenCatalogOnly(ctx, env, g)
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	defer w.Close()
	s, ok := w.Catalog.(tenant.Store)
	if !ok {
		return site.Usagef("this kind of catalog knows no customers")
	}
	if _, err := s.Customer(ctx, customer); errors.Is(err, catalog.ErrNotFound) {
		return site.Usagef("there is no customer %q", customer)
	} else if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	return f(w, s)
}

// entered does an act at the machine itself, as the audit log has it.
func entered(ctx context.Context, s tenant.Store, e tenant.Event, act func() error) error {
	e.RequestID, e.Address = "command line", "local"
	var err error
	if e.Seq, err = s.AddEvent(ctx, e); err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	e.Outcome = "done"
	if err = act(); err != nil {
		e.Outcome = "failed"
	}
	return errors.Join(err, s.EndEvent(ctx, e))
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
			return withTenants(cmd.Context(), env, g, o.customer, func(_ *site.Workspace, s tenant.Store) error { return runKeyAdd(cmd.Context(), env, s, o) })
		},
	}
	cmd.Flags().StringVar(&o.customer, "customer", tenant.Operator, "whose key it is, by the customer's id")
	cmd.Flags().StringVar(&o.name, "name", "", "what it is for")
	cmd.Flags().StringVar(&o.role, "role", string(tenant.Admin), "admin, operator, analyst or auditor")
	cmd.Flags().DurationVar(&o.expires, "expires", 0, "how long it works; 0 is until it is revoked")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
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

func runKeyAdd(ctx context.Context, env *site.Env, s tenant.Store, o keyAddOptions) error {
	now := env.Now()
	var expires time.Time
	if o.expires > 0 {
		expires = now.Add(o.expires)
	}
	k, secret, err := server.Mint(rand.Reader, bcrypt.DefaultCost, now, o.customer, o.name, tenant.Role(o.role), expires)
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	e := tenant.Event{At: now, Customer: o.customer, Action: "api-key.create", Subject: k.ID}
	if err := entered(ctx, s, e, func() error { return s.AddKey(ctx, k) }); err != nil {
		return err
	}
	v := viewKey(k)
	v.Secret = secret
	if o.asJSON {
		return site.PrintJSON(env.Out, v) //nolint:wrapcheck // says what it did
	}
	if _, err := fmt.Fprintf(env.Err, "key %s of %s, role %s; it is shown this once:\n", k.ID, site.SafeLine(o.customer), o.role); err != nil {
		return err //nolint:wrapcheck // standard error is gone
	}
	_, err = fmt.Fprintln(env.Out, secret)
	return err //nolint:wrapcheck // standard output is gone
}

func newKeyList(env *site.Env, g *site.Globals, program string) *cobra.Command {
	var customer string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List keys, ended ones too, without their secrets", Args: cobra.NoArgs,
		Example: program + " api-key list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withTenants(cmd.Context(), env, g, customer, func(_ *site.Workspace, s tenant.Store) error {
				keys, err := s.ListKeys(cmd.Context(), customer)
				if err != nil {
					return err //nolint:wrapcheck // says what it did
				}
				views := make([]keyView, len(keys))
				for i, k := range keys {
					views[i] = viewKey(k)
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
	return cmd
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

func newKeyRevoke(env *site.Env, g *site.Globals, program string) *cobra.Command {
	var customer string
	cmd := &cobra.Command{
		Use: "revoke ID", Short: "End a key, the last admin key too", Args: cobra.ExactArgs(1),
		Example: program + " api-key revoke 4f2kq7n3aabbccdd",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return withTenants(ctx, env, g, customer, func(_ *site.Workspace, s tenant.Store) error {
				e := tenant.Event{At: env.Now(), Customer: customer, Action: "api-key.revoke", Subject: args[0][:min(len(args[0]), 64)]}
				err := entered(ctx, s, e, func() error { return s.RevokeKey(ctx, customer, args[0], env.Now()) })
				if errors.Is(err, catalog.ErrNotFound) {
					return site.Usagef("%s has no key %q: api-key list has them", customer, args[0])
				}
				return err //nolint:wrapcheck // says what it did
			})
		},
	}
	cmd.Flags().StringVar(&customer, "customer", tenant.Operator, "whose, by the customer's id")
	return cmd
}
