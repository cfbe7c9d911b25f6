package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"strings"

	"github.com/pkg/sftp"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// block is how much of a body is in memory.
const block = 256 << 10

// Put writes a temporary file, syncs it, and gives it its name in one step
// that fails where the name is taken.
func (s *Store) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	c, err := s.call(ctx, "put", req.Key)
	if err != nil {
		return storage.Info{}, err
	}
	info, err := s.put(ctx, c, req, body)
	if err != nil {
		return storage.Info{}, fmt.Errorf("put %s: %w", req.Key, err)
	}
	return info, nil
}

func (s *Store) put(ctx context.Context, c *session, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	if req.Replaces == "" {
		if _, err := s.stat(c, req.Key); err == nil { // the link says it for certain; this saves the upload
			return storage.Info{}, storage.ErrExists
		}
	}
	temp := s.at(temporary + "/" + rand.Text())
	defer func() { _ = c.Client.Remove(temp) }() // gone already if it was renamed
	if err := c.upload(ctx, temp, req, body); err != nil {
		return storage.Info{}, err
	}
	if err := s.makeFolders(c, path.Dir(req.Key)); err != nil {
		return storage.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return storage.Info{}, err
	}
	var err error
	if req.Replaces == "" {
		err = s.publish(c, temp, req.Key)
	} else {
		err = s.alone(ctx, c, func(still func() error) error { return s.replace(ctx, c, temp, req, still) })
	}
	if err != nil {
		return storage.Info{}, err
	}
	return s.stat(c, req.Key)
}

// upload writes exactly the bytes that the request promises, and syncs them.
func (c *session) upload(ctx context.Context, temp string, req storage.PutRequest, body io.Reader) error {
	file, err := c.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return fmt.Errorf("make temporary file: %w", c.classify(err))
	}
	err = c.fill(ctx, file, req, body)
	if closeErr := file.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("close temporary file: %w", c.classify(closeErr))
	}
	return err
}

func (c *session) fill(ctx context.Context, file *sftp.File, req storage.PutRequest, body io.Reader) error {
	sum := sha256.New()
	buf := make([]byte, block)
	var length int64
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := body.Read(buf)
		if length += int64(n); length > req.Size {
			break // one byte too many is enough to know
		}
		sum.Write(buf[:n])
		if _, err := file.Write(buf[:n]); n > 0 && err != nil {
			return fmt.Errorf("write: %w", c.classify(err))
		}
		if err == io.EOF { //nolint:errorlint // only the bare io.EOF is the end
			break
		}
		if err != nil {
			return fmt.Errorf("read body: %w", err)
		}
	}
	if length != req.Size || hex.EncodeToString(sum.Sum(nil)) != req.SHA256 {
		return fmt.Errorf("%w: bytes do not fit the request", storage.ErrCorrupt)
	}
	if err := file.Chmod(0o444); err != nil {
		return fmt.Errorf("protect: %w", c.classify(err))
	}
	if !c.syncs {
		return nil
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("sync: %w", c.classify(err))
	}
	return nil
}

// publish names a temporary file, unless the name is taken. Of the requests
// that SFTP has, a hard link is the one that fails then on every server;
// OpenSSH makes its plain rename of one. posix-rename would overwrite.
func (s *Store) publish(c *session, temp, key string) error {
	var err error
	if c.links {
		err = c.Link(temp, s.at(key))
	} else {
		err = c.Rename(temp, s.at(key))
	}
	if err == nil {
		return c.syncFolder(path.Dir(s.at(key)))
	}
	if lost(err) {
		return c.classify(err) // it may have got its name: whoever tries again sees ErrExists
	}
	if _, statErr := c.Lstat(s.at(key)); statErr == nil { // OpenSSH says no more than "Failure"
		return storage.ErrExists
	}
	return fmt.Errorf("name temporary file: %w", c.classify(err))
}

// replace swaps the object for the temporary file if it is the one that the
// request names.
func (s *Store) replace(ctx context.Context, c *session, temp string, req storage.PutRequest, still func() error) error {
	digest, err := s.digest(ctx, c, req.Key)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return fmt.Errorf("%w: there is none", storage.ErrChanged)
	case err != nil:
		return fmt.Errorf("read what is to be replaced: %w", err)
	case digest != req.Replaces:
		return storage.ErrChanged
	}
	if err := still(); err != nil {
		return err
	}
	if err := c.PosixRename(temp, s.at(req.Key)); err != nil {
		return fmt.Errorf("replace: %w", c.classify(err))
	}
	return c.syncFolder(path.Dir(s.at(req.Key)))
}

func (s *Store) digest(ctx context.Context, c *session, key string) (string, error) {
	if _, err := s.stat(c, key); err != nil {
		return "", err
	}
	file, err := c.Open(s.at(key))
	if err != nil {
		return "", c.notFound(s.at(key), err)
	}
	defer func() { _ = file.Close() }() // only read from
	sum := sha256.New()
	r := &reading{ctx: ctx, c: c, file: file, from: file}
	if _, err := io.CopyBuffer(sum, struct{ io.Reader }{r}, make([]byte, block)); err != nil {
		return "", fmt.Errorf("hash: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// makeFolders makes the folders of a key, and syncs the one above each.
func (s *Store) makeFolders(c *session, folder string) error {
	if folder == "." {
		return nil
	}
	if fi, err := c.Lstat(s.at(folder)); err == nil && fi.IsDir() {
		return nil
	}
	if err := s.makeFolders(c, path.Dir(folder)); err != nil {
		return err
	}
	if err := c.Mkdir(s.at(folder)); err != nil {
		fi, statErr := c.Lstat(s.at(folder))
		switch {
		case statErr != nil:
			return fmt.Errorf("make folder: %w", c.classify(err))
		case !fi.IsDir():
			return fmt.Errorf("%w: a part of the key is an object", storage.ErrExists)
		}
	}
	return c.syncFolder(path.Dir(s.at(folder)))
}

// syncFolder makes new names in a folder durable. SFTP has no request for
// that: OpenSSH opens a folder as it does a file, and so it can be synced like
// one. A server that does not is known from then on.
func (c *session) syncFolder(folder string) error {
	c.mu.Lock()
	skip := c.unsynced || !c.syncs
	c.mu.Unlock()
	if skip {
		return nil
	}
	file, err := c.Open(folder)
	if err == nil {
		err = file.Sync()
		_ = file.Close() // only synced
	}
	var status *sftp.StatusError
	if errors.As(err, &status) {
		c.mu.Lock()
		c.unsynced = true
		c.mu.Unlock()
		slog.Warn("the server cannot sync folders: after a power loss there, an object may lack its name", "error", strings.TrimSpace(status.Error()))
		return nil
	}
	if err != nil {
		return fmt.Errorf("sync folder: %w", c.classify(err))
	}
	return nil
}
