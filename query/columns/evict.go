package columns

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// errFull: everything in the cache is in use, or was a moment ago.
var errFull = errors.New("the cache of columns is full of files in use")

// stored is a file in the cache.
type stored struct {
	path string
	size int64
	used time.Time
}

// walk returns the cache's files, its own alone: it does not follow links,
// and leaves what has another name.
func (c *Cache) walk() (files []stored, sum int64, _ error) {
	err := filepath.WalkDir(c.cfg.Dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // another process has just removed it
		case err != nil:
			return err
		case d.IsDir() && path != c.cfg.Dir && filepath.Dir(path) == c.cfg.Dir && strings.HasPrefix(d.Name(), "building-"):
			return fs.SkipDir
		case !d.Type().IsRegular() || !strings.HasSuffix(d.Name(), suffix):
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // removed as well
		}
		files = append(files, stored{path, info.Size(), usedAt(info)})
		sum += info.Size()
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list cache of columns: %w", err)
	}
	return files, sum, nil
}

// room makes room for a file. Files go in the order of their last use, and
// those that a query of this process holds, or that any has just found, do not.
func (c *Cache) room(size int64) error {
	if c.fits(size) {
		return nil
	}
	return c.locked(func() error {
		files, sum, err := c.walk()
		if err != nil {
			return err
		}
		slices.SortFunc(files, func(a, b stored) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.path, b.path)) })
		for _, f := range files {
			if sum+size <= c.cfg.Limit {
				break
			}
			if c.cfg.Now().Sub(f.used) < fresh || c.known.pinned(f.path) {
				continue
			}
			if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("evict columns: %w", err)
			}
			c.known.forget(f.path)
			sum -= f.size
		}
		if sum+size > c.cfg.Limit {
			return errFull
		}
		c.account(sum + size)
		return nil
	})
}

// Usage is the number of files and their bytes.
func (c *Cache) Usage() (files int, bytes int64, err error) {
	all, sum, err := c.walk()
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	return len(all), sum, err
}

// Limit is how many bytes the files may have.
func (c *Cache) Limit() int64 { return c.cfg.Limit }

// Drop removes all files but those in use by this process, and says how many they were.
func (c *Cache) Drop() (files int, bytes int64, err error) {
	if _, err := os.Lstat(c.cfg.Dir); errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if _, err := c.folder(""); err != nil {
		return 0, 0, err
	}
	err = c.locked(func() error {
		c.sweep()
		all, _, err := c.walk()
		if err != nil {
			return err
		}
		for _, f := range all {
			if c.known.pinned(f.path) {
				continue
			}
			if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("drop columns: %w", err)
			}
			c.known.forget(f.path)
			files, bytes = files+1, bytes+f.size
		}
		return nil
	})
	return files, bytes, err
}
