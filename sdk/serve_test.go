package sdk

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// TestMain is also a plugin that is started by hand.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 {
		switch os.Args[1] {
		case "by-hand":
			Serve(declared())
			return
		case "wrong":
			Serve(Plugin{Name: "Wrong"})
			return
		}
	}
	os.Exit(m.Run())
}

func declared() Plugin {
	return Plugin{
		Name: "good", Version: "1.2.3-rc.1",
		Storage: func(config.Values) (storage.Storage, error) { return nil, nil },
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	good := declared()
	if err := good.Validate(); err != nil || good.Kind() != "storage" {
		t.Errorf("%s plugin: %v", good.Kind(), err)
	}
	for want, spoil := range map[string]func(*Plugin){
		`plugin name "Good"`:     func(p *Plugin) { p.Name = "Good" },
		`plugin name ""`:         func(p *Plugin) { p.Name = "" },
		`version "1"`:            func(p *Plugin) { p.Version = "1" },
		"exactly one of Source ": func(p *Plugin) { p.Storage = nil },
		"exactly one of":         func(p *Plugin) { p.Source = func(config.Values) (source.Source, error) { return nil, nil } },
	} {
		p := declared()
		spoil(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestServeByHand(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{
		"by-hand": "it is started by rainlogs, not by hand",
		"wrong":   `plugin name "Wrong"`,
	} {
		var out, errs strings.Builder
		cmd := exec.Command(os.Args[0], mode)
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("%s: %v, want exit code 1", mode, err)
		}
		if !strings.Contains(errs.String(), want) || out.String() != "" {
			t.Errorf("%s: stdout %q, stderr %q, want %q", mode, out.String(), errs.String(), want)
		}
	}
}
