package pluginhost

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// aliveName is a file that a host keeps locked in its folder of sockets: where
// nobody holds the lock, the host was killed.
const aliveName = "alive"

// socketDir is a host's folder of sockets.
type socketDir struct {
	path string
	lock *flock.Flock
}

// newSocketDir makes a folder, mode 0700, and removes those that killed hosts
// left beside it.
func newSocketDir(base string) (*socketDir, error) {
	path, err := os.MkdirTemp(base, "rl")
	if err != nil {
		return nil, fmt.Errorf("make socket folder: %w", err)
	}
	d := &socketDir{path: path}
	// It gets its name only once it is locked: a sweep never takes it for a dead host's.
	draft := filepath.Join(path, "new")
	d.lock = flock.New(draft)
	err = d.lock.Lock()
	if err == nil {
		err = os.Rename(draft, filepath.Join(path, aliveName))
	}
	if err != nil {
		return nil, fmt.Errorf("lock socket folder: %w", errors.Join(err, d.remove()))
	}
	sweepDead(base)
	return d, nil
}

func (d *socketDir) remove() error {
	return errors.Join(os.RemoveAll(d.path), d.lock.Close())
}

// sweepDead removes the folders of hosts that were killed. What cannot be
// looked at is somebody else's.
func sweepDead(base string) {
	locks, err := filepath.Glob(filepath.Join(base, "rl[0-9]*", aliveName))
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
