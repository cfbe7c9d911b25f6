package collect

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gofrs/flock"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

const (
	spoolSuffix = ".ndjson.zst"
	partSuffix  = ".part"
	// setAsideSuffix marks a spool file whose bytes are not what its pending
	// record promises. It is kept for an operator to look at.
	setAsideSuffix = ".damaged"

	runPrefix  = "run-"
	lockSuffix = ".lock"
)

// spoolDir is the spool folder of one process, run-XXXX below the configured
// one. A lock on run-XXXX.lock, which the system drops with the process, tells
// the living from the dead.
type spoolDir struct {
	root string
	name string
	lock *flock.Flock
}

// openSpool makes a folder for this process.
func openSpool(root string) (*spoolDir, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("create spool folder: %w", err)
	}
	d := &spoolDir{root: root}
	err := d.alone(func() error {
		dir, err := os.MkdirTemp(root, runPrefix)
		if err != nil {
			return err //nolint:wrapcheck // wrapped below
		}
		d.name = filepath.Base(dir)
		d.lock = flock.New(dir + lockSuffix)
		if err := d.lock.Lock(); err != nil {
			return err //nolint:wrapcheck // wrapped below
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("create spool folder: %w", err)
	}
	return d, nil
}

// alone runs f while no other process makes or removes a folder.
func (d *spoolDir) alone(f func() error) error {
	l := flock.New(filepath.Join(d.root, lockSuffix))
	if err := l.Lock(); err != nil {
		return fmt.Errorf("lock spool folder: %w", err)
	}
	return errors.Join(f(), l.Unlock())
}

// path is where a spool file is, by the name that a pending record holds.
func (d *spoolDir) path(spool string) string { return filepath.Join(d.root, filepath.FromSlash(spool)) }

// file is the name of a window's spool file in this process's folder.
func (d *spoolDir) file(id evidence.ChainID, w evidence.Window) string {
	key := evidence.ObjectKey(id, w, 1)
	return d.name + "/" + id.Zone + "-" + key[strings.LastIndexByte(key, '/')+1:]
}

// spoolForm is what a pending record may hold as a spool file's name.
var spoolForm = regexp.MustCompile(`^run-[0-9]+/[0-9a-f]{32}-[a-z0-9_]+-[0-9TZ-]+\.ndjson\.zst$`)

// remove removes a spool file.
func (d *spoolDir) remove(spool string) error {
	if err := os.Remove(d.path(spool)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove spool file: %w", err)
	}
	return nil
}

func (d *spoolDir) close() error {
	err := d.alone(func() error {
		if os.Remove(filepath.Join(d.root, d.name)) != nil {
			return nil //nolint:nilerr // a window waits in it, for the next start
		}
		return os.Remove(d.lock.Path()) //nolint:wrapcheck // names the file
	})
	if err = errors.Join(err, d.lock.Unlock()); err != nil {
		return fmt.Errorf("close spool folder: %w", err)
	}
	return nil
}

// Sweep removes what dead processes left in the spool and no pending record
// names: half-written files, and files whose windows were sealed.
func (c *Collector) Sweep(ctx context.Context) error {
	return c.spool.alone(func() error {
		entries, err := os.ReadDir(c.spool.root)
		if err != nil {
			return fmt.Errorf("read spool folder: %w", err)
		}
		for _, e := range entries {
			if e.IsDir() && strings.HasPrefix(e.Name(), runPrefix) && e.Name() != c.spool.name {
				if err := c.sweepRun(ctx, e.Name()); err != nil {
					return fmt.Errorf("sweep spool folder: %w", err)
				}
			}
		}
		return nil
	})
}

// sweepRun sweeps one process's folder, if the process is dead.
func (c *Collector) sweepRun(ctx context.Context, run string) (err error) {
	dir := filepath.Join(c.spool.root, run)
	l := flock.New(dir + lockSuffix)
	dead, err := l.TryLock()
	if err != nil || !dead {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	defer func() { err = errors.Join(err, l.Unlock()) }()
	files, err := os.ReadDir(dir)
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	for _, f := range files {
		keep := strings.HasSuffix(f.Name(), setAsideSuffix)
		if !keep && strings.HasSuffix(f.Name(), spoolSuffix) {
			if keep, err = c.pendingNames(ctx, run+"/"+f.Name()); err != nil {
				return err
			}
		}
		if keep {
			continue
		}
		c.Log.DebugContext(ctx, "spool file swept", "file", run+"/"+f.Name())
		if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
			return err //nolint:wrapcheck // wrapped by the caller
		}
	}
	if os.Remove(dir) == nil { // else a window waits in it
		return os.Remove(dir + lockSuffix) //nolint:wrapcheck // wrapped by the caller
	}
	return nil
}

// pendingNames reports whether a pending record of its chain names the file.
func (c *Collector) pendingNames(ctx context.Context, spool string) (bool, error) {
	if !spoolForm.MatchString(spool) {
		return false, nil
	}
	_, name, _ := strings.Cut(spool, "/")
	zone, rest, _ := strings.Cut(name, "-")
	dataset, _, _ := strings.Cut(rest, "-")
	pending, err := c.Catalog.ListPending(ctx, evidence.ChainID{Zone: zone, Dataset: dataset})
	if err != nil {
		return false, fmt.Errorf("list pending windows: %w", err)
	}
	for _, p := range pending {
		if p.Spool == spool {
			return true, nil
		}
	}
	return false, nil
}

// checkSpoolName refuses a name that could lead out of the spool.
func checkSpoolName(p catalog.Pending) error {
	if !spoolForm.MatchString(p.Spool) {
		return fmt.Errorf("%w: spool name %.80q", catalog.ErrCorrupt, p.Spool)
	}
	return nil
}
