package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// temporary is the folder of what is not finished. No key has a segment that
// begins with a dot, and so it is never listed.
const temporary = ".tmp"

// Store is a folder of an SFTP server. It holds one connection, which is
// opened by the first call that needs it and again when it was lost.
type Store struct {
	root     string
	unsynced bool
	dial     func(context.Context) (*sftp.Client, io.Closer, error)
	turn     chan struct{} // one token: the right to replace or delete, among this process' calls
	seen     string        // what the lock of another says, and since when; with the token
	since    time.Time
	stale    time.Duration // lockStale, but for tests

	mu      sync.Mutex
	current *session
	closed  bool
}

var (
	_ storage.Storage = (*Store)(nil)
	_ io.Closer       = (*Store)(nil)
)

// session is an open connection with what is known of its server.
type session struct {
	*sftp.Client
	closer io.Closer
	root   string
	links  bool // hardlink@openssh.com
	syncs  bool // fsync@openssh.com

	once     sync.Once   // to close
	dead     atomic.Bool // a call was lost on it: no other is given to it
	mu       sync.Mutex
	unsynced bool // folders cannot be synced
}

func newStore(root string, unsynced bool, dial func(context.Context) (*sftp.Client, io.Closer, error)) *Store {
	s := &Store{root: root, unsynced: unsynced, dial: dial, turn: make(chan struct{}, 1), stale: lockStale}
	s.turn <- struct{}{}
	return s
}

// use returns the open session, or opens one.
func (s *Store) use(ctx context.Context) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, fmt.Errorf("%w: closed", storage.ErrUnavailable)
	case s.current != nil && !s.current.dead.Load():
		return s.current, nil
	}
	client, closer, err := s.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	c := &session{Client: client, closer: closer, root: s.root}
	_, c.links = client.HasExtension("hardlink@openssh.com")
	_, c.syncs = client.HasExtension("fsync@openssh.com")
	if err := s.prepare(c); err != nil {
		c.close()
		return nil, err
	}
	s.current = c
	go func() { // ends with the connection
		err := client.Wait()
		s.forget(c)
		slog.Debug("connection ended", "error", err)
	}()
	return c, nil
}

// prepare checks what the server can do and that the folder is there.
func (s *Store) prepare(c *session) error {
	if !c.syncs && !s.unsynced {
		return errors.New("the server cannot say when bytes are durable (no fsync@openssh.com): set unsynced to accept that")
	}
	if _, ok := c.HasExtension("posix-rename@openssh.com"); !ok {
		return errors.New("the server cannot replace a file in one step (no posix-rename@openssh.com)")
	}
	info, err := c.Stat(s.root)
	switch {
	case err != nil:
		return fmt.Errorf("look at %s: %w", s.root, c.classify(err))
	case !info.IsDir():
		return fmt.Errorf("%w: %s is no folder", storage.ErrPermission, s.root)
	}
	if err := c.Mkdir(s.at(temporary)); err != nil {
		if info, statErr := c.Lstat(s.at(temporary)); statErr != nil || !info.IsDir() {
			return fmt.Errorf("make %s: %w", temporary, c.classify(err))
		}
	}
	return nil
}

func (s *Store) forget(c *session) {
	s.mu.Lock()
	if s.current == c {
		s.current = nil
	}
	s.mu.Unlock()
	c.close()
}

func (c *session) close() {
	c.once.Do(func() {
		_ = c.Client.Close() // nothing is written by closing
		_ = c.closer.Close()
	})
}

// Close ends the connection. The host calls it when no call is under way.
func (s *Store) Close() error {
	s.mu.Lock()
	c := s.current
	s.current, s.closed = nil, true
	s.mu.Unlock()
	if c != nil {
		c.close()
	}
	return nil
}

func (s *Store) at(key string) string { return path.Join(s.root, key) }

// call is what begins every operation on a key.
func (s *Store) call(ctx context.Context, op, key string) (*session, error) {
	if !storage.ValidKey(key) {
		return nil, fmt.Errorf("%s: %w", op, storage.ErrInvalidKey)
	}
	c, err := s.use(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", op, key, err)
	}
	return c, nil
}

// Stat describes an object.
func (s *Store) Stat(ctx context.Context, key string) (storage.Info, error) {
	c, err := s.call(ctx, "stat", key)
	if err != nil {
		return storage.Info{}, err
	}
	info, err := s.stat(c, key)
	if err != nil {
		return storage.Info{}, fmt.Errorf("stat %s: %w", key, err)
	}
	return info, nil
}

