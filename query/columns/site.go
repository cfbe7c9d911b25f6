package columns

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// The names in a cache's folder that are not zones'.
const (
	lockName    = "lock"       // held while folders of builders come and go, and for eviction
	sitePattern = "building-*" // folders of builders, each with its own lock, held while it lives
)

// writeError says that the cache cannot be written to.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// site is the folder of one Build, in which files grow until they are whole.
type site struct {
	cache *Cache
	dir   string
	lock  *flock.Flock
}

// begin makes a site and sweeps those whose builders are gone.
func (c *Cache) begin() (*site, error) {
	if err := os.MkdirAll(c.cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make cache of columns: %w", err)
	}
	if _, err := c.folder(""); err != nil {
		return nil, err
	}
	s := &site{cache: c}
	return s, c.locked(func() (err error) {
		c.sweep()
		if s.dir, err = os.MkdirTemp(c.cfg.Dir, sitePattern); err != nil {
			return fmt.Errorf("make folder to build in: %w", err)
		}
		s.lock = flock.New(filepath.Join(s.dir, lockName), flock.SetPermissions(0o600))
		if _, err = s.lock.TryLock(); err != nil {
			return errors.Join(fmt.Errorf("lock folder to build in: %w", err), os.RemoveAll(s.dir))
		}
		return nil
	})
}

// locked runs what no two processes may do at once.
func (c *Cache) locked(do func() error) (err error) {
	lock := flock.New(filepath.Join(c.cfg.Dir, lockName), flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return fmt.Errorf("lock cache of columns: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	return do()
}

// sweep removes the folders of builders that were killed: their locks are free.
func (c *Cache) sweep() {
	left, _ := filepath.Glob(filepath.Join(c.cfg.Dir, sitePattern)) // the pattern is well-formed
	for _, dir := range left {
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
			continue // not ours
		}
		lock := flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))
		if free, err := lock.TryLock(); err == nil && free {
			_ = os.RemoveAll(dir) // the next one tries again
			_ = lock.Close()
		}
	}
}

// end removes the site.
func (s *site) end() error {
	err := s.lock.Close()
	if err = errors.Join(err, os.RemoveAll(s.dir)); err != nil {
		return fmt.Errorf("remove folder built in: %w", err)
	}
	return nil
}

// draft is a file that is being built.
type draft struct {
	site *site
	file *os.File // nil before create and after place
	buf  *bufio.Writer
	sum  hash.Hash
	size int64
	err  error // of writing
}

func (s *site) draft() *draft { return &draft{site: s} }

// create begins the file anew.
func (d *draft) create() (io.Writer, error) {
	d.discard()
	f, err := os.CreateTemp(d.site.dir, "*.tmp") // 0600
	if err != nil {
		return nil, &writeError{fmt.Errorf("make file of columns: %w", err)}
	}
	d.file, d.sum, d.size = f, sha256.New(), 0
	d.buf = bufio.NewWriterSize(writer{d}, 1<<20)
	return d.buf, nil
}

// writer hides the draft's other methods from the library that writes.
type writer struct{ d *draft }

func (w writer) Write(p []byte) (int, error) {
	_, _ = w.d.sum.Write(p) // a hash never fails
	w.d.size += int64(len(p))
	n, err := w.d.file.Write(p)
	if err != nil {
		w.d.err = err
	}
	return n, err //nolint:wrapcheck // by broken
}

// broken returns the error of writing, nil if the file was not what failed.
func (d *draft) broken() error {
	if d.err == nil {
		return nil
	}
	return &writeError{fmt.Errorf("write columns: %w", d.err)}
}

// place moves the whole file to where it is found.
func (d *draft) place(dir, start string) (int64, error) {
	err := d.buf.Flush()
	if err == nil {
		err = d.file.Sync()
	}
	if err = errors.Join(err, d.file.Close()); err != nil {
		return 0, &writeError{fmt.Errorf("write columns: %w", err)}
	}
	c := d.site.cache
	if err := c.room(d.size); err != nil {
		return 0, &writeError{err}
	}
	to := filepath.Join(c.cfg.Dir, dir)
	if err := os.MkdirAll(to, 0o700); err != nil {
		return 0, &writeError{fmt.Errorf("make folder of columns: %w", err)}
	}
	if _, err := c.folder(dir); err != nil {
		return 0, &writeError{err}
	}
	to = filepath.Join(to, start+hex.EncodeToString(d.sum.Sum(nil))+suffix)
	if err := os.Rename(d.file.Name(), to); err != nil {
		return 0, &writeError{fmt.Errorf("place columns: %w", err)}
	}
	d.file = nil
	return d.size, nil
}

// discard removes a file that was not placed.
func (d *draft) discard() {
	if d.file != nil {
		_ = d.file.Close()           // closed already, or thrown away
		_ = os.Remove(d.file.Name()) // the site is removed in the end
		d.file = nil
	}
}
