package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/pluginhost"
	"github.com/fabriziosalmi/rainlogs/core/storeset"
	"github.com/fabriziosalmi/rainlogs/plugins/standard"
	"github.com/fabriziosalmi/rainlogs/sdk"
	sdkconfig "github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// pluginServe is the hidden command under which this binary is its own
// plugins: rainlogs plugin-serve storage fs.
const pluginServe = "plugin-serve"

// CloseTimeout bounds the draining of plugins at the end of a command.
const CloseTimeout = 15 * time.Second

// PinPrefix stands before the digest of a pin.
const PinPrefix = "sha256:"

func servePlugin(program string, args []string, env *Env) int {
	if len(args) == 2 {
		for _, p := range standard.Plugins() {
			if p.Kind() == args[0] && p.Name == args[1] {
				sdk.Serve(p)
				return ExitOK
			}
		}
	}
	_, _ = fmt.Fprintf(env.Err, "%s %s: want a kind and a name of a built-in plugin\n", program, pluginServe) // nothing can be told if stderr is gone
	return ExitUsage
}

// OpenStore launches the archive's storage plugins. Several are one set, which
// has no ledger until attachLedger: that is enough to read.
func (w *Workspace) OpenStore(ctx context.Context) (storage.Storage, error) {
	for _, p := range w.Config.Archive.Storage {
		start := func(ctx context.Context) (storage.Storage, error) { return w.StartStore(ctx, p) }
		store, err := start(ctx)
		var misused usageError
		switch {
		case err == nil:
		case len(w.Config.Archive.Storage) == 1, errors.As(err, &misused), ctx.Err() != nil:
			return nil, fmt.Errorf("open storage: %w", err)
		default:
			w.Logger().WarnContext(ctx, "store cannot be opened; the others work without it", "store", p.StoreName(), "error", err)
			store = &lateStore{start: start}
		}
		w.stores = append(w.stores, storeset.Named{Name: p.StoreName(), Store: store})
	}
	if len(w.stores) == 1 {
		w.Store = w.stores[0].Store
		return w.Store, nil
	}
	return w.Store, w.openSet(ctx, nil)
}

// StartStore launches the plugin of one store, by itself.
func (w *Workspace) StartStore(ctx context.Context, p config.Plugin) (storage.Storage, error) {
	settings := p.Settings()
	if err := preset(p, settings); err != nil {
		return nil, err
	}
	instance, err := w.launch(ctx, wire.KindStorage, p.Name(), settings, w.admit(ctx, p))
	if err != nil {
		return nil, err
	}
	return instance.Storage() //nolint:wrapcheck // by the caller
}

func (w *Workspace) openSet(ctx context.Context, ledger storeset.Ledger) error {
	set, err := storeset.Open(ctx, storeset.Config{
		Stores: w.stores, Mode: storeset.Mode(w.Config.Archive.Mode), Ledger: ledger, Now: w.Env.Now, Log: w.Logger(),
		OnChange: w.hooks.StoreChanged, Retain: w.Config.Collector.Retention,
	})
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	w.set, w.Store = set, set.Storage()
	return nil
}

// attachLedger gives the stores their memory of what each missed: the catalog.
// A single store needs none, and unmakes a set that was there before.
func (w *Workspace) attachLedger(ctx context.Context) error {
	ledger, ok := w.Catalog.(storeset.Ledger)
	switch {
	case len(w.stores) > 1 && !ok:
		return Usagef("this catalog cannot remember what a store missed: archive.storage must have one store")
	case len(w.stores) > 1:
		return w.openSet(ctx, ledger)
	case ok:
		return storeset.Disband(ctx, ledger) //nolint:wrapcheck // says what it did
	}
	return nil
}

func (w *Workspace) launch(ctx context.Context, kind, name string, settings map[string]string, admit func(wire.About, sdkconfig.Values) error) (*pluginhost.Instance, error) {
	values, err := w.resolveSecrets(kind, name, settings)
	if err != nil {
		return nil, err
	}
	return w.launchWith(ctx, kind, name, values, admit)
}

