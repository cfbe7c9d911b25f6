package columns

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// known is what this process has seen of a cache.
type known struct {
	mu      sync.Mutex
	folders map[string]*listing
	files   map[string]*checked // by path
	pins    map[string]int      // by path
}

func newKnown() *known {
	return &known{folders: map[string]*listing{}, files: map[string]*checked{}, pins: map[string]int{}}
}

// listing is a folder's names, sorted.
type listing struct {
	info  fs.FileInfo
	final bool // read so long after the folder's last change that a further one shows in its time
	names []string
}

// checked is a file whose digest was its name's.
type checked struct {
	info fs.FileInfo
	file File
}

const (
	// settled is what two changes of a folder must be apart to be sure to
	// have different times, on the coarsest file system.
	settled = 2 * time.Second
	// fresh is how long after its last use no process evicts a file: another
	// one's query may have found it. Use is noted to half of it.
	fresh = 10 * time.Minute
)

var errForeign = errors.New("is not a plain file of the cache's")

func (c *Cache) find(e *evidence.Entry) (File, bool, error) {
	dir, start := prefix(e)
	names, err := c.list(dir)
	if err != nil || len(names) == 0 {
		return File{}, false, err
	}
	at, _ := slices.BinarySearch(names, start)
	for _, name := range names[at:] {
		if !strings.HasPrefix(name, start) {
			break
		}
		digest, ok := digestOf(name, start)
		if !ok {
			continue
		}
		f, err := c.check(filepath.Join(c.cfg.Dir, dir, name), digest, e)
		switch {
		case err == nil:
			return f, true, nil
		case errors.Is(err, fs.ErrNotExist): // evicted a moment ago
		default:
			c.discard(filepath.Join(c.cfg.Dir, dir, name), err)
		}
	}
	return File{}, false, nil
}

// discard removes a file that is not what was built.
func (c *Cache) discard(path string, why error) {
	c.known.forget(path)
	c.cfg.Log.Warn("damaged columns are removed and will be built again", "file", path, "error", why, "removed", os.Remove(path) == nil)
}

// list returns the names in a folder of the cache, none if it is not there.
func (c *Cache) list(dir string) ([]string, error) {
	info, err := c.folder(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c.known.mu.Lock()
	l := c.known.folders[dir]
	c.known.mu.Unlock()
	if l != nil && l.final && os.SameFile(l.info, info) && l.info.ModTime().Equal(info.ModTime()) {
		return l.names, nil
	}
	l = &listing{info: info, final: c.cfg.Now().Sub(info.ModTime()) > settled}
	entries, err := os.ReadDir(filepath.Join(c.cfg.Dir, dir))
	if err != nil {
		return nil, fmt.Errorf("list columns: %w", err)
	}
	for _, entry := range entries {
		l.names = append(l.names, entry.Name())
	}
	c.known.mu.Lock()
	defer c.known.mu.Unlock()
	c.known.folders[dir] = l
	return l.names, nil
}

// folder refuses what is no folder of the cache's: what a symbolic link leads
// to, and where others may write, for a digest shows damage and not intent.
func (c *Cache) folder(dir string) (info fs.FileInfo, err error) {
	at := c.cfg.Dir
	for _, part := range append([]string{""}, strings.Split(dir, string(filepath.Separator))...) {
		at = filepath.Join(at, part)
		if info, err = os.Lstat(at); err != nil {
			return nil, fmt.Errorf("look at cache of columns: %w", err)
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("cache of columns: %s is not a folder", at)
		}
		if othersWrite(info) {
			return nil, fmt.Errorf("cache of columns: others may write to %s", at)
		}
	}
	return info, nil
}

// check returns a file whose bytes have the digest of its name. They are read
// once, and again when anything about the file has changed.
func (c *Cache) check(path string, digest evidence.Digest, e *evidence.Entry) (File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return File{}, fmt.Errorf("look at columns: %w", err)
	}
	if !info.Mode().IsRegular() || othersWrite(info) {
		return File{}, errForeign
	}
	if c.cfg.Now().Sub(usedAt(info)) >= fresh/2 {
		// Before the bytes are read, so that what happens to the file from then on shows.
		if info, err = c.use(path, info); err != nil {
			return File{}, err
		}
	}
	if f, ok := c.known.recall(path, info); ok {
		return f, nil
	}
	return c.read(path, digest, e)
}

