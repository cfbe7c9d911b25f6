// Package jsonline finds the members of NDJSON lines without parsing them whole.
//
// Lines come from outside and are evidence as they stand, so that reading one
// never fails as a whole: what stands before a fault is found. Integers and
// times never pass through a float: 19 digits do not survive one.
//
// Of a member that occurs twice the first counts, as in the sealed tally
// (evidence.Meter); a member's name is compared byte by byte, without
// undoing escapes.
package jsonline
