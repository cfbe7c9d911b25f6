package collector

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/credential"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// NewCredentials is the command credentials: what the operator does about the
// tokens that customers have brought, none of which it ever shows.
func NewCredentials(env *site.Env, g *site.Globals, program string) *cobra.Command {
	cmd := site.NewGroup("credentials", "See to the encryption of customers' tokens",
		newKeygen(env, program), newCredentialList(env, g, program), newCredentialRotate(env, g, program))
	cmd.Long = "Customers bring Cloudflare tokens over the REST API; the catalog has them encrypted to the first of the identities of\n" +
		"api.identity. Nothing here shows a token.\n\n" +
		"To change keys: put a new identity's line before the others, run credentials rotate, and take the old line away.\n" +
		"A running collector reads the file each time.\n\n" + site.ExitHelp
	return cmd
}

func newKeygen(env *site.Env, program string) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "keygen", Short: "Make an age identity in a new file", Args: cobra.NoArgs,
		Long: "Make an age identity (X25519), as age-keygen does, in a new file of mode 0600, and print its public key.\n" +
			"Whoever has the file and the catalog has the customers' tokens; without it they have to be brought again.\n\n" + site.ExitHelp,
		Example: program + " credentials keygen --out /etc/rainlogs/age.key",
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				return site.Usagef("--out is missing: the file to make")
			}
			return keygen(env, out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the file to make; one that is there is never replaced")
	return cmd
}

func keygen(env *site.Env, path string) error {
	identity, recipient, err := credential.Generate()
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return site.Usagef("%s is there already: it may be all that opens customers' tokens", path)
	}
	if err != nil {
		return fmt.Errorf("make identity: %w", err)
	}
	_, err = fmt.Fprintf(f, "# created: %s\n# public key: %s\n%s\n", site.RFC3339(env.Now()), recipient, string(identity))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	_, err = fmt.Fprintln(env.Out, recipient)
	return err //nolint:wrapcheck // standard output is gone
}

// credentialView is a credential as the commands print it.
type credentialView struct {
	Customer   string    `json:"customer"`
	Source     string    `json:"source"`
	Plugin     string    `json:"plugin"`
	Recipient  string    `json:"recipient"`
	CreatedAt  time.Time `json:"created_at"`
	TokenSetAt time.Time `json:"token_set_at"`
}

func newCredentialList(env *site.Env, g *site.Globals, program string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List whose tokens there are, and which key they are encrypted to", Args: cobra.NoArgs,
		Example: program + " credentials list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withTenants(cmd.Context(), env, g, tenant.Operator, func(_ *site.Workspace, s tenant.Store) error {
				all, err := s.ListCredentials(cmd.Context(), "")
				if err != nil {
					return err //nolint:wrapcheck // says what it did
				}
				return printCredentials(env, all, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printCredentials(env *site.Env, all []tenant.Credential, asJSON bool) error {
	if asJSON {
		views := make([]credentialView, len(all))
		for i, c := range all {
			views[i] = credentialView{c.Customer, c.Name, c.Plugin, c.Recipient, c.CreatedAt, c.UpdatedAt}
		}
		return site.PrintJSON(env.Out, views) //nolint:wrapcheck // says what it did
	}
	return site.Table(env.Out, "CUSTOMER\tSOURCE\tPLUGIN\tTOKEN SET\tENCRYPTED TO", func(row func(...any)) { //nolint:wrapcheck // says what it did
		for _, c := range all {
			row(site.SafeLine(c.Customer), c.Name, c.Plugin, site.RFC3339(c.UpdatedAt), c.Recipient)
		}
	})
}

// rotated says what a rotation did.
type rotated struct {
	Recipient string   `json:"recipient"`
	Resealed  int      `json:"resealed"`
	Already   int      `json:"already"`
	Unopened  []string `json:"unopened"` // customer/source
}

func newCredentialRotate(env *site.Env, g *site.Globals, program string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "rotate", Short: "Encrypt all tokens to the first identity of api.identity", Args: cobra.NoArgs,
		Long: "Encrypt the tokens of all customers anew, to the first identity of api.identity; a running collector may go on.\n" +
			"Afterwards the other identities can be taken away. A token that none of the identities opens is told of and left\n" +
			"as it is: its customer has to bring it again. The exit code is 1 then.\n\n" + site.ExitHelp,
		Example: program + " credentials rotate",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withTenants(cmd.Context(), env, g, tenant.Operator, func(w *site.Workspace, s tenant.Store) error {
				keys, err := site.Keyring(w.Config, env.Getenv)
				if err != nil {
					return site.Usage(err)
				}
				done, err := rotate(cmd.Context(), env, s, keys)
				if err != nil {
					return err
				}
				return done.print(env, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func rotate(ctx context.Context, env *site.Env, s tenant.Store, keys *credential.Keyring) (rotated, error) {
	done := rotated{Recipient: keys.Recipient(), Unopened: []string{}}
	all, err := s.ListCredentials(ctx, "")
	if err != nil {
		return done, err //nolint:wrapcheck // says what it did
	}
	for _, c := range all {
		if c.Recipient == keys.Recipient() {
			done.Already++
			continue
		}
		secret, err := keys.Open(c.Customer, c.Name, c.Sealed)
		if err != nil {
			done.Unopened = append(done.Unopened, fmt.Sprintf("%s/%s: %v", c.Customer, c.Name, err))
			continue
		}
		was := c.Sealed
		c.Recipient = keys.Recipient()
		if c.Sealed, err = keys.Seal(c.Customer, c.Name, secret); err != nil {
			return done, err //nolint:wrapcheck // says what it did
		}
		e := tenant.Event{At: env.Now(), Customer: c.Customer, Action: "source.reseal", Subject: c.Name}
		err = entered(ctx, s, e, func() error { return s.ResealCredential(ctx, c, was) })
		switch {
		case errors.Is(err, catalog.ErrNotFound):
			done.Already++ // replaced or taken away meanwhile, by its customer
		case err != nil:
			return done, err
		default:
			done.Resealed++
		}
	}
	return done, nil
}

func (r rotated) print(env *site.Env, asJSON bool) error {
	var err error
	if asJSON {
		err = site.PrintJSON(env.Out, r)
	} else {
		_, err = fmt.Fprintf(env.Out, "%d tokens encrypted anew, %d were already, to %s\n", r.Resealed, r.Already, r.Recipient)
	}
	if err != nil || len(r.Unopened) == 0 {
		return err //nolint:wrapcheck // standard output is gone
	}
	for _, what := range r.Unopened {
		_, _ = fmt.Fprintln(env.Err, site.SafeLine(what)) // as much as can be told
	}
	return site.EndWith(site.ExitFailed, fmt.Sprintf("%d tokens cannot be opened: keep the identities that there are", len(r.Unopened))) //nolint:wrapcheck // ends the program
}
