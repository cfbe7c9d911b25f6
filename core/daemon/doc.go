// Package daemon is the headless collector: it plans windows, has them pulled
// and sealed, asks the sources about themselves, keeps retention, checks the
// archive, and tells what it cannot do.
//
// # Parts
//
//	plan     every few seconds, by one daemon at a time: zones' schedules → windows in the ledger → jobs
//	window   pull and seal one window; what the source says goes into the ledger and the zone's standing
//	observe  ask a source about a zone; what has changed is sealed
//	upkeep   expiry, self-check, healing of stores: once a day or when there is something
//	beat     a sign of life of this process, by which the others know that its jobs are not lost
//
// # What is authoritative
//
// The chain, then the ledger, then the queue. Each is filled again from the one
// before. A zone's ledger is planned without holes up to a watermark; beyond
// it nothing is owed yet.
//
// # Failure behaviour
//
// Killed at any time: the windows under way are pulled again, or sealed from
// the spool if they had got so far; another daemon takes them over. A source
// that needs an operator is asked again by one window at a time, so that the
// zone recovers by itself once it is mended. Nothing is dropped: a window
// that its source has forgotten is sealed as a gap, with the reason.
package daemon
