package worker

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Takeover gives Serve the process's standard input and output. Whatever else
// prints to standard output from here on, C++ included, goes to standard error.
func Takeover() (in, out *os.File, err error) {
	fd, err := unix.FcntlInt(uintptr(syscall.Stdout), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, nil, fmt.Errorf("take over standard output: %w", err)
	}
	if err := duplicate(syscall.Stderr, syscall.Stdout); err != nil {
		return nil, nil, fmt.Errorf("take over standard output: %w", err)
	}
	// Once the parent is gone, a write to standard error must not end the
	// process before it has cleaned up. Caught, not ignored: plugins would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return os.Stdin, os.NewFile(uintptr(fd), "frames"), nil
}

// Leave removes the process's temporary folder, if it is a worker's: the last
// thing that a worker does. Its parent does the same, unless it was killed.
func Leave() {
	dir := os.Getenv("TMPDIR")
	if !strings.HasPrefix(filepath.Base(dir), folderPrefix) {
		return
	}
	if _, err := os.Lstat(filepath.Join(dir, aliveName)); err == nil {
		_ = os.RemoveAll(dir) // the next client on this machine tries again
	}
}
