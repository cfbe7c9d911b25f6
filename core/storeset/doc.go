// Package storeset makes several stores look like one: evidence lands while
// any of them can take it, what a store missed is on record and healed later,
// and no outage, crash or restart lets a chain be taken for shorter than it is.
//
// # What goes where
//
//	           logs/…                                      everything else (chain/…, rainlogs.json)
//	failover   the first store that takes it               every store, in the order of the config
//	mirror     every store, at once if the body allows     every store, in the order of the config
//
// # States
//
// A store stands to each key in one of these:
//
//	in step    a member of the set without a record for the key: it holds the
//	           key's present bytes, or nobody has any
//	behind     there is a record (store, key): it may lack the bytes, or hold older ones
//	to delete  there is a record (store, "delete:"+key): it may hold what was deleted
//	stranger   it is in the config, but was never compared with the others (see Members)
//
// and to the set itself as its circuit breaker says: closed, open (not asked
// at all for a while) or half-open (asked one thing at a time).
//
// # What is authoritative
//
// The first store in step on a key that can be reached, in the config's order.
// Its verdict on a conditional Put is the set's. Who is in step, the ledger
// says (it is the catalog): that memory is the third party without which a
// store alone could not know what it has missed.
//
// Invariant: a record is durable before any store gets bytes that the
// recorded one may lack, and goes only when that store holds them durably. So a
// store in step that answers "not found" speaks for all of them, and a chain
// can be opened, read and written with any other store down.
// For an object of a failover set only the first store without a record for it
// can say so, for that is where it would have gone.
//
// # Failure behaviour
//
// A store that is unavailable, silent past the timeout, full, or refuses
// permission is skipped: recorded, logged as a warning, shown by Health. Full
// and forbidden are no reason to lose evidence, but somebody has to act on them.
// Only unavailability and silence open the breaker. ErrExists, ErrChanged,
// ErrCorrupt, ErrLocked and ErrInvalidKey are answers, and nobody else is asked.
//
// Put. If no store in step can be reached, ErrUnavailable: a store that is
// behind on a key never decides about it. If all are behind (a Put that no store
// answered, or that was killed between two), all must answer: the greatest pointer, else the
// first that holds the key, else the first store decides again. A body that can be read again
// (io.ReaderAt or io.Seeker) goes to as many stores as wanted; any other goes to
// one, another stands in only before its first byte is read, and a mirror's other copies are made by Heal.
// Killed at any point: the records are there already. An answer that was lost
// after the commit: the store is recorded, and Heal finds its bytes in place.
//
// Get, Stat. From the first store in step. ErrNotFound only on the word of one
// that can know, or of all stores; else ErrUnavailable. The chain's pointer
// (…/checkpoint), the one key that is overwritten, is never read from a store
// that is behind on it while another is in step, reachable or not. If all are
// behind (a swap of which no answer came), all must answer and the greatest tree wins.
//
// Delete. From every store. It is recorded for all of them first and is final
// from there on, even if the call is cut short; Heal carries out what could not
// be done, and never copies a deleted object back. nil means gone everywhere;
// ErrUnavailable that a store could not be reached (repeat it, until nil or
// ErrNotFound); ErrLocked that a store named in the error refuses and keeps it,
// while the others have deleted theirs.
//
// List. The union of what can be listed. If that may lack keys, it ends in
// ErrUnavailable after the last of them.
//
// Heal. Deletions first, then objects and tiles, then checkpoints, then
// pointers, then the descriptor: a store never gets a checkpoint by it before the tiles
// under it, and while a tile of a chain could not be copied its checkpoints wait.
// Other bytes under a write-once key are a conflict: named, left as they are,
// and the record stays. (A tile that was never committed may have been replaced by
// compare-and-swap; a record "replace:"+SHA-256+":"+key says which bytes that was, and
// those alone are replaced again.) A copy is locked by the rule of what is written first
// (evidence.RetainUntil, with Config.Retain), whatever lock the other store tells. Heal may be cut short, repeated, and run beside a collector.
//
// Without a ledger nobody can know who is behind. Reads take the greatest pointer that can
// be read and say ErrNotFound only if all stores do; a Put must reach all of them.
//
// # Members
//
// A store that joins an archive, or all of them when the catalog was lost, cannot be
// in step by mere absence of records. The ledger keeps who is a member (the note
// "storeset"). Open compares the listings of the stores if there is a stranger,
// records what it lacks, and makes it a member; that takes all stores, once.
// Until then the set works without the stranger's word, but not if all are strangers:
// the Open then fails. A store taken out of the config stops being a member.
//
// # What cannot happen
//
//   - A chain restarted, forked or continued from an old pointer because a store was down.
//   - A Put that returned nil with a store left out and no record of it.
//   - An object that Heal brings back after its Delete.
//   - Bytes under a write-once key overwritten by Heal.
//
// Provided that each process that writes uses the same list of stores and the
// same ledger, and that nobody removes objects behind its back. Two processes
// may heal and write at once; if one dies in the few statements between a swap and
// the other's drop of a record, a pointer may be one entry old without a record, which the
// next opening of the chain rolls forward.
//
// # Goroutines
//
// A Put to a mirror runs one for each store and returns when all have ended.
package storeset
