package site

import (
	"fmt"
	"sort"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/core/config"
)

// NewConfig is the command config, the same in each program; checks are what
// a program knows of a config beyond the rules of core/config.
func NewConfig(env *Env, g *Globals, checks ...func(*config.Config) error) *cobra.Command {
	return NewGroup("config", "Check, show or describe the configuration",
		&cobra.Command{
			Use: "check", Short: "Check the config file", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				cfg, err := LoadConfig(env, g)
				if err != nil {
					return err
				}
				for _, check := range checks {
					if err := check(cfg); err != nil {
						return Usagef("%s: %w", cfg.Path, err)
					}
				}
				_, err = fmt.Fprintf(env.Out, "%s: ok\n", cfg.Path)
				return err //nolint:wrapcheck // standard output is gone
			},
		},
		&cobra.Command{
			Use: "show", Short: "Print every value in force, secrets as references", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				cfg, err := LoadConfig(env, g)
				if err != nil {
					return err
				}
				return showConfig(env, cfg)
			},
		},
		&cobra.Command{
			Use: "schema", Short: "Print a JSON Schema of the config file, for editors", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return PrintJSON(env.Out, config.Schema()) },
		},
	)
}

// LoadConfig finds and reads the config.
func LoadConfig(env *Env, g *Globals) (*config.Config, error) {
	if g.Remote() {
		return nil, g.notOver()
	}
	path, err := config.Find(g.Config, env.Getenv)
	if err != nil {
		return nil, Usage(err)
	}
	cfg, err := config.Load(path, env.Environ)
	if err != nil {
		return nil, Usage(err)
	}
	return cfg, nil
}

func showConfig(env *Env, cfg *config.Config) error {
	values := cfg.Values()
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	return Table(env.Out, "", func(row func(...any)) {
		for _, name := range names {
			row(name, values[name])
		}
	})
}
