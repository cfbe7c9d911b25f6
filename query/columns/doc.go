// Package columns keeps Parquet files made of an archive's objects, one of each,
// so that a query need not read their lines again.
//
// They are derived and never evidence: a file is what a reading of the checked object's
// lines gives, cell for cell (record.Caster is what both use), and can be thrown
// away at any time.
package columns
