// Package hunt is the screen on which rules are run over a range: which of
// them hit, how often, and from each hit to its records.
package hunt

import (
	"context"
	"time"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// Data knows the rules and runs them.
type Data interface {
	// Ground returns the rules, and what they can be run over.
	Ground(ctx context.Context) (Ground, error)
	// Span reads a range as it is typed: "-24h", "2026-11-23 14:00 .. 2026-11-24", "" for all.
	Span(text string) (from, to time.Time, err error)
	// Run runs one rule, calling progress as it goes.
	Run(ctx context.Context, q Question, progress func(Progress)) (Result, error)
}

// Ground is what there is to hunt with and over.
type Ground struct {
	Rules []Rule // the gravest first
	Zones []Zone
	// From and To are the range to begin with: the last day of what is sealed.
	From, To time.Time
}

// Rule is a saved query that finds something.
type Rule struct {
	Name, Title, Description string
	Severity                 string // critical, high, medium, low or info
	Params                   []Param
	SQL                      string
	From                     string // where it comes from
}

// Param is a parameter of a rule.
type Param struct {
	Name, Default, Help string
	Required            bool
}

// Zone is a zone of the archive.
type Zone struct{ ID, Name string }

// Question is one rule over a range.
type Question struct {
	Rule     string // name
	Params   map[string]string
	Zones    []string // ids; none means all
	From, To time.Time
}

// Progress says how far a rule is.
type Progress struct {
	Phase       string // "objects", "lines"
	Done, Total int64
}

// Result is what a rule has found.
type Result struct {
	Columns []Column
	Rows    []Row // at most MaxRows
	Hits    int64
	More    bool // there are more hits than were counted
	// Evidence says in words what the answer stands on; Complete: every window of the range was there.
	Evidence string
	Complete bool
	Elapsed  time.Duration
}

// MaxRows is how many rows of a result are kept to be shown.
const MaxRows = 1000

// Column is one column of a result.
type Column struct {
	Name  string
	Right bool // numbers
}

// Row is one hit.
type Row struct {
	Cells []string
	// View has the hit's records, as far as its columns tell; without filters they tell nothing.
	View inquiry.View
}
