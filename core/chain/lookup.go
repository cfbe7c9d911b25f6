package chain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Lookup reads single entries of an archive's chains: of each the bundle it is
// in, and the tiles that prove it to be in the signed tree. A chain of years
// is not read for a few of its entries.
type Lookup struct {
	Store   Getter
	Archive string // UUID
	Key     evidence.PublicKey
}

// lookups is how often a lookup begins anew when the tiles it goes by are
// tidied away under it by a collector at work.
const lookups = 4

// At returns the entries with these seqs, in their order. ErrDamaged if one is
// not in the tree that the latest checkpoint signs.
func (l Lookup) At(ctx context.Context, id evidence.ChainID, seqs []int64) ([]*evidence.Entry, error) {
	for attempt := 1; ; attempt++ {
		entries, err := l.at(ctx, id, seqs)
		if errors.Is(err, storage.ErrNotFound) && attempt < lookups {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look up entries of chain %s: %w", id, err)
		}
		return entries, nil
	}
}

func (l Lookup) at(ctx context.Context, id evidence.ChainID, seqs []int64) ([]*evidence.Entry, error) {
	t, err := l.tree(ctx, id)
	if err != nil {
		return nil, err
	}
	leaves, err := t.leaves(ctx, seqs)
	if err != nil {
		return nil, err
	}
	order := make([]int, len(seqs)) // of seqs, ascending: each bundle is read once
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(seqs[a], seqs[b]) })
	entries := make([]*evidence.Entry, len(seqs))
	var bundle [][]byte
	have := int64(-1)
	for _, i := range order {
		if n := seqs[i] / evidence.BundleSize; n != have {
			width := int(min(t.head.Size-n*evidence.BundleSize, evidence.BundleSize))
			if bundle, err = t.readBundle(ctx, n, width); err != nil {
				return nil, err
			}
			have = n
		}
		if entries[i], err = t.entry(seqs[i], bundle[seqs[i]%evidence.BundleSize], leaves[i]); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// signedTree is a chain as its latest checkpoint signs it.
type signedTree struct {
	files
	archive string
	head    evidence.Checkpoint
}

func (l Lookup) tree(ctx context.Context, id evidence.ChainID) (*signedTree, error) {
	origin := evidence.Origin(l.Archive, id)
	verifier, err := l.Key.Verifier(origin)
	if err != nil {
		return nil, err
	}
	t := &signedTree{files: files{l.Store, id}, archive: l.Archive}
	signed, err := t.read(ctx, id.CheckpointKey(), evidence.MaxCheckpoint)
	if err != nil {
		return nil, err
	}
	if t.head, err = evidence.OpenCheckpoint(signed, origin, verifier); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return t, nil
}

// leaves returns the leaf hashes with these seqs, proven by the tree's tiles.
func (t *signedTree) leaves(ctx context.Context, seqs []int64) ([]tlog.Hash, error) {
	if len(seqs) == 0 {
		return nil, nil
	}
	indexes := make([]int64, len(seqs))
	for i, seq := range seqs {
		if seq < 0 || seq >= t.head.Size {
			return nil, fmt.Errorf("%w: there is no entry %d among the %d that the checkpoint signs", ErrDamaged, seq, t.head.Size)
		}
		indexes[i] = tlog.StoredHashIndex(0, seq)
	}
	r := &tileReader{ctx: ctx, files: t.files}
	hashes, err := tlog.TileHashReader(tlog.Tree{N: t.head.Size, Hash: t.head.Root}, r).ReadHashes(indexes)
	if r.err != nil {
		return nil, r.err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return hashes, nil
}

// entry decodes an entry that has the proven hash of leaf number seq.
func (t *signedTree) entry(seq int64, b []byte, leaf tlog.Hash) (*evidence.Entry, error) {
	if tlog.RecordHash(b) != leaf {
		return nil, fmt.Errorf("%w: entry %d is not the one in the signed tree", ErrDamaged, seq)
	}
	e, err := evidence.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%w: entry %d: %w", ErrDamaged, seq, err)
	}
	if e.Seq != seq || e.Archive != t.archive || e.Chain() != t.id {
		return nil, fmt.Errorf("%w: entry %d says it is entry %d of archive %.64q, chain %s", ErrDamaged, seq, e.Seq, e.Archive, e.Chain())
	}
	return e, nil
}

// tileReader hands tlog the tiles that it proves.
type tileReader struct {
	files
	ctx context.Context //nolint:containedctx // tlog's interface has no parameter for it
	err error           // the store's, which is no word on the chain
}

var _ tlog.TileReader = (*tileReader)(nil)

// Height implements tlog.TileReader.
func (r *tileReader) Height() int { return evidence.TileHeight }

// ReadTiles implements tlog.TileReader.
func (r *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		hashes, err := r.readTile(r.ctx, t.L, t.N, t.W)
		if err != nil {
			r.err = err
			return nil, err
		}
		for _, h := range hashes {
			out[i] = append(out[i], h[:]...)
		}
	}
	return out, nil
}

// SaveTiles implements tlog.TileReader; a lookup asks once for all it needs.
func (r *tileReader) SaveTiles([]tlog.Tile, [][]byte) {}
