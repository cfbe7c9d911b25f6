// Package evidence is the archive format, version 1, and nothing else: the
// entry of a chain and its canonical bytes, the keys of the object store, the
// tiles and bundles of the transparency log, the signed checkpoint, and the
// measure of a window's content (digest, lines, Merkle root, event times,
// tally).
//
// It is pure: no clock, no network, no disk. The writer (core/collect,
// core/chain) and the verifier (core/verify) share this package and only
// this. docs/archive-format.md is its specification.
//
// Invariants:
//
//   - An entry has exactly one byte form (RFC 8785); Decode refuses any other.
//   - An object's key is a pure function of zone, dataset, window and generation.
//   - Content is measured over the bytes as received; a line is what stands
//     between two line feeds, its own bytes untouched.
//   - A reader keeps and ignores members it does not know. A changed meaning
//     needs a new "v"; Decode refuses a greater one with ErrNewer.
package evidence
