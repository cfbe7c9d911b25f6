package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// holder is who holds a lock, for the message to the one who does not get it.
// It stands beside the lock file and not in it, because where locks are
// mandatory a locked file cannot be read. It decides nothing.
type holder struct {
	PID  int    `json:"pid"`
	Host string `json:"host"`
}

// maxHolder bounds the reading of a holder file in bytes.
const maxHolder = 1024

// Lock takes an operating system's lock on a file of the chain. Two Locks of
// one process exclude each other as two processes do.
func (c *Catalog) Lock(ctx context.Context, chain evidence.ChainID) (unlock func() error, err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("lock chain %s: %w", chain, err)
	}
	if err := checkChain(chain); err != nil { // it names a file
		return nil, fmt.Errorf("lock chain: %w", err)
	}
	name := chain.Zone + "-" + chain.Dataset
	lockPath, err := c.lockFile(name + ".lock")
	if err != nil {
		return nil, fmt.Errorf("lock chain %s: %w", chain, err)
	}
	holderPath, err := c.lockFile(name + ".holder")
	if err != nil {
		return nil, fmt.Errorf("lock chain %s: %w", chain, err)
	}
	f := flock.New(lockPath)
	ok, err := f.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock chain %s: %w", chain, err)
	}
	if !ok {
		return nil, fmt.Errorf("lock chain %s: %w%s", chain, catalog.ErrBusy, readHolder(holderPath))
	}
	if err := writeHolder(holderPath); err != nil {
		return nil, fmt.Errorf("lock chain %s: %w", chain, errors.Join(err, f.Unlock()))
	}
	return sync.OnceValue(func() error {
		// First the name, then the lock: the next holder's name must stay.
		err := os.Remove(holderPath)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err := errors.Join(err, f.Unlock()); err != nil {
			return fmt.Errorf("unlock chain %s: %w", chain, err)
		}
		return nil
	}), nil
}

// lockFile returns a path in the folder of locks, which it makes where missing.
// Lock files are never removed: one who waits on a removed file would hold a
// lock that nobody else sees.
func (c *Catalog) lockFile(name string) (string, error) {
	dir := c.path + ".locks"
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make lock folder: %w", err)
	}
	return filepath.Join(dir, name), nil
}

func writeHolder(path string) error {
	host, err := os.Hostname()
	if err != nil {
		host = "" // the pid alone helps too
	}
	b, err := json.Marshal(holder{os.Getpid(), host})
	if err != nil {
		return fmt.Errorf("encode lock holder: %w", err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return fmt.Errorf("write lock holder: %w", err)
	}
	return nil
}

// readHolder returns " (pid 7 on host)", or "" where that is not known.
func readHolder(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(f, maxHolder))
	if err != nil {
		return ""
	}
	var h holder
	if json.Unmarshal(b, &h) != nil || h.PID <= 0 {
		return ""
	}
	if h.Host == "" {
		return fmt.Sprintf(" (pid %d)", h.PID)
	}
	return fmt.Sprintf(" (pid %d on %q)", h.PID, h.Host)
}
