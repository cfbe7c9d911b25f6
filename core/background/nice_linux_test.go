package background_test

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// nice is that of the calling goroutine's thread.
func nice(t *testing.T) int {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	kernels, err := unix.Getpriority(unix.PRIO_PROCESS, unix.Gettid())
	if err != nil {
		t.Error(err)
	}
	return 20 - kernels // getpriority(2): the call itself returns 1 to 40
}
