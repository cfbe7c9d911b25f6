package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/pluginhost"
	"github.com/fabriziosalmi/rainlogs/plugins/standard"
)

type pinOptions struct{ write, asJSON bool }

func newPluginPin(env *site.Env, g *site.Globals) *cobra.Command {
	var o pinOptions
	cmd := &cobra.Command{
		Use:   "pin NAME|PATH",
		Short: "Print, or write into the config, the SHA-256 under which a plugin may run",
		Long: "Print the lines of the config that let a plugin of plugins.dir run: its SHA-256 as the file is now. The plugin is\n" +
			"not run. --write puts them into rainlogs.yaml and leaves all else in it as it is, comments included.\n\n" +
			"Pin what you have checked: the digest of a download as its author publishes it, or a build of your own.\n\n" + site.ExitHelp,
		Example: "rainlogs plugin pin ./plugins/rainlogs-storage-sftp\nrainlogs plugin pin sftp --write",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := openPlugins(env, g)
			if err != nil {
				return err
			}
			defer s.Close()
			return s.pin(args[0], o)
		},
	}
	cmd.Flags().BoolVar(&o.write, "write", false, "change rainlogs.yaml")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

// pinView is what a pin says, and whether the config has it.
type pinView struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Path    string `json:"path"`
	Pin     string `json:"pin"`
	Written bool   `json:"written"`
	Config  string `json:"config,omitempty"` // the file that was written
}

func (s *pluginSite) pin(arg string, o pinOptions) error {
	f, err := s.toPin(arg)
	if err != nil {
		return err
	}
	digest, err := pluginhost.Digest(f.Path)
	if err != nil {
		return err //nolint:wrapcheck // names the file already
	}
	p := config.Pin{Kind: f.Kind, Name: f.Name, Digest: site.PinPrefix + digest}
	folder := filepath.Dir(f.Path)
	dir, err := filepath.EvalSymlinks(s.Config.Plugins.Dir)
	switch {
	case s.Config.Plugins.Dir == "":
		p.Dir = folder
	case err != nil || dir != folder:
		fmt.Fprintf(s.Env.Err, "note: it is run from plugins.dir alone, which is %s: install it there\n", site.SafeLine(s.Config.Plugins.Dir))
	}
	if _, old := s.Config.Plugins.Pin[f.Name]; old {
		fmt.Fprintf(s.Env.Err, "note: plugins.pin.%s does not say of which kind it is; %s goes before it: take it out\n", f.Name, config.PinKey(f.Kind, f.Name))
	}
	v := pinView{Name: f.Name, Kind: f.Kind, Path: f.Path, Pin: p.Digest}
	if o.write {
		if v.Config, err = s.writePin(p); err != nil {
			return err
		}
		v.Written = true
	}
	switch {
	case o.asJSON:
		return site.PrintJSON(s.Env.Out, v)
	case o.write:
		_, err = fmt.Fprintf(s.Env.Out, "%s: %s pinned to %s\n", site.SafeLine(v.Config), v.Name, v.Pin)
	default:
		_, err = fmt.Fprint(s.Env.Out, site.SafeLine(p.Lines()))
	}
	return err //nolint:wrapcheck // standard output is gone
}

// toPin returns the file that an argument names. Its name says which plugin
// it is: it is not run to be asked.
func (s *pluginSite) toPin(arg string) (pluginhost.Found, error) {
	for _, p := range standard.Plugins() {
		if p.Name == arg {
			return pluginhost.Found{}, site.Usagef("%s is built in: it needs no pin", arg)
		}
	}
	if !isPath(arg) {
		return s.inFolder(arg)
	}
	kind, name, ok := pluginhost.ParseFileName(filepath.Base(arg)) // a link's own name counts
	if !ok {
		return pluginhost.Found{}, site.Usagef("%s is not called as a plugin is: want %s or %s",
			filepath.Base(arg), pluginhost.FileName("source", "NAME"), pluginhost.FileName("storage", "NAME"))
	}
	spec, err := programAt(arg)
	return pluginhost.Found{Kind: kind, Name: name, Path: spec.Path}, err
}

// writePin changes the config file, which stays whole whatever happens.
func (s *pluginSite) writePin(p config.Pin) (string, error) {
	if s.Config.Path == "" {
		return "", site.Usage(config.ErrNotFound)
	}
	path, err := filepath.EvalSymlinks(s.Config.Path)
	if err != nil {
		return "", fmt.Errorf("find config: %w", err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read config: %w", err)
	}
	after, err := p.Set(before)
	if err != nil {
		return "", site.Usagef("%s: %w:\n%s", path, err, p.Lines())
	}
	if bytes.Equal(before, after) {
		return path, nil
	}
	if _, err := config.Parse(after, filepath.Dir(path), s.Env.Environ); err != nil {
		return "", fmt.Errorf("check the new config: %w", err)
	}
	return path, replaceFile(path, after)
}

// replaceFile exchanges a file's content, keeping its mode and owner.
func replaceFile(path string, b []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("replace file: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("replace file: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone once it has been renamed
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = keepOwner(f, info)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	return nil
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err //nolint:wrapcheck // by the caller
	}
	defer func() { _ = d.Close() }() // only synced
	return d.Sync()                  //nolint:wrapcheck // by the caller
}
