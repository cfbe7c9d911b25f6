package sdk

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"runtime"

	"github.com/hashicorp/go-plugin"

	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// Kind returns what the plugin is: "source" or "storage".
func (p Plugin) Kind() string { return p.offer().Kind() }

var (
	pluginName    = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	pluginVersion = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]{1,64})?$`)
)

// Validate reports what is wrong with the plugin's declaration, if anything.
func (p Plugin) Validate() error {
	switch {
	case !pluginName.MatchString(p.Name):
		return fmt.Errorf("plugin name %q: want [a-z][a-z0-9-]{0,31}", p.Name)
	case !pluginVersion.MatchString(p.Version):
		return fmt.Errorf("plugin %s: version %q is not a semantic version", p.Name, p.Version)
	case (p.Source == nil) == (p.Storage == nil):
		return fmt.Errorf("plugin %s: exactly one of Source and Storage must be set", p.Name)
	}
	return nil
}

func (p Plugin) offer() wire.Offer {
	return wire.Offer{
		Name: p.Name, Version: p.Version, Schema: p.Schema,
		OpenSource: p.Source, OpenStorage: p.Storage,
	}
}

// Serve is a plugin's main: it serves p to the host that started this process
// and returns when the host is done with it.
//
// Standard output belongs to the handshake from here on: what the plugin's
// code, a library or a child process prints goes to the host's log instead.
// slog's default logger is set to write there too. A process that no host
// has started says so on stderr and exits 1; so does a wrong declaration.
func Serve(p Plugin) {
	stdout, err := captureStdout()
	if err != nil {
		fatal(fmt.Errorf("capture standard output: %w", err))
	}
	// Collected as garbage, the old os.Stdout would close descriptor 1.
	defer runtime.KeepAlive(stdout)
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err := p.Validate(); err != nil {
		fatal(err)
	}
	if h := wire.Handshake(); os.Getenv(h.MagicCookieKey) != h.MagicCookieValue {
		fatal(errors.New("this is a RainLogs plugin: it is started by rainlogs, not by hand"))
	}
	plugin.Serve(wire.ServeConfig(p.offer()))
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
