package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// List walks the folders in the order of the keys. Memory holds the names of
// the folders on the way down to the current one, never more.
func (f *FS) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		w := &walk{fs: f, ctx: ctx, prefix: prefix, after: after, yield: yield}
		start := prefix[:strings.LastIndexByte(prefix, '/')+1]
		if !f.isFolder(start) {
			return // no key begins with this prefix
		}
		if err := w.folder(start); err != nil && !errors.Is(err, errStop) {
			yield(storage.Info{}, fmt.Errorf("list: %w", err))
		}
	}
}

// isFolder reports whether "a/b/" names a folder under root, none of whose
// parts is a link.
func (f *FS) isFolder(dir string) bool {
	if dir == "" {
		return true
	}
	dir = strings.TrimSuffix(dir, "/")
	if !storage.ValidKey(dir) {
		return false
	}
	for ; dir != "."; dir = path.Dir(dir) {
		if fi, err := f.root.Lstat(dir); err != nil || !fi.IsDir() {
			return false
		}
	}
	return true
}

// errStop ends a walk whose consumer has had enough.
var errStop = errors.New("stop")

type walk struct {
	fs            *FS
	ctx           context.Context // of the List that walks
	prefix, after string
	yield         func(storage.Info, error) bool
}

// folder yields what is under dir, which is "" or ends in a slash.
func (w *walk) folder(dir string) error {
	names, err := w.names(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if strings.HasSuffix(name, "/") {
			err = w.folder(name)
		} else {
			err = w.object(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) object(key string) error {
	fi, err := w.fs.lstat(key)
	if errors.Is(err, storage.ErrNotFound) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	if !w.yield(info(key, fi), nil) {
		return errStop
	}
	return nil
}

// names returns the keys and folders ("a/b/") in dir that matter, in the
// order of the keys: a folder sorts as its name with the slash, for that is
// how the keys under it go on. So "a-b" comes before "a/b", and "a0" after.
func (w *walk) names(dir string) ([]string, error) {
	d, err := w.fs.root.Open(strings.TrimSuffix("./"+dir, "/"))
	if err != nil {
		if err = classify(err); errors.Is(err, storage.ErrNotFound) {
			return nil, nil // removed meanwhile
		}
		return nil, err
	}
	defer func() { _ = d.Close() }() // only read from
	var names []string
	for {
		entries, err := d.ReadDir(1024)
		for _, e := range entries {
			if name, ok := w.wanted(dir, e); ok {
				names = append(names, name)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, classify(err)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (w *walk) wanted(dir string, e iofs.DirEntry) (string, bool) {
	key := dir + e.Name()
	if !storage.ValidKey(key) {
		return "", false
	}
	switch {
	case e.Type().IsRegular():
		return key, strings.HasPrefix(key, w.prefix) && key > w.after
	case e.IsDir():
		sub := key + "/"
		fits := strings.HasPrefix(sub, w.prefix) || strings.HasPrefix(w.prefix, sub)
		// Whatever is under sub is greater than after, unless after is
		// greater than sub and not itself under it.
		return sub, fits && (w.after <= sub || strings.HasPrefix(w.after, sub))
	default:
		return "", false
	}
}
