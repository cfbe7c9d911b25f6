// Package testchild starts the servers that tests need.
package testchild

import (
	"os/exec"
	"runtime"
)

// Start starts cmd. ended brings how it ended, and is closed then.
//
// One thread of the system starts it and waits for it: the death of that thread, not of
// the test binary, is what PR_SET_PDEATHSIG means, and threads end when they like
// unless a goroutine is locked to them.
func Start(cmd *exec.Cmd) (ended <-chan error, err error) {
	started, done := make(chan error), make(chan error, 1)
	go func() { // ends with the child
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(done)
		err := cmd.Start()
		started <- err
		if err == nil {
			done <- cmd.Wait()
		}
	}()
	return done, <-started
}
