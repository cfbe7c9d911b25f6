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

	"github.com/fabriziosalmi/rainlogs/core/evidence"
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
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", key, storage.ErrNotFound)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w", key, storage.ErrPermission)
	}
	return fmt.Errorf("%s: %w", key, err)
}

// regular describes a regular file. It is asked before a file is opened, for
// opening a pipe would wait for its writer for ever.
func (f *Folder) regular(key string) (fs.FileInfo, error) {
	if !storage.ValidKey(key) {
		return nil, fmt.Errorf("%.200q: %w", key, storage.ErrInvalidKey)
	}
	info, err := f.root.Lstat(key)
	if err != nil {
		return nil, translate(key, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: %w", key, storage.ErrNotFound)
	}
	return info, nil
}

// Get opens a file.
func (f *Folder) Get(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if _, err := f.regular(key); err != nil {
		return nil, err
	}
	file, err := f.root.Open(key)
	if err != nil {
		return nil, translate(key, err)
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
	info, err := f.regular(key)
	if err != nil {
		return storage.Info{}, err
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
		key := path.Join(dir, name(e))
		if dir == "." && e.Name() == ".tmp" {
			continue // unfinished uploads of the fs store
		}
		if e.IsDir() {
			if below(key+"/", prefix, after) && !f.walk(key, prefix, after, yield) {
				return false
			}
			continue
		}
		if !strings.HasPrefix(key, prefix) || key <= after {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since the folder was read
		}
		if err != nil {
			return yield(storage.Info{}, translate(key, err))
		}
		if !yield(storage.Info{Key: key, Size: info.Size(), Modified: info.ModTime().UTC()}, nil) {
			return false
		}
	}
	return true
}

// below reports whether a folder can hold keys that begin with prefix and
// come behind after.
func below(folder, prefix, after string) bool {
	if !strings.HasPrefix(folder, prefix) && !strings.HasPrefix(prefix, folder) {
		return false
	}
	return folder > after || strings.HasPrefix(after, folder)
}

// ListChains returns the chains that a store has files of, in the order of
// their keys. Nothing is verified.
func ListChains(ctx context.Context, s Store) ([]evidence.ChainID, error) {
	var ids []evidence.ChainID
	// Skip from chain to chain: a chain has thousands of files.
	for after := ""; ; {
		next := ""
		for info, err := range s.List(ctx, evidence.ChainsPrefix, after) {
			if err != nil {
				return nil, fmt.Errorf("list chains: %w", err)
			}
			next = info.Key
			break
		}
		if next == "" {
			return ids, nil
		}
		after = next
		if id, ok := evidence.ParseChainPrefix(next); ok {
			ids = append(ids, id)
			after = evidence.ChainsPrefix + id.String() + "0" // '0' follows '/': behind every key of the chain
		}
	}
}

// readAll returns an object of at most limit bytes.
func readAll(ctx context.Context, s Store, key string, limit int64) ([]byte, error) {
	body, err := s.Get(ctx, key, 0, limit+1)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the key already
	}
	var b []byte
	if known, ok := body.(interface{ Len() int }); ok && int64(known.Len()) <= limit {
		b = make([]byte, known.Len()) // in memory already
		_, err = io.ReadFull(body, b)
	} else {
		b, err = io.ReadAll(io.LimitReader(body, limit+1))
	}
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
