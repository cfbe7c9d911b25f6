package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// ErrDied: the worker process ended without an answer. The next question gets
// a new one.
var ErrDied = errors.New("query process ended without an answer")

// Error is an error of the worker's: its text as it was there. errors.Is and
// errors.As find what callers tell apart: the errors of package query,
// context.Canceled, dataset.ErrEncrypted and *dataset.DamageError.
type Error struct {
	Text string
	Code int    // the exit code that the worker's program has for it, 0 = none
	Hint string // what to do about it, or ""

	causes []error
}

func (e *Error) Error() string { return e.Text }

// Unwrap returns what the error is, besides its text.
func (e *Error) Unwrap() []error { return e.causes }

// sentinels are the errors that keep their identity, by their place.
func sentinels() []error {
	return []error{
		query.ErrSQL, query.ErrForbidden, query.ErrTimeout, query.ErrInterrupted,
		dataset.ErrEncrypted, context.Canceled, context.DeadlineExceeded,
	}
}

// fault is an error as it crosses.
type fault struct {
	Text   string
	Hint   string
	Code   int
	Kinds  []int // places in sentinels
	Damage *dataset.DamageError
}

// maxText bounds an error's text: DuckDB repeats the statement in its own.
const maxText = 64 << 10

// newFault takes an error apart; classify may be nil.
func newFault(err error, classify func(error) (code int, hint string)) *fault {
	if err == nil {
		return nil
	}
	f := &fault{Text: err.Error()}
	if len(f.Text) > maxText {
		f.Text = f.Text[:maxText] + "…"
	}
	for i, sentinel := range sentinels() {
		if errors.Is(err, sentinel) {
			f.Kinds = append(f.Kinds, i)
		}
	}
	_ = errors.As(err, &f.Damage) // nil if there is none
	if classify != nil {
		f.Code, f.Hint = classify(err)
	}
	return f
}

func (f *fault) err() error {
	if f == nil {
		return nil
	}
	e := &Error{Text: f.Text, Code: f.Code, Hint: f.Hint}
	known := sentinels()
	for _, i := range f.Kinds {
		if i >= 0 && i < len(known) {
			e.causes = append(e.causes, known[i])
		}
	}
	if f.Damage != nil {
		e.causes = append(e.causes, f.Damage)
	}
	return e
}

// stopped says why a context has ended in the words of package query.
func stopped(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", query.ErrTimeout, err)
	}
	return fmt.Errorf("%w: %w", query.ErrInterrupted, err)
}
