package verify

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// part names a hash tile or an entry bundle.
type part struct {
	entries bool
	level   int
	n       int64
	width   int
}

// key returns where the part of that width is.
func (p part) key(id evidence.ChainID, width int) string {
	if p.entries {
		return id.BundleKey(p.n, width)
	}
	return id.TileKey(tlog.Tile{H: evidence.TileHeight, L: p.level, N: p.n, W: width})
}

// parsePart reads a key below tile/ and takes only the form that C2SP
// tlog-tiles gives it.
func parsePart(id evidence.ChainID, key string) (part, bool) {
	rest, ok := strings.CutPrefix(key, id.Prefix()+"tile/")
	level, name, _ := strings.Cut(rest, "/")
	name, widthText, partial := strings.Cut(name, ".p/")
	p := part{entries: level == "entries", width: evidence.BundleSize}
	if partial {
		w, isNumber := decimal(widthText)
		if !isNumber || w < 1 || w >= evidence.BundleSize {
			return p, false
		}
		p.width = int(w)
	}
	if !p.entries {
		l, isNumber := decimal(level)
		if !isNumber || l > 7 { // 2^63 entries have no higher level
			return p, false
		}
		p.level = int(l)
	}
	digits := strings.NewReplacer("x", "", "/", "").Replace(name)
	n, isNumber := decimal(strings.TrimLeft(digits[:max(0, len(digits)-1)], "0") + digits[max(0, len(digits)-1):])
	p.n = n
	return p, ok && isNumber && p.key(id, p.width) == key
}

// checkPartials compares the partial tiles and bundles that still lie about
// with the entries. Newer ones stand in for them, so that they carry nothing
// of their own; but one that differs was changed by somebody.
func (c *chainCheck) checkPartials(ctx context.Context) error {
	prefix := c.id.Prefix() + "tile/"
	leaves := leafCache{}
	for info, err := range c.run.store.List(ctx, prefix, "") {
		if err != nil {
			return fmt.Errorf("list %s: %w", prefix, err)
		}
		p, ok := parsePart(c.id, info.Key)
		if !ok {
			continue // found by the search for the unexplained
		}
		if err := c.checkPartial(ctx, info.Key, p, &leaves); err != nil {
			return err
		}
	}
	return nil
}

func (c *chainCheck) checkPartial(ctx context.Context, key string, p part, leaves *leafCache) error {
	size := c.head.Size
	if !p.entries {
		size >>= evidence.TileHeight * p.level
	}
	have := min(size-p.n*evidence.BundleSize, evidence.BundleSize)
	if int64(p.width) > have {
		c.run.report.notice("%s is not covered by the checkpoint: a collector is at work or died before its commit", key)
		return nil
	}
	if int64(p.width) == have {
		return nil // was checked in its place
	}
	want, err := c.partHashes(ctx, p, leaves)
	if err != nil || want == nil {
		return err
	}
	raw, err := readAll(ctx, c.run.store, key, maxBundle)
	if err != nil && !isFinding(err) {
		return err
	}
	var got []byte
	if err == nil {
		got, err = p.hashes(raw)
	}
	if err == nil && bytes.Equal(got, want) {
		return nil
	}
	otherwise := func() {
		c.find(CodeTile, -1, key, "%s, which wider ones have superseded, does not hold what the entries say", key)
	}
	first, firstErr := c.run.readFirst(ctx, key, maxBundle)
	if firstErr != nil {
		return firstErr
	}
	if hashes, hashErr := p.hashes(first); hashErr == nil && bytes.Equal(hashes, want) {
		c.covered = append(c.covered, covered{key, -1, stateOf(raw, err), stateOf(first, nil), otherwise})
		return nil
	}
	otherwise()
	return nil
}

// hashes returns what a part's bytes say.
func (p part) hashes(b []byte) ([]byte, error) {
	if !p.entries {
		return b, nil
	}
	return hashBundle(b, p.width)
}

// hashBundle returns the leaf hashes of a bundle.
func hashBundle(b []byte, width int) ([]byte, error) {
	entries, err := evidence.DecodeBundle(b, width)
	if err != nil {
		return nil, err
	}
	var hashes []byte
	for _, e := range entries {
		h := tlog.RecordHash(e)
		hashes = append(hashes, h[:]...)
	}
	return hashes, nil
}

// leafCache holds the leaf hashes of the bundle asked for last.
type leafCache struct {
	n      int64
	hashes []byte
}

// partHashes returns what a part's hashes must be, nil where that is not known.
func (c *chainCheck) partHashes(ctx context.Context, p part, leaves *leafCache) ([]byte, error) {
	hashes, first := c.levels[p.level], p.n*evidence.BundleSize*tlog.HashSize
	if p.entries || p.level == 0 {
		if p.n >= int64(len(c.digests)) || c.digests[p.n] == (evidence.Digest{}) {
			return nil, nil // lost, and reported
		}
		if leaves.hashes == nil || leaves.n != p.n {
			r := c.reader(c.head.Size)
			b := r.read(ctx, p.n)
			if b.err != nil && !isFinding(b.err) || ctx.Err() != nil {
				return nil, fmt.Errorf("read bundle %d of chain %s: %w", p.n, c.id, cmp.Or(b.err, ctx.Err()))
			}
			if b.digest != c.digests[p.n] {
				return nil, nil // the second pass says so
			}
			*leaves = leafCache{n: p.n}
			for i := range b.leaves {
				leaves.hashes = append(leaves.hashes, b.leaves[i].leaf[:]...)
			}
		}
		hashes, first = leaves.hashes, 0
	}
	end := first + int64(p.width*tlog.HashSize)
	if end > int64(len(hashes)) {
		return nil, nil // behind a lost bundle
	}
	return hashes[first:end], nil
}
