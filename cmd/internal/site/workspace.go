package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/pluginhost"
	"github.com/fabriziosalmi/rainlogs/core/storeset"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Workspace is an opened configuration: the archive's store through its
// plugin, the catalog and the key. Commands open it, use it and close it.
// It is not for concurrent use while something is being opened.
type Workspace struct {
	Env     *Env
	Globals *Globals
	Config  *config.Config
	Store   storage.Storage
	Catalog catalog.Catalog  // nil from OpenReader, until OpenRest
	Key     chain.PrivateKey // zero from OpenReader, until OpenKey
	Archive string           // UUID

	log     *slog.Logger
	hooks   Hooks
	placing sync.Mutex // guards places
	places  map[string]Placed
	hosting sync.Mutex // guards host
	host    *pluginhost.Host
	stores  []storeset.Named
	set     *storeset.Set // nil for a single store
}

// Hooks are told of what happens behind a workspace's back. Each may be nil.
type Hooks struct {
	PluginRestarted func(kind, name string)
	StoreChanged    func(storeset.Health) // must not call the store
}

// New is a workspace of which nothing is open yet.
func New(env *Env, g *Globals, cfg *config.Config) *Workspace {
	return &Workspace{Env: env, Globals: g, Config: cfg}
}

// Open opens everything a command that works on the archive needs.
func Open(ctx context.Context, env *Env, g *Globals) (*Workspace, error) {
	w, err := OpenReader(ctx, env, g)
	if err != nil {
		return nil, err
	}
	if err := w.OpenRest(ctx); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// OpenReader opens config and store only: enough to verify, and to work
// beside a damaged catalog.
func OpenReader(ctx context.Context, env *Env, g *Globals) (*Workspace, error) {
	cfg, err := LoadConfig(env, g)
	if err != nil {
		return nil, err
	}
	w := New(env, g, cfg)
	if err := w.openArchive(ctx); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// OpenCatalogOnly opens config and catalog only: enough for what the operator
// tells the collector and asks of it. No plugin runs and no key is read.
func OpenCatalogOnly(ctx context.Context, env *Env, g *Globals) (*Workspace, error) {
	cfg, err := LoadConfig(env, g)
	if err != nil {
		return nil, err
	}
	w := New(env, g, cfg)
	if w.Catalog, err = OpenCatalog(ctx, cfg.Catalog, env.Getenv); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *Workspace) openArchive(ctx context.Context) error {
	if _, err := w.OpenStore(ctx); err != nil {
		return err
	}
	b, err := ReadDescriptor(ctx, w.Store)
	if err != nil {
		return err
	}
	desc, err := evidence.DecodeDescriptor(b)
	if err != nil {
		return err //nolint:wrapcheck // names the file already
	}
	w.Archive = desc.Archive
	return nil
}

// OpenRest opens what OpenReader left: the key and the catalog.
func (w *Workspace) OpenRest(ctx context.Context) error {
	if err := w.OpenKey(); err != nil {
		return err
	}
	var err error
	if w.Catalog, err = OpenCatalog(ctx, w.Config.Catalog, w.Env.Getenv); err != nil {
		return err
	}
	return w.attachLedger(ctx)
}

// Stores is the set of the archive's stores, nil if there is one store.
func (w *Workspace) Stores() *storeset.Set { return w.set }

// OpenKey reads the signing key and checks that it is this archive's.
func (w *Workspace) OpenKey() (err error) {
	w.Key, err = w.ArchiveKey()
	return err
}

// ArchiveKey is the signing key, which must be this archive's. Nothing of it is kept: it may be asked for from several goroutines.
func (w *Workspace) ArchiveKey() (chain.PrivateKey, error) {
	k, err := w.SigningKey()
	if err != nil {
		return chain.PrivateKey{}, err
	}
	if want := evidence.KeyName(w.Archive); k.Public().Name() != want {
		return chain.PrivateKey{}, Usagef("key (%s) is named %s, but the archive wants %s: it is another archive's key", w.Config.Key, k.Public().Name(), want)
	}
	return k, nil
}

// SigningKey reads the signing key, whosever it is.
func (w *Workspace) SigningKey() (chain.PrivateKey, error) {
	text, err := config.Secret("key", w.Config.Key, w.Env.Getenv)
	if err != nil {
		return chain.PrivateKey{}, Usage(err)
	}
	k, err := chain.ParsePrivateKey(text)
	if err != nil {
		return chain.PrivateKey{}, Usagef("key (%s): %w", w.Config.Key, err)
	}
	return k, nil
}

// SetLogger gives the workspace a logger, before anything is opened.
func (w *Workspace) SetLogger(l *slog.Logger) { w.log = l }

// SetHooks gives the workspace hooks, before anything is opened.
func (w *Workspace) SetHooks(h Hooks) { w.hooks = h }

// Logger writes to standard error: everything with --verbose, else warnings.
func (w *Workspace) Logger() *slog.Logger {
	if w.log == nil {
		level := slog.LevelWarn
		if w.Globals.Verbose {
			level = slog.LevelDebug
		}
		w.log = slog.New(slog.NewTextHandler(w.Env.Err, &slog.HandlerOptions{Level: level}))
	}
	return w.log
}

// Close closes what is open, giving plugins some time to end by themselves.
func (w *Workspace) Close() {
	var errs []error
	if w.Catalog != nil {
		errs = append(errs, w.Catalog.Close())
	}
	if w.host != nil {
		ctx, cancel := context.WithTimeout(context.Background(), CloseTimeout) // the command's own may be over
		defer cancel()
		errs = append(errs, w.host.Close(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		w.Logger().Warn("close", "error", err)
	}
}

// maxDescriptor bounds what is read as rainlogs.json.
const maxDescriptor = 64 << 10

// ReadDescriptor returns the bytes of the store's rainlogs.json.
func ReadDescriptor(ctx context.Context, store storage.Storage) ([]byte, error) {
	body, err := store.Get(ctx, evidence.DescriptorKey, 0, maxDescriptor)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, Usagef("there is no archive in the store (no %s): make one with rainlogs init", evidence.DescriptorKey)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", evidence.DescriptorKey, err)
	}
	b, err := io.ReadAll(io.LimitReader(body, maxDescriptor))
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", evidence.DescriptorKey, err)
	}
	return b, nil
}

// Collector names this program in entries. The host's name is not a person's.
func Collector() evidence.Collector {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return evidence.Collector{Name: "rainlogs", Version: Version, Host: host}
}

// OpenAll opens store, key and catalog of the workspace's config.
func (w *Workspace) OpenAll(ctx context.Context) error {
	if err := w.openArchive(ctx); err != nil {
		return err
	}
	return w.OpenRest(ctx)
}
