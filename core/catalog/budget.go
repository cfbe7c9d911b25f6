package catalog

import (
	"errors"
	"fmt"
	"time"
)

// A budget is a token bucket (GCRA): a fifth of Limit may come at once, and
// the rest of Limit trickles in over a period, so that whatever period is
// looked at holds the burst and the trickle, together at most Limit:
//
//	burst    = ⌈Limit/5⌉
//	interval = Per/(Limit−burst+1) · 1.05
//
// In a closed period there are at most burst + ⌊Per/interval⌋ events, and
// Per/interval < Limit−burst+1. The 5 percent are for the way from the grant
// to where the events are counted: they may arrive up to Per/20 apart from
// what they were granted. About 80 percent of Limit is granted in the long run,
// more where Limit is small (95 percent of 1).
const (
	burstShare    = 5
	marginPercent = 105
)

// The bounds of what can be reckoned with.
const (
	maxPer   = 366 * 24 * time.Hour
	maxLimit = 1e9
)

// Check refuses a budget that cannot be kept: without a key, without a Limit,
// with a period under a millisecond or over a year, or asked for more than
// Limit at once.
func (b Budget) Check() error {
	switch {
	case b.Key == "":
		return errors.New("budget has no key")
	case b.Limit < 1 || b.Limit > maxLimit || b.Per < time.Millisecond || b.Per > maxPer:
		return fmt.Errorf("budget %.80q of %d in %s cannot be kept", b.Key, b.Limit, b.Per)
	case b.N < 0 || b.N > b.Limit:
		return fmt.Errorf("budget %.80q of %d in %s never has %d at once", b.Key, b.Limit, b.Per, b.N)
	}
	return nil
}

// Admit asks a valid budget for its N events at now. The state is when the
// budget will be whole again, in Unix microseconds: 0 for one never used. A
// wait of 0 admits them and next is the new state; else the state stays and
// asking sooner is in vain. More than the burst at once are admitted where the
// budget lay unused for as long as they take to trickle in.
func (b Budget) Admit(state int64, now time.Time) (next int64, wait time.Duration) {
	n, at := int64(max(b.N, 1)), now.UnixMicro()
	burst, interval := b.pace()
	state = min(state, at+int64(b.Limit)*interval) // no grant leads further: the clock was set back
	if ready := state + (n-burst)*interval; ready > at {
		return state, time.Duration(ready-at) * time.Microsecond
	}
	return max(state, at) + n*interval, 0
}

// pace is how many events may come at once, and how many microseconds each
// takes to trickle in.
func (b Budget) pace() (burst, interval int64) {
	limit := int64(b.Limit)
	burst = (limit + burstShare - 1) / burstShare
	parts := (limit - burst + 1) * 100
	return burst, (b.Per.Microseconds()*marginPercent + parts - 1) / parts
}
