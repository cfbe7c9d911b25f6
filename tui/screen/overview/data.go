package overview

import (
	"context"
	"time"
)

// Data is where the screen's facts come from.
type Data interface {
	// Overview returns how the archive stands now. It may take seconds.
	Overview(ctx context.Context) (Overview, error)
}

// Overview is an archive as it stands.
type Overview struct {
	At    time.Time // when it was looked at
	Zones []Zone
}

// State is a zone's state in one word.
type State uint8

// The states.
const (
	Collecting State = iota
	Resting          // until a time that its source has named
	Paused
	Blocked // needs an operator
)

// Zone is a zone of one dataset.
type Zone struct {
	Name, ID, Dataset string
	State             State
	StateText         string // "blocked (credential)"
	Detail, Remedy    string // what is the matter and what to do, if it is blocked
	SealedUntil       time.Time
	Lag               time.Duration // to At
	Open              int64         // windows that are planned and not sealed
	Lines, Bytes      int64         // sealed, of all time
	Gaps              int           // windows that are lost
	Missing           int           // stretches that nobody has sealed
	Entries           int64         // of the chain, which was verified for this
	Pinned            bool          // its key was known beforehand
	Damage            string        // what is wrong with the chain; all that depends on it is empty then
	Days              []Day         // ascending, to today; at most MaxDays
}

// MaxDays is how many days a zone has at most.
const MaxDays = 60

// Day is a day in UTC.
type Day struct {
	Date  time.Time
	Lines int64
	Hours [24]Cell
}

// Cell is what became of an hour: the worst of what is in it.
type Cell uint8

// The cells, from good to bad.
const (
	Outside   Cell = iota // before the zone, or not over yet
	Empty                 // collected, without a line
	Collected             // whole
	Expired               // removed by the retention policy
	Partial               // the source did not claim to have given all
	Missing               // nothing is sealed
	Gap                   // lost, and sealed as such
)
