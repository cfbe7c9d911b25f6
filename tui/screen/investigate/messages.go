package investigate

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// subject is what a question is of.
type subject uint8

const (
	ofGround subject = iota
	ofPrepare
	ofHistogram
	ofStack
	ofRows
	ofFacet
	ofRecord
	ofMarks
	subjects
)

// answer is what a question gave.
type answer struct {
	of  subject
	seq int
	// got is a Ground, histogramOf, stackOf, pageOf, foundRow, facetsOf, valuesOf, Record or []inquiry.Bookmark.
	got any
	err error
}

// What a histogram, rows and a facet were asked of.
type (
	histogramOf struct {
		view  inquiry.View
		cells int
		Histogram
	}
	pageOf   struct{ Page }
	facetsOf struct {
		first string // what it was asked for; the others came along
		all   []Facet
	}
	// valuesOf are values of a field that contain what was typed for it.
	valuesOf struct {
		text string // of the whole field
		Facet
	}
	// foundRow is where in the table a record is, or would be.
	foundRow struct {
		row   int64
		exact bool
	}
	// located is a record that was gone to by its address.
	located struct{ Record }
)

// progress is how far Prepare is.
type progress struct {
	seq         int
	done, total int64
	far         *farness
}

// settled is the end of a pause in typing.
type settled struct{ seq int }

// kept is the end of a change to what a person has put on records.
type kept struct {
	what string
	err  error
}

// unmark is sent after a person said yes to losing a note.
type unmark struct{ ref inquiry.Ref }

// question is a slot in which one question of a subject is under way: a later
// one cancels it and is asked when it has ended.
type question struct {
	of     subject
	seq    int  // the latest
	asked  int  // the one under way
	busy   bool // one is under way
	cancel context.CancelFunc
	next   func(context.Context) (any, error)
}

// waiting reports whether an answer is to come that will be taken.
func (q *question) waiting() bool { return q.next != nil || q.busy && q.asked == q.seq }

// ask asks, now or when the question before has ended.
func (q *question) ask(ctx context.Context, run func(context.Context) (any, error)) tea.Cmd {
	q.seq++
	if q.busy {
		q.cancel()
		q.next = run
		return nil
	}
	return q.start(ctx, run)
}

func (q *question) start(ctx context.Context, run func(context.Context) (any, error)) tea.Cmd {
	ctx, q.cancel = context.WithCancel(ctx)
	q.busy, q.asked, q.next = true, q.seq, nil
	of, seq, cancel := q.of, q.seq, q.cancel
	return func() tea.Msg {
		defer cancel()
		got, err := run(ctx)
		return answer{of: of, seq: seq, got: got, err: err}
	}
}

// stop makes the answer to come, if there is one, stale.
func (q *question) stop() {
	if q.busy {
		q.cancel()
	}
	q.seq++
	q.next = nil
}

// ended notes that the question under way has ended, and asks the one that waits.
func (q *question) ended(ctx context.Context, a answer) (fresh bool, cmd tea.Cmd) {
	q.busy = false
	fresh = a.seq == q.seq
	if q.next != nil {
		cmd = q.start(ctx, q.next)
	}
	return fresh, cmd
}
