// Package publish writes an archive's records into its store as Parquet for
// other engines, and an Apache Iceberg table over them.
//
//	columns/<dataset>/data/zone=<id>/date=<YYYY-MM-DD>/hour=<HH>/<SHA-256 of the object>-<seq>-<columns>.parquet
//	columns/<dataset>/metadata/v<N>.metadata.json         the table, write-once: the commit point
//	columns/<dataset>/metadata/version-hint.text          the latest N, for readers that do not list
//	columns/<dataset>/metadata/<date>-<digest>.m.avro     a manifest: the files of one day
//	columns/<dataset>/metadata/snap-<id>-<digest>.avro    a snapshot's list of manifests
//
// What is published is derived and never evidence: a file is made of an object
// that was checked against its entry, but nothing checks the file afterwards. It
// is never locked in the store, and can be thrown away.
//
// # Files
//
// One object becomes one file. Its folder is that of the window's start, which is
// receive time: an event may lie some minutes before. The event times of each file
// are in its manifest, so that engines skip files by event time too.
//
// Iceberg's second format knows microseconds only. Times are rounded down to these, and the
// nanoseconds stand beside them in a BIGINT column, <name>_nanos. The last part of a file's name is a
// digest of its columns with their ids: a file of a name has always the same content,
// whoever writes it.
//
// A column keeps the id and the type with which it was first published. Ids
// are never used again. Names are told apart without regard to case.
//
// # A run
//
// Data files are put first, then manifests, then v<N+1>.metadata.json, which
// may not exist: of two runs at once one wins, and the other begins anew with
// what the winner made. A run that dies before leaves files that
// no table names. The next one adopts those it would write itself, and removes others once they are old.
//
// # Expiry
//
// A file whose entry has expired, and which no hold in force covers, leaves the table in a
// new snapshot; all earlier snapshots, which name it, go with it, and it is deleted. The
// chain is authoritative: what is in the table and in no live entry goes.
//
// # The library
//
// Manifests and their lists are Avro, with Iceberg's rules of inheritance:
// they are written by apache/iceberg-go's root package. Its table package is not used: with
// its scanner, expressions and their dependencies it would add 40 MB to the
// program, and it commits through catalogs. The metadata file is JSON and is written here.
package publish
