package count

import "math/bits"

// buffers are the pages' memory, of one thread: what is given back is used again, rather than cleared and collected once a column.
type buffers struct {
	free [48][][]byte // by the bits of their size
}

// maxFree is how many of a size are kept.
const maxFree = 4

// Allocate returns memory, which may hold what it was used for before.
func (b *buffers) Allocate(size int) []byte {
	class := classOf(size)
	if n := len(b.free[class]); n > 0 {
		of := b.free[class][n-1]
		b.free[class] = b.free[class][:n-1]
		return of[:size]
	}
	return make([]byte, size, 1<<class)
}

// classOf is the power of two that a size fits into.
func classOf(size int) int { return bits.Len(uint(max(size, 1) - 1)) }

// Reallocate returns memory of another size with what there was.
func (b *buffers) Reallocate(size int, old []byte) []byte {
	if size <= cap(old) {
		return old[:size]
	}
	of := b.Allocate(size)
	copy(of, old)
	b.Free(old)
	return of
}

// Free takes memory back.
func (b *buffers) Free(old []byte) {
	if c := cap(old); c > 0 {
		if class := classOf(c); 1<<class == c && len(b.free[class]) < maxFree {
			b.free[class] = append(b.free[class], old)
		}
	}
}
