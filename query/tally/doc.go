// Package tally answers counts and histograms from what entries have sealed
// of their lines, without an object being opened: months in milliseconds.
//
// # Exact or bounded
//
// An entry seals how many lines of each status class fell into each bucket of
// event time: a minute, or coarser where a window's lines are spread widely. A
// row that lies on one side of an edge counts exactly; of one across an edge
// only that between none and all of its lines are on either side. Each
// number is therefore a Bound, least and most, and says itself whether it is exact.
// Ranges and steps of whole minutes are exact but for coarse rows.
//
// Lines without a readable event time belong to a range that meets their
// window, as in package dataset, and to no bucket of a histogram.
//
// # What an entry cannot tell
//
// An entry of another program may have no tally, or one that contradicts
// what else the entry says. Its lines count as any from none to all where the entry's
// bounds do not settle it, in no class, and Unsplit says how many entries
// those are. Entries whose objects have expired are not counted, for a query does not find
// their lines either; Expired says what they once held.
//
// A tally is the collector's word, signed with the entry. That it agrees with the
// object is what rainlogs verify checks at its level content.
package tally
