package chaincache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

// DefaultLimit is what a cache may grow to, in bytes: some 20 zones of 13 months in windows of an hour.
const DefaultLimit = 1 << 30

// Config says where chains are kept.
type Config struct {
	Dir   string // of this cache alone; made when something is kept
	Limit int64  // bytes; 0 = DefaultLimit
	Log   *slog.Logger
}

// Cache keeps bundles. It is safe for concurrent use.
type Cache struct{ files *folder }

// New returns a cache. Nothing is opened before it is used.
func New(cfg Config) *Cache {
	if cfg.Limit <= 0 {
		cfg.Limit = DefaultLimit
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Cache{&folder{dir: cfg.Dir, limit: cfg.Limit, log: cfg.Log, used: map[string]bool{}}}
}

// ReadChains does what verify.ReadChains does for the archive in a store, with
// the same findings, and fetches no full bundle that is kept here.
func (c *Cache) ReadChains(ctx context.Context, store verify.Store, archive string, opts verify.Options) ([]verify.Chain, error) {
	return read(c, store, archive, func(s verify.Store) ([]verify.Chain, error) { return verify.ReadChains(ctx, s, opts) })
}

// ReadChain does the same for verify.ReadChain: the entries are not held in memory.
func (c *Cache) ReadChain(ctx context.Context, store verify.Store, archive string, id evidence.ChainID, opts verify.Options) (*verify.ChainReader, error) {
	return read(c, store, archive, func(s verify.Store) (*verify.ChainReader, error) { return verify.ReadChain(ctx, s, id, opts) })
}

// read reads through the cache and, where what is kept may be what is damaged, once more without it.
func read[T any](c *Cache, store verify.Store, archive string, f func(verify.Store) (T, error)) (T, error) {
	over := &cached{Store: store, files: c.files, archive: archive}
	got, err := f(over)
	var damaged *verify.DamagedError
	if !errors.As(err, &damaged) {
		return got, err
	}
	c.drop(archive, damaged.Report)
	if over.served.Load() == 0 {
		return got, err
	}
	c.files.log.Warn("chain reads damaged with what was kept of it here: reading it from the store", "finding", damaged.Report.Findings[0].Text)
	got, err = f(store)
	if err == nil {
		c.files.log.Warn("the copy kept here was damaged and is dropped, the store's is sound")
	}
	return got, err
}

// drop forgets the chains that have findings.
func (c *Cache) drop(archive string, report *verify.Report) {
	chains := map[string]bool{}
	for _, f := range report.Findings {
		if f.Chain != "" {
			chains[f.Chain] = true
		}
	}
	for _, chain := range slices.Sorted(maps.Keys(chains)) {
		if err := c.files.removeAll(path(archive, evidence.ChainsPrefix+chain)); err != nil {
			c.files.log.Warn("drop what is kept of a chain", "chain", chain, "error", err)
		}
	}
}

// Drop forgets everything that is kept of an archive.
func (c *Cache) Drop(archive string) error {
	if err := c.files.removeAll(path(archive, "")); err != nil {
		return fmt.Errorf("drop what is kept of archive %s: %w", archive, err)
	}
	return nil
}
