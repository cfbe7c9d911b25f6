// Package retention gives up objects that the policy no longer keeps, and
// keeps what a legal hold covers.
//
// # One window's end
//
//	kept ─► an expiry entry names it (expiring) ─► object deleted ─► removed
//
// # What is authoritative
//
// The chain. An expiry entry is the decision; the deletion follows it. Which
// windows may be named is read, under the chain's lock, from the catalog, and
// each is then looked up in the signed chain by its proof: the catalog is a
// cache, and what it says alone deletes nothing. Keys of objects come from the
// entries.
//
// # Holds
//
// A hold covers the windows that it overlaps in receive time, and those with
// events in its time. One that is placed after an expiry entry stops the
// deletions that have not happened yet. Deletions happen under the chain's
// lock too: once Hold has returned, nothing that it covers is deleted.
//
// # Failure behaviour
//
// Killed anywhere, the next Expire begins with the windows that are named and
// not removed. An object that is gone already counts as deleted. One that its
// store locks is reported and tried again by the next Expire. Any other error
// leaves its window as it is, and the run goes on.
package retention
