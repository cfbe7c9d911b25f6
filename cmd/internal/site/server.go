package site

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/core/api/client"
	"github.com/fabriziosalmi/rainlogs/core/config"
)

// What names a server and its key in the environment.
const (
	serverEnv = "RAINLOGS_SERVER"
	keyEnv    = "RAINLOGS_API_KEY"
)

// server is the collector that a command asks over its API.
type server struct {
	url, keyFile string
	insecure     bool
	getenv       func(string) string // nil in a program that asks none
	command      *cobra.Command
}

// AddServerTo adds the flags that have commands ask a collector elsewhere.
func (g *Globals) AddServerTo(root *cobra.Command, env *Env) {
	g.server.getenv = env.Getenv
	flags := root.PersistentFlags()
	flags.StringVar(&g.server.url, "server", "", "ask the collector at this URL over its API, and nothing here (default: $"+serverEnv+")")
	flags.StringVar(&g.server.keyFile, "api-key-file", "", "file with the API key for --server (default: the key itself in $"+keyEnv+")")
	flags.BoolVar(&g.server.insecure, "insecure-server", false, "let the API key go over http:// to other machines")
}

// Remote reports whether a collector elsewhere is to be asked.
func (g *Globals) Remote() bool { return g.serverURL() != "" }

func (g *Globals) serverURL() string {
	switch {
	case g.server.getenv == nil:
		return ""
	case g.server.url != "":
		return g.server.url
	}
	return g.server.getenv(serverEnv)
}

// notOver is what a command says that works beside the archive only.
func (g *Globals) notOver() error {
	what := "this command"
	if g.server.command != nil {
		what = g.server.command.CommandPath()
	}
	from := "--server"
	if g.server.url == "" {
		from = "$" + serverEnv + " (which is set)"
	}
	return Usagef("%s works beside the archive and has no %s: the API has nothing that does the same", what, from)
}

// ServerName is the collector's address, for people.
func (g *Globals) ServerName() string { return strings.TrimRight(g.serverURL(), "/") }

// Client is the client of the collector that --server names.
func (g *Globals) Client() (*client.Client, error) {
	key, err := g.apiKey()
	if err != nil {
		return nil, err
	}
	c, err := client.New(client.Config{URL: g.serverURL(), Key: client.Key(key), Insecure: g.server.insecure, UserAgent: "rainlogs/" + Version})
	if errors.Is(err, client.ErrURL) {
		return nil, Usagef("--server: %w", err)
	}
	if err != nil {
		return nil, Usage(err)
	}
	return c, nil
}

// apiKey is never an argument: those are in the list of processes.
func (g *Globals) apiKey() (string, error) {
	ref := "env:" + keyEnv
	switch {
	case g.server.keyFile != "":
		ref = "file:" + g.server.keyFile
	case g.server.getenv(keyEnv) == "":
		return "", Usagef("--server wants an API key: --api-key-file, or $%s", keyEnv)
	}
	key, err := config.Secret("API key", ref, g.server.getenv)
	if err != nil {
		return "", Usage(err)
	}
	return key, nil
}

// overServer marks commands that a server can answer.
const overServer = "rainlogs.server"

// OverServer marks a command that asks whatever Remote says.
func OverServer(cmd *cobra.Command) *cobra.Command {
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[overServer] = "yes"
	return cmd
}

// Guard has commands that no server answers say so, rather than work here while
// somebody believes that they work there. Where it is the environment that
// names one, those that need no archive go on.
func (g *Globals) Guard(root *cobra.Command) {
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		g.server.command = cmd
		if _, ok := cmd.Annotations[overServer]; g.server.url != "" && !ok {
			return g.notOver()
		}
		return nil
	}
}
