package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// leaf is one entry as it was read.
type leaf struct {
	seq   int64
	entry *evidence.Entry // nil if it does not decode
	err   error           // why not
	hash  evidence.Digest // of its bytes, for the next one's prev
	leaf  tlog.Hash
}

// bundleResult is a whole bundle, or what is wrong with it.
type bundleResult struct {
	n      int64
	key    string // the file that was read
	state  state
	leaves []leaf
	digest evidence.Digest // of the leaf hashes
	err    error           // the bundle cannot be read
	tile   string          // the level-0 tile that does not hold the leaf hashes, or ""

	covered []covered // what of it was read from its first version
}

const maxBundle = evidence.BundleSize * (2 + evidence.MaxEntry)

// bundleReader reads a chain's entries.
type bundleReader struct {
	store   Store
	id      evidence.ChainID
	size    int64 // entries
	workers int
	tiles   bool // compare the published level-0 tiles

	first  *firstVersions // nil if the store keeps none
	kept   map[int64]bool // bundles that are read from there alone; nil to find them
	firsts bool           // first versions are taken where they differ
}

// reader reads the chain's first entries as the walk has found them.
func (c *chainCheck) reader(size int64) bundleReader {
	return bundleReader{store: c.run.store, id: c.id, size: size, workers: c.run.opts.Workers, first: c.run.first, kept: c.original}
}

// from yields bundles in order, beginning with bundle first. They are fetched and their
// entries decoded by several workers ahead of the reader: decoding is most of the work.
func (r bundleReader) from(ctx context.Context, first int64) iter.Seq[bundleResult] {
	return func(yield func(bundleResult) bool) {
		ctx, cancel := context.WithCancel(ctx)
		g, ctx := errgroup.WithContext(ctx)
		defer g.Wait() //nolint:errcheck // the workers' errors are in their results
		defer cancel()
		queue := make(chan chan bundleResult, 2*r.workers)
		slots := make(chan struct{}, r.workers)
		g.Go(func() error {
			defer close(queue)
			for n := first; n*evidence.BundleSize < r.size; n++ {
				result := make(chan bundleResult, 1)
				select {
				case queue <- result:
				case <-ctx.Done():
					return nil
				}
				slots <- struct{}{}
				g.Go(func() error {
					defer func() { <-slots }()
					result <- r.read(ctx, n)
					return nil
				})
			}
			return nil
		})
		for result := range queue {
			if !yield(<-result) {
				return
			}
		}
	}
}

func (r bundleReader) read(ctx context.Context, n int64) bundleResult {
	if r.kept[n] {
		return r.readFrom(ctx, r.first, n)
	}
	result := r.readFrom(ctx, r.store, n)
	if r.tiles && result.err == nil {
		t, err := r.checkTile(ctx, r.store, &result)
		if result.err = err; err == nil && !t.good {
			result.tile = t.key
		}
	}
	fits := result.err == nil && result.tile == "" && !r.firsts
	if fits || r.first == nil || r.kept != nil || result.err != nil && !isFinding(result.err) {
		return result
	}
	return r.uncovered(ctx, result)
}

// readFrom reads a bundle, or its first version.
func (r bundleReader) readFrom(ctx context.Context, s Store, n int64) bundleResult {
	result := bundleResult{n: n}
	width := int(min(r.size-n*evidence.BundleSize, evidence.BundleSize))
	at := func(width int) string { return r.id.BundleKey(n, width) }
	b, found, err := readPart(ctx, s, at, width, maxBundle)
	result.key, result.state = at(found), stateOf(b, err)
	if err != nil {
		result.err = err
		return result
	}
	raw, err := evidence.DecodeBundle(b, found)
	if err != nil {
		result.err = fmt.Errorf("%s: %w", at(found), err)
		return result
	}
	hashes := make([]byte, 0, width*tlog.HashSize)
	result.leaves = make([]leaf, width)
	for i, b := range raw[:width] {
		l := &result.leaves[i]
		l.seq, l.hash, l.leaf = n*evidence.BundleSize+int64(i), evidence.HashEntry(b), tlog.RecordHash(b)
		l.entry, l.err = evidence.Decode(b)
		hashes = append(hashes, l.leaf[:]...)
	}
	result.digest = sha256.Sum256(hashes)
	return result
}

