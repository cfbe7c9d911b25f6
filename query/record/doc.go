// Package record makes the cells that a query asks for of the members of
// records, as core/jsonline finds them.
//
// Records come from outside and are evidence as they stand: a value that is
// not of its column's type is absent from that column and reported, a line that is
// not a JSON object has no members and is reported.
package record
