package worker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/query"
)

// answering is one question, from the asking side.
type answering struct {
	client   *Client
	process  *process
	id       uint64
	question Question
	ctx      context.Context //nolint:containedctx // a question's, for as long as it is answered
	unwatch  func() bool
	ended    bool  // the worker said so
	failed   error // of the frames, kept
	result   *query.Result
	cells    cells

	mu     sync.Mutex
	over   bool // nothing is cancelled or killed from here on
	killed error
	timers []*time.Timer
}

// begin sends the question and reads up to the rows.
func (a *answering) begin() (*query.Result, error) {
	m, err := newAsked(a.id, a.question)
	if err != nil {
		return nil, err
	}
	if err := a.process.frames.message(frameAsk, m); err != nil {
		return nil, a.lost(err)
	}
	for {
		t, payload, err := a.read()
		if err != nil {
			return nil, err
		}
		switch t {
		case frameHead:
			var h head
			if err := decode(payload, &h); err != nil {
				return nil, a.lost(err)
			}
			return a.open(h), nil
		case frameEnd:
			return nil, a.lost(fmt.Errorf("%w: an end without a beginning", errFrame))
		default:
			return nil, a.lost(fmt.Errorf("%w: type %d before the rows", errFrame, t))
		}
	}
}

// open makes the result.
func (a *answering) open(h head) *query.Result {
	h.Provenance.Params = a.question.Params
	a.cells.more = a.piece
	a.result = query.NewResult(h.Columns, h.Provenance, a.rows(len(h.Columns)), a.close)
	return a.result
}

// read returns the next frame that is neither progress nor an end with an error.
func (a *answering) read() (frameType, []byte, error) {
	for {
		if a.failed != nil {
			return 0, nil, a.failed
		}
		t, payload, err := a.process.answer.read()
		if err != nil {
			return 0, nil, a.lost(err)
		}
		switch t {
		case frameProgress:
			var p Progress
			if err := decode(payload, &p); err != nil {
				return 0, nil, a.lost(err)
			}
			if a.question.Progress != nil && a.result == nil {
				a.question.Progress(p)
			}
		case frameAsking:
			a.limit()
		case frameEnd:
			var e ending
			if err := decode(payload, &e); err != nil {
				return 0, nil, a.lost(err)
			}
			a.ended = true
			if e.Fault != nil {
				a.failed = a.told(e.Fault)
				return 0, nil, a.failed
			}
			if e.Provenance != nil && a.result != nil {
				e.Provenance.Params = a.question.Params
				a.result.Provenance = *e.Provenance
			}
			return t, nil, nil
		default:
			return t, payload, nil
		}
	}
}

// told is the worker's error. It cannot know why it was cancelled.
func (a *answering) told(f *fault) error {
	err := f.err()
	if errors.Is(err, query.ErrInterrupted) && errors.Is(a.ctx.Err(), context.DeadlineExceeded) {
		return stopped(a.ctx.Err())
	}
	return err
}

// errEnd: there are no more rows.
var errEnd = errors.New("end of rows")

// piece is the next piece of the stream of cells.
func (a *answering) piece() ([]byte, error) {
	if a.ended {
		return nil, errEnd
	}
	t, payload, err := a.read()
	switch {
	case err != nil:
		return nil, err
	case t == frameEnd:
		return nil, errEnd
	case t != frameRows:
		return nil, a.lost(fmt.Errorf("%w: type %d among the rows", errFrame, t))
	}
	return payload, nil
}

// rows yields the rows as query.Result promises them.
func (a *answering) rows(columns int) func(yield func([]any, error) bool) {
	return func(yield func([]any, error) bool) {
		row := make([]any, columns)
		for {
			for i := range row {
				v, err := a.cells.next()
				if i == 0 && errors.Is(err, errEnd) {
					return
				}
				if errors.Is(err, errEnd) || errors.Is(err, errCells) {
					err = a.lost(err)
				}
				if err != nil {
					yield(nil, err)
					return
				}
				row[i] = v
			}
			if columns == 0 || !yield(row, nil) {
				return
			}
		}
	}
}

// lost is the error of a worker that does not answer as it should: why it was
// killed, or what became of it. It is dead when lost returns.
func (a *answering) lost(err error) error {
	if a.failed != nil {
		return a.failed
	}
	a.mu.Lock()
	killed := a.killed
	a.mu.Unlock()
	switch {
	case killed != nil:
		<-a.process.exited // only then has it stopped
		a.failed = killed
	case a.process.endsWithin(a.client.cfg.Grace):
		a.failed = a.process.died()
	default:
		a.failed = fmt.Errorf("%w: it does not answer as it should: %w", ErrDied, err)
	}
	return a.failed
}

// interrupt is called when ctx ends.
func (a *answering) interrupt() { a.stop(stopped(a.ctx.Err())) }

// stop asks the worker to stop, and kills it if it does not.
func (a *answering) stop(why error) {
	a.killAfter(a.client.cfg.Grace, fmt.Errorf("%w (the engine did not stop by itself: its process was ended)", why))
	// If that cannot be written, the worker is dead or will be killed.
	_ = a.process.frames.write(frameCancel, binary.BigEndian.AppendUint64(nil, a.id))
}

// limit starts the time of the SQL, which the engine keeps unless it is stuck.
func (a *answering) limit() {
	if limit := a.question.Limits.Timeout; limit > 0 {
		a.killAfter(limit+a.client.cfg.Grace,
			fmt.Errorf("%w of %s (the engine did not stop by itself: its process was ended)", query.ErrTimeout, limit))
	}
}

func (a *answering) killAfter(d time.Duration, why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return
	}
	a.timers = append(a.timers, time.AfterFunc(d, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.over {
			return
		}
		if a.killed == nil {
			a.killed = why
		}
		a.process.kill()
	}))
}

// close ends the question and gives the worker back.
func (a *answering) close() error {
	if !a.ended && a.failed == nil {
		a.stop(query.ErrInterrupted)
		for !a.ended && a.failed == nil {
			_, _, _ = a.read() // until the end, whichever it is
		}
	}
	a.unwatch()
	a.mu.Lock()
	a.over = true
	for _, t := range a.timers {
		t.Stop()
	}
	a.mu.Unlock()
	return a.client.release(a.process, a.ended && !a.process.gone())
}
