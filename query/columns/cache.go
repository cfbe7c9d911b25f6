package columns

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// DefaultLimit is the size of a cache unless set.
const DefaultLimit = 20 << 30

// Config says where a cache is and how large it may get.
type Config struct {
	Dir   string // made when needed, 0700
	Limit int64  // bytes, 0 = DefaultLimit
	Now   func() time.Time
	Log   *slog.Logger
}

// Cache is a folder of files of columns. It is safe for concurrent use, and
// by several processes at once.
type Cache struct {
	cfg   Config
	known *known

	warned  sync.Once
	mu      sync.Mutex
	size    int64     // of the files, as far as this process knows
	counted time.Time // when it was, zero for never
}

// Open returns the cache in a folder, which need not exist yet.
func Open(cfg Config) (*Cache, error) {
	if cfg.Limit == 0 {
		cfg.Limit = DefaultLimit
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Limit < 0 {
		return nil, fmt.Errorf("open cache of columns: limit of %d bytes is negative", cfg.Limit)
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil || cfg.Dir == "" {
		return nil, errors.Join(fmt.Errorf("open cache of columns: folder %q", cfg.Dir), err)
	}
	if dir, err = resolve(dir); err != nil {
		return nil, fmt.Errorf("open cache of columns: %w", err)
	}
	cfg.Dir = dir
	return &Cache{cfg: cfg, known: newKnown()}, nil
}

// resolve undoes the symbolic links above a folder, which are the owner's
// affair: DuckDB compares the paths that it may open by their real names.
func resolve(dir string) (string, error) {
	real, err := filepath.EvalSymlinks(dir)
	if !errors.Is(err, os.ErrNotExist) {
		return real, err //nolint:wrapcheck // by Open
	}
	parent := filepath.Dir(dir)
	if parent == dir {
		return dir, nil
	}
	if parent, err = resolve(parent); err != nil {
		return "", err
	}
	return filepath.Join(parent, filepath.Base(dir)), nil
}

// Dir is the cache's folder.
func (c *Cache) Dir() string { return c.cfg.Dir }

// File is an object's columns, checked.
type File struct {
	Path   string // absolute
	Fields []schema.Field
	Lines  int64
	Bytes  int64 // of the file

	Unreadable int64            // lines that are no record
	Mistyped   map[string]int64 // field to values that are not of its type, NULL here
	Unlisted   []string         // members that have no column, sorted

	release func()
}

// Answers reports whether a reading of the object's lines would give these
// columns the same cells as the file does; a field that is not in the file is
// NULL throughout. It does not where a name is in the records but for case,
// or number, was not made a column of.
func (f File) Answers(fields []schema.Field) bool {
	for _, field := range fields {
		for _, name := range f.Unlisted {
			if name == field.Name {
				return false
			}
		}
	}
	return true
}

// Release says that the file is not in use any more: until then this
// process does not evict it. It may be called twice.
func (f File) Release() {
	if f.release != nil {
		f.release()
	}
}

// Find returns an entry's columns if they are there and are what was built.
// A file that is not is removed: it is derived, and is built again.
func (c *Cache) Find(e *evidence.Entry) (File, bool) {
	if e.Object == nil || e.Content == nil || e.Source == nil || e.Object.Encryption != nil {
		return File{}, false
	}
	f, found, err := c.find(e)
	if err != nil {
		c.warned.Do(func() { // not once an object
			c.cfg.Log.Warn("columns cannot be read: queries read the objects", "dir", c.cfg.Dir, "error", err)
		})
		return File{}, false
	}
	return f, found
}

// The size is counted anew from time to time: other processes build too.
const countAnew = time.Minute

// account notes the cache's size.
func (c *Cache) account(sum int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size, c.counted = sum, c.cfg.Now()
}

// fits reports whether a file surely fits, and counts it.
func (c *Cache) fits(size int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counted.IsZero() || c.cfg.Now().Sub(c.counted) > countAnew || c.size+size > c.cfg.Limit {
		return false
	}
	c.size += size
	return true
}
