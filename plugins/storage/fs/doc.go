// Package fs is a storage plugin that keeps objects as files in a folder.
//
//	<root>/<key>          an object: a regular file, mode 0444, never modified
//	<root>/.tmp/<random>  an upload under way, held by an flock
//	<root>/.tmp/lock      taken for Replaces and Delete
//
// A key's file appears in one step with all its bytes: they are written to a
// temporary file in the same file system, synced, and linked to their name.
// link(2) fails if the name exists, whichever process got there first. The
// folder is synced before the receipt, and so is every folder above it that
// this process has not yet seen durable.
//
// An upload that was cut off by a crash leaves a file in .tmp and nothing
// else. Such files hold no lock and are removed when the folder is next opened.
//
// What is not a regular file under a valid key is not an object: it is
// neither listed nor read. Symbolic links are never followed to a place
// outside the folder.
package fs
