package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/pluginhost"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

func newPluginInfo(env *site.Env, g *site.Globals) *cobra.Command {
	var sets []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "info NAME|PATH",
		Short: "Start a plugin and show what it says of itself",
		Long: "Start a plugin, ask it what it is and which settings it takes, and end it. Given a path, the file is run as\n" +
			"it is, not pinned; as any plugin it gets no environment, no terminal and a folder of its own.\n" +
			"With --set it is opened too, and shows its powers.\n\n" + site.ExitHelp,
		Example: "rainlogs plugin info fs\nrainlogs plugin info ./rainlogs-storage-sftp --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := parseSettings(sets)
			if err != nil {
				return err
			}
			s, err := openPlugins(env, g)
			if err != nil {
				return err
			}
			defer s.Close()
			info, err := s.info(cmd.Context(), args[0], settings)
			if err != nil {
				return err
			}
			if asJSON {
				return site.PrintJSON(env.Out, info)
			}
			return info.print(env)
		},
	}
	cmd.Flags().StringArrayVar(&sets, "set", nil, setHelp)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// pluginInfo is what a plugin says of itself.
type pluginInfo struct {
	Name     string        `json:"name"`
	Kind     string        `json:"kind"`
	Version  string        `json:"version"`
	Protocol int           `json:"protocol"`
	State    standing      `json:"state"`
	Path     string        `json:"path,omitempty"`
	SHA256   string        `json:"sha256,omitempty"`
	Opened   bool          `json:"opened"` // only then are its powers known
	Powers   []string      `json:"powers"`
	Settings []settingInfo `json:"settings"`
}

type settingInfo struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Required bool   `json:"required"`
	Secret   bool   `json:"secret"`
	Default  string `json:"default,omitempty"`
	Help     string `json:"help,omitempty"`
}

func (s *pluginSite) info(ctx context.Context, arg string, settings map[string]string) (pluginInfo, error) {
	spec, about, err := s.describe(ctx, arg)
	if err != nil {
		return pluginInfo{}, err
	}
	info := pluginInfo{State: builtIn, Path: spec.Path, SHA256: spec.SHA256, Powers: []string{}, Settings: []settingInfo{}}
	if spec.Path != "" {
		if _, info.State, err = s.standingOf(about.Kind, about.Name, spec.Path); err != nil {
			return pluginInfo{}, err
		}
	}
	if len(settings) > 0 {
		instance, err := s.launch(ctx, spec, about, settings)
		if err != nil {
			return pluginInfo{}, err
		}
		about, info.Opened = instance.About(), true
		info.Powers = append(info.Powers, about.Capabilities...)
	}
	info.Name, info.Kind, info.Version, info.Protocol = about.Name, about.Kind, about.Version, about.Protocol
	for _, f := range about.Schema {
		info.Settings = append(info.Settings, settingInfo{f.Name, string(f.Kind), f.Required, f.Secret, f.Default, f.Help})
	}
	return info, nil
}

// describe finds the plugin that an argument names and asks it what it is.
func (s *pluginSite) describe(ctx context.Context, arg string) (pluginhost.Spec, wire.About, error) {
	spec, err := s.program(arg)
	if err != nil {
		return spec, wire.About{}, err
	}
	about, err := s.host.Describe(ctx, spec)
	switch {
	case err != nil && !s.Globals.Verbose && ctx.Err() == nil:
		return spec, about, fmt.Errorf("%w (-v shows what it printed)", err)
	case err != nil:
		return spec, about, err //nolint:wrapcheck // names the plugin already
	}
	spec.Kind, spec.Name = about.Kind, about.Name
	return spec, about, nil
}

// launch opens a plugin that has been described with settings of a command line.
func (s *pluginSite) launch(ctx context.Context, spec pluginhost.Spec, about wire.About, settings map[string]string) (*pluginhost.Instance, error) {
	values, err := site.ResolveSecrets(about.Name, about.Schema, settings, s.Env.Getenv)
	if err != nil {
		return nil, err
	}
	if _, err := about.Schema.Check(values); err != nil {
		return nil, site.Usagef("%s plugin %q: %w", about.Kind, about.Name, err)
	}
	spec.Values = values
	return s.host.Launch(ctx, spec) //nolint:wrapcheck // names the plugin already
}

func (p pluginInfo) print(env *site.Env) error {
	powers := strings.Join(p.Powers, ", ")
	switch {
	case !p.Opened:
		powers = "(known once it is opened: --set)"
	case powers == "":
		powers = "none"
	}
	err := site.Table(env.Out, "", func(row func(...any)) {
		row("name", p.Name)
		row("kind", p.Kind)
		row("version", p.Version)
		row("protocol", p.Protocol)
		row("state", p.State)
		if p.Path != "" {
			row("file", p.Path)
			row("digest", site.PinPrefix+p.SHA256)
		}
		row("powers", powers)
		if len(p.Settings) == 0 {
			row("settings", "none")
		}
	})
	if err != nil || len(p.Settings) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(env.Out); err != nil {
		return err //nolint:wrapcheck // standard output is gone
	}
	return site.Table(env.Out, "SETTING\tKIND\t\tDEFAULT\tHELP", func(row func(...any)) {
		for _, f := range p.Settings {
			row(f.Name, f.Kind, f.demands(), orDash(f.Default), oneLine(f.Help))
		}
	})
}

func (f settingInfo) demands() string {
	var words []string
	if f.Required {
		words = append(words, "required")
	}
	if f.Secret {
		words = append(words, "secret")
	}
	return strings.Join(words, ", ")
}
