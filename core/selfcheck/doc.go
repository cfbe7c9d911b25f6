// Package selfcheck verifies the archive for as long as the collector runs: a
// share of its objects each day, and all of them in a cycle of 28 days.
//
// # Which objects on which day
//
// Every object falls into one of 28 buckets by a hash of the archive's id, the
// cycle's number and its key: anybody can tell the day on which it is read,
// and each cycle deals anew. Day d of a cycle reads bucket d, and some of the
// buckets that were missed while nobody was running, of this cycle and of the
// one before. Chains are verified whole each time, against the heads that this
// machine remembers; and the store is listed whole, so that what no entry
// names is found on the day it appears.
//
// # What is remembered
//
// One note in the catalog: the buckets that are done and the last result. An
// object that was found damaged is read again every day until it is whole. A
// catalog that is lost costs one cycle at most.
//
// # Failure behaviour
//
// Findings are a result, logged as errors, and no error: trying again does not
// mend them. A store that cannot be read is an error; the day's buckets stay
// open and are read by the next check.
package selfcheck
