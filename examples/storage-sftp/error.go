package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"

	"github.com/pkg/sftp"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// lost reports whether an error is the connection's, not the server's answer.
func lost(err error) bool {
	var status *sftp.StatusError
	var network net.Error
	switch {
	case err == nil, errors.As(err, &status):
		return false
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, net.ErrClosed), errors.Is(err, sftp.ErrSSHFxConnectionLost), errors.Is(err, sftp.ErrSSHFxNoConnection), errors.Is(err, os.ErrClosed):
		return true
	}
	return false
}

// classify gives an error of the library the port's sentinel.
func (c *session) classify(err error) error {
	switch {
	case err == nil:
		return nil
	case lost(err):
		c.dead.Store(true)
		return fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w", storage.ErrNotFound, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", storage.ErrPermission, err)
	case c.full():
		return fmt.Errorf("%w: %w", storage.ErrFull, err)
	}
	return err
}

// classifyFor is classify for calls that know their context.
func (c *session) classifyFor(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return c.classify(err)
}

// full asks whether there is any space left: of a full disk, OpenSSH says no
// more than "Failure".
func (c *session) full() bool {
	if _, ok := c.HasExtension("statvfs@openssh.com"); !ok {
		return false
	}
	st, err := c.StatVFS(c.root)
	return err == nil && st.Blocks > 0 && st.Bavail == 0
}

// notFound is classify for a path whose folder may be an object: then OpenSSH
// says "Failure" where it means that there is none.
func (c *session) notFound(name string, err error) error {
	if lost(err) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return c.classify(err)
	}
	for dir := path.Dir(name); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if fi, statErr := c.Lstat(dir); statErr == nil {
			if !fi.IsDir() {
				return storage.ErrNotFound
			}
			break
		}
	}
	return c.classify(err)
}
