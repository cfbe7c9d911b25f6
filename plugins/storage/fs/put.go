package fs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path"
	"syscall"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Put writes an object: see the package comment for how.
func (f *FS) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	if err := check(ctx, req.Key); err != nil {
		return storage.Info{}, fmt.Errorf("put: %w", err)
	}
	info, err := f.put(ctx, req, body)
	if err != nil {
		return storage.Info{}, fmt.Errorf("put %s: %w", req.Key, err)
	}
	return info, nil
}

func (f *FS) put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	// Refuse early what can only be refused late: it spares the upload.
	fi, err := f.root.Lstat(req.Key)
	switch {
	case err == nil && (req.Replaces == "" || !fi.Mode().IsRegular()):
		return storage.Info{}, storage.ErrExists
	case err == nil:
	case !errors.Is(classify(err), storage.ErrNotFound):
		return storage.Info{}, classify(err)
	case req.Replaces != "":
		return storage.Info{}, storage.ErrChanged
	}
	t, err := f.newTemp()
	if err != nil {
		return storage.Info{}, err
	}
	defer t.discard()
	if err := t.fill(ctx, req, body); err != nil {
		return storage.Info{}, err
	}
	if err := f.makeFolders(path.Dir(req.Key)); err != nil {
		return storage.Info{}, err
	}
	if req.Replaces == "" {
		err = f.publish(t, req.Key)
	} else {
		err = f.locked(func() error { return f.replace(t, req) })
	}
	if err != nil {
		return storage.Info{}, err
	}
	fi, err = t.file.Stat()
	if err != nil {
		return storage.Info{}, classify(err)
	}
	return info(req.Key, fi), nil
}

// publish links the temporary file to its key, unless there is one.
func (f *FS) publish(t *temp, key string) error {
	if err := f.root.Link(t.name, key); err != nil {
		return classify(err)
	}
	return f.syncFolder(key)
}

// replace swaps the object for the temporary file if it is the one that the
// request names. The lock is held, so that no other Replaces or Delete of any
// process comes between the check and the rename; a Put without Replaces
// cannot, for the name exists.
func (f *FS) replace(t *temp, req storage.PutRequest) error {
	old, err := f.open(req.Key)
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("%w: there is none", storage.ErrChanged)
	}
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, old)
	if closeErr := old.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("read what is to be replaced: %w", classify(err))
	}
	if hex.EncodeToString(sum.Sum(nil)) != req.Replaces {
		return storage.ErrChanged
	}
	if err := f.root.Rename(t.name, req.Key); err != nil {
		return classify(err)
	}
	t.gone = true
	return f.syncFolder(req.Key)
}

// fill writes exactly the bytes that the request promises, and syncs them.
func (t *temp) fill(ctx context.Context, req storage.PutRequest, body io.Reader) error {
	sum := sha256.New()
	in := &input{ctx: ctx, r: body}
	// One byte too many is enough to know that the size is wrong.
	n, err := io.Copy(io.MultiWriter(t.file, sum), io.LimitReader(in, max(req.Size, 0)+1))
	switch {
	case in.err != nil:
		return fmt.Errorf("read body: %w", in.err)
	case err != nil:
		return classify(err)
	case n != req.Size:
		return fmt.Errorf("%w: %d bytes promised, other length came", storage.ErrCorrupt, req.Size)
	case hex.EncodeToString(sum.Sum(nil)) != req.SHA256:
		return fmt.Errorf("%w: other SHA-256 than promised", storage.ErrCorrupt)
	}
	if err := t.file.Chmod(0o444); err != nil {
		return classify(err)
	}
	if err := t.file.Sync(); err != nil {
		return classify(err)
	}
	return ctx.Err()
}

// input reads the body until its context ends, and keeps its errors apart
// from those of the disk.
type input struct {
	ctx context.Context // of the Put that reads
	r   io.Reader
	err error
}

func (i *input) Read(p []byte) (int, error) {
	if i.err = i.ctx.Err(); i.err != nil {
		return 0, i.err
	}
	n, err := i.r.Read(p)
	if err != nil && err != io.EOF {
		i.err = err
	}
	return n, err
}

// makeFolders makes dir and what is above it, and syncs each folder that got
// a new name in it. A folder that is there already may have been made a
// moment ago by a writer who has not synced it yet, so the first use of any
// folder syncs its parent too.
func (f *FS) makeFolders(dir string) error {
	if f.isDurable(dir) {
		return nil
	}
	for i := 0; i <= len(dir); i++ {
		if i < len(dir) && dir[i] != '/' {
			continue
		}
		sub := dir[:i]
		if f.isDurable(sub) {
			continue
		}
		err := f.root.Mkdir(sub, 0o755)
		switch {
		case errors.Is(err, syscall.ENOTDIR):
			return fmt.Errorf("%w: a part of the key is an object", storage.ErrExists)
		case err != nil && !errors.Is(err, iofs.ErrExist):
			return classify(err)
		}
		if fi, err := f.root.Lstat(sub); err != nil || !fi.IsDir() {
			return fmt.Errorf("%w: %s is not a folder", storage.ErrExists, sub)
		}
		if err := f.syncFolder(sub); err != nil {
			return err
		}
		f.setDurable(sub)
	}
	return nil
}

func (f *FS) isDurable(dir string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.durable[dir]
}

// setDurable remembers a folder; forgetting them all costs a few syncs.
func (f *FS) setDurable(dir string) {
	const most = 4096
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.durable) >= most {
		f.durable = map[string]bool{".": true}
	}
	f.durable[dir] = true
}

// syncFolder makes changes of names beside key durable.
func (f *FS) syncFolder(key string) error {
	d, err := f.root.Open(path.Dir(key))
	if err != nil {
		return classify(err)
	}
	return syncAndClose(d)
}

func syncPath(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return syncAndClose(d)
}

func syncAndClose(d *os.File) error {
	err := d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return classify(err)
}
