package collect

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// Leftovers are files in a spool folder whose processes are dead.
type Leftovers struct {
	Processes int
	Files     int   // that the next collector seals or removes
	Bytes     int64 // of these
	SetAside  int   // damaged ones, which are kept for an operator
}

// FindLeftovers looks for them and leaves all as it is. A folder that is not
// there has none.
func FindLeftovers(root string) (Leftovers, error) {
	var found Leftovers
	runs, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return found, fmt.Errorf("read spool folder: %w", err)
	}
	for _, run := range runs {
		if !run.IsDir() || !strings.HasPrefix(run.Name(), runPrefix) {
			continue
		}
		dir := filepath.Join(root, run.Name())
		if dead, err := isDead(dir); err != nil || !dead {
			if err != nil {
				return found, err
			}
			continue
		}
		if err := found.add(dir); err != nil {
			return found, err
		}
	}
	return found, nil
}

// isDead asks whether the process of a folder under the spool has ended. The
// lock is shared and held for a moment only.
func isDead(dir string) (bool, error) {
	l := flock.New(dir+lockSuffix, flock.SetFlag(os.O_RDONLY)) // and so it is not made
	free, err := l.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("look at lock of spool folder: %w", err)
	case !free:
		return false, nil
	}
	if err := l.Unlock(); err != nil {
		return false, fmt.Errorf("look at lock of spool folder: %w", err)
	}
	return true, nil
}

func (l *Leftovers) add(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // swept meanwhile
		return fmt.Errorf("read spool folder: %w", err)
	}
	if len(files) > 0 {
		l.Processes++
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), setAsideSuffix) {
			l.SetAside++
			continue
		}
		l.Files++
		if info, err := f.Info(); err == nil { // else swept meanwhile
			l.Bytes += info.Size()
		}
	}
	return nil
}
