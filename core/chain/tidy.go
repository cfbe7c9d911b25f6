package chain

import (
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// superseded lists the partial bundles and tiles that a commit of that size
// makes redundant. C2SP tlog-tiles lets a log delete a partial tile once the
// full one exists. We go further and keep only the latest few: an entry is
// about a kilobyte, and 255 partial bundles of up to 255 entries would be
// 32 MB for 256 entries.
func superseded(id evidence.ChainID, size int64) []string {
	var keys []string
	for level, rest := 0, size; rest > 0; level, rest = level+1, rest>>evidence.TileHeight {
		n, width := rest>>evidence.TileHeight, int(rest%evidence.BundleSize)
		from, to := width-keepPartials, width-keepPartials
		if width == 0 { // the tile before has just become full
			n, from, to = n-1, evidence.BundleSize-keepPartials, evidence.BundleSize-1
		}
		for w := max(from, 1); w <= to; w++ {
			keys = append(keys, id.TileKey(tlog.Tile{H: evidence.TileHeight, L: level, N: n, W: w}))
			if level == 0 {
				keys = append(keys, id.BundleKey(n, w))
			}
		}
		if width != 0 {
			break // the levels above did not change
		}
	}
	return keys
}