// launchWith starts a plugin with values that are to be taken as they are.
func (w *Workspace) launchWith(ctx context.Context, kind, name string, values sdkconfig.Values, admit func(wire.About, sdkconfig.Values) error) (*pluginhost.Instance, error) {
	spec, err := w.spec(kind, name, values)
	if err != nil {
		return nil, err
	}
	spec.Admit = admit
	host, err := w.pluginHost()
	if err != nil {
		return nil, err
	}
	return host.Launch(ctx, spec) //nolint:wrapcheck // names the plugin already
}

func (w *Workspace) pluginHost() (_ *pluginhost.Host, err error) {
	w.hosting.Lock()
	defer w.hosting.Unlock()
	if w.host == nil {
		if w.host, err = pluginhost.New(pluginhost.Config{
			Logger: w.Logger(), Now: w.Env.Now, Restarted: w.hooks.PluginRestarted,
		}); err != nil {
			return nil, fmt.Errorf("start plugin host: %w", err)
		}
	}
	return w.host, nil
}

// spec finds a plugin: built in, or in the plugin folder and pinned.
func (w *Workspace) spec(kind, name string, values sdkconfig.Values) (pluginhost.Spec, error) {
	if _, ok := standard.Find(kind, name); ok {
		return pluginhost.Self(kind, name, values), nil
	}
	binary := pluginhost.FileName(kind, name)
	pin, ok, err := PinOf(w.Config.Plugins, kind, name)
	if err != nil {
		return pluginhost.Spec{}, err
	}
	if w.Config.Plugins.Dir == "" || !ok {
		return pluginhost.Spec{}, Usagef("%s plugin %q is not built in: put %s into plugins.dir and its SHA-256 into plugins.pin, as %s", kind, name, binary, config.PinKey(kind, name))
	}
	path, err := pluginhost.Find(w.Config.Plugins.Dir, kind, name)
	if err != nil {
		return pluginhost.Spec{}, err //nolint:wrapcheck // names the plugin already
	}
	return pluginhost.Spec{Kind: kind, Name: name, Path: path, SHA256: strings.TrimPrefix(pin, PinPrefix), Values: values}, nil
}

// PinOf returns a plugin's pin. A pin by the name alone is refused where the
// plugin folder has a source and a storage of that name.
func PinOf(p config.Plugins, kind, name string) (pin string, ok bool, err error) {
	pin, plain, ok := p.PinOf(kind, name)
	if !plain || p.Dir == "" {
		return pin, ok, nil
	}
	other := wire.KindSource
	if kind == other {
		other = wire.KindStorage
	}
	if _, precise := p.Pin[config.PinKey(other, name)]; precise {
		return pin, ok, nil // the other one has its own
	}
	if _, err := pluginhost.Find(p.Dir, other, name); errors.Is(err, fs.ErrNotExist) {
		return pin, ok, nil
	}
	return "", false, Usagef("plugins.pin.%s does not say which is meant, and plugins.dir has a source and a storage of that name: write %s or %s",
		name, config.PinKey(wire.KindSource, name), config.PinKey(wire.KindStorage, name))
}

// resolveSecrets replaces env: and file: references by what they name, just
// before the plugin gets them. A built-in plugin's secret given in the open
// is refused.
func (w *Workspace) resolveSecrets(kind, name string, settings map[string]string) (sdkconfig.Values, error) {
	var schema sdkconfig.Schema
	if p, ok := standard.Find(kind, name); ok {
		schema = p.Schema
	}
	return ResolveSecrets(name, schema, settings, w.Env.Getenv)
}

// ResolveSecrets replaces env: and file: references by what they name. A
// setting that the schema calls secret is refused in the open.
func ResolveSecrets(name string, schema sdkconfig.Schema, settings map[string]string, getenv func(string) string) (sdkconfig.Values, error) {
	secret := map[string]bool{}
	for _, f := range schema {
		secret[f.Name] = f.Secret
	}
	values := sdkconfig.Values{}
	for key, value := range settings {
		if secret[key] || strings.HasPrefix(value, "env:") || strings.HasPrefix(value, "file:") {
			resolved, err := config.Secret(name+"."+key, value, getenv)
			if err != nil {
				return nil, Usage(err)
			}
			value = resolved
		}
		values[key] = value
	}
	return values, nil
}
