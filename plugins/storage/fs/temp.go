package fs

import (
	"crypto/rand"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"

	"golang.org/x/sys/unix"
)

const (
	tempFolder = ".tmp"
	lockName   = tempFolder + "/lock"
)

// temp is an upload under way. Its flock tells other processes that it is
// not a crash's leftover; it lasts as long as the descriptor.
type temp struct {
	fs   *FS
	name string
	file *os.File
	gone bool // renamed away
}

// newTemp makes a temporary file and takes its lock.
func (f *FS) newTemp() (*temp, error) {
	if err := f.root.Mkdir(tempFolder, 0o755); err != nil && !errors.Is(err, iofs.ErrExist) {
		return nil, fmt.Errorf("make temporary folder: %w", classify(err))
	}
	const attempts = 10
	for range attempts {
		name := tempFolder + "/" + rand.Text()
		file, err := f.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, fmt.Errorf("make temporary file: %w", classify(err))
		}
		t := &temp{fs: f, name: name, file: file}
		// Between its making and its locking, another process' sweep may have
		// taken the file for a leftover: then it is locked, or gone.
		if flock(file, unix.LOCK_EX|unix.LOCK_NB) == nil && t.inPlace() {
			return t, nil
		}
		t.discard()
	}
	return nil, fmt.Errorf("make temporary file: lost %d of them to other processes", attempts)
}

func (t *temp) inPlace() bool {
	have, err := t.file.Stat()
	if err != nil {
		return false
	}
	named, err := t.fs.root.Lstat(t.name)
	return err == nil && os.SameFile(have, named)
}

// discard removes the temporary name. What was linked or renamed stays. An
// error leaves a file that the next sweep removes.
func (t *temp) discard() {
	if !t.gone {
		_ = t.fs.root.Remove(t.name)
	}
	_ = t.file.Close()
}

// sweep removes what crashed uploads have left. It does what it can: a folder
// that is not writable has no uploads.
func (f *FS) sweep() {
	d, err := f.root.Open(tempFolder)
	if err != nil {
		return
	}
	names, _ := d.Readdirnames(-1) // an unreadable rest is swept another time
	_ = d.Close()
	for _, base := range names {
		name := tempFolder + "/" + base
		if name == lockName {
			continue
		}
		fi, err := f.root.Lstat(name)
		if err != nil || !fi.Mode().IsRegular() {
			continue
		}
		file, err := f.root.OpenFile(name, os.O_RDWR|unix.O_NONBLOCK, 0)
		if err != nil {
			// Mode 0444 is set just before the file gets its name.
			file, err = f.root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
		}
		if err != nil {
			continue
		}
		if flock(file, unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = f.root.Remove(name)
		}
		_ = file.Close()
	}
}

// locked runs work while no other Replaces or Delete runs, in any process.
func (f *FS) locked(work func() error) error {
	if err := f.root.Mkdir(tempFolder, 0o755); err != nil && !errors.Is(err, iofs.ErrExist) {
		return fmt.Errorf("make temporary folder: %w", classify(err))
	}
	file, err := f.root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("open lock: %w", classify(err))
	}
	defer func() { _ = file.Close() }() // which also unlocks
	if err := flock(file, unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock: %w", classify(err))
	}
	return work()
}

// flock locks an open file description: other descriptors of the same file,
// of this process too, have to wait. flock(2) is interrupted by signals.
func flock(file *os.File, how int) error {
	for {
		if err := unix.Flock(int(file.Fd()), how); err != unix.EINTR {
			return err
		}
	}
}
