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
//
// Two kinds of writers meet in it. The operator's word is in Zone; what the
// workers find out about a zone is in Standing: neither overwrites the other.
package catalog

import (
	"cmp"
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
	// ErrStale: the catalog's head is not the one that a Commit moves on. It
	// has lost what was committed last (a crash, an older backup): catch up.
	ErrStale = errors.New("catalog is behind its chain")
	// ErrUnavailable: the database cannot be reached or is restarting; to be tried again.
	ErrUnavailable = errors.New("catalog is unavailable")
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
	// Schedule is a cron expression, "" for the collector's own.
	Schedule string
	// From is where collection begins, in receive time; zero is AddedAt.
	From time.Time
	// Source is the source's name in the config; "" is logpull.
	Source string
	// Subject is what the source calls the zone, "" where that is its ID.
	Subject string
}

// SourceZone is what the source calls the zone.
func (z Zone) SourceZone() string { return cmp.Or(z.Subject, z.ID) }

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
	// Object says whether the window's object is still kept.
	Object ObjectState
}

// Stretch is the windows of one state and reason that follow each other without a hole.
type Stretch struct {
	Window  evidence.Window // from the first one's start to the last one's end
	State   State
	Reason  string
	Windows int64
	Lines   int64
	Bytes   int64
}

// ObjectState is where a sealed window's object stands under the retention policy.
type ObjectState string

// The states of an object. A window without an object is Kept.
const (
	Kept     ObjectState = "kept"
	Expiring ObjectState = "expiring" // an expiry entry names it; it is still to be removed
	Removed  ObjectState = "removed"
)

// Standing is what the workers have found out about a chain's source.
type Standing struct {
	Chain evidence.ChainID
	// NotBefore: nothing is asked of the source before; zero is no rest.
	NotBefore time.Time
	// Blocked is the reason, from source's closed list, for which an operator
	// has to act; "" is none.
	Blocked  string
	Detail   string    // for people, without secrets
	Since    time.Time // since when it is Blocked
	ProbedAt time.Time // when the latest probe of the source began
}

// Backlog sums up a chain's open windows of one state.
type Backlog struct {
	Chain   evidence.ChainID
	State   State
	Windows int64
	Oldest  time.Time // start of the oldest
	Newest  time.Time // end of the newest
}

// Hold is a legal hold in force.
type Hold struct {
	Chain  evidence.ChainID
	ID     string
	Window evidence.Window // what it covers
	Reason string
	Seq    int64 // the entry that placed it
}

// Observed is a chain's latest observation of a topic.
type Observed struct {
	Topic string
	Seq   int64           // the entry
	Hash  evidence.Digest // SHA-256 of the value's bytes
}

// Budget admits about Limit events in each period Per, and never more than
// Limit in any period, under one key: "zone/…", "credential/…".
type Budget struct {
	Key   string
	Limit int
	Per   time.Duration
	N     int // events taken at once; 0 is 1
}

// Missed is an object that a store of the set does not have yet.
type Missed struct {
	Store string // its name in the config
	Key   string
	Since time.Time
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
	// After is the size of the head that Head follows; ErrStale if the
	// catalog's head is another, but for Head itself. 0 follows any.
	After int64
	// Windows are the ledger rows to store as they are (Sealed or Lost, with
	// Seq): rows that exist are updated, others inserted. An empty Object is
	// Kept, and on a row of the same Seq what it was. A row that is neither
	// Sealed nor Lost and overlaps one of them with other bounds is cut: what
	// of it is left uncovered is Planned in the same transaction. One that
	// overlaps another final row fails the Commit with ErrOverlap.
	Windows []Window
	// Pending are the windows whose pending records go.
	Pending []evidence.Window
	// Expired are the seqs of log entries that an expiry entry names: the
	// windows' objects become Expiring. Seqs of other entries are ignored.
	Expired []int64
	// Placed and Lifted are the holds that begin and, by id, end. A hold that
	// is there already is replaced; one that is not there is lifted in peace.
	Placed []Hold
	Lifted []string
	// Observed replace the latest observations of their topics.
	Observed []Observed
}

// Catalog is the whole port; consumers ask for the part they use.
//
//nolint:interfacebloat // the union of the parts, for who opens it
type Catalog interface {
	Zones
	Standings
	Ledger
	Agenda
	Outbox
	Retention
	Budgets
	Memory
	Solitude
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
	// Zone finds by id, or by name among the operator's zones: what a customer
	// (package tenant) calls its own is its own affair; ErrNotFound.
	Zone(ctx context.Context, idOrName string) (Zone, error)
	// ListZones returns all, by name.
	ListZones(ctx context.Context) ([]Zone, error)
	// RemoveZone forgets the zone; its ledger and its archive stay.
	RemoveZone(ctx context.Context, id, dataset string) error
}

