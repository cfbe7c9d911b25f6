package casebook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// Version is the version of the journal that this program writes.
const Version = 1

// Kind is what an event is about.
type Kind string

// The kinds. A reader passes over one that it does not know.
const (
	Created    Kind = "created"
	Renamed    Kind = "renamed"
	Opened     Kind = "opened" // somebody began to work on the case
	Closed     Kind = "closed"
	Marked     Kind = "bookmark"
	Unmarked   Kind = "unbookmark"
	Noted      Kind = "note" // on a record, which it replaces; or on the case, to which it is added
	Queried    Kind = "query"
	Exported   Kind = "export"
	Verified   Kind = "verification"
	SetAside   Kind = "torn" // the beginning of a line was found and put into a file
	maxLine         = 1 << 20
	maxNote         = 64 << 10
	maxShown        = 2 << 10 // of a record as the table showed it
	maxTitle        = 200
	hashBytes       = sha256.Size
	emptyHash       = "0000000000000000000000000000000000000000000000000000000000000000"
	timeFormat      = "2006-01-02T15:04:05.000Z"
)

// Event is one line of a journal: common members first, then those of its kind.
type Event struct {
	V       int    `json:"v"`
	N       int64  `json:"n"`    // 1 for the first
	Prev    string `json:"prev"` // SHA-256 of the line before, without its line feed, in hex; zeros for the first
	Time    Stamp  `json:"time"`
	Who     string `json:"who"`     // user@host
	Program string `json:"program"` // "rainlogs 1.0.0"
	Kind    Kind   `json:"event"`

	Archive string        `json:"archive,omitempty"` // created: its id
	Title   string        `json:"title,omitempty"`   // created, renamed
	Record  *Record       `json:"record,omitempty"`  // bookmark, unbookmark, note
	Text    string        `json:"text,omitempty"`    // note
	Query   *Query        `json:"query,omitempty"`
	Export  *Export       `json:"export,omitempty"`
	Verify  *Verification `json:"verification,omitempty"`
	Torn    *Torn         `json:"torn,omitempty"`
}

// Record is a record that an event is about.
type Record struct {
	Link string `json:"link"` // rainlogs://ARCHIVE/ZONE/DATASET/SEQ/LINE
	Time *Stamp `json:"time,omitempty"`
	Line string `json:"line,omitempty"` // as the table showed it, at most 2 KiB
}

// Ref is the record's address.
func (r *Record) Ref() (inquiry.Ref, error) {
	if r == nil {
		return inquiry.Ref{}, errors.New("event without a record")
	}
	return inquiry.ParseRef(r.Link) //nolint:wrapcheck // names the link
}

// Query is a question that was asked.
type Query struct {
	Title   string            `json:"title,omitempty"`
	SQL     string            `json:"sql,omitempty"`
	Params  map[string]string `json:"params,omitempty"`
	Filters []string          `json:"filters,omitempty"` // as they are typed
	Dataset string            `json:"dataset,omitempty"` // of Filters
	Zones   []string          `json:"zones,omitempty"`
	From    *Stamp            `json:"from,omitempty"`
	To      *Stamp            `json:"to,omitempty"`
	Rows    int64             `json:"rows"`
	// Evidence says in words what the answer stands on; Complete: every window of the range was there.
	Evidence string `json:"evidence,omitempty"`
	Complete bool   `json:"complete"`
}

// Between notes the range that was asked about; a zero bound is open.
func (q *Query) Between(from, to time.Time) { q.From, q.To = stamp(from), stamp(to) }

// Export is a bundle, or the file of an answer, that was written.
type Export struct {
	Folder  string `json:"folder,omitempty"`
	File    string `json:"file,omitempty"`
	Records int    `json:"records,omitempty"`
	SHA256  string `json:"sha256"` // of the bundle's file SHA256SUMS, or of the file
}

// Verification is a run of it.
type Verification struct {
	Level    string `json:"level"`
	Entries  int64  `json:"entries"`
	Objects  int64  `json:"objects"`
	Intact   bool   `json:"intact"`
	Complete bool   `json:"complete"`
	Findings int64  `json:"findings"`
}

