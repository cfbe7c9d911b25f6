// Package replicate copies an archive into another store: what the chains
// prove, and nothing else.
//
// # What is copied
//
// Each chain is verified in the archive that is copied. Then go, each only if
// the copy lacks it: the objects that its entries name and no expiry has given up; its
// bundles and tiles; its published checkpoints; the pointer to the latest one;
// and last of all, when every chain is there, the archive's descriptor, without which a copy
// is no archive. A file of a chain is compared with what the copy has under its
// key; an object is taken for the same by its size, or read if the caller asks for that.
//
// A copy is locked by the rule by which the original was (evidence.RetainUntil),
// if its store has locks. One that is there already stays as it is, unlocked
// perhaps: the port cannot lock what is written.
//
// # Failure behaviour
//
// It may be cut short at any time and run again: what is there stays, and the
// pointer moves last. An object whose bytes are not those that were sealed is
// not copied, and named. A copy that holds other bytes under a key, or a chain
// that is longer or another one, is never written to: it is named, and somebody has
// to look. Two copies at once do no harm: every file is put only if absent.
package replicate
