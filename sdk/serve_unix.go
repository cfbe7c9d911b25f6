//go:build unix

package sdk

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// captureStdout keeps the pipe to the host for go-plugin's handshake line
// alone: descriptor 1 itself becomes a second standard error, so that neither
// a library in another language nor a child process can write before it. It returns the
// file that os.Stdout was.
func captureStdout() (*os.File, error) {
	pipe, err := unix.FcntlInt(uintptr(unix.Stdout), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("duplicate descriptor 1: %w", err)
	}
	if err := unix.Dup2(unix.Stderr, unix.Stdout); err != nil {
		return nil, fmt.Errorf("redirect descriptor 1: %w", err)
	}
	old := os.Stdout
	os.Stdout = os.NewFile(uintptr(pipe), "handshake")
	return old, nil
}
