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
	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
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
	if err := ledger.CheckChain(chain); err != nil { // it names a file
		return nil, fmt.Errorf("lock chain: %w", err)
	}
	return c.hold(chain.Zone+"-"+chain.Dataset, "chain "+chain.String())
}

// LockCollector takes the place of the one daemon that one SQLite file stands.
func (c *Catalog) LockCollector(ctx context.Context) (unlock func() error, err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("lock collector: %w", err)
	}
	return c.hold("collector", "collector")
}

// hold takes the lock of a name for what it stands for.
func (c *Catalog) hold(name, what string) (unlock func() error, err error) {
	lockPath, err := c.lockFile(name + ".lock")
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", what, err)
	}
	holderPath, err := c.lockFile(name + ".holder")
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", what, err)
	}
	f := flock.New(lockPath)
	ok, err := f.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", what, err)
	}
	if !ok {
		return nil, fmt.Errorf("lock %s: %w%s", what, catalog.ErrBusy, readHolder(holderPath))
	}
	if err := writeHolder(holderPath); err != nil {
		return nil, fmt.Errorf("lock %s: %w", what, errors.Join(err, f.Unlock()))
	}
	return sync.OnceValue(func() error {
		// First the name, then the lock: the next holder's name must stay.
		err := os.Remove(holderPath)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err := errors.Join(err, f.Unlock()); err != nil {
			return fmt.Errorf("unlock %s: %w", what, err)
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
