package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

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
	leaves []leaf
	err    error  // the bundle cannot be read
	tile   string // the level-0 tile that does not hold the leaf hashes, or ""
}

const maxBundle = evidence.BundleSize * (2 + evidence.MaxEntry)

// bundles yields a chain's entries in order. Bundles are fetched and their
// entries decoded by several workers ahead of the reader: decoding is most of the work.
func bundles(ctx context.Context, s Store, id evidence.ChainID, size int64, workers int) iter.Seq[bundleResult] {
	return func(yield func(bundleResult) bool) {
		ctx, cancel := context.WithCancel(ctx)
		g, ctx := errgroup.WithContext(ctx)
		defer g.Wait() //nolint:errcheck // the workers' errors are in their results
		defer cancel()
		queue := make(chan chan bundleResult, 2*workers)
		slots := make(chan struct{}, workers)
		g.Go(func() error {
			defer close(queue)
			for n := int64(0); n*evidence.BundleSize < size; n++ {
				width := int(min(size-n*evidence.BundleSize, evidence.BundleSize))
				result := make(chan bundleResult, 1)
				select {
				case queue <- result:
				case <-ctx.Done():
					return nil
				}
				slots <- struct{}{}
				g.Go(func() error {
					defer func() { <-slots }()
					result <- readBundle(ctx, s, id, n, width)
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

func readBundle(ctx context.Context, s Store, id evidence.ChainID, n int64, width int) bundleResult {
	r := bundleResult{n: n}
	b, err := readEither(ctx, s, id.BundleKey(n, width), id.BundleKey(n, evidence.BundleSize), maxBundle)
	if err != nil {
		r.err = err
		return r
	}
	raw, err := evidence.DecodeBundle(b, width)
	if err != nil {
		// A full bundle may stand in for a partial one that was tidied away.
		full, fullErr := evidence.DecodeBundle(b, evidence.BundleSize)
		if fullErr != nil {
			r.err = fmt.Errorf("%s: %w", id.BundleKey(n, width), err)
			return r
		}
		raw = full[:width]
	}
	hashes := make([]byte, 0, width*tlog.HashSize)
	r.leaves = make([]leaf, width)
	for i, b := range raw {
		l := &r.leaves[i]
		l.seq, l.hash, l.leaf = n*evidence.BundleSize+int64(i), evidence.HashEntry(b), tlog.RecordHash(b)
		l.entry, l.err = evidence.Decode(b)
		hashes = append(hashes, l.leaf[:]...)
	}
	if key, ok := checkTile(ctx, s, id, tlog.Tile{H: evidence.TileHeight, L: 0, N: n, W: width}, hashes); !ok {
		r.tile = key
	}
	return r
}

// checkTile compares a published hash tile with recomputed hashes.
func checkTile(ctx context.Context, s Store, id evidence.ChainID, t tlog.Tile, want []byte) (key string, ok bool) {
	full := t
	full.W = evidence.BundleSize
	got, err := readEither(ctx, s, id.TileKey(t), id.TileKey(full), evidence.BundleSize*tlog.HashSize)
	if err != nil || len(got) < len(want) || !bytes.Equal(got[:len(want)], want) {
		return id.TileKey(t), false
	}
	return "", true
}

// readEither reads key, or the full tile or bundle that may stand in for it.
func readEither(ctx context.Context, s Store, key, full string, limit int64) ([]byte, error) {
	b, err := readAll(ctx, s, key, limit)
	if errors.Is(err, storage.ErrNotFound) && key != full {
		if b, fullErr := readAll(ctx, s, full, limit); fullErr == nil {
			return b, nil
		}
	}
	return b, err
}
