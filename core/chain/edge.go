package chain

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// edge is the right edge of a tree: for each tile level the hashes of its
// unfinished tile, and the entries of the unfinished bundle. It is all that
// an append needs.
type edge struct {
	size   int64
	levels [][]tlog.Hash // levels[L] has (size >> 8L) & 255 hashes
	bundle [][]byte      // the last size & 255 entries
	last   evidence.Digest
}

// tile is a hash tile to be published.
type tile struct {
	tlog.Tile
	data []byte
}

// grow appends one entry and returns the new edge, the bundle's width and the
// tiles that changed. The receiver stays as it was.
func (e edge) grow(entry []byte) (edge, []tile) {
	next := edge{size: e.size + 1, last: evidence.HashEntry(entry)}
	next.levels = append([][]tlog.Hash(nil), e.levels...)
	next.bundle = append(append([][]byte(nil), e.bundle...), entry)

	var changed []tile
	h := tlog.RecordHash(entry)
	for level := 0; ; level++ {
		if level == len(next.levels) {
			next.levels = append(next.levels, nil)
		}
		hashes := append(append([]tlog.Hash(nil), next.levels[level]...), h)
		changed = append(changed, makeTile(level, e.size>>(evidence.TileHeight*(level+1)), hashes))
		if len(hashes) < evidence.BundleSize {
			next.levels[level] = hashes
			break
		}
		next.levels[level] = nil
		h = fold(hashes)
	}
	if len(next.bundle) == evidence.BundleSize {
		next.bundle = nil
	}
	return next, changed
}

func makeTile(level int, n int64, hashes []tlog.Hash) tile {
	data := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		data = append(data, h[:]...)
	}
	return tile{tlog.Tile{H: evidence.TileHeight, L: level, N: n, W: len(hashes)}, data}
}

// fold is the RFC 6962 root of a power of two of node hashes.
func fold(hashes []tlog.Hash) tlog.Hash {
	level := append([]tlog.Hash(nil), hashes...)
	for len(level) > 1 {
		for i := range len(level) / 2 {
			level[i] = tlog.NodeHash(level[2*i], level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	return level[0]
}

// root is the RFC 6962 tree hash at the edge's size.
func (e edge) root() tlog.Hash {
	var root tlog.Hash
	have := false
	for _, hashes := range e.levels {
		// The level's complete subtrees, from the rightmost and smallest on.
		for end, width := len(hashes), 1; end > 0; width *= 2 {
			if end&width == 0 {
				continue
			}
			sub := fold(hashes[end-width : end])
			end -= width
			if have {
				sub = tlog.NodeHash(sub, root)
			}
			root, have = sub, true
		}
	}
	if !have {
		empty, err := tlog.TreeHash(0, nil)
		if err != nil {
			return tlog.Hash{}
		}
		return empty
	}
	return root
}

// loadEdge reads the right edge of a tree of cp's size and checks it against
// cp's root.
func (l *Log) loadEdge(ctx context.Context, cp evidence.Checkpoint) (edge, error) {
	e := edge{size: cp.Size}
	for level, rest := 0, cp.Size; rest > 0; level, rest = level+1, rest>>evidence.TileHeight {
		hashes, err := l.readTile(ctx, level, rest>>evidence.TileHeight, int(rest%evidence.BundleSize))
		if err != nil {
			return edge{}, err
		}
		e.levels = append(e.levels, hashes)
	}
	if root := e.root(); root != cp.Root {
		return edge{}, fmt.Errorf("%w: tiles of size %d have root %s, checkpoint says %s", ErrDamaged, cp.Size, root, cp.Root)
	}
	return l.loadBundle(ctx, e)
}

// loadBundle reads the last, possibly full, bundle: its entries and the hash
// that the next entry's prev will hold.
func (l *Log) loadBundle(ctx context.Context, e edge) (edge, error) {
	if e.size == 0 {
		return e, nil
	}
	n, width := (e.size-1)/evidence.BundleSize, int((e.size-1)%evidence.BundleSize)+1
	entries, err := l.readBundle(ctx, n, width)
	if err != nil {
		return edge{}, err
	}
	e.last = evidence.HashEntry(entries[width-1])
	if width == evidence.BundleSize {
		return e, nil
	}
	e.bundle = entries
	for i, entry := range entries {
		if tlog.RecordHash(entry) != e.levels[0][i] {
			return edge{}, fmt.Errorf("%w: entry %d is not the one in the tree", ErrDamaged, n*evidence.BundleSize+int64(i))
		}
	}
	return e, nil
}
