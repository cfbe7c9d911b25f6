package worker

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// Question is what a worker is asked.
type Question struct {
	SQL    string
	Params map[string]any // each of a kind that a cell of query.Result may have
	Counts *query.Counts  // what SQL says too, if it is that
	// Zones are names or ids, as the worker's program understands them; none means all.
	Zones       []string
	Range       dataset.Range
	SkipDamaged bool
	Limits      Limits
	// Progress, if not nil, is called while Ask runs, not concurrently, on its goroutine.
	Progress func(Progress)
}

// Limits of a question. Zero ones are the worker's own.
type Limits struct {
	Memory  int64 // bytes
	Threads int
	Timeout time.Duration // of the SQL, once the dataset is open
}

// Phase is what a worker does.
type Phase string

// The phases, in their order.
const (
	Objects Phase = "objects" // checking the range's objects
	Lines   Phase = "lines"   // reading their lines
)

// Progress says how far a phase has come, in units of its name.
type Progress struct {
	Phase       Phase
	Done, Total int64
}

// protocol changes with the frames: a program may be replaced on disk while a
// session of the old one goes on.
const protocol = 2

// asked is a Question as it crosses.
type asked struct {
	Protocol    int
	ID          uint64
	SQL         string
	Params      []param
	Counts      *query.Counts
	Zones       []string
	Range       dataset.Range
	SkipDamaged bool
	Limits      Limits
}

// param is a parameter; its value is one cell.
type param struct {
	Name  string
	Value []byte
}

func newAsked(id uint64, q Question) (asked, error) {
	a := asked{Protocol: protocol, ID: id, SQL: q.SQL, Counts: q.Counts, Zones: q.Zones, Range: q.Range, SkipDamaged: q.SkipDamaged, Limits: q.Limits}
	for _, name := range slices.Sorted(maps.Keys(q.Params)) {
		value, err := appendCell(nil, q.Params[name])
		if err != nil {
			return asked{}, fmt.Errorf("parameter %.80q: %w", name, err)
		}
		a.Params = append(a.Params, param{name, value})
	}
	return a, nil
}

func (a asked) question() (Question, error) {
	if a.Protocol != protocol {
		return Question{}, fmt.Errorf("the program was replaced by another version: start the session anew")
	}
	q := Question{SQL: a.SQL, Counts: a.Counts, Zones: a.Zones, Range: a.Range, SkipDamaged: a.SkipDamaged, Limits: a.Limits}
	for _, p := range a.Params {
		c := cells{buf: p.Value, more: func() ([]byte, error) { return nil, errCells }}
		v, err := c.next()
		if err != nil {
			return Question{}, fmt.Errorf("parameter %.80q: %w", p.Name, err)
		}
		if q.Params == nil {
			q.Params = map[string]any{}
		}
		q.Params[p.Name] = v
	}
	return q, nil
}

// head comes before the rows.
type head struct {
	Columns    []query.Column
	Provenance query.Provenance // without Params, which the asking side has
}

// ending comes last.
type ending struct {
	Fault      *fault            // nil: all rows have been sent
	Provenance *query.Provenance // as it is after the last row
}

// bare is a provenance as it crosses: gob has no nil in a map of interfaces.
func bare(p query.Provenance) query.Provenance {
	p.Params = nil
	return p
}
