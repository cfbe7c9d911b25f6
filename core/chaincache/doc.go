// Package chaincache keeps the full entry bundles of chains on this machine, so
// that a chain of years is opened by fetching its head and its last, partial bundle.
//
// # What is authoritative
//
// The store's signed checkpoint alone. What is kept is read in the store's
// stead and verified as if it came from there: every leaf is hashed again, the
// root over all of them has to be the signed one, and the head that this machine
// remembers has to lie on the way. A full bundle never changes, so that nothing
// in here can be out of date: it is what the checkpoint signs, or it is not.
// Whoever can write to the folder can cost time by it, and nothing else.
//
// What this does not do is to look whether the store still holds those bundles:
// that is rainlogs verify's, which never comes here.
//
// # States
//
// A bundle is absent or kept whole: it is written under another name and
// renamed. Several processes may share the folder. Files are not synced to the disk, for
// one that a crash cut short is found like any other damage.
//
// # Failure
//
// A chain that is found damaged while some of it came from here is dropped from here and
// verified once more from the store alone: what is then found is the store's.
// A folder that cannot be written is said once and read on without.
// Beyond the limit, bundles that were not used for longest go first; those in
// use by this process stay, and what has no room is not kept.
package chaincache
