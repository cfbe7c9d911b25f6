// Package metrics tells a collector's state to Prometheus.
//
// There are two halves. What happens (a window sealed, a plugin restarted) is
// told by the daemon through the Recorder's methods and counted; it begins at
// zero with the process. What stands (open windows, lag, blocked zones) is asked
// of the catalog when Prometheus asks, at most once every few seconds and never
// twice at the same time. The catalog is authoritative; if it does not answer
// in time, what it said last is told again and rainlogs_state_up is 0. Times
// are told as timestamps, so that they stay true while they are old.
//
// A zone is labelled by its id, name and dataset. No label's values come from
// log content or from errors: classes and reasons outside the closed lists are
// told as "other". At 1,000 zones a scrape is a few megabytes.
//
// The one goroutine is the question to the catalog; it ends with the answer,
// which the question's time limit asks for.
package metrics
