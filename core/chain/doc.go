// Package chain appends entries to a zone's transparency log in the object
// store: entry bundles, hash tiles and signed checkpoints, in the layout of
// C2SP tlog-tiles.
//
// # What is authoritative
//
// The store. A Log's memory is the right edge of the tree and is read back
// from the store whenever there is doubt.
//
// # The order of an append, from size n to n+1
//
//  1. bundle and tiles, each put only if absent;
//  2. checkpoints/<n+1>, put only if absent: the commit point;
//  3. checkpoint, the pointer, replaced by compare-and-swap.
//
// Every step may be repeated with the same bytes. One entry an append, so that
// any two writers that start from the same size contend for the same keys.
//
// # Failure behaviour
//
// A crash before 2 leaves tiles that no checkpoint covers. The same writer
// finds its own bytes there and goes on; another gets ErrContended until they
// are older than StaleAfter, and replaces them then. A crash between 2 and 3
// is rolled forward at the next Open: checkpoints/<n+1> carries our own
// signature. A writer that was overtaken gets ErrMoved, has signed nothing
// that is published, and reloads.
package chain
