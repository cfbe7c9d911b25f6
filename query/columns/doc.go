// Package columns keeps Parquet files made of an archive's objects, one of
// each, so that a query need not read their lines again.
//
// # What is authoritative
//
// The objects. A file is derived and never evidence: it holds what a reading of the checked
// object's lines gives, cell for cell, because record.Caster makes the cells
// of both. Whatever goes wrong with a file, it is removed and the object read.
//
// # In a file
//
// A column for each member that the object's records have, as
// schema.Columns types it; lists and JSON are their JSON text. Beside them
// are those of Reserved. What a file says of itself (fields, lines, values that are not of their column's type) is in
// its own metadata, so that there is no index to be kept in step. Names that show up late cost a second
// pass: a file's columns must be known before its first row.
//
// # Its name
//
// <zone>/<dataset>/<2 hex digits>/<SHA-256 of the object>-<seq>-<digest of
// what else it depends on>.<SHA-256 of the file>.columns. Find reads a file
// once in a process and compares it with its name; it reads it again when size, times or
// inode have changed. The digest shows damage, not intent: a cache that
// others than its owner may write to is not used, nor is what a symbolic
// link leads to. Files of other names are left alone.
//
// # Several processes
//
// A file grows in a folder of its builder's own (building-*), whose lock is held
// for as long as that lives, and is renamed to its place when it is whole and synced. Two
// builders of one object make the same bytes, hence the same name. A folder
// whose lock is free was left by a builder that was killed, and is swept by the
// next. Coming, going and eviction of files happen under one more lock.
//
// # Limits
//
// Beyond the limit the files used longest ago go, but none that this process
// holds (File.Release) or that any process used in the last ten minutes. When
// that leaves no room, or the disk is full or read-only, building stops with
// one warning and an ErrStopped; what is there is still found. A builder
// holds one row group: some 50 MiB for records of 70 members.
//
// # Why so
//
// Measured with 943,119 generated records of 73 members, 2.08 GB of NDJSON in 24 objects,
// on two cores that other work was using (so that CPU time is what compares):
//
//   - The builder took 26 s of CPU, 81 MB/s a core, and 191 MiB; DuckDB's COPY from
//     read_json 45 s. The writer is arrow-go's because the Iceberg library brings
//     it anyway. With parquet-go's, over the same cells, building took 15 to 20 % less CPU and
//     the files were 9 % larger.
//   - LZ4_RAW: building took 8 % less CPU than with zstd level 1, the files were a third
//     larger (5 % of the NDJSON), and an aggregate over one column and the lookup of a RayID
//     took DuckDB two thirds of the CPU. zstd level 3 gained nothing; Snappy was between.
//   - Times and line numbers are written as differences: as values with a
//     dictionary they took a fifth of the file.
//   - The Bloom filters have room for the object's lines: of a fixed size,
//     they made the file of an object of 50 lines 265 kB instead of 3 kB.
package columns
