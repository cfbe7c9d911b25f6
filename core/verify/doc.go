// Package verify is the independent re-check of an archive: it reads what is
// in the store, recomputes everything, and says what differs, in words that can
// stand in a report. It shares only the format (core/evidence) with the
// programs that write.
//
// # What is trusted
//
// A verifier key that was pinned by another way than the archive, and the
// heads that this machine has seen before (Known), which make a shorter or
// other history an alarm. Without a pinned key the archive's own word is
// taken for the key, and the report says so.
//
// # Bounds
//
// Entries stream by; of each a few dozen bytes are kept, to know every
// object's key and every window. Objects are read once, in frames.
//
// Integrity and coverage are two verdicts, never one: an intact archive may
// have gaps, and a complete one may be damaged.
package verify
