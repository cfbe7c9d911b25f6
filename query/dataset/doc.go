// Package dataset finds the sealed objects that answer for a range of event
// time, fetches and checks them, and reads their lines.
//
// # Which objects
//
// A range is half-open, [From, To), in event time. A window of an archive is
// cut by receive time, so that an object is chosen by the event times its
// entry has sealed, never by its window. A line without a readable event time
// (the sealed tally counts them) has only its window to be placed by: it belongs to a range that
// meets its window.
//
// # Checked before used
//
// Opening a dataset fetches nothing. An object is fetched when it is first used,
// and its SHA-256 compared with its entry before a byte of it is used; the verdict stands until the
// dataset is closed, while a failure of the store is no verdict and is tried again. Who wants damage to be
// found before a row flows calls Check on what will be used.
//
// The bytes are read again when a query scans them, and a file may
// change in between, on a disk that is not ours all the more. Therefore the check also keeps the
// digest of each MiB, and no MiB leaves the reader that does not match it: what
// was checked is what is used, without a copy of the archive. An object that
// the store cannot give as a local file is fetched once into a private folder (0700) that Close
// removes.
//
// # Coverage
//
// Silence proves nothing unless the windows that could hold the range's
// events were collected. Those are the windows of [From, To+Tail): an event
// is received after it happened, by up to Tail (15 minutes unless set;
// Logpull makes lines available within minutes of the request, and a line
// that comes later is still found by its event time, only not waited for).
// Each part of that time is collected, empty, partial (the source said so), a gap with its
// reason, missing, expired or damaged. A range whose tail has not been
// collected yet is not complete.
package dataset
