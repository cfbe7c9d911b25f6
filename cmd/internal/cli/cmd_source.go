package cli

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/api/client"
	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
	"github.com/fabriziosalmi/rainlogs/core/config"
)

// maxToken is as long as a token may be: the API's bound.
const maxToken = 4096

var sourceForm = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// newSource is the command source, a customer's own: beside the archive, sources
// are the config's.
func newSource(env *site.Env, g *site.Globals) *cobra.Command {
	cmd := site.NewGroup("source", "Bring, list or remove the customer's own Cloudflare tokens (over --server)",
		newSourceAdd(env, g), newSourceList(env, g), newSourceRemove(env, g))
	cmd.Long = "What the customer whose API key it is collects from: the sources of the server's config that it was given, and those\n" +
		"whose Cloudflare tokens it brings itself. The server keeps a token encrypted and shows it to nobody. Beside the archive,\n" +
		"sources are in the config.\n\n" + site.ExitHelp
	return cmd
}

// withServer has the collector that --server names answer f.
func withServer(g *site.Globals, f func(c *client.Client) error) error {
	if !g.Remote() {
		return site.Usagef("customers' sources are asked for over the API: want --server; here they are in the config, under sources")
	}
	c, err := g.Client()
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	defer c.Close()
	return f(c)
}

func newSourceAdd(env *site.Env, g *site.Globals) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Bring a Cloudflare token, or another in the place of the source's", Args: cobra.ExactArgs(1),
		Long: "Bring an API token of Cloudflare's, with the zone permission Logs Read and no other, from standard input or a file. It is no\n" +
			"argument: those are in the list of processes. The zones that use the source go on with the new token.\n\n" + site.ExitHelp,
		Example: "rainlogs --server https://logs.example source add cloudflare --token-file ./acme.token\n" +
			"pass show cloudflare | rainlogs source add cloudflare",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withServer(g, func(c *client.Client) error {
				if !sourceForm.MatchString(args[0]) { // it is not repeated: it may be the token
					return site.Usagef("NAME is what the source is to be called: up to 64 small letters, digits, - and _")
				}
				token, err := readToken(env, file)
				if err != nil {
					return err
				}
				s, err := c.PutSource(cmd.Context(), args[0], token)
				if err != nil {
					return fmt.Errorf("bring token: %w", err)
				}
				_, err = fmt.Fprintf(env.Err, "source %s collects with this token; zone add --source %[1]s puts a zone of it under collection\n", site.SafeLine(s.Name))
				return err //nolint:wrapcheck // standard error is gone
			})
		},
	}
	cmd.Flags().StringVar(&file, "token-file", "", "file with the token, 0600 (default: standard input)")
	return site.OverServer(cmd)
}

// readToken reads one line, from a file that others cannot read or from
// standard input. It is not repeated, whatever it is.
func readToken(env *site.Env, file string) (string, error) {
	if file != "" {
		token, err := config.Secret("token", "file:"+file, env.Getenv)
		if err != nil {
			return "", site.Usage(err)
		}
		return checkToken(token)
	}
	if env.Interactive {
		return "", site.Usagef("a token that is typed would be seen: pipe it in, or give --token-file")
	}
	b, err := io.ReadAll(io.LimitReader(env.In, maxToken+64))
	if err != nil {
		return "", fmt.Errorf("read token from standard input: %w", err)
	}
	return checkToken(strings.TrimSpace(string(b)))
}

func checkToken(token string) (string, error) {
	if token == "" || len(token) > maxToken || strings.ContainsFunc(token, func(r rune) bool { return r < '!' || r > '~' }) {
		return "", site.Usagef("this is no token: want one line of up to %d letters, digits and signs", maxToken)
	}
	return token, nil
}

// sourceView is a source as the commands print it.
type sourceView struct {
	Name       string    `json:"name"`
	Own        bool      `json:"own"`
	Plugin     string    `json:"plugin,omitempty"`
	CreatedAt  time.Time `json:"created_at,omitzero"`
	TokenSetAt time.Time `json:"token_set_at,omitzero"`
}

func viewSource(s gen.Source) sourceView {
	return sourceView{s.Name, s.Own, optional(s.Plugin), optional(s.CreatedAt), optional(s.TokenSetAt)}
}

func newSourceList(env *site.Env, g *site.Globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List what the customer collects from, without tokens", Args: cobra.NoArgs,
		Example: "rainlogs --server https://logs.example source list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withServer(g, func(c *client.Client) error {
				sources, err := c.Sources(cmd.Context())
				if err != nil {
					return fmt.Errorf("list sources: %w", err)
				}
				views := make([]sourceView, len(sources)) // "[]" in JSON
				for i, s := range sources {
					views[i] = viewSource(s)
				}
				if asJSON {
					return site.PrintJSON(env.Out, views) //nolint:wrapcheck // says what it did
				}
				return printSources(env, views)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return site.OverServer(cmd)
}

func printSources(env *site.Env, sources []sourceView) error {
	return site.Table(env.Out, "NAME\tTOKEN\tPLUGIN\tTOKEN SET", func(row func(...any)) { //nolint:wrapcheck // says what it did
		for _, s := range sources {
			token, set := "the server's", ""
			if s.Own {
				token, set = "the customer's", site.RFC3339(s.TokenSetAt)
			}
			row(s.Name, token, s.Plugin, set)
		}
	})
}

func newSourceRemove(env *site.Env, g *site.Globals) *cobra.Command {
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Have a token forgotten that no zone is collected with", Args: cobra.ExactArgs(1),
		Example: "rainlogs --server https://logs.example source remove cloudflare",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withServer(g, func(c *client.Client) error {
				err := c.RemoveSource(cmd.Context(), args[0])
				var p *api.Problem
				if errors.As(err, &p) && p.Code == api.CodeNotFound {
					return site.Usagef("the customer has brought no source %q: source list has them", args[0])
				}
				if err != nil {
					return fmt.Errorf("remove source: %w", err)
				}
				_, err = fmt.Fprintf(env.Err, "the token of source %s is forgotten\n", site.SafeLine(args[0]))
				return err //nolint:wrapcheck // standard error is gone
			})
		},
	}
	return site.OverServer(cmd)
}