// Standings keeps what was found out about the zones' sources.
type Standings interface {
	// Standing returns a chain's; one never put is the zero Standing of the chain.
	Standing(ctx context.Context, chain evidence.ChainID) (Standing, error)
	// PutStanding replaces it.
	PutStanding(ctx context.Context, s Standing) error
	// ListStandings returns those ever put, by chain.
	ListStandings(ctx context.Context) ([]Standing, error)
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
	// Stretches sums up the windows that overlap [from, to), by start.
	Stretches(ctx context.Context, chain evidence.ChainID, from, to time.Time) ([]Stretch, error)
	// Update stores the row's State, Attempts, NextAt, Reason and Detail.
	// ErrNotFound if there is no such window.
	Update(ctx context.Context, w Window) error
	// Split replaces a window that is neither Sealed nor Lost by parts that
	// tile it exactly, as Planned, with its Attempts.
	Split(ctx context.Context, chain evidence.ChainID, w evidence.Window, parts []evidence.Window) error
}

// Agenda tells what of the ledger is to be done. No question's cost grows with
// what is sealed already.
type Agenda interface {
	// Bounds returns the start of the chain's first window and the end of its
	// last, zero times if the ledger has none.
	Bounds(ctx context.Context, chain evidence.ChainID) (first, last time.Time, err error)
	// Due returns at most limit windows that may be pulled now, oldest first:
	// open ones in Planned or Pulling, and those in Retrying or Blocked whose
	// NextAt is not after now.
	Due(ctx context.Context, chain evidence.ChainID, now time.Time, limit int) ([]Window, error)
	// Latest returns at most limit windows that start before an instant, in
	// whole seconds, the latest first.
	Latest(ctx context.Context, chain evidence.ChainID, before time.Time, limit int) ([]Window, error)
	// Backlog sums up the open windows of all chains, by chain and state.
	Backlog(ctx context.Context) ([]Backlog, error)
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

// Retention keeps what expires and what must not. It is part of what the chain
// says, and moves with Commit but for Removed, which is the store's doing.
type Retention interface {
	// Expirable returns at most limit Sealed windows with content whose object
	// is Kept and whose End is not after before, oldest first.
	Expirable(ctx context.Context, chain evidence.ChainID, before time.Time, limit int) ([]Window, error)
	// Expiring returns at most limit windows whose object is Expiring and
	// whose Start is at or after from, oldest first.
	Expiring(ctx context.Context, chain evidence.ChainID, from time.Time, limit int) ([]Window, error)
	// SetRemoved makes an Expiring window's object Removed, by seq; ErrNotFound
	// if there is no such window.
	SetRemoved(ctx context.Context, chain evidence.ChainID, seq int64) error
	// Holds returns the holds in force, by start and id.
	Holds(ctx context.Context, chain evidence.ChainID) ([]Hold, error)
	// Observed returns the latest observation of a topic; ErrNotFound.
	Observed(ctx context.Context, chain evidence.ChainID, topic string) (Observed, error)
}

// Budgets are shared by all processes that share the catalog. They run on real
// time, whatever clock the windows are planned by.
type Budgets interface {
	// Take takes N events from each of the budgets or from none. A wait of 0
	// means taken; else nothing was, and asking again sooner is in vain.
	Take(ctx context.Context, budgets []Budget) (wait time.Duration, err error)
	// Rest shuts a budget for d from now, if it is not shut for longer.
	Rest(ctx context.Context, key string, d time.Duration) error
}

// Solitude is a catalog's that stands one daemon alone.
type Solitude interface {
	// LockCollector takes the place of the one daemon: ErrBusy, naming the
	// holder. A catalog that stands several lets every caller pass.
	LockCollector(ctx context.Context) (unlock func() error, err error)
}

// Memory keeps what the collector has to remember between its runs.
type Memory interface {
	// PutNote replaces a note.
	PutNote(ctx context.Context, key string, value []byte) error
	// Note returns a note; ErrNotFound.
	Note(ctx context.Context, key string) ([]byte, error)
	// PutMissed records objects that a store lacks; one that is recorded stays
	// as it is.
	PutMissed(ctx context.Context, missed []Missed) error
	// ListMissed returns at most limit of a store's, by key, from after on.
	ListMissed(ctx context.Context, store, after string, limit int) ([]Missed, error)
	// DropMissed removes one; no error if there is none.
	DropMissed(ctx context.Context, store, key string) error
}
