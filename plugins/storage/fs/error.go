package fs

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"syscall"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// classify adds the port's sentinel to an error of the file system. Which
// error numbers mean what is POSIX's, see open(2), write(2) and link(2).
func classify(err error) error {
	var sentinel error
	switch {
	case err == nil:
		return nil
	case is(err, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG):
		sentinel = storage.ErrFull
	case is(err, syscall.EACCES, syscall.EPERM, syscall.EROFS):
		sentinel = storage.ErrPermission
	case is(err, syscall.ENAMETOOLONG):
		sentinel = storage.ErrInvalidKey
	case errors.Is(err, iofs.ErrNotExist), is(err, syscall.ENOTDIR, syscall.ELOOP):
		sentinel = storage.ErrNotFound
	case errors.Is(err, iofs.ErrExist):
		sentinel = storage.ErrExists
	case is(err, syscall.EIO, syscall.ESTALE, syscall.ETIMEDOUT, syscall.EMFILE, syscall.ENFILE, syscall.ENOLCK):
		sentinel = storage.ErrUnavailable
	default:
		return err
	}
	return fmt.Errorf("%w: %w", sentinel, err)
}

func is(err error, numbers ...syscall.Errno) bool {
	for _, n := range numbers {
		if errors.Is(err, n) {
			return true
		}
	}
	return false
}
