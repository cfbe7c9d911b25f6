package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/fabriziosalmi/rainlogs/sdk"
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Plugin returns the plugin's declaration.
func Plugin() sdk.Plugin {
	return sdk.Plugin{
		Name:    "fs",
		Version: "1.0.0",
		Schema: config.Schema{{
			Name: "path", Kind: config.String, Required: true,
			Help: "folder that holds the objects; made if only its last part is missing",
		}},
		Storage: func(v config.Values) (storage.Storage, error) { return Open(v["path"]) },
	}
}

// FS is a storage in a folder. Several processes may have the same one open.
type FS struct {
	path string // absolute
	root *os.Root

	mu      sync.Mutex
	durable map[string]bool // folders whose own names are known to be on disk
}

var (
	_ storage.Storage     = (*FS)(nil)
	_ storage.LocalPather = (*FS)(nil)
	_ io.Closer           = (*FS)(nil)
)

// Open opens the folder at path. A missing folder is made, but not its
// parents: a disk that is not mounted must not become an empty archive. A
// folder that cannot be written is opened for reading.
func Open(path string) (*FS, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", path, err)
	}
	switch err := os.Mkdir(abs, 0o755); {
	case err == nil:
		if err := syncPath(filepath.Dir(abs)); err != nil {
			return nil, fmt.Errorf("sync parent of %s: %w", abs, classify(err))
		}
	case !errors.Is(err, iofs.ErrExist):
		if _, statErr := os.Stat(abs); statErr != nil {
			return nil, fmt.Errorf("make folder: %w", classify(err))
		}
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", classify(err))
	}
	f := &FS{path: abs, root: root, durable: map[string]bool{".": true}}
	f.sweep()
	return f, nil
}

// Close releases the folder.
func (f *FS) Close() error {
	if err := f.root.Close(); err != nil {
		return fmt.Errorf("close folder: %w", err)
	}
	return nil
}

// Stat describes an object.
func (f *FS) Stat(ctx context.Context, key string) (storage.Info, error) {
	if err := check(ctx, key); err != nil {
		return storage.Info{}, fmt.Errorf("stat: %w", err)
	}
	fi, err := f.lstat(key)
	if err != nil {
		return storage.Info{}, fmt.Errorf("stat %s: %w", key, err)
	}
	return info(key, fi), nil
}

// Get opens an object.
func (f *FS) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := check(ctx, key); err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	file, err := f.open(key)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	if offset < 0 {
		_ = file.Close() // nothing was read
		return nil, fmt.Errorf("get %s: negative offset %d", key, offset)
	}
	if length < 0 {
		length = 1<<63 - 1 - offset
	}
	return &reader{ctx: ctx, file: file, section: io.NewSectionReader(file, offset, length)}, nil
}

// Delete removes an object and syncs its folder. Empty folders stay.
func (f *FS) Delete(ctx context.Context, key string) error {
	if err := check(ctx, key); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if _, err := f.lstat(key); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	err := f.locked(func() error {
		if _, err := f.lstat(key); err != nil {
			return err
		}
		if err := f.root.Remove(key); err != nil {
			return classify(err)
		}
		return f.syncFolder(key)
	})
	if err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// LocalPath returns the path of an object's file.
func (f *FS) LocalPath(ctx context.Context, key string) (string, error) {
	if err := check(ctx, key); err != nil {
		return "", fmt.Errorf("local path: %w", err)
	}
	if _, err := f.lstat(key); err != nil {
		return "", fmt.Errorf("local path %s: %w", key, err)
	}
	return filepath.Join(f.path, filepath.FromSlash(key)), nil
}

// lstat describes the regular file of a key, or says that there is none.
func (f *FS) lstat(key string) (os.FileInfo, error) {
	fi, err := f.root.Lstat(key)
	if err != nil {
		return nil, classify(err)
	}
	if !fi.Mode().IsRegular() {
		return nil, storage.ErrNotFound
	}
	return fi, nil
}

// open opens the regular file of a key: a pipe in its place must not block,
// a link must not be followed.
func (f *FS) open(key string) (*os.File, error) {
	want, err := f.lstat(key)
	if err != nil {
		return nil, err
	}
	file, err := f.root.OpenFile(key, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, classify(err)
	}
	have, err := file.Stat()
	if err != nil {
		_ = file.Close() // the stat error is the one to tell
		return nil, classify(err)
	}
	// A replaced object is another file, but a regular one all the same.
	if !os.SameFile(want, have) && !have.Mode().IsRegular() {
		_ = file.Close() // not an object
		return nil, storage.ErrNotFound
	}
	return file, nil
}

// check refuses a call that is over before it begins, and invalid keys.
func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !storage.ValidKey(key) {
		return fmt.Errorf("%w: %.80q", storage.ErrInvalidKey, key)
	}
	return nil
}

func info(key string, fi os.FileInfo) storage.Info {
	return storage.Info{Key: key, Size: fi.Size(), Modified: fi.ModTime().UTC()}
}

// reader is a range of an open object that ends when its context does.
type reader struct {
	ctx     context.Context // of the Get that made it
	file    *os.File
	section *io.SectionReader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.section.Read(p)
	if err != nil && err != io.EOF {
		return n, fmt.Errorf("read object: %w", classify(err))
	}
	return n, err
}

func (r *reader) Close() error { return r.file.Close() }
