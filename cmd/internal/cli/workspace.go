package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/pluginhost"
	"github.com/fabriziosalmi/rainlogs/core/storeset"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// workspace is an opened configuration: the archive's store through its
// plugin, the catalog and the key. Commands open it, use it and close it.
type workspace struct {
	ctx     context.Context //nolint:containedctx // a workspace lives as long as its command
	env     *Env
	g       *globals
	cfg     *config.Config
	log     *slog.Logger
	host    *pluginhost.Host
	stores  []storeset.Named
	set     *storeset.Set   // nil for a single store
	store   storage.Storage // the set, or the only one
	catalog catalog.Catalog
	key     chain.PrivateKey
	archive string // UUID

	source   source.Source // nil until openSource
	sourceID collect.Plugin
}

// openWorkspace opens everything a command that works on the archive needs.
func openWorkspace(ctx context.Context, env *Env, g *globals) (*workspace, error) {
	w, err := openReader(ctx, env, g)
	if err != nil {
		return nil, err
	}
	if err := w.openRest(ctx); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// openReader opens config and store only: enough to verify, and to work
// beside a damaged catalog.
func openReader(ctx context.Context, env *Env, g *globals) (*workspace, error) {
	cfg, err := loadConfig(env, g)
	if err != nil {
		return nil, err
	}
	w := &workspace{ctx: ctx, env: env, g: g, cfg: cfg}
	if _, err := w.openStore(ctx); err != nil {
		w.close()
		return nil, err
	}
	desc, err := readDescriptor(ctx, w.store)
	if err != nil {
		w.close()
		return nil, err
	}
	w.archive = desc.Archive
	return w, nil
}

func (w *workspace) openRest(ctx context.Context) error {
	if err := w.openKey(); err != nil {
		return err
	}
	cat, err := sqlite.Open(ctx, strings.TrimPrefix(w.cfg.Catalog, "sqlite:"))
	if err != nil {
		return fmt.Errorf("open catalog: %w", err)
	}
	w.catalog = cat
	return w.attachLedger(ctx)
}

func (w *workspace) openKey() error {
	text, err := config.Secret("key", w.cfg.Key, w.env.Getenv)
	if err != nil {
		return usageError{err}
	}
	if w.key, err = chain.ParsePrivateKey(text); err != nil {
		return usagef("key (%s): %w", w.cfg.Key, err)
	}
	if want := evidence.KeyName(w.archive); w.key.Public().Name() != want {
		return usagef("key (%s) is named %s, but the archive wants %s: it is another archive's key", w.cfg.Key, w.key.Public().Name(), want)
	}
	return nil
}

// logger writes to standard error: everything with --verbose, else warnings.
func (w *workspace) logger() *slog.Logger {
	if w.log == nil {
		level := slog.LevelWarn
		if w.g.verbose {
			level = slog.LevelDebug
		}
		w.log = slog.New(slog.NewTextHandler(w.env.Err, &slog.HandlerOptions{Level: level}))
	}
	return w.log
}

func (w *workspace) close() {
	var errs []error
	if w.catalog != nil {
		errs = append(errs, w.catalog.Close())
	}
	if w.host != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), closeTimeout)
		defer cancel()
		errs = append(errs, w.host.Close(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		w.logger().Warn("close", "error", err)
	}
}

// maxDescriptor bounds what is read as rainlogs.json.
const maxDescriptor = 64 << 10

func readDescriptor(ctx context.Context, store storage.Storage) (evidence.Descriptor, error) {
	body, err := store.Get(ctx, evidence.DescriptorKey, 0, maxDescriptor)
	if errors.Is(err, storage.ErrNotFound) {
		return evidence.Descriptor{}, usagef("there is no archive in the store (no %s): make one with rainlogs init", evidence.DescriptorKey)
	}
	if err != nil {
		return evidence.Descriptor{}, fmt.Errorf("read %s: %w", evidence.DescriptorKey, err)
	}
	b, err := io.ReadAll(io.LimitReader(body, maxDescriptor))
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return evidence.Descriptor{}, fmt.Errorf("read %s: %w", evidence.DescriptorKey, err)
	}
	return evidence.DecodeDescriptor(b) //nolint:wrapcheck // names the file already
}

// collector names this program in entries. The host's name is not a person's.
func collectorIdentity() evidence.Collector {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return evidence.Collector{Name: "rainlogs", Version: Version, Host: host}
}