// checkTile compares the bundle's level-0 tile with its entries.
func (r bundleReader) checkTile(ctx context.Context, s Store, b *bundleResult) (tileCheck, error) {
	hashes := make([]byte, 0, len(b.leaves)*tlog.HashSize)
	for i := range b.leaves {
		hashes = append(hashes, b.leaves[i].leaf[:]...)
	}
	return checkTile(ctx, s, r.id, tlog.Tile{H: evidence.TileHeight, L: 0, N: b.n}, hashes)
}

// tileCheck is a published tile that was compared.
type tileCheck struct {
	key   string
	good  bool
	state state
}

// checkTile compares a published hash tile with recomputed hashes. The error
// is the store's.
func checkTile(ctx context.Context, s Store, id evidence.ChainID, t tlog.Tile, want []byte) (tileCheck, error) {
	at := func(width int) string {
		t.W = width
		return id.TileKey(t)
	}
	got, width, err := readPart(ctx, s, at, len(want)/tlog.HashSize, evidence.BundleSize*tlog.HashSize)
	if err != nil && !isFinding(err) {
		return tileCheck{}, err
	}
	good := err == nil && len(got) == width*tlog.HashSize && bytes.HasPrefix(got, want)
	return tileCheck{at(width), good, stateOf(got, err)}, nil
}

// readPart reads a tile or bundle of width parts, or what stands in for it:
// the full one, or, where a collector is at work and tidies up behind itself, a wider
// partial one. It returns how many parts the bytes should have.
func readPart(ctx context.Context, s Store, at func(width int) string, width int, limit int64) ([]byte, int, error) {
	b, err := readAll(ctx, s, at(width), limit)
	if !errors.Is(err, storage.ErrNotFound) || width == evidence.BundleSize {
		return b, width, err
	}
	full, fullErr := readAll(ctx, s, at(evidence.BundleSize), limit)
	if !errors.Is(fullErr, storage.ErrNotFound) {
		return full, evidence.BundleSize, fullErr
	}
	wider, prefix := 0, strings.TrimSuffix(at(1), "1")
	for info, listErr := range s.List(ctx, prefix, "") {
		if listErr != nil {
			return nil, width, fmt.Errorf("list %s: %w", prefix, listErr)
		}
		w, convErr := strconv.Atoi(strings.TrimPrefix(info.Key, prefix))
		if convErr == nil && w > width && w < evidence.BundleSize && at(w) == info.Key && (wider == 0 || w < wider) {
			wider = w
		}
	}
	if wider == 0 {
		return nil, width, err
	}
	b, err = readAll(ctx, s, at(wider), limit)
	return b, wider, err
}

// isFinding tells damage from a store that cannot be reached.
func isFinding(err error) bool {
	return !errors.Is(err, storage.ErrUnavailable) && !errors.Is(err, storage.ErrPermission) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// errChanged: a bundle is not the one that was verified a moment ago.
var errChanged = errors.New("the entries changed while they were being verified")

// entries yields the entries that were verified, once more: a chain of years
// is not held in memory. Entries that could not be read or decoded are left out; they are
// findings already.
func (c *chainCheck) entries(ctx context.Context) iter.Seq2[*evidence.Entry, error] {
	return func(yield func(*evidence.Entry, error) bool) {
		size := min(c.head.Size, int64(len(c.digests))*evidence.BundleSize)
		r := c.reader(size)
		for b := range r.from(ctx, 0) {
			switch want := c.digests[b.n]; {
			case want == evidence.Digest{}:
				continue // was lost the first time
			case b.err != nil:
				yield(nil, fmt.Errorf("read chain %s again: %w", c.id, b.err))
				return
			case b.digest != want:
				yield(nil, fmt.Errorf("chain %s, entries from %d on: %w", c.id, b.n*evidence.BundleSize, errChanged))
				return
			}
			for i := range b.leaves {
				if l := &b.leaves[i]; l.err == nil && !yield(l.entry, nil) {
					return
				}
			}
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
		}
	}
}
