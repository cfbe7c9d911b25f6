package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/pluginhost"
	"github.com/fabriziosalmi/rainlogs/core/storeset"
	"github.com/fabriziosalmi/rainlogs/plugins/standard"
	"github.com/fabriziosalmi/rainlogs/sdk"
	sdkconfig "github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// pluginServe is the hidden command under which this binary is its own
// plugins: rainlogs plugin-serve storage fs.
const pluginServe = "plugin-serve"

// defaultSource is the source plugin of this version.
const defaultSource = "logpull"

// closeTimeout bounds the draining of plugins at the end of a command.
const closeTimeout = 15 * time.Second

func servePlugin(args []string, env *Env) int {
	if len(args) == 2 {
		for _, p := range standard.Plugins() {
			if p.Kind() == args[0] && p.Name == args[1] {
				sdk.Serve(p)
				return exitOK
			}
		}
	}
	_, _ = fmt.Fprintf(env.Err, "rainlogs %s: want a kind and a name of a built-in plugin\n", pluginServe) // nothing can be told if stderr is gone
	return exitUsage
}

// openStore launches the archive's storage plugins. Several are one set, which
// has no ledger until attachLedger: that is enough to read.
func (w *workspace) openStore(ctx context.Context) (storage.Storage, error) {
	for _, p := range w.cfg.Archive.Storage {
		start := func(ctx context.Context) (storage.Storage, error) {
			instance, err := w.launch(ctx, wire.KindStorage, p.Name(), p.Settings())
			if err != nil {
				return nil, err
			}
			return instance.Storage() //nolint:wrapcheck // by the caller
		}
		store, err := start(ctx)
		var misused usageError
		switch {
		case err == nil:
		case len(w.cfg.Archive.Storage) == 1, errors.As(err, &misused), ctx.Err() != nil:
			return nil, fmt.Errorf("open storage: %w", err)
		default:
			w.logger().WarnContext(ctx, "store cannot be opened; the others work without it", "store", p.StoreName(), "error", err)
			store = &lateStore{start: start}
		}
		w.stores = append(w.stores, storeset.Named{Name: p.StoreName(), Store: store})
	}
	if len(w.stores) == 1 {
		w.store = w.stores[0].Store
		return w.store, nil
	}
	return w.store, w.openSet(ctx, nil)
}

func (w *workspace) openSet(ctx context.Context, ledger storeset.Ledger) error {
	set, err := storeset.Open(ctx, storeset.Config{
		Stores: w.stores, Mode: storeset.Mode(w.cfg.Archive.Mode), Ledger: ledger, Now: w.env.Now, Log: w.logger(),
	})
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	w.set, w.store = set, set.Storage()
	return nil
}

// attachLedger gives the stores their memory of what each missed: the catalog.
// A single store needs none, and unmakes a set that was there before.
func (w *workspace) attachLedger(ctx context.Context) error {
	ledger, ok := w.catalog.(storeset.Ledger)
	switch {
	case len(w.stores) > 1 && !ok:
		return usagef("this catalog cannot remember what a store missed: archive.storage must have one store")
	case len(w.stores) > 1:
		return w.openSet(ctx, ledger)
	case ok:
		return storeset.Disband(ctx, ledger) //nolint:wrapcheck // says what it did
	}
	return nil
}

// openSource launches the source plugin once.
func (w *workspace) openSource(ctx context.Context) (source.Source, collect.Plugin, error) {
	if w.source != nil {
		return w.source, w.sourceID, nil
	}
	instance, err := w.launch(ctx, wire.KindSource, defaultSource, w.cfg.Sources[defaultSource].Settings())
	if err != nil {
		return nil, collect.Plugin{}, err
	}
	if w.source, err = instance.Source(); err != nil {
		return nil, collect.Plugin{}, fmt.Errorf("open source: %w", err)
	}
	about := instance.About()
	w.sourceID = collect.Plugin{Name: about.Name, Version: about.Version}
	return w.source, w.sourceID, nil
}

func (w *workspace) launch(ctx context.Context, kind, name string, settings map[string]string) (*pluginhost.Instance, error) {
	values, err := w.resolveSecrets(kind, name, settings)
	if err != nil {
		return nil, err
	}
	spec, err := w.spec(kind, name, values)
	if err != nil {
		return nil, err
	}
	if w.host == nil {
		if w.host, err = pluginhost.New(pluginhost.Config{Logger: w.logger(), Now: w.env.Now}); err != nil {
			return nil, fmt.Errorf("start plugin host: %w", err)
		}
	}
	return w.host.Launch(ctx, spec) //nolint:wrapcheck // names the plugin already
}

// spec finds a plugin: built in, or in the plugin folder and pinned.
func (w *workspace) spec(kind, name string, values sdkconfig.Values) (pluginhost.Spec, error) {
	if _, ok := builtin(kind, name); ok {
		return pluginhost.Self(kind, name, values), nil
	}
	binary := "rainlogs-" + kind + "-" + name
	pin, ok := w.cfg.Plugins.Pin[name]
	if w.cfg.Plugins.Dir == "" || !ok {
		return pluginhost.Spec{}, usagef("%s plugin %q is not built in: put %s into plugins.dir and its SHA-256 into plugins.pin", kind, name, binary)
	}
	path, err := pluginhost.Find(w.cfg.Plugins.Dir, kind, name)
	if err != nil {
		return pluginhost.Spec{}, err //nolint:wrapcheck // names the plugin already
	}
	return pluginhost.Spec{Kind: kind, Name: name, Path: path, SHA256: strings.TrimPrefix(pin, "sha256:"), Values: values}, nil
}

func builtin(kind, name string) (sdk.Plugin, bool) {
	for _, p := range standard.Plugins() {
		if p.Kind() == kind && p.Name == name {
			return p, true
		}
	}
	return sdk.Plugin{}, false
}

// resolveSecrets replaces env: and file: references by what they name, just
// before the plugin gets them. A built-in plugin's secret given in the open
// is refused.
func (w *workspace) resolveSecrets(kind, name string, settings map[string]string) (sdkconfig.Values, error) {
	secret := map[string]bool{}
	if p, ok := builtin(kind, name); ok {
		for _, f := range p.Schema {
			secret[f.Name] = f.Secret
		}
	}
	values := sdkconfig.Values{}
	for key, value := range settings {
		if secret[key] || strings.HasPrefix(value, "env:") || strings.HasPrefix(value, "file:") {
			resolved, err := config.Secret(name+"."+key, value, w.env.Getenv)
			if err != nil {
				return nil, usageError{err}
			}
			value = resolved
		}
		values[key] = value
	}
	return values, nil
}
