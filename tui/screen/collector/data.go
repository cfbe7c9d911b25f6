// Package collector is the screen of the collecting: zones and how far each
// is, windows that wait or are blocked and why, the queue's jobs, plugins, and
// what a look at everything finds. What it can be told to do it does after a yes.
package collector

import (
	"context"
	"time"
)

// Data is what is known of a collector, on this machine or another. An error's
// text may end in " → " and what to do.
type Data interface {
	// Look returns how everything stands now.
	Look(ctx context.Context) (Standing, error)
	// Plugins lists the plugins; those that are pinned are run for their version.
	Plugins(ctx context.Context) ([]Plugin, error)
	// Checks looks at everything that collecting needs. It may take a minute.
	Checks(ctx context.Context) ([]Check, error)
	// Do does what it is told, and says what came of it.
	Do(ctx context.Context, order Order) (string, error)
	// Log returns the last lines of the collector's log, the latest last, and where they are from, in words.
	Log(ctx context.Context) (lines []LogLine, from string, err error)
	// Pull collects what is due of a zone now.
	Pull(ctx context.Context, zone ID, progress func(Progress)) (string, error)
}

// ID names a zone of one dataset.
type ID struct {
	Zone    string `json:"zone"`
	Dataset string `json:"dataset"`
}

// Level is how a thing is.
type Level uint8

// The levels, from good to bad.
const (
	Good  Level = iota
	Quiet       // neither: paused, done, not in use
	Warn        // may need somebody
	Bad         // needs somebody
)

// Standing is how a collector stands.
type Standing struct {
	At      time.Time
	Catalog string // where, without secrets
	Daemon  Daemon
	NoQueue bool // no collector has run yet
	Hidden  bool // there is a queue, which is not to be seen from here
	// Budgets is what is known of the budgets of requests, all of a kind together; nil if nothing is.
	Budgets []Fact
	Zones   []Zone
	Windows []Window // those that are pulled, retried or blocked
	More    int64    // windows that are not listed
	Jobs    []Job    // those that are not completed
	MoreJob bool     // there are others
	// Log is where the collector's log is to be found, in words.
	Log string
}

// Daemon is the running collector, if there is one.
type Daemon struct {
	Level Level
	Text  string // "works", "nothing answers at 127.0.0.1:8080"
	Facts []Fact // of its checks
}

// Fact is a name and a value, or a time.
type Fact struct {
	Name, Value string
	Time        time.Time
	Level       Level
}

// Zone is a zone of one dataset.
type Zone struct {
	ID
	Name, Source, Subject, Schedule string
	State                           string // "blocked (credential)"
	Level                           Level
	Paused                          bool
	Blocked                         bool
	Detail, Remedy                  string
	Since                           time.Time // since when it is blocked
	NotBefore                       time.Time // nothing is asked of the source before
	SealedUntil                     time.Time
	Lag                             time.Duration
	Planned, Pulling, Retrying      int64 // open windows
	BlockedWindows                  int64
	OldestOpen                      time.Time
	AddedAt, From                   time.Time
}

// Open is how many windows are planned and neither sealed nor given up.
func (z Zone) Open() int64 { return z.Planned + z.Pulling + z.Retrying + z.BlockedWindows }

// Window is a window of the ledger that is neither sealed nor merely planned.
type Window struct {
	ID
	Name           string // the zone's
	From, To       time.Time
	State          string // "retrying"
	Level          Level
	Attempts       int
	Next           time.Time // not before
	Reason, Detail string
	Remedy         string
}

// Job is a job of the queue.
type Job struct {
	Number              int64
	Kind, Queue, State  string
	Level               Level
	Name                string // the zone's
	From, To            time.Time
	Attempt, Attempts   int
	Due                 time.Time // when one that waits may be taken
	Created, Tried      time.Time
	By                  string // the process that tried last
	Failures            []Failure
	CanRetry, CanCancel bool
}

// Failure is an attempt that failed.
type Failure struct {
	At      time.Time
	Attempt int
	Text    string
}

// Plugin is a plugin as it stands.
type Plugin struct {
	Name, Kind, Version, State string
	Level                      Level
	UsedBy                     []string
	File, SHA256, Detail       string
}

// Check is what was found of one thing.
type Check struct {
	Level                          Level
	Name, Subject, Found, ToBeDone string
}

// LogLine is a line of the log, from outside.
type LogLine struct {
	At    time.Time // zero if it does not say
	Name  string    // of its level, as it says
	Level Level
	Text  string
}

// Kind is what can be ordered.
type Kind string

// The kinds.
const (
	Retry  Kind = "retry"  // a job, now
	Cancel Kind = "cancel" // a job
	Pause  Kind = "pause"  // a zone
	Resume Kind = "resume" // a zone; one that is blocked is probed
)

// Order is something to be done.
type Order struct {
	Kind Kind
	Job  int64
	Zone ID
}

// Progress tells how far a pull is.
type Progress struct {
	Done, Planned int
	Lines, Bytes  int64
	Last          string // what went wrong last, "" if nothing did
}
