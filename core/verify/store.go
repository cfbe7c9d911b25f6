package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"sort"
	"strings"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Store is what verification reads: a part of storage.Storage.
type Store interface {
	Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	Stat(ctx context.Context, key string) (storage.Info, error)
	List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error]
}

// Folder is an archive in a local folder, read without any plugin. Symbolic
// links that lead out of it are not followed.
type Folder struct{ root *os.Root }

var _ Store = (*Folder)(nil)

// OpenFolder opens an archive folder for reading.
func OpenFolder(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open archive folder: %w", err)
	}
	return &Folder{root}, nil
}

// Close releases the folder.
func (f *Folder) Close() error {
	if err := f.root.Close(); err != nil {
		return fmt.Errorf("close archive folder: %w", err)
	}
	return nil
}

func translate(key string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", key, storage.ErrNotFound)
	}
	return fmt.Errorf("%s: %w", key, err)
}

// Get opens a file.
func (f *Folder) Get(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if !storage.ValidKey(key) {
		return nil, fmt.Errorf("%.200q: %w", key, storage.ErrInvalidKey)
	}
	file, err := f.root.Open(key)
	if err != nil {
		return nil, translate(key, err)
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = file.Close() // was not read
		return nil, fmt.Errorf("%s is not a regular file: %w", key, storage.ErrNotFound)
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		_ = file.Close() // was not read
		return nil, translate(key, err)
	}
	if length < 0 {
		return file, nil
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(file, length), file}, nil
}

// Stat describes a file.
func (f *Folder) Stat(_ context.Context, key string) (storage.Info, error) {
	info, err := f.root.Stat(key)
	if err != nil {
		return storage.Info{}, translate(key, err)
	}
	return storage.Info{Key: key, Size: info.Size(), Modified: info.ModTime().UTC()}, nil
}

// List yields everything under prefix that is not a folder, in byte order.
// What is no regular file is listed too: a link in an archive is unexplained.
func (f *Folder) List(_ context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		dir := "."
		if i := strings.LastIndexByte(prefix, '/'); i > 0 {
			dir = prefix[:i]
		}
		f.walk(dir, prefix, after, yield)
	}
}

func (f *Folder) walk(dir, prefix, after string, yield func(storage.Info, error) bool) bool {
	entries, err := fs.ReadDir(f.root.FS(), dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil {
		return yield(storage.Info{}, translate(dir, err))
	}
	// Keys are ordered as if a folder's name ended in its slash.
	name := func(e fs.DirEntry) string {
		if e.IsDir() {
			return e.Name() + "/"
		}
		return e.Name()
	}
	sort.Slice(entries, func(i, j int) bool { return name(entries[i]) < name(entries[j]) })
	for _, e := range entries {
		key := path.Join(dir, e.Name())
		if dir == "." && e.Name() == ".tmp" {
			continue // unfinished uploads of the fs store
		}
		if e.IsDir() {
			if !strings.HasPrefix(key+"/", prefix) && !strings.HasPrefix(prefix, key+"/") {
				continue
			}
			if !f.walk(key, prefix, after, yield) {
				return false
			}
			continue
		}
		if !strings.HasPrefix(key, prefix) || key <= after {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return yield(storage.Info{}, translate(key, err))
		}
		if !yield(storage.Info{Key: key, Size: info.Size(), Modified: info.ModTime().UTC()}, nil) {
			return false
		}
	}
	return true
}

// readAll returns an object of at most limit bytes.
func readAll(ctx context.Context, s Store, key string, limit int64) ([]byte, error) {
	body, err := s.Get(ctx, key, 0, limit+1)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the key already
	}
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes", key, limit)
	}
	return b, nil
}
