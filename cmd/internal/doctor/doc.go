// Package doctor looks at everything that collecting needs, and says of each
// thing how it is and what to do about it.
//
// The checks do not depend on each other further than they must: without a
// config there is nothing to look at, without a catalog no zones are known. Each
// has its own time limit. What hangs in the file system, which hears no context,
// is left behind at the limit, and its goroutine ends with the call or the process.
//
// Nothing is changed but what opening a store or a catalog changes anyway: what
// is put into a store has to be refused by it. Secrets are read as every command
// reads them, and not told.
package doctor
