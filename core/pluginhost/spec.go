package pluginhost

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// Spec names a plugin and how to start it.
type Spec struct {
	Kind string // wire.KindSource or wire.KindStorage
	Name string

	// Path is the program; empty means the host's own binary, started as
	// `plugin-serve KIND NAME` unless Args says otherwise.
	Path string
	Args []string
	// SHA256 pins the program, in lower-case hex. It MUST be set with Path.
	SHA256 string

	// Env lists the names of host environment variables that the plugin gets.
	// It gets no others.
	Env []string
	// Values are its settings.
	Values config.Values
}

// Self returns the Spec of a plugin inside the host's own binary.
func Self(kind, name string, values config.Values) Spec {
	return Spec{Kind: kind, Name: name, Values: values}
}

var pinPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (s Spec) validate() error {
	switch {
	case s.Kind != wire.KindSource && s.Kind != wire.KindStorage:
		return fmt.Errorf("plugin kind %q: want %s or %s", s.Kind, wire.KindSource, wire.KindStorage)
	case !wire.ValidName(s.Name):
		return fmt.Errorf("plugin name %q is not valid", s.Name)
	}
	return s.validateProgram()
}

func (s Spec) validateProgram() error {
	switch {
	case s.Path == "" && s.SHA256 != "":
		return fmt.Errorf("plugin %s: a pin without a path", s.label())
	case s.Path != "" && !filepath.IsAbs(s.Path):
		return fmt.Errorf("plugin %s: path %s is not absolute", s.label(), s.Path)
	case s.Path != "" && !pinPattern.MatchString(s.SHA256):
		return fmt.Errorf("plugin %s: %w: %s has no SHA-256 pin", s.label(), ErrUntrusted, s.Path)
	}
	return nil
}

// label is what the plugin is called where people read it.
func (s Spec) label() string {
	if s.Name == "" {
		return filepath.Base(s.Path)
	}
	return s.Kind + "/" + s.Name
}

// title is what the process is called among others.
func (s Spec) title() string {
	if s.Name == "" {
		return filepath.Base(s.Path)
	}
	return FileName(s.Kind, s.Name)
}

// program returns what to execute. The host's own binary is named by the
// kernel's link where there is one: an upgrade may have replaced the file
// under its old path, and host and plugin must be of one build.
func (s Spec) program() (path string, args []string, err error) {
	args = s.Args
	if s.Path != "" {
		return s.Path, args, checkPin(s.Path, s.SHA256)
	}
	if args == nil {
		args = []string{"plugin-serve", s.Kind, s.Name}
	}
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", args, nil
	}
	path, err = os.Executable()
	if err != nil {
		return "", nil, fmt.Errorf("find own binary: %w", err)
	}
	return path, args, nil
}

// environ returns the plugin's environment: the named variables that are set,
// then go-plugin's own, which none of them may stand in for.
func (s Spec) environ(own []string) []string {
	var env []string
	for _, name := range s.Env {
		if value, ok := os.LookupEnv(name); ok && !strings.HasPrefix(name, "PLUGIN_") {
			env = append(env, name+"="+value)
		}
	}
	return append(env, own...)
}
