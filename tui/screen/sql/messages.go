package sql

import "errors"

// ErrExists: there is a file where Export was to write.
var ErrExists = errors.New("the file is there already")

// What comes back. question is the number of what was asked: an answer to
// another than the latest is dropped.
type (
	deskLoaded struct {
		desk Desk
		err  error
	}
	wordsLoaded struct {
		words []Word
		err   error
	}
	checked struct {
		question int
		scope    Scope
		words    string
		err      error
	}
	progressed struct {
		question int
		progress Progress
		next     <-chan Progress
	}
	beat struct {
		question int
		ms       int64 // of the clock
	}
	answered struct {
		question int
		answer   *Answer
		err      error
	}
	exported struct {
		question int
		wrote    Exported
		err      error
	}
	exists struct {
		question int
		of       Question
		target   Target
	}
	remembered struct {
		sql string
		err error
	}
	// overwrite is the person's yes.
	overwrite struct {
		question Question
		target   Target
	}
)
