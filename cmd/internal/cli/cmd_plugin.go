package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/pluginhost"
	"github.com/fabriziosalmi/rainlogs/plugins/standard"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

func newPlugin(env *site.Env, g *site.Globals) *cobra.Command {
	return site.NewGroup("plugin", "List, describe, pin and test plugins",
		newPluginList(env, g), newPluginInfo(env, g), newPluginPin(env, g), newPluginTest(env, g))
}

// pluginSite is what the commands about plugins work with: a config, where
// there is one, and a host of their own.
type pluginSite struct {
	*site.Workspace
	host *pluginhost.Host
}

// openPlugins needs no config: a plugin's author has none. One that was named
// must be there.
func openPlugins(env *site.Env, g *site.Globals) (*pluginSite, error) {
	cfg, err := site.LoadConfig(env, g)
	if errors.Is(err, config.ErrNotFound) && g.Config == "" && env.Getenv("RAINLOGS_CONFIG") == "" {
		cfg, err = &config.Config{}, nil
	}
	if err != nil {
		return nil, err
	}
	w := site.New(env, g, cfg)
	host, err := pluginhost.New(pluginhost.Config{Logger: w.Logger(), Now: env.Now})
	if err != nil {
		return nil, fmt.Errorf("start plugin host: %w", err)
	}
	return &pluginSite{Workspace: w, host: host}, nil
}

// Close leaves no process behind.
func (s *pluginSite) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), site.CloseTimeout) // the command's own may be over
	defer cancel()
	if err := s.host.Close(ctx); err != nil {
		s.Logger().Warn("close", "error", err)
	}
	s.Workspace.Close()
}

// standing says whether a plugin may run, and if not, why.
type standing string

const (
	builtIn     standing = "built in"
	pinned      standing = "pinned"
	notPinned   standing = "not pinned"
	wrongDigest standing = "wrong digest"
	untrusted   standing = "refused"
	missing     standing = "missing" // pinned, and no such file
	hidden      standing = "hidden"  // a built-in plugin has the name
)

// standingOf compares a program of the plugin folder with its pin.
func (s *pluginSite) standingOf(kind, name, path string) (digest string, st standing, err error) {
	digest, err = pluginhost.Digest(path)
	pin, ok, pinErr := site.PinOf(s.Config.Plugins, kind, name)
	_, taken := standard.Find(kind, name)
	switch {
	case err != nil:
		return "", untrusted, err //nolint:wrapcheck // names the file already
	case taken:
		return digest, hidden, nil
	case pinErr != nil:
		return digest, notPinned, pinErr //nolint:wrapcheck // says what to write
	case !ok:
		return digest, notPinned, nil
	case strings.TrimPrefix(pin, site.PinPrefix) != digest:
		return digest, wrongDigest, nil
	}
	return digest, pinned, nil
}

// isPath reports whether an argument names a file, not a plugin.
func isPath(arg string) bool { return strings.ContainsRune(arg, filepath.Separator) }

// programAt returns a file as a program to run under its own digest. That it
// was named by its path, on the command line, is its only licence.
func programAt(arg string) (pluginhost.Spec, error) {
	path, err := filepath.EvalSymlinks(arg)
	if err != nil {
		return pluginhost.Spec{}, site.Usagef("plugin: %w", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return pluginhost.Spec{}, fmt.Errorf("resolve %s: %w", arg, err)
	}
	digest, err := pluginhost.Digest(path)
	return pluginhost.Spec{Path: path, SHA256: digest}, err //nolint:wrapcheck // names the file already
}

// program returns the plugin that an argument names: a file by its path, else
// one that is built in, else one of the plugin folder, which must be pinned.
func (s *pluginSite) program(arg string) (pluginhost.Spec, error) {
	if isPath(arg) {
		return programAt(arg)
	}
	for _, p := range standard.Plugins() {
		if p.Name == arg {
			return pluginhost.Self(p.Kind(), p.Name, nil), nil
		}
	}
	f, err := s.inFolder(arg)
	if err != nil {
		return pluginhost.Spec{}, err
	}
	digest, st, err := s.standingOf(f.Kind, f.Name, f.Path)
	if err != nil {
		return pluginhost.Spec{}, err
	}
	if st != pinned {
		return pluginhost.Spec{}, site.Usagef("plugin %s is %s: pin it, or name it by its path: %s", arg, st, f.Path)
	}
	return pluginhost.Spec{Kind: f.Kind, Name: f.Name, Path: f.Path, SHA256: digest}, nil
}

// inFolder finds a plugin of the plugin folder by its name.
func (s *pluginSite) inFolder(name string) (pluginhost.Found, error) {
	dir := s.Config.Plugins.Dir
	if dir == "" {
		return pluginhost.Found{}, site.Usagef("there is no built-in plugin %q and no plugins.dir in the config: name it by its path, such as ./%s", name, pluginhost.FileName(wire.KindStorage, name))
	}
	var match []pluginhost.Found
	for _, kind := range []string{wire.KindSource, wire.KindStorage} {
		path, err := pluginhost.Find(dir, kind, name)
		if !errors.Is(err, os.ErrNotExist) {
			match = append(match, pluginhost.Found{Kind: kind, Name: name, Path: path, Err: err})
		}
	}
	switch {
	case len(match) == 0:
		return pluginhost.Found{}, site.Usagef("there is no plugin %q, neither built in nor in %s", name, dir)
	case len(match) > 1:
		return pluginhost.Found{}, site.Usagef("plugin %q is a source and a storage: name one by its path in %s", name, dir)
	}
	return match[0], match[0].Err
}

// parseSettings reads KEY=VALUE flags.
func parseSettings(flags []string) (map[string]string, error) {
	out := map[string]string{}
	for _, f := range flags {
		key, value, ok := strings.Cut(f, "=")
		if !ok || !wire.ValidName(key) {
			return nil, site.Usagef("--set %.40q: want KEY=VALUE", key)
		}
		if _, twice := out[key]; twice {
			return nil, site.Usagef("--set %s is given twice", key)
		}
		out[key] = value
	}
	return out, nil
}

const setHelp = "a setting, KEY=VALUE; a secret as KEY=env:NAME or KEY=file:PATH (repeat for more)"
