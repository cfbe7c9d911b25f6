package retention

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Summary tells what an Expire did.
type Summary struct {
	Entries  int64     `json:"entries"`  // expiry entries sealed
	Declared int64     `json:"declared"` // windows that they name
	Removed  int64     `json:"removed"`  // windows whose objects are gone now
	Objects  int64     `json:"objects"`  // deleted
	Bytes    int64     `json:"bytes"`    // stored bytes of the windows removed
	From     time.Time `json:"from,omitzero"`
	To       time.Time `json:"to,omitzero"` // the range of the windows removed
	Held     int64     `json:"held"`        // old enough, and kept by a hold
	// Locked and Failed hold at most maxListed each; the counts are of all.
	Locked      []Locked  `json:"locked"`
	LockedCount int64     `json:"locked_count"`
	Failed      []Failure `json:"failed"`
	FailedCount int64     `json:"failed_count"`
}

// maxListed bounds what a summary lists.
const maxListed = 100

// Locked is an object that its store refuses to delete.
type Locked struct {
	Key   string    `json:"key"`
	Until time.Time `json:"until,omitzero"` // zero: the store does not tell
}

// Failure is a window whose object could not be removed. It is tried again.
type Failure struct {
	Seq  int64  `json:"seq"`
	Key  string `json:"key"`
	Text string `json:"error"`
}

// removals is how many objects are deleted in one stay with the chain, which
// nobody seals into meanwhile.
const removals = 64

// maxBroken ends a run after so many failures in a row: the store is down.
const maxBroken = 100

// Expire ends what an earlier run left, gives up what the policy no longer
// keeps and removes it. Objects that could not be removed are in the summary;
// the error is for what kept from going on.
func (k *Keeper) Expire(ctx context.Context, chain evidence.ChainID) (Summary, error) {
	s := &Summary{Locked: []Locked{}, Failed: []Failure{}}
	if err := k.expire(ctx, chain, s); err != nil {
		return *s, fmt.Errorf("expire %s: %w", chain, err)
	}
	return *s, nil
}

func (k *Keeper) expire(ctx context.Context, chain evidence.ChainID, s *Summary) error {
	r := &remover{Keeper: k, chain: chain, s: s, tried: map[int64]bool{}}
	from := time.Time{}
	for {
		if err := r.remove(ctx, from); err != nil || r.broken >= maxBroken {
			return err // a store that is down is told in the summary; what is named next would wait as well
		}
		first, err := r.declare(ctx)
		if err != nil || first.IsZero() {
			return err
		}
		from = first
	}
}

// declare seals one expiry entry and returns where the first window it names
// starts; the zero time if there was nothing to name.
func (r *remover) declare(ctx context.Context) (first time.Time, err error) {
	var seqs []int64
	var held int64
	_, err = r.Collector.Enter(ctx, r.chain, func(ctx context.Context) ([]evidence.Entry, error) {
		windows, n, err := r.due(ctx, r.chain, batch)
		if held = n; err != nil || len(windows) == 0 {
			return nil, err
		}
		first = windows[0].row.Window.Start
		for _, w := range windows {
			seqs = append(seqs, w.row.Seq)
			if start := w.row.Window.Start; start.Before(first) {
				first = start
			}
		}
		return []evidence.Entry{{Kind: evidence.KindExpiry, Expiry: &evidence.Expiry{
			Seqs: seqs, Policy: r.Policy.Text, Reason: r.Policy.Reason,
		}}}, nil
	})
	if err != nil || len(seqs) == 0 {
		r.s.Held += held // this look saw all that is held
		return time.Time{}, err
	}
	r.s.Entries, r.s.Declared = r.s.Entries+1, r.s.Declared+int64(len(seqs))
	return first, nil
}

// remover is one Expire at work.
type remover struct {
	*Keeper
	chain  evidence.ChainID
	s      *Summary
	tried  map[int64]bool // seqs that stay: held, locked or failed
	broken int            // failures in a row
}

// remove deletes the objects of expiring windows from a start on.
func (r *remover) remove(ctx context.Context, from time.Time) error {
	for r.broken < maxBroken {
		rows, err := r.Catalog.Expiring(ctx, r.chain, from, removals)
		if err != nil || len(rows) == 0 {
			return err //nolint:wrapcheck // names the chain already
		}
		_, err = r.Collector.Enter(ctx, r.chain, func(ctx context.Context) ([]evidence.Entry, error) {
			return nil, r.removeFrom(ctx, from)
		})
		if err != nil {
			return err //nolint:wrapcheck // names the chain already
		}
		from = rows[len(rows)-1].Window.End
	}
	return nil
}

