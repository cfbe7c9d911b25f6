// Package collect takes windows from a source to sealed evidence.
//
// # One window
//
//	plan ─► pull into a spool file ─► pending record ─► put object ─► append entry ─► commit catalog ─► remove spool file
//
// Several windows are pulled at once; they are sealed one after the other, as
// they are ready, by one goroutine: a chain has one writer.
//
// # What is authoritative
//
// The chain in the store. A window is sealed when the checkpoint covers its
// entry, whatever the catalog says; the catalog is brought up to date with the
// chain whenever a chain is opened.
//
// # Failure behaviour
//
// Killed while pulling: the half-written spool file is removed at the next
// start and the window pulled again (a Pull is repeatable). Killed after the
// pending record: the same spool file is put under the same key and the same
// entry bytes are appended. A spool file that no longer has the bytes its
// pending record promises is set aside, and its window is pulled again; so is the
// window of a host that died, which this one's spool lacks, unless the store has its
// object by then. An observation that was begun in front of it is ended first.
// No error but the source's own word that a window is gone ever ends a window
// unsealed; and then the gap itself is sealed, with its reason.
package collect
