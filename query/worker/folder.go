package worker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// aliveName is a file that the asking side keeps locked in a worker's folder:
// where nobody holds the lock, it was killed.
const aliveName = "alive"

const folderPrefix = "rlq"

// folder is a worker's temporary folder.
type folder struct {
	path string
	lock *flock.Flock
}

// newFolder makes a folder, mode 0700, and removes those that were left behind
// beside it. The name is short: plugins put sockets into it.
func newFolder(base string) (*folder, error) {
	path, err := os.MkdirTemp(base, folderPrefix)
	if err != nil {
		return nil, fmt.Errorf("make temporary folder: %w", err)
	}
	// It gets its name only once it is locked: a sweep never takes it for a dead one's.
	draft := filepath.Join(path, "new")
	f := &folder{path, flock.New(draft)}
	if err = f.lock.Lock(); err == nil {
		err = os.Rename(draft, filepath.Join(path, aliveName))
	}
	if err != nil {
		return nil, fmt.Errorf("lock temporary folder: %w", errors.Join(err, f.remove()))
	}
	sweep(base)
	return f, nil
}

func (f *folder) remove() error {
	return errors.Join(os.RemoveAll(f.path), f.lock.Close())
}

// sweep removes the folders of sessions that were killed. What cannot be
// looked at is somebody else's.
func sweep(base string) {
	if base == "" {
		base = os.TempDir()
	}
	locks, err := filepath.Glob(filepath.Join(base, folderPrefix+"[0-9]*", aliveName))
	if err != nil {
		return
	}
	for _, path := range locks {
		l := flock.New(path, flock.SetFlag(os.O_RDWR)) // not made where it is gone
		if held, err := l.TryLock(); err == nil && held {
			_ = os.RemoveAll(filepath.Dir(path)) // the next one tries again
		}
		_ = l.Close()
	}
}
