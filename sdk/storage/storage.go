// Package storage is the port through which RainLogs keeps objects: bytes
// under slash-separated keys, written once.
package storage

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// The sentinels that every adapter translates its own errors into. They
// survive the plugin boundary: errors.Is works on both sides.
var (
	ErrNotFound    = errors.New("object not found")
	ErrExists      = errors.New("object already exists")
	ErrChanged     = errors.New("object is not the one to be replaced")
	ErrLocked      = errors.New("object is locked against change")
	ErrPermission  = errors.New("storage permission denied")
	ErrUnavailable = errors.New("storage unavailable") // the only one worth retrying
	ErrCorrupt     = errors.New("object bytes do not match their digest")
	ErrFull        = errors.New("storage is full")
	ErrInvalidKey  = errors.New("invalid object key")
)

// Storage is implemented by a plugin and, on the host's side, by the client
// of a plugin process. All methods MUST be safe for concurrent use.
//
// Keys obey ValidKey. A key is either an object or a prefix of others, never
// both.
type Storage interface {
	// Put writes one object of exactly req.Size bytes whose SHA-256 is
	// req.SHA256, and returns once it is durable: a returned Info survives
	// power loss. Bytes of another length or digest MUST be refused with
	// ErrCorrupt and leave no trace under the key.
	//
	// With req.Replaces empty the object MUST NOT exist: ErrExists otherwise,
	// and of several concurrent Puts at most one may win. With req.Replaces
	// set, the object MUST exist with that SHA-256: ErrChanged otherwise.
	// A reader never sees a partial object. Put MUST read body to its end or
	// return an error; it does not close it.
	Put(ctx context.Context, req PutRequest, body io.Reader) (Info, error)

	// Get opens an object, or length bytes of it from offset; length < 0
	// means to the end. ErrNotFound if there is none. An offset past the end
	// yields no bytes and no error. The caller MUST Close.
	Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)

	// Stat describes an object, or fails with ErrNotFound.
	Stat(ctx context.Context, key string) (Info, error)

	// List yields the objects whose key begins with prefix and is greater
	// than after, in ascending byte order of their keys, as a stream of
	// bounded memory. An unfinished upload is never listed.
	List(ctx context.Context, prefix, after string) iter.Seq2[Info, error]

	// Delete removes an object. ErrNotFound if there is none, ErrLocked if
	// the store refuses.
	Delete(ctx context.Context, key string) error
}

// PutRequest says what is about to be written.
type PutRequest struct {
	Key         string
	Size        int64
	SHA256      string    // lower-case hex, of the bytes as stored
	Replaces    string    // "" = only if absent; else the SHA-256 of what may be replaced
	RetainUntil time.Time // zero = no lock; a store without locks ignores it
}

// Info describes a stored object.
type Info struct {
	Key      string
	Size     int64
	Modified time.Time // UTC, as the store says
}

// MaxKey is the longest key in bytes.
const MaxKey = 512

// ValidKey reports whether key is one that RainLogs writes: 1 to MaxKey bytes
// of [A-Za-z0-9._=@-] in non-empty segments parted by '/', none of which is
// "." or ".." or begins with a '.'. Adapters MUST refuse all others with
// ErrInvalidKey: keys come from archives, and archives are hostile.
func ValidKey(key string) bool {
	if key == "" || len(key) > MaxKey {
		return false
	}
	start := true
	for i := 0; i < len(key); i++ {
		c := key[i]
		switch {
		case c == '/':
			if start {
				return false
			}
			start = true
			continue
		case c == '.' && start:
			return false
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			c == '.', c == '_', c == '=', c == '@', c == '-':
		default:
			return false
		}
		start = false
	}
	return !start
}
