// Package cases is the screen of a case: the records that are kept in it, what
// was written, asked and done, and the bundle that hands the records out.
package cases

import (
	"context"
	"time"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// Data is where cases are kept.
type Data interface {
	// Case returns the current case; one without a name if there is none.
	Case(ctx context.Context) (Case, error)
	// Cases returns all cases of the archive, those changed last first.
	Cases(ctx context.Context) ([]Summary, error)
	// Do makes a change, and returns when it is kept.
	Do(ctx context.Context, c Change) error
	// Export writes a bundle of the case's records into a new folder under dir.
	Export(ctx context.Context, dir string, progress func(done, total int64)) (Export, error)
}

// Case is a case as it is.
type Case struct {
	Name, Title string
	Folder      string
	Created     time.Time
	By          string
	Head        string // SHA-256 of the journal's last line
	// Bookmarks are in the order of their records' times.
	Bookmarks []inquiry.Bookmark
	Notes     []Note  // on the case, the first one first
	Queries   []Query // the latest first
	Log       []Event // the latest first
	Zones     map[string]string
	Damage    string // why the journal cannot be read to its end; nothing is added then
}

// Note is a note on the case.
type Note struct {
	Time time.Time
	Who  string
	Text string
}

// Query is a question that was asked.
type Query struct {
	Time     time.Time
	Who      string
	Title    string
	SQL      string
	View     *inquiry.View // nil for a question that was asked as SQL
	Rows     int64
	Evidence string
	Complete bool
}

// Event is one line of the journal.
type Event struct {
	N    int64
	Time time.Time
	Who  string
	Kind string
	Text string
}

// Summary is a case in a list.
type Summary struct {
	Name, Title string
	Bookmarks   int
	Notes       int
	Updated     time.Time
	By          string
	Current     bool
	Damage      string
}

// Verb is what a change does.
type Verb uint8

// The verbs.
const (
	Annotate Verb = iota // the record Ref gets the note Text
	Remove               // the record Ref is let go
	Write                // the case gets the note Text
	Rename               // the case gets the title Text
	Begin                // a case with the title Text is begun, and chosen
	Choose               // the case of the name Text is the current one from now on
)

// Change is one change of a case.
type Change struct {
	Verb Verb
	Ref  inquiry.Ref
	Text string
}

// Export is a bundle that was written.
type Export struct {
	Folder  string
	Records int
	Left    []string // records that could not be had, with the reason
	SHA256  string   // of its SHA256SUMS
}
