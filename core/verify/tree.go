package verify

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// tree recomputes an RFC 6962 tree from its leaf hashes, one at a time,
// keeping the roots of the complete subtrees (a binary counter).
type tree struct {
	size  int64
	stack []subtree // largest first
}

type subtree struct {
	height int
	hash   tlog.Hash
}

// add appends a leaf and calls full, unless nil, for every complete subtree of 256^L leaves that it ends.
func (t *tree) add(leaf tlog.Hash, full func(level int, hash tlog.Hash)) {
	s := subtree{0, leaf}
	for {
		if full != nil && s.height > 0 && s.height%evidence.TileHeight == 0 {
			full(s.height/evidence.TileHeight, s.hash)
		}
		n := len(t.stack)
		if n == 0 || t.stack[n-1].height != s.height {
			break
		}
		s = subtree{s.height + 1, tlog.NodeHash(t.stack[n-1].hash, s.hash)}
		t.stack = t.stack[:n-1]
	}
	t.stack = append(t.stack, s)
	t.size++
}

func (t *tree) root() tlog.Hash {
	if len(t.stack) == 0 {
		return sha256.Sum256(nil)
	}
	h := t.stack[len(t.stack)-1].hash
	for i := len(t.stack) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.stack[i].hash, h)
	}
	return h
}
