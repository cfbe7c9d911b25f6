// Package casebook keeps what people do in a case: which records they keep,
// what they write about them, what they asked, verified and handed out.
//
// # A case
//
// A case is a folder with an append-only journal, case.jsonl. Its lines are
// events; docs/cases.md describes them. What a case is now (bookmarks, notes) is what
// replaying them gives, and nothing else is authoritative: the file "current"
// beside the cases only says which one is opened first.
//
// Each line holds the SHA-256 of the line before it. Whoever changes, takes out
// or puts in a line must write all after it anew; whoever has noted the hash of the last line (an
// export holds it) sees that. It is no signature: it shows tampering to those who
// hold a later hash, and it does not say who.
//
// # Invariants
//
// A line is written whole, by one write, under the lock case.lock, and synced
// before Do returns. Nobody writes after an event that he has not read:
// processes at work on one case take turns, and each event is decided on the state that it follows.
//
// # Failure
//
//   - A process that is killed, or a machine that loses power, leaves at most the
//     beginning of one line that was never acknowledged. The next writer keeps it in a
//     file of its own and says so in the journal; readers leave it out.
//   - A full disk, or another error of writing, takes the line back and is
//     returned: the case is as it was.
//   - A line that does not follow the one before it, or cannot be read, is
//     damage: what comes before it is shown, nothing is appended. A line of a later version likewise.
package casebook
