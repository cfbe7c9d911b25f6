// Package exhibit hands the records of a case out: a folder with the lines
// exactly as they were sealed, and with what proves that they were.
//
// # What proves a record
//
// The line is a leaf of the RFC 6962 tree whose root its entry has sealed
// (content.merkle_root). The entry is a leaf of its chain's tree. The chain's checkpoint has that
// tree's root and is signed. All of it is in the folder, so that Check needs
// neither the archive nor a network: it computes its way from each line up to the signature.
// Whether the key is the archive's is for whoever knows the key.
//
// # Files
//
//	records.ndjson    the lines, byte for byte, in the order of their event times
//	records.csv       the same to be read in a spreadsheet
//	provenance.json   of each line: entry, object, line number, proofs; of each chain: head and key
//	chains/*.txt      signed checkpoints
//	entries/*.json    entries, canonical as sealed
//	case.jsonl        the case's journal up to here
//	README.txt        how to check all this
//	SHA256SUMS        of all other files
//
// The folder is written under another name, synced, and renamed: it is there
// whole or not at all.
package exhibit