// Torn is the beginning of a line that was put aside.
type Torn struct {
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Stamp is a time in UTC, to the millisecond, or to the nanosecond where it has them.
type Stamp struct{ time.Time }

// MarshalText writes RFC 3339.
func (s Stamp) MarshalText() ([]byte, error) {
	layout := timeFormat
	if s.Nanosecond()%int(time.Millisecond) != 0 {
		layout = "2006-01-02T15:04:05.000000000Z"
	}
	return []byte(s.UTC().Format(layout)), nil
}

// MarshalJSON writes RFC 3339, instead of what time.Time would.
func (s Stamp) MarshalJSON() ([]byte, error) {
	b, err := s.MarshalText()
	return fmt.Appendf(nil, "%q", b), err
}

// stamp is nil for the zero time.
func stamp(t time.Time) *Stamp {
	if t.IsZero() {
		return nil
	}
	return &Stamp{t.UTC()}
}

// at is the zero time for nil.
func (s *Stamp) at() time.Time {
	if s == nil {
		return time.Time{}
	}
	return s.UTC()
}

// encode is an event's line, with its line feed.
func encode(e Event) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	if b.Len() > maxLine {
		return nil, fmt.Errorf("event %s has %d bytes, more than %d", e.Kind, b.Len(), maxLine)
	}
	return b.Bytes(), nil
}

// ErrNewer: a journal was written by a later version.
var ErrNewer = errors.New("the case was written by a later version: upgrade rainlogs")

// decode reads a line and checks that it follows the one before it.
func decode(line []byte, n int64, prev string) (Event, error) {
	var e Event
	if err := json.Unmarshal(line, &e); err != nil {
		return e, fmt.Errorf("line %d is not an event: %w", n, err)
	}
	switch {
	case e.V > Version:
		return e, ErrNewer
	case e.V < 1:
		return e, fmt.Errorf("line %d has no version", n)
	case e.N != n:
		return e, fmt.Errorf("line %d says that it is line %d", n, e.N)
	case e.Prev != prev:
		return e, fmt.Errorf("line %d does not follow line %d: it was written after another one, or that one was changed since", n, n-1)
	}
	return e, nil
}

func hashOf(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// Summary says in a line what an event is about, in texts from anywhere.
func (e Event) Summary() string {
	switch {
	case e.Record != nil && e.Text != "":
		return e.Record.Link + ": " + e.Text
	case e.Record != nil:
		return e.Record.Link
	case e.Query != nil:
		return e.Query.summary()
	case e.Export != nil:
		return e.Export.summary()
	case e.Verify != nil:
		return e.Verify.summary()
	case e.Torn != nil:
		return fmt.Sprintf("%d bytes of a line that was never finished, kept in %s", e.Torn.Bytes, e.Torn.File)
	case e.Title != "":
		return e.Title
	}
	return e.Text
}

func (x *Export) summary() string {
	if x.File != "" {
		return fmt.Sprintf("an answer into %s, SHA-256 %s", x.File, x.SHA256)
	}
	return fmt.Sprintf("%d records into %s, SHA-256 of SHA256SUMS %s", x.Records, x.Folder, x.SHA256)
}

func (q *Query) summary() string {
	what := q.Title
	if what == "" {
		what = strings.Join(append(strings.Fields(q.SQL), q.Filters...), " ")
	}
	said := ""
	if !q.Complete {
		said = ", coverage incomplete"
	}
	return fmt.Sprintf("%d rows%s: %s", q.Rows, said, what)
}

func (v *Verification) summary() string {
	said := "INTACT"
	if !v.Intact {
		said = fmt.Sprintf("DAMAGED, %d findings", v.Findings)
	}
	if !v.Complete {
		said += ", coverage incomplete"
	}
	return fmt.Sprintf("%s: %d entries, %d objects at level %s", said, v.Entries, v.Objects, v.Level)
}
