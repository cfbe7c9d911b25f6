package collect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// slot gives a chain to one sealer of this process at a time. It lives, with
// the opened chain, as long as somebody has entered it.
type slot struct {
	users  int           // guarded by Collector.mu
	turn   chan struct{} // held by who seals
	sealer *sealer       // by the holder of turn; nil: to be opened
}

// enter keeps a chain's slot open until leave.
func (c *Collector) enter(id evidence.ChainID) *slot {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.slots[id]
	if s == nil {
		s = &slot{turn: make(chan struct{}, 1)}
		c.slots[id] = s
	}
	s.users++
	return s
}

func (c *Collector) leave(id evidence.ChainID, s *slot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.users--; s.users == 0 {
		delete(c.slots, id)
	}
}

// alone runs f with the chain to itself, over all processes of the catalog:
// log, catalog and pending records agree when f begins. After an error that
// leaves the chain's state in doubt, the next one opens it anew.
func (c *Collector) alone(ctx context.Context, id evidence.ChainID, f func(s *sealer) error) (err error) {
	sl := c.enter(id)
	defer c.leave(id, sl)
	select {
	case sl.turn <- struct{}{}:
		defer func() { <-sl.turn }()
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the caller's own cancellation
	}
	unlock, err := c.lock(ctx, id)
	if err != nil {
		return err
	}
	defer func() {
		// A lock lost with its connection is no failure of what was sealed
		// under it: the store's own conditions held meanwhile.
		if unlockErr := unlock(); unlockErr != nil {
			c.Log.WarnContext(ctx, "give back chain", "chain", id.String(), "error", unlockErr)
		}
	}()
	if sl.sealer, err = c.current(ctx, id, sl.sealer); err != nil {
		sl.sealer = nil
		return err
	}
	if err = f(sl.sealer); err != nil && !errors.Is(err, errAlreadySealed) {
		sl.sealer = nil
	}
	return err
}

// current returns a sealer that agrees with the catalog and has no pending
// record before it: the one at hand, or a new one.
func (c *Collector) current(ctx context.Context, id evidence.ChainID, s *sealer) (*sealer, error) {
	if s == nil {
		return c.open(ctx, id)
	}
	head, err := c.Catalog.Head(ctx, id)
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return nil, fmt.Errorf("read head of %s: %w", id, err)
	}
	pending, err := c.Catalog.ListPending(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("list pending windows: %w", err)
	}
	// Another process may have sealed meanwhile, or died in it; or the catalog
	// may have lost what was committed last.
	if head.Size != s.head.Size || len(pending) > 0 {
		return c.open(ctx, id)
	}
	return s, nil
}

// lock waits for another process that holds the chain: it does so only while
// it seals a window.
func (c *Collector) lock(ctx context.Context, id evidence.ChainID) (unlock func() error, err error) {
	deadline := time.Now().Add(c.Busy)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		unlock, err = c.Catalog.Lock(ctx, id)
		if !errors.Is(err, catalog.ErrBusy) || time.Now().After(deadline) {
			break
		}
		if err := wait(ctx, pause/2+pause.Truncate(2)/2); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, fmt.Errorf("take chain %s: %w", id, err)
	}
	return unlock, nil
}

// open brings log, catalog and pending records of a chain into agreement. The
// caller holds its lock.
func (c *Collector) open(ctx context.Context, id evidence.ChainID) (*sealer, error) {
	l, err := chain.Open(ctx, chain.Config{Store: c.Store, Archive: c.Archive, Chain: id, Key: c.Key, Retain: c.Retain, Now: c.Now, Log: c.Log})
	if err != nil {
		return nil, err //nolint:wrapcheck // names the chain already
	}
	s := &sealer{c: c, id: id, log: l}
	if err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	if err := s.recover(ctx); err != nil {
		return nil, err
	}
	return s, s.tidy(ctx)
}

// CatchUp enters what the chain holds into the catalog, and ends what an
// earlier run left between spool and chain.
func (c *Collector) CatchUp(ctx context.Context, id evidence.ChainID) error {
	if err := c.alone(ctx, id, func(*sealer) error { return nil }); err != nil {
		return fmt.Errorf("catch up with %s: %w", id, err)
	}
	return nil
}
