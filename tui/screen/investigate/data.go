// Package investigate is the screen in which an incident is looked into: time,
// histogram, filters, facets, the records and one of them whole.
package investigate

import (
	"context"
	"time"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// Data answers the screen's questions of the records. Each may take seconds
// and ends early with ctx; questions may be asked at once.
type Data interface {
	// Ground returns what can be looked at.
	Ground(ctx context.Context) (Ground, error)
	// Prepare makes the records of a view's range quick to ask, if they are
	// not, calling progress as it goes; without it every question works, slower.
	Prepare(ctx context.Context, v inquiry.View, progress func(done, total int64)) error
	// Histogram parts a view's range into at most n buckets.
	Histogram(ctx context.Context, v inquiry.View, n int) (Histogram, error)
	// Facet returns a field's most frequent values.
	Facet(ctx context.Context, v inquiry.View, field string, top int) (Facet, error)
	// Rows returns the records [first, first+n) of a view, by window and within it by event time.
	Rows(ctx context.Context, v inquiry.View, columns []string, first int64, n int) (Page, error)
	// Record returns one record whole.
	Record(ctx context.Context, ref inquiry.Ref) (Record, error)
}

// Finder is Data that knows where in a view a record stands; without it, the
// cursor is on the first record of each new view.
type Finder interface {
	// Find returns the row of a record in a view, of which the event time is known too. If the
	// view does not have it, that is where it would be, and exact is false.
	Find(ctx context.Context, v inquiry.View, ref inquiry.Ref, at time.Time) (row int64, exact bool, err error)
}

// Together is a Data that counts several fields in one question.
type Together interface {
	// Facets returns the values of some of the fields, of the first at least:
	// of those that cost little along with it. Where to count all records takes
	// long and an estimate will do for now, it may return one.
	Facets(ctx context.Context, v inquiry.View, fields []string, top int, estimate bool) ([]Facet, error)
}

// Marks keeps what a person has put on records.
type Marks interface {
	// Marks returns all of them, in no order.
	Marks(ctx context.Context) ([]inquiry.Bookmark, error)
	// Mark keeps a record, with a note or without; one that is kept already gets the new note.
	Mark(ctx context.Context, b inquiry.Bookmark) error
	// Unmark lets a record go.
	Unmark(ctx context.Context, ref inquiry.Ref) error
}

// Ground is what there is to look at.
type Ground struct {
	Archive string // id
	Zones   []Zone
	Fields  map[string][]Field // by dataset, in their order
}

// Zone is a zone of one dataset.
type Zone struct {
	ID, Name, Dataset string
	// First and Last bound the event times of its sealed records; zero if it has none.
	First, Last time.Time
	// From and Until are the event times between which no line is to come any more: before, nothing was collected, and of
	// what is later some may be under way. Zero if that is not known.
	From, Until time.Time
	Lines       int64
}

// Field is a field of a dataset.
type Field struct {
	Name string
	Kind Kind
}

// Kind is what a field's values are like.
type Kind uint8

// The kinds.
const (
	Text Kind = iota
	Number
	Time
	Address
	Other // lists and structures: shown, and compared as their JSON text
)

// State is what stands behind a bucket of time.
type State uint8

// The states, from good to bad.
const (
	Collected State = iota
	Pending         // not collected yet, or only in part: not due, or late
	Expired         // removed by the retention policy
	Gap             // lost, damaged or never collected: silence there proves nothing
)

// Histogram is a view over time.
type Histogram struct {
	From, To time.Time // as far as the buckets go
	Step     time.Duration
	Buckets  []Bucket
	Total    int64 // records of the view, those without an event time included
	// Evidence says in words what the numbers stand on: windows, gaps, damage, pinned or not.
	Evidence string
	// Complete: every window of the range was collected and is there.
	Complete bool
}

// Bucket is a stretch of event time.
type Bucket struct {
	Counts [6]int64 // by the first digit of the status, 0 for what has none
	State  State
}

// Facet is a field's values, the most frequent first.
type Facet struct {
	Field  string
	Values []Value
	// Distinct is how many values there are; 0 if that is not known.
	Distinct int64
	// Rough: there are very many values, and those here may not be the most
	// frequent ones. Their counts are exact.
	Rough bool
	// Estimated: a part of the records was counted, spread over the range, and
	// the counts are what that makes of all of them.
	Estimated bool
	Total     int64 // records of the view
}

// Value is one of them.
type Value struct {
	Text  string
	Null  bool // the field is absent
	Count int64
}

// Page is rows of a view.
type Page struct {
	Total int64 // rows of the view
	First int64
	Rows  []Row
}

// Row is one record in the table.
type Row struct {
	Ref    inquiry.Ref
	Time   time.Time // event time, zero if it has none
	Status int       // 0 if it has none
	Cells  []string  // the columns asked for; from outside, of a long one the first MaxCell bytes at least
	Nulls  []bool    // which cells are of fields that are absent; may be nil
}

// MaxCell bounds the cells of a table in bytes: a longer value may be cut
// there, and is filtered by from the whole record only.
const MaxCell = 4096

// Record is a record whole.
type Record struct {
	Ref    inquiry.Ref
	Time   time.Time
	Fields []FieldValue // in the record's own order
	Raw    string       // the line as sealed
	Object string       // key
	SHA256 string       // of the object, hex, as sealed
	Window string       // the entry's window, receive time
	Fault  string       // why the line could not be read as a record, "" if it could
}

// FieldValue is a member of a record.
type FieldValue struct {
	Name, Value string
}
