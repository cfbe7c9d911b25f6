// Package jobs is the queue on which a collector's work is done: River, on
// PostgreSQL for several daemons, on a SQLite file of its own for one.
//
// # What is authoritative
//
// The ledger says what is to be done, the queue only who does it now. A queue
// that is lost is filled again from the ledger by the next plan; a job that is
// lost is inserted again. A window has at most one job that is not finished
// (unique by its arguments).
//
// # States and failure behaviour
//
//	plan ──► window jobs (live, backlog) ──► done: the ledger has moved on
//	                                  └────► error around it (store, catalog): retried with jittered backoff
//
// What a source says of a window (try later, too heavy, gone, blocked) is the
// ledger's business and ends the job well: the plan inserts it anew when the ledger says so.
//
// River's leader, elected over all daemons, inserts the plan job and moves
// scheduled jobs on. Jobs of a daemon that died stay "running"; every plan
// gives those back whose client no longer shows a sign of life (Rescue), long
// before River's own rescue by age. A job whose end could not be written, the
// database being away for longer than River tries, stays "running" too: its
// own process gives it back (RescueOwn).
//
// # Order
//
// Jobs of the live edge and of the backlog have queues, and so workers, of
// their own. Within a queue jobs are taken in the order in which they were
// inserted. A plan inserts the backlog's oldest windows first and few of each
// chain, so that those which the source forgets next are next.
//
// # Priority
//
// All jobs have less of it than the requests of the API (core/background).
package jobs
