// Package catalog is the port to the collector's memory: zones, the ledger of
// windows, what is pending between the spool and the chain, and the heads of
// the chains.
//
// The catalog is a cache. What is authoritative is the archive, and everything
// here but the windows not yet sealed can be made again from it
// (rainlogs archive rebuild-catalog).
//
// Invariants that every adapter keeps:
//
//   - Of one chain, no two windows in the ledger overlap.
//   - A window has exactly one State at any time.
//   - Commit is one transaction: the windows sealed, their pending records
//     gone and the head moved, or nothing.
package catalog

import (
	"context"
	"errors"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// The errors of every adapter.
var (
	ErrNotFound = errors.New("not in the catalog")
	ErrOverlap  = errors.New("window overlaps one that the ledger holds")
	ErrBusy     = errors.New("chain is in use by another process")
	ErrCorrupt  = errors.New("catalog is damaged (rebuild it: rainlogs archive rebuild-catalog)")
	ErrNewer    = errors.New("catalog was written by a newer program (upgrade rainlogs)")
)

// State is a window's place in the ledger.
type State string

// The states. Sealed and Lost are final and both stand in the chain.
const (
	Planned  State = "planned"
	Pulling  State = "pulling"
	Sealed   State = "sealed"   // collected, n ≥ 0 lines
	Retrying State = "retrying" // failed, to be tried again at NextAt
	Blocked  State = "blocked"  // an operator has to act
	Lost     State = "lost"     // sealed as a gap
)

// Zone is a zone under collection.
type Zone struct {
	ID      string // 32 hex
	Name    string // readable, "example.com"
	Dataset string // "http_requests"
	AddedAt time.Time
	Paused  bool
}

// Chain returns the zone's chain.
func (z Zone) Chain() evidence.ChainID { return evidence.ChainID{Zone: z.ID, Dataset: z.Dataset} }

// Window is a row of the ledger.
type Window struct {
	Chain    evidence.ChainID
	Window   evidence.Window
	State    State
	Attempts int       // failed attempts so far
	NextAt   time.Time // Retrying: not before
	Reason   string    // Retrying, Blocked, Lost: closed list
	Detail   string    // for people, without secrets
	Seq      int64     // Sealed, Lost: the entry; else -1
	Lines    int64     // Sealed
	Bytes    int64     // Sealed: content bytes
}

// Pending is a window on its way from the spool into the chain. It is written
// before the object is put and removed by Commit, so that a crash in between
// finds the same bytes again.
type Pending struct {
	Chain  evidence.ChainID
	Window evidence.Window
	Spool  string // file name in the spool folder, "" for windows without an object
	// Draft is the entry without seq, prev and sealed_at, as JSON.
	Draft []byte
	// Seq and Entry are set by SetEntry once the entry's bytes are made: a
	// retry appends the same bytes. Seq is -1 before.
	Seq   int64
	Entry []byte
}

// Head is what this collector last committed to a chain.
type Head struct {
	Chain      evidence.ChainID
	Size       int64
	LastHash   evidence.Digest // of entry Size−1's bytes; zeros for an empty chain
	Checkpoint []byte          // the signed note
	// FieldsSeq is the latest observation of topic fields, -1 if none, and
	// FieldsHash the SHA-256 of its value's bytes.
	FieldsSeq  int64
	FieldsHash evidence.Digest
}

// Commit is what one move of a chain's checkpoint changes.
type Commit struct {
	Head Head
	// Windows are the ledger rows to store as they are (Sealed or Lost, with
	// Seq): rows that exist are updated, others inserted. A row that is neither
	// Sealed nor Lost and overlaps one of them with other bounds is cut: what
	// of it is left uncovered is Planned in the same transaction. One that
	// overlaps another final row fails the Commit with ErrOverlap.
	Windows []Window
	// Pending are the windows whose pending records go.
	Pending []evidence.Window
}

// Catalog is the whole port; consumers ask for the part they use.
type Catalog interface {
	Zones
	Ledger
	Outbox
	// Lock takes the chain for one process, over all of its collecting. It
	// fails at once with ErrBusy (naming the holder where known) if another
	// process holds it, and is given back by the process's death.
	Lock(ctx context.Context, chain evidence.ChainID) (unlock func() error, err error)
	Close() error
}

// Zones keeps the zones under collection.
type Zones interface {
	// PutZone inserts or replaces by ID and Dataset.
	PutZone(ctx context.Context, z Zone) error
	// Zone finds by id or by name; ErrNotFound.
	Zone(ctx context.Context, idOrName string) (Zone, error)
	// ListZones returns all, by name.
	ListZones(ctx context.Context) ([]Zone, error)
	// RemoveZone forgets the zone; its ledger and its archive stay.
	RemoveZone(ctx context.Context, id, dataset string) error
}

// Ledger keeps the windows.
type Ledger interface {
	// Plan inserts windows as Planned. A window that is there already with the
	// same bounds is left as it is; one that overlaps another's bounds fails
	// all of them with ErrOverlap.
	Plan(ctx context.Context, chain evidence.ChainID, windows []evidence.Window) error
	// Windows returns those that overlap [from, to), by start. No states
	// means all.
	Windows(ctx context.Context, chain evidence.ChainID, from, to time.Time, states ...State) ([]Window, error)
	// Update stores the row's State, Attempts, NextAt, Reason and Detail.
	// ErrNotFound if there is no such window.
	Update(ctx context.Context, w Window) error
	// Split replaces a window that is neither Sealed nor Lost by parts that
	// tile it exactly, as Planned, with its Attempts.
	Split(ctx context.Context, chain evidence.ChainID, w evidence.Window, parts []evidence.Window) error
	// Reset returns windows left in Pulling by a dead process to Planned. The
	// caller holds the chain's lock.
	Reset(ctx context.Context, chain evidence.ChainID) error
}

// Outbox keeps what is between the spool and the chain.
type Outbox interface {
	// PutPending inserts or replaces by chain and window.
	PutPending(ctx context.Context, p Pending) error
	// SetEntries stores Seq and Entry of pending records, in one transaction.
	SetEntries(ctx context.Context, ps []Pending) error
	// ListPending returns a chain's, by Seq and then window start.
	ListPending(ctx context.Context, chain evidence.ChainID) ([]Pending, error)
	// DropPending removes one; no error if there is none.
	DropPending(ctx context.Context, chain evidence.ChainID, w evidence.Window) error
	// Head returns the chain's head; ErrNotFound before the first commit.
	Head(ctx context.Context, chain evidence.ChainID) (Head, error)
	// Commit applies c in one transaction.
	Commit(ctx context.Context, c Commit) error
}