// use notes when a file was used. What was known of it stays known if that
// is all that has changed.
func (c *Cache) use(path string, before fs.FileInfo) (fs.FileInfo, error) {
	if noteUse(path, c.cfg.Now()) != nil {
		return before, nil //nolint:nilerr // a cache that may not be written to evicts nothing either
	}
	after, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("look at columns: %w", err)
	}
	if os.SameFile(before, after) && before.Size() == after.Size() && before.ModTime().Equal(after.ModTime()) {
		c.known.renew(path, before, after)
	}
	return after, nil
}

func (c *Cache) read(path string, digest evidence.Digest, e *evidence.Entry) (_ File, err error) {
	before, err := os.Lstat(path)
	if err != nil {
		return File{}, fmt.Errorf("look at columns: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return File{}, fmt.Errorf("open columns: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read from
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return File{}, fmt.Errorf("read columns: %w", err)
	}
	if found := evidence.Digest(sum.Sum(nil)); found != digest {
		return File{}, fmt.Errorf("SHA-256 is %s", found)
	}
	n, err := readNote(f, e)
	if err != nil {
		return File{}, err
	}
	after, err := f.Stat()
	if err != nil || !unchanged(before, after) {
		return File{}, errors.Join(errForeign, err)
	}
	return c.known.remember(path, after, File{Path: path, Fields: n.Fields, Lines: n.Lines, Bytes: after.Size(),
		Unreadable: n.Unreadable, Mistyped: n.Mistyped, Unlisted: n.Unlisted}), nil
}

// readNote reads what a file of an entry's columns says of itself.
func readNote(f *os.File, e *evidence.Entry) (*note, error) {
	r, err := file.NewParquetReader(f)
	if err != nil {
		return nil, fmt.Errorf("read columns: %w", err)
	}
	text := r.MetaData().KeyValueMetadata().FindValue(noteKey)
	if text == nil {
		return nil, errors.New("read columns: they have no note")
	}
	n, err := decodeNote(e.Dataset, *text)
	if err != nil {
		return nil, err
	}
	if n.Lines != e.Content.Lines || r.NumRows() != n.Lines {
		return nil, fmt.Errorf("read columns: %d rows of %d lines", r.NumRows(), e.Content.Lines)
	}
	return n, nil
}

// unchanged reports whether nothing has touched a file.
func unchanged(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && changedAt(a).Equal(changedAt(b))
}

// recall returns a file that has not changed since it was checked, pinned.
func (k *known) recall(path string, info fs.FileInfo) (File, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.files[path]
	if c == nil || !unchanged(c.info, info) {
		return File{}, false
	}
	return k.pin(c.file), true
}

// renew says that a file known as before now looks like after.
func (k *known) renew(path string, before, after fs.FileInfo) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c := k.files[path]; c != nil && unchanged(c.info, before) {
		c.info = after
	}
}

func (k *known) remember(path string, info fs.FileInfo, f File) File {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.files[path] = &checked{info, f}
	return k.pin(f)
}

func (k *known) forget(path string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.files, path)
}

// pin keeps a file from eviction until it is released. The lock is held.
func (k *known) pin(f File) File {
	k.pins[f.Path]++
	f.release = sync.OnceFunc(func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.pins[f.Path]--; k.pins[f.Path] <= 0 {
			delete(k.pins, f.Path)
		}
	})
	return f
}

func (k *known) pinned(path string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pins[path] > 0
}
