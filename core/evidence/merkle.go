package evidence

import (
	"crypto/sha256"
	"hash"
	"math/bits"
)

// lineTree computes the RFC 6962 root over lines in one pass, with one hash a
// level in memory.
type lineTree struct {
	leaf  hash.Hash
	stack []Digest // roots of the complete subtrees, largest first
	n     uint64
	open  bool // a line has begun
}

func newLineTree() *lineTree { return &lineTree{leaf: sha256.New()} }

var leafPrefix = []byte{0}

// add feeds bytes of the current line, without its line feed.
func (t *lineTree) add(p []byte) {
	if !t.open {
		t.leaf.Reset()
		_, _ = t.leaf.Write(leafPrefix) // a hash never fails
		t.open = true
	}
	_, _ = t.leaf.Write(p)
}

// endLine closes the current line, which may be empty.
func (t *lineTree) endLine() {
	t.add(nil)
	t.open = false
	var d Digest
	t.leaf.Sum(d[:0])
	// Each trailing one-bit of the count is a complete subtree to join.
	for i := bits.TrailingZeros64(^t.n); i > 0; i-- {
		last := len(t.stack) - 1
		d = nodeHash(t.stack[last], d)
		t.stack = t.stack[:last]
	}
	t.stack = append(t.stack, d)
	t.n++
}

// root is the Merkle tree hash of the lines so far; SHA-256("") for none.
func (t *lineTree) root() Digest {
	if len(t.stack) == 0 {
		return sha256.Sum256(nil)
	}
	d := t.stack[len(t.stack)-1]
	for i := len(t.stack) - 2; i >= 0; i-- {
		d = nodeHash(t.stack[i], d)
	}
	return d
}

func nodeHash(l, r Digest) Digest {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], l[:])
	copy(b[1+sha256.Size:], r[:])
	return sha256.Sum256(b[:])
}
