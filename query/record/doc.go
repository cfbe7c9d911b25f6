// Package record reads NDJSON lines into the members that a query asks for.
//
// Records come from outside and are evidence as they stand, so that reading
// one never fails as a whole: a value that is not of its column's type is
// absent from that column and reported, a line that is not a JSON object has
// no members and is reported. Integers and times never pass through a float: 19 digits do not
// survive one.
//
// Of a member that occurs twice the first counts, as in the sealed tally
// (evidence.Meter); a member's name is compared byte by byte, without
// undoing escapes.
package record
