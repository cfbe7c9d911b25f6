package storage

import (
	"context"
	"io"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/probe"
)

// The optional powers of a storage. A plugin implements what it has; on the
// host's side the client of a plugin has the methods of Locker, Prober and
// Versioner in any case, and they fail with errors.ErrUnsupported where the
// plugin has not announced them.

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

// Versioner is the optional power of a store that keeps what was written first
// under a key when, past RainLogs, a newer version is put over it or it is
// marked as deleted (versioning in S3): it can be read, and uncovered. The
// first version is the oldest that the store still has; what is present is the
// first version of a key that was written once.
type Versioner interface {
	// GetFirst opens a key's first version as Get opens its present one,
	// whatever covers it. ErrNotFound if the store remembers none; what Delete
	// has removed MUST NOT be remembered. The caller MUST Close.
	GetFirst(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)

	// Uncover removes what hides a key's first version, newer versions and
	// marks of deletion, until it is the present one; nil if it is already. The
	// first version MUST NOT be touched, and nothing be removed unless it has
	// that SHA-256 (lower-case hex): ErrChanged otherwise. ErrNotFound if there
	// is no first version. ErrLocked, with a word on until when, if the store
	// refuses to remove one that covers it; others may be gone by then. It may
	// be repeated after any error.
	Uncover(ctx context.Context, key, sha256 string) error
}
