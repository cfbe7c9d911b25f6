package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// SFTP cannot compare and swap. Who replaces or deletes holds a lock: a file
// that only one can make, with a word of its own in it. One whose holder died
// is taken away by whoever has seen the same word for so long.
const (
	lockStale = 2 * time.Minute
	lockHold  = time.Minute // no longer does anybody hold it
	lockPoll  = 50 * time.Millisecond
)

// alone calls do while no other replaces or deletes, in this process or
// another. do gets a function that says whether that still holds.
func (s *Store) alone(ctx context.Context, c *session, do func(still func() error) error) error {
	select {
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	name, word := s.at(temporary+"/lock"), rand.Text()
	if err := s.lock(ctx, c, name, word); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	held := time.Now()
	still := func() error {
		if time.Since(held) > lockHold {
			return fmt.Errorf("%w: it took too long", storage.ErrUnavailable)
		}
		if have, err := c.word(name); err != nil || have != word {
			return fmt.Errorf("%w: the lock is lost", storage.ErrUnavailable)
		}
		return nil
	}
	err := do(still)
	if still() == nil {
		if removeErr := c.Client.Remove(name); removeErr != nil {
			slog.Warn("unlock", "error", removeErr)
		}
	}
	return err
}

// lock waits for the lock. Since when another holds it is remembered from call
// to call: the host does not wait for one as long as a lock may be stale.
func (s *Store) lock(ctx context.Context, c *session, name, word string) error {
	poll := time.NewTicker(lockPoll)
	defer poll.Stop()
	for absent := 0; ; {
		err := c.makeLock(name, word)
		if err == nil {
			s.seen = ""
			return nil
		}
		other, readErr := c.word(name)
		switch {
		case errors.Is(readErr, os.ErrNotExist) && absent < 20: // just given back
			absent++
		case lost(err), readErr != nil, errors.Is(err, os.ErrPermission):
			return c.classify(err)
		case other != s.seen || s.since.IsZero():
			s.seen, s.since, absent = other, time.Now(), 0
		case time.Since(s.since) > s.stale:
			slog.Warn("a lock whose holder is gone is taken away")
			aside := s.at(temporary + "/" + rand.Text())
			if err := c.PosixRename(name, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
				return c.classify(err)
			}
			_ = c.Client.Remove(aside) // of no meaning any more
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *session) makeLock(name, word string) error {
	file, err := c.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return fmt.Errorf("make: %w", err)
	}
	_, err = file.Write([]byte(word))
	return errors.Join(err, file.Close())
}

// word reads what a lock file says.
func (c *session) word(name string) (string, error) {
	file, err := c.Open(name)
	if err != nil {
		return "", fmt.Errorf("open: %w", err)
	}
	defer func() { _ = file.Close() }() // only read from
	b, err := io.ReadAll(io.LimitReader(file, 256))
	if err != nil {
		return "", fmt.Errorf("read: %w", err)
	}
	return string(b), nil
}