// removeFrom removes one stretch of expiring windows. The chain is at rest.
func (r *remover) removeFrom(ctx context.Context, from time.Time) error {
	rows, err := r.Catalog.Expiring(ctx, r.chain, from, removals) // again: another may have been here
	if err != nil {
		return err //nolint:wrapcheck // names the chain already
	}
	rows = slices.DeleteFunc(rows, func(w catalog.Window) bool { return r.tried[w.Seq] })
	holds, err := r.Catalog.Holds(ctx, r.chain)
	if err != nil {
		return err //nolint:wrapcheck // names the chain already
	}
	windows, held, err := r.free(ctx, r.chain, rows, holds, len(rows))
	if err != nil {
		return err
	}
	r.s.Held += held
	for _, w := range rows {
		r.tried[w.Seq] = true
	}
	for _, w := range windows {
		if r.broken >= maxBroken {
			return nil
		}
		if err := r.removeOne(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// removeOne deletes a window's objects, those that were found displaced first:
// they hold personal data too.
func (r *remover) removeOne(ctx context.Context, w window) error {
	keys := make([]string, 0, 1+len(w.entry.Object.Displaced))
	for _, d := range w.entry.Object.Displaced {
		keys = append(keys, d.Key)
	}
	deleted := int64(0)
	for _, key := range append(keys, w.entry.Object.Key) {
		err := r.deleteObject(ctx, w.row, key)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			deleted++
		case errors.Is(err, storage.ErrNotFound): // by an earlier run
		case errors.Is(err, storage.ErrLocked):
			r.locked(ctx, key)
			return nil
		default:
			r.failed(ctx, w.row.Seq, key, err)
			return nil
		}
	}
	r.broken = 0
	if err := r.Catalog.SetRemoved(ctx, r.chain, w.row.Seq); err != nil {
		return err //nolint:wrapcheck // names the entry already
	}
	delete(r.tried, w.row.Seq)
	s := r.s
	s.Removed, s.Objects, s.Bytes = s.Removed+1, s.Objects+deleted, s.Bytes+w.entry.Object.Bytes
	s.From, s.To = widen(s.From, s.To, w.row.Window)
	return nil
}

// deleteObject deletes a key of the window, and of nothing else.
func (r *remover) deleteObject(ctx context.Context, row catalog.Window, key string) error {
	chain, window, _, err := evidence.ParseObjectKey(key)
	if err != nil {
		return err //nolint:wrapcheck // names the key already
	}
	if chain != r.chain || !window.Start.Equal(row.Window.Start) || !window.End.Equal(row.Window.End) {
		return fmt.Errorf("%s is not of window %s", key, row.Window)
	}
	return r.Store.Delete(ctx, key) //nolint:wrapcheck // names the key already
}

func (r *remover) locked(ctx context.Context, key string) {
	r.broken = 0
	l := Locked{Key: key, Until: r.lockedUntil(ctx, key)}
	r.Log.WarnContext(ctx, "expired object is locked in the store", "key", key, "until", l.Until)
	if r.s.LockedCount++; len(r.s.Locked) < maxListed {
		r.s.Locked = append(r.s.Locked, l)
	}
}

func (r *remover) failed(ctx context.Context, seq int64, key string, err error) {
	r.broken++
	r.Log.DebugContext(ctx, "expired object cannot be removed", "key", key, "seq", seq, "error", err) // the summary tells
	if r.s.FailedCount++; len(r.s.Failed) < maxListed {
		r.s.Failed = append(r.s.Failed, Failure{Seq: seq, Key: key, Text: err.Error()})
	}
}

// lockedUntil asks the store; zero if it does not tell.
func (k *Keeper) lockedUntil(ctx context.Context, key string) time.Time {
	teller, ok := k.Store.(LockTeller)
	if !ok {
		return time.Time{}
	}
	until, err := teller.LockedUntil(ctx, key)
	if err != nil {
		k.Log.DebugContext(ctx, "store does not tell its lock", "key", key, "error", err)
		return time.Time{}
	}
	return until
}

// ExpireChain is Expire for a daemon's job: what was done is logged, and what
// failed is an error, so that it is tried again soon. Locked objects are not.
func (k *Keeper) ExpireChain(ctx context.Context, chain evidence.ChainID) error {
	s, err := k.Expire(ctx, chain)
	if s.Declared > 0 || s.Removed > 0 || s.LockedCount > 0 {
		k.Log.InfoContext(ctx, "retention applied", "chain", chain.String(), "declared", s.Declared, "removed", s.Removed,
			"objects", s.Objects, "bytes", s.Bytes, "held", s.Held, "locked", s.LockedCount, "failed", s.FailedCount)
	}
	if err != nil {
		return err
	}
	if s.FailedCount > 0 {
		return fmt.Errorf("expire %s: %d objects cannot be removed yet, the first: %s", chain, s.FailedCount, s.Failed[0].Text)
	}
	return nil
}
