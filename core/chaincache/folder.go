package chaincache

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	pathpkg "path"
	"slices"
	"sync"
	"time"
)

// folder is the files of a cache. Names that lead out of it are refused by os.Root.
type folder struct {
	dir   string
	limit int64
	log   *slog.Logger

	mu    sync.Mutex
	root  *os.Root        // nil until something is looked for
	off   bool            // it cannot be used: read on without
	sized bool            // size is known
	size  int64           // of all files; other processes' are counted when room is made
	used  map[string]bool // names that this process has read or written
}

// touchAfter is how old a file's time of use may get.
const touchAfter = time.Hour

// open returns the folder, or nil where there is none or it cannot be used.
func (f *folder) open(create bool) *os.Root {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root != nil || f.off {
		return f.root
	}
	if create {
		if err := os.MkdirAll(f.dir, 0o700); err != nil {
			f.giveUp(err)
			return nil
		}
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil && (create || !errors.Is(err, fs.ErrNotExist)) {
		f.giveUp(err)
	}
	f.root = root
	return root
}

// giveUp says once why nothing is kept. It needs mu.
func (f *folder) giveUp(err error) {
	if !f.off {
		f.log.Warn("chains are not kept on this machine", "folder", f.dir, "error", err)
	}
	f.off = true
}

// read returns a kept file of less than limit bytes.
func (f *folder) read(name string, limit int64) ([]byte, bool) {
	root := f.open(false)
	if root == nil {
		return nil, false
	}
	info, err := root.Lstat(name) // before it is opened: a pipe would wait for its writer for ever
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 || info.Size() >= limit {
		return nil, false
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, false
	}
	b := make([]byte, info.Size())
	_, err = io.ReadFull(file, b)
	_ = file.Close() // was only read
	if err != nil {
		return nil, false
	}
	f.mu.Lock()
	f.used[name] = true
	f.mu.Unlock()
	if now := time.Now(); now.Sub(info.ModTime()) > touchAfter {
		_ = root.Chtimes(name, now, now) // or it is dropped earlier than it should be
	}
	return b, true
}

// keep writes a file. What cannot be kept is not: nobody waits for it.
func (f *folder) keep(name string, b []byte) {
	root := f.open(true)
	if root == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.off || !f.room(root, int64(len(b))) {
		return
	}
	if err := write(root, name, b); err != nil {
		f.giveUp(err)
		return
	}
	f.size += int64(len(b))
	f.used[name] = true
}

// write makes a file whole or not at all.
func write(root *os.Root, name string, b []byte) error {
	dir := pathpkg.Dir(name)
	if err := root.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep a bundle: %w", err)
	}
	temp := pathpkg.Join(dir, ".tmp-"+rand.Text())
	err := root.WriteFile(temp, b, 0o600)
	if err == nil {
		err = root.Rename(temp, name)
	}
	if err != nil {
		_ = root.Remove(temp) // nothing was kept
		return fmt.Errorf("keep a bundle: %w", err)
	}
	return nil
}

// kept is a file of the folder.
type kept struct {
	name string
	size int64
	used time.Time
}

// room makes room for n bytes and reports whether there is. It needs mu.
func (f *folder) room(root *os.Root, n int64) bool {
	if f.sized && f.size+n <= f.limit {
		return true
	}
	files, size := list(root)
	f.sized, f.size = true, size
	if f.size+n <= f.limit {
		return true
	}
	slices.SortFunc(files, func(a, b kept) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.name, b.name)) })
	for _, file := range files {
		if f.used[file.name] {
			continue
		}
		if root.Remove(file.name) == nil {
			f.size -= file.size
		}
		if f.size+n <= f.limit-f.limit/10 { // not to be here again with the next one
			break
		}
	}
	return f.size+n <= f.limit
}

// list returns the regular files; another process may be removing some.
func list(root *os.Root) (files []kept, size int64) {
	_ = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // what cannot be seen has no size here
		}
		if info, err := d.Info(); err == nil {
			files = append(files, kept{name, info.Size(), info.ModTime()})
			size += info.Size()
		}
		return nil
	})
	return files, size
}

func (f *folder) removeAll(name string) error {
	root := f.open(false)
	if root == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sized = false
	return root.RemoveAll(name) //nolint:wrapcheck // the caller says what is dropped
}
