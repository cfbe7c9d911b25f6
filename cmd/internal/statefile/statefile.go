// Package statefile keeps a small file of what a program knows between two
// runs: a convenience, never evidence.
//
// # Promises
//
// A reader finds a whole state, the old or the new one, whatever happens
// while it is written: a temporary file is synced and renamed. Of several
// programs that write at once the last one wins. The file and its folder are
// their owner's alone. A file that is damaged or of another program is put
// aside, as NAME.bad, with a word; it is never an error.
package statefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// File is one file of state.
type File struct {
	path string

	mu     sync.Mutex
	closed bool
}

// Config says which file, and what is taken for its content.
type Config struct {
	Path  string
	Limit int64                // of its bytes
	Check func(b []byte) error // says why bytes are no state
	Now   time.Time
}

// stale is how old a temporary file is that nobody is writing any more.
const stale = time.Hour

// Open returns the file, and what is in it: nil if there is nothing, with a
// notice if that is for a reason. An error is a folder that cannot be written.
func Open(cfg Config) (f *File, state []byte, notice string, err error) {
	dir := filepath.Dir(cfg.Path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, "", fmt.Errorf("make folder of state: %w", err)
	}
	f = &File{path: cfg.Path}
	if err := f.try(cfg.Now); err != nil {
		return nil, nil, "", err
	}
	state, err = read(cfg)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil, "", nil
	}
	if err == nil {
		return f, state, "", nil
	}
	aside := cfg.Path + ".bad"
	if moved := os.Rename(cfg.Path, aside); moved != nil {
		return f, nil, fmt.Sprintf("%s is not used: %v", cfg.Path, err), nil //nolint:nilerr // told; the next Save writes over it
	}
	return f, nil, fmt.Sprintf("%s is not used: %v; it is now %s", cfg.Path, err, filepath.Base(aside)), nil
}

// try writes into the folder, and takes away what killed programs left there.
func (f *File) try(now time.Time) error {
	t, err := os.CreateTemp(filepath.Dir(f.path), f.pattern())
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	if err := errors.Join(t.Close(), os.Remove(t.Name())); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(f.path), f.pattern()))
	if err != nil {
		return fmt.Errorf("look for state: %w", err)
	}
	for _, path := range left {
		if info, err := os.Stat(path); err == nil && now.Sub(info.ModTime()) > stale {
			_ = os.Remove(path) // the next start tries again
		}
	}
	return nil
}

func (f *File) pattern() string { return "." + filepath.Base(f.path) + ".*.tmp" }

// read returns what is in the file. Only a regular one is opened: another would block, or lead elsewhere.
func read(cfg Config) ([]byte, error) {
	info, err := os.Lstat(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a plain file")
	}
	file, err := os.Open(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(file, cfg.Limit+1))
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	if int64(len(b)) > cfg.Limit {
		return nil, fmt.Errorf("it has more than %d bytes", cfg.Limit)
	}
	return b, cfg.Check(b)
}

// Save replaces the content. After Close it does nothing.
func (f *File) Save(b []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	return f.write(b)
}

// Close saves the last state, if there is one: a Save that comes later, from a
// goroutine that is late, does not undo it.
func (f *File) Close(last []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	if last == nil {
		return nil
	}
	return f.write(last)
}

func (f *File) write(b []byte) (err error) {
	dir := filepath.Dir(f.path)
	t, err := os.CreateTemp(dir, f.pattern()) // 0600
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	_, err = t.Write(b)
	if err == nil {
		err = t.Sync()
	}
	if err = errors.Join(err, t.Close()); err == nil {
		err = os.Rename(t.Name(), f.path)
	}
	if err != nil {
		return fmt.Errorf("write state: %w", errors.Join(err, os.Remove(t.Name())))
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder of state: %w", err)
	}
	_ = d.Sync()  // some file systems cannot; the file is whole either way
	_ = d.Close() // only synced
	return nil
}