func (s *Store) stat(c *session, key string) (storage.Info, error) {
	fi, err := c.Lstat(s.at(key))
	if err != nil {
		return storage.Info{}, c.notFound(s.at(key), err)
	}
	if !fi.Mode().IsRegular() {
		return storage.Info{}, storage.ErrNotFound
	}
	return infoOf(key, fi), nil
}

func infoOf(key string, fi os.FileInfo) storage.Info {
	return storage.Info{Key: key, Size: fi.Size(), Modified: fi.ModTime().UTC()}
}

// Get opens an object, or a part of it.
func (s *Store) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	c, err := s.call(ctx, "get", key)
	if err != nil {
		return nil, err
	}
	if _, err := s.stat(c, key); err != nil { // a folder could be opened too
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	file, err := c.Open(s.at(key))
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", key, c.notFound(s.at(key), err))
	}
	if _, err := file.Seek(max(offset, 0), io.SeekStart); err != nil {
		_ = file.Close() // nothing was read
		return nil, fmt.Errorf("get %s: %w", key, c.classify(err))
	}
	r := &reading{ctx: ctx, c: c, file: file, from: file}
	if length >= 0 {
		r.from = io.LimitReader(file, length)
	}
	return r, nil
}

// reading is an open object.
type reading struct {
	ctx  context.Context // of the Get
	c    *session
	file *sftp.File
	from io.Reader
}

func (r *reading) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.from.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // only the bare io.EOF is the end
		err = fmt.Errorf("read: %w", r.c.classify(err))
	}
	return n, err
}

func (r *reading) Close() error {
	if err := r.file.Close(); err != nil {
		return fmt.Errorf("close: %w", r.c.classify(err))
	}
	return nil
}

// Delete removes an object.
func (s *Store) Delete(ctx context.Context, key string) error {
	c, err := s.call(ctx, "delete", key)
	if err != nil {
		return err
	}
	err = s.alone(ctx, c, func(func() error) error {
		if _, err := s.stat(c, key); err != nil {
			return err
		}
		if err := c.Client.Remove(s.at(key)); err != nil {
			return c.notFound(s.at(key), err)
		}
		return c.syncFolder(path.Dir(s.at(key)))
	})
	if err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// List yields objects in the order of their keys' bytes. In memory are the
// names of the folders on the way, not those of the tree.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		c, err := s.use(ctx)
		if err == nil {
			err = s.walk(ctx, c, "", prefix, after, yield)
		}
		if err != nil && !errors.Is(err, errEnough) {
			yield(storage.Info{}, fmt.Errorf("list: %w", err))
		}
	}
}

// errEnough ends a listing that nobody wants to go on.
var errEnough = errors.New("enough")

// walk lists one folder, whose name ends with a slash or is empty. A folder
// sorts as its name with a slash behind it: '-' and '.' come before that.
func (s *Store) walk(ctx context.Context, c *session, folder, prefix, after string, yield func(storage.Info, error) bool) error {
	entries, err := c.ReadDirContext(ctx, s.at(folder))
	if errors.Is(err, os.ErrNotExist) {
		return nil // removed meanwhile
	}
	if err != nil {
		return c.classifyFor(ctx, err)
	}
	names := make(map[string]os.FileInfo, len(entries))
	order := make([]string, 0, len(entries))
	for _, e := range entries {
		name := folder + e.Name()
		switch {
		case !storage.ValidKey(name): // not ours
			continue
		case e.IsDir():
			name += "/"
		case !e.Mode().IsRegular():
			continue
		}
		names[name] = e
		order = append(order, name)
	}
	slices.Sort(order)
	for _, name := range order {
		switch {
		case strings.HasSuffix(name, "/"):
			// Is anything asked for of what begins with name?
			if !strings.HasPrefix(name, prefix) && !strings.HasPrefix(prefix, name) || name <= after && !strings.HasPrefix(after, name) {
				continue
			}
			if err := s.walk(ctx, c, name, prefix, after, yield); err != nil {
				return err
			}
		case strings.HasPrefix(name, prefix) && name > after:
			if !yield(infoOf(name, names[name]), nil) {
				return errEnough
			}
		}
	}
	return nil
}
