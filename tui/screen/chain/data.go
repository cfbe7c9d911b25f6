// Package chain is the screen of the evidence itself: a chain's entries, the
// checkpoint that signs them, and their verification while somebody looks on.
package chain

import (
	"context"
	"time"
)

// Data is where chains are read and verified. Each question may take long, ends
// early with ctx, and may be asked beside others.
type Data interface {
	// Chains lists the archive's chains. Nothing of them is verified.
	Chains(ctx context.Context) ([]Chain, error)
	// Open reads a chain and verifies it at chain level. What is wrong with it
	// is in the Book; the error is for what kept it from being read.
	Open(ctx context.Context, id ID, progress func(Progress)) (Book, error)
	// Rows returns entries of a chain that was opened, by their seqs.
	Rows(ctx context.Context, id ID, seqs []int64) ([]Row, error)
	// Entry returns all of an entry of a chain that was opened.
	Entry(ctx context.Context, id ID, seq int64) (Entry, error)
	// Verify verifies anew.
	Verify(ctx context.Context, job Job, progress func(Progress)) (Verdict, error)
}

// ID names a chain.
type ID struct {
	Zone    string `json:"zone"`
	Dataset string `json:"dataset"`
}

// Chain is a chain of the archive.
type Chain struct {
	ID
	Name string // what the zone is called, "" if that is not known
}

// State is what an entry is, in one word.
type State uint8

// The states, from what is usual to what has to be seen: where several share a
// cell, the last of them is shown.
const (
	Sealed      State = iota // a window with lines
	Empty                    // a window without any
	Observation              // what the source or the store said of itself
	Expired                  // a window whose object the retention policy gave up
	Expiry                   // the entry that says so
	Hold                     // a legal hold, placed or lifted
	Key                      // a new key takes over
	Other                    // of a kind that is not known here
	Gap                      // a window that is lost
	Unreadable               // its bytes are not to be had, or are no entry
	states
)

// Book is a chain as it was read.
type Book struct {
	Chain
	Archive string    // id
	At      time.Time // when it was read
	// Entries and Starts have an element for each entry: its state and the start
	// of its window in Unix seconds, 0 if it has none.
	Entries []State
	Starts  []int64

	Windows, Gaps, Expired, Lines, Bytes int64
	First, Last                          time.Time // receive time covered
	Complete                             bool      // without gap or hole
	Holes                                []Hole    // what keeps it from being complete; at most some hundred
	MoreHoles                            int

	Head     Head
	Findings []Finding
	More     int64 // findings that are not listed
	Notices  []string
}

// Hole is a stretch of receive time that is not covered as it should be.
type Hole struct {
	From, To time.Time
	What     string // "gap (too_old)", "missing"
}

// Head is the signed checkpoint and what it is trusted by.
type Head struct {
	Size      int64
	Root      string    // base64
	Note      string    // the signed note, as it stands in the store
	Published time.Time // when the store got it, zero if that is not known
	Key       string    // the verifier key in force
	Trust     Trust
	// Remembered is the size this machine has seen before, -1 if none.
	Remembered int64
	Handovers  []Handover
	Timestamps []int64 // sizes whose checkpoints have a timestamp token
}

// Trust is how a key came to be trusted.
type Trust string

// The ways.
const (
	Pinned     Trust = "pinned"
	Remembered Trust = "remembered"
	Unpinned   Trust = "unpinned"
)

// Handover is an entry from which on another key signs.
type Handover struct {
	Seq int64
	At  time.Time
	Key string
}

// Finding is one thing that is not as it was sealed.
type Finding struct {
	Chain   ID     // zero: of the archive as a whole
	Code    string // stable
	Seq     int64  // the entry, -1 if none
	Object  string // key
	Want    string // what was sealed
	Got     string // what is there
	Text    string
	Meaning string // of the code, in words
	Remedy  string // what to do
}

// Row is an entry in the list.
type Row struct {
	Seq      int64
	Kind     string
	State    State
	From, To time.Time // window
	SealedAt time.Time
	Lines    int64
	Bytes    int64  // stored
	Text     string // what else there is to say in a line
}

// Entry is an entry whole.
type Entry struct {
	Seq         int64
	Kind        string
	State       State
	From, To    time.Time // window, zero if none
	First, Last time.Time // events, zero if none
	Object      string    // key, "" if none
	SHA256      string    // of the object
	Sections    []Section
	Tally       Tally
	Raw         string // the entry's bytes
}

// Section is some facts that belong together.
type Section struct {
	Title string
	Facts []Fact
}

// Fact is a name and a value, or a time.
type Fact struct {
	Name, Value string
	Time        time.Time
	Bad         bool
}

// Tally is how an entry's lines lie in time.
type Tally struct {
	From    time.Time
	Step    time.Duration
	Buckets [][6]int64 // by the first digit of the status, 0 for none
}

// Level is how deep a verification goes; each holds the ones before.
type Level string

// The levels.
const (
	LevelChain   Level = "chain"
	LevelObjects Level = "objects"
	LevelContent Level = "content"
)

// Job is what to verify.
type Job struct {
	Level Level
	Chain ID // zero: all
	// Object limits it to the object of this key, "" does not.
	Object string
}

// Progress tells how far a question is.
type Progress struct {
	Stage       string // "entries", "objects"
	Chain       ID
	Done, Total int64
	Bytes       bool // Done and Total are bytes
	Found       int64
	Elapsed     time.Duration // of the stage
}

// Verdict is what a verification came to.
type Verdict struct {
	Job      Job
	At       time.Time
	Took     time.Duration
	Intact   bool
	Complete bool // coverage
	Trust    Trust

	Chains                 int
	Entries                int64
	Objects, ObjectsDue    int64
	Stored, StoredDue      int64 // bytes
	Content                int64 // bytes
	Encrypted              int64 // objects whose content was not checked
	Findings               []Finding
	More                   int64
	Covered                int64 // findings whose sealed bytes the store keeps
	Notices                []string
	Windows, Gaps, Expired int64
}
