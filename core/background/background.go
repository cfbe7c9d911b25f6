// Package background runs work that nobody waits for: windows that are sealed, plans,
// checks of the archive. It has a lower priority than what somebody does wait for,
// so that one core can do both: requests of the API are answered as if nothing else
// were at work, and what they leave of the core is the work's.
//
// A window is not lost by it: the work gets a tenth at least of a core that is busy all
// the time, and a hundred zones' windows of a minute take as much of one.
package background

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Nice is how much lower the priority is, in nice(2)'s units. On Linux, which weighs
// each step by a quarter, what has 10 gets a tenth of what is used beside it.
const Nice = 10

// Run calls f and returns what it returns, or panics as it does. Where the system has
// priorities of threads, f has a thread of its own, which ends with it: an ordinary
// user may lower a priority and never raise it. Goroutines that f starts are ordinary.
// So threads end while the program goes on: a child that is to die with its parent
// (PR_SET_PDEATHSIG, which means the thread) needs one that is locked, too.
func Run(f func() error) error {
	var err error
	var panicked any
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				panicked = fmt.Sprintf("%v\n\n%s", p, debug.Stack()) // which tells where
			}
		}()
		runtime.LockOSThread() // and not unlocked: see above
		lower()
		err = f()
	}()
	<-done
	if panicked != nil {
		panic(panicked)
	}
	return err
}
