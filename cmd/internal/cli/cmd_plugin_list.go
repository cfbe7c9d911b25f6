package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/pluginhost"
	"github.com/fabriziosalmi/rainlogs/plugins/standard"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

func newPluginList(env *site.Env, g *site.Globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the built-in plugins and those in plugins.dir", Args: cobra.NoArgs,
		Long: "List the built-in plugins and those in plugins.dir, and which entry of the config uses each.\n\n" +
			"STATE  built in; pinned; not pinned; wrong digest: the file is not the one that was pinned; refused: others\n" +
			"       could write the file or its folder; missing: pinned, and no such file; hidden: a built-in one has the name\n\n" +
			"Only pinned plugins are run, to ask for their version.\n\n" + site.ExitHelp,
		Example: "rainlogs plugin list\nrainlogs plugin list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := openPlugins(env, g)
			if err != nil {
				return err
			}
			defer s.Close()
			views, err := s.pluginViews(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return site.PrintJSON(env.Out, views)
			}
			return site.Table(env.Out, "NAME\tKIND\tVERSION\tSTATE\tUSED BY\tFILE", func(row func(...any)) {
				for _, v := range views {
					row(v.Name, v.Kind, orDash(v.Version), v.State, orDash(strings.Join(v.UsedBy, ", ")), orDash(v.Path))
					if v.Detail != "" {
						row("", oneLine(v.Detail))
					}
				}
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// pluginView is a plugin as it stands.
type pluginView struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind,omitempty"` // not known of one that is missing
	Version string   `json:"version,omitempty"`
	State   standing `json:"state"`
	Path    string   `json:"path,omitempty"`
	SHA256  string   `json:"sha256,omitempty"`
	UsedBy  []string `json:"used_by,omitempty"`
	Detail  string   `json:"detail,omitempty"`
}

func (s *pluginSite) pluginViews(ctx context.Context) ([]pluginView, error) {
	var views []pluginView
	for _, p := range standard.Plugins() {
		views = append(views, pluginView{Name: p.Name, Kind: p.Kind(), Version: p.Version, State: builtIn, UsedBy: s.usersOf(p.Kind(), p.Name)})
	}
	seen := map[string]bool{}
	if dir := s.Config.Plugins.Dir; dir != "" {
		found, err := pluginhost.List(dir)
		if err != nil {
			return nil, err //nolint:wrapcheck // says what it did
		}
		for _, f := range found {
			seen[f.Name], seen[config.PinKey(f.Kind, f.Name)] = true, true
			views = append(views, s.viewOf(ctx, f))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Config.Plugins.Pin)) {
		if !seen[key] {
			kind, name, precise := strings.Cut(key, "/")
			if !precise {
				kind, name = "", key
			}
			views = append(views, pluginView{Name: name, Kind: kind, State: missing})
		}
	}
	return views, ctx.Err()
}

func (s *pluginSite) viewOf(ctx context.Context, f pluginhost.Found) pluginView {
	v := pluginView{Name: f.Name, Kind: f.Kind, Path: f.Path, State: untrusted}
	err := f.Err
	if err == nil {
		v.SHA256, v.State, err = s.standingOf(f.Kind, f.Name, f.Path)
	}
	if v.State != hidden {
		v.UsedBy = s.usersOf(f.Kind, f.Name)
	}
	if v.State == pinned {
		var about wire.About
		about, err = s.host.Describe(ctx, pluginhost.Spec{Kind: f.Kind, Name: f.Name, Path: f.Path, SHA256: v.SHA256})
		v.Version = about.Version
	}
	if err != nil {
		v.Detail = err.Error()
	}
	return v
}

// usersOf returns the entries of the config that name a plugin.
func (s *pluginSite) usersOf(kind, name string) []string {
	var users []string
	if kind == wire.KindSource {
		if _, ok := s.Config.Sources[name]; ok {
			users = append(users, "sources."+name)
		}
		return users
	}
	for i, p := range s.Config.Archive.Storage {
		if p.Name() == name {
			users = append(users, fmt.Sprintf("archive.storage[%d] (%s)", i, p.StoreName()))
		}
	}
	return users
}
