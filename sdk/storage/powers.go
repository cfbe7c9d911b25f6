package storage

import (
	"context"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/probe"
)

// The optional powers of a storage. A plugin implements what it has; on the
// host's side the client of a plugin has the methods of Locker and Prober in
// any case, and they fail with errors.ErrUnsupported where the plugin has not
// announced them.

// LocalPather is the optional power of a store whose objects are files that
// the host may read itself. The path MUST name exactly the object's bytes.
type LocalPather interface {
	LocalPath(ctx context.Context, key string) (string, error)
}

// Locker is the optional power of a store that can refuse to change and to
// delete an object until a time, whoever asks. It honours PutRequest.RetainUntil.
type Locker interface {
	// LockedUntil returns until when the store refuses, the zero time if it does
	// not, and LockedForEver for a lock without an end (a legal hold).
	// ErrNotFound if there is no such object.
	LockedUntil(ctx context.Context, key string) (time.Time, error)
}

// LockedForEver is the end of a lock that has none.
var LockedForEver = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Prober is the optional power of a store that finds out what it guarantees,
// by trying. It MUST leave nothing behind that List shows.
type Prober interface {
	// Probe returns the checks by their names, of this list: "access",
	// "conditional_put", "versioning", "lock" (Value "compliance", "governance"
	// or "none"), "checksum", "clock" (as source.Check has it).
	Probe(ctx context.Context) ([]probe.Check, error)
}
