// Package sql is the screen on which questions are written: an editor, what
// was answered, and what the answer stands on.
package sql

import (
	"context"
	"time"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// Data answers the screen's questions. Each may take long and ends early with
// ctx; they may be asked at once.
type Data interface {
	// Desk returns what lies ready: quick, and without the query engine.
	Desk(ctx context.Context) (Desk, error)
	// Words returns what names and functions there are, by asking the engine.
	Words(ctx context.Context) ([]Word, error)
	// Check reports what is wrong with a scope; what it returns is the scope in words.
	Check(ctx context.Context, s Scope) (string, error)
	// Ask asks, and keeps as many rows as it may. Errors of the question are a *Fault.
	Ask(ctx context.Context, q Question, progress func(Progress)) (*Answer, error)
	// Export asks and writes all rows to a file, with what they stand on beside it.
	// A file that is there already is ErrExists unless t.Replace.
	Export(ctx context.Context, q Question, t Target, progress func(Progress)) (Exported, error)
	// Remember adds a question to the history.
	Remember(ctx context.Context, sql string) error
}

// Tongue is what the screen must know of SQL. Its functions are pure: they are
// called while keys are typed.
type Tongue struct {
	// Tokens parts a text into tokens, in their order, without the space between them.
	Tokens func(text string) []Token
	// Statement is a view of the records as SQL; its range and zones are the scope's.
	Statement func(v inquiry.View) (string, error)
}

// Token is one token of SQL.
type Token struct {
	From, To int // offsets in bytes
	Kind     Kind
}

// Kind is what a token is.
type Kind uint8

// The kinds.
const (
	Sign   Kind = iota // an operator or punctuation, one character
	Name               // a word: a keyword, a name, a function
	Quoted             // a name in double quotes
	String
	Number
	Comment
	Param // $name
)

// Desk is what lies ready.
type Desk struct {
	Saved   []Saved
	History []string // questions that were asked before, the oldest first
	Zones   []string // names of the archive's zones
	Formats []Format // of Export
	Notes   []string // what is wrong with some of it
}

// Saved is a saved query.
type Saved struct {
	Name, Title, Description, From string
	SQL                            string
	Params                         []SavedParam
}

// SavedParam is a parameter of it.
type SavedParam struct {
	Name, Default, Help string
	Required            bool
}

// Format is one that Export writes.
type Format struct{ Name, Extension string }

// Word is one that completion knows.
type Word struct {
	Text   string
	Kind   WordKind
	Detail string // a field's view and type
}

// WordKind is what a word is.
type WordKind uint8

// The kinds, in the order in which they are offered.
const (
	Field WordKind = iota
	View
	Function
	Keyword
)

// Scope is what a question is asked of, as it is typed. Empty ones are all.
type Scope struct {
	From  string   `json:"from,omitempty"` // as --from takes it: "-24h", "2026-11-23 14:00"
	To    string   `json:"to,omitempty"`
	Zones []string `json:"zones,omitempty"`
	// SkipDamaged: objects that are not what was sealed are left out, and the answer says so.
	SkipDamaged bool `json:"skip_damaged,omitempty"`
}

// Question is what is asked.
type Question struct {
	SQL    string
	Params map[string]string
	Scope  Scope
}

// Progress says how far a question has come.
type Progress struct {
	Phase       string // "checking objects"
	Done, Total int64
}

// Answer is what came back.
type Answer struct {
	Columns []Column
	Rows    [][]Cell
	// More: there are more rows than were kept. They were not read, and nothing is known of them.
	More     bool
	Took     time.Duration
	Evidence Evidence
	// Ground is what was asked of, as Investigate would look at it; Archive is its id.
	Ground  inquiry.View
	Archive string
}

// Column is a column of an answer.
type Column struct {
	Name, Type string
	Sort       Sort
}

// Sort is how a column's values compare, and whether they can be drawn as bars.
type Sort uint8

// The sorts.
const (
	ByText Sort = iota
	ByNumber
	ByTime
)

// Cell is one value, as text.
type Cell struct {
	Text string
	Null bool
	Cut  bool // it was longer than is kept
}

// Evidence is what an answer stands on.
type Evidence struct {
	// Line says it in one line, Footer whole, as below an answer of rainlogs query.
	Line   string
	Footer []string
	// Sound: every window of the range was collected, all objects are what was sealed, by a pinned key.
	Sound bool
}

// Target is where Export writes.
type Target struct {
	Path, Format string
	Replace      bool
}

// Exported is what Export wrote.
type Exported struct {
	Path, Beside string // Beside is "" where the format holds it
	Bytes        int64
}

// Fault is an error of a question.
type Fault struct {
	Text string
	Hint string // what to do, or ""
	At   int    // where in the question's SQL, or -1
	// Damage: an object is not what was sealed; a scope with SkipDamaged is answered without it.
	Damage bool
}

func (f *Fault) Error() string { return f.Text }
