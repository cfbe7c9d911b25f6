package retention

import (
	"context"
	"errors"
	"fmt"
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
	from, err := k.remove(ctx, chain, time.Time{}, s)
	for err == nil {
		var more bool
		if more, err = k.declare(ctx, chain, s); err != nil || !more {
			break
		}
		// What was named just now is newer than all before it, but where a hold
		// was lifted; that is found from the beginning.
		if _, err = k.remove(ctx, chain, from, s); errors.Is(err, errStoreDown) {
			return nil // told in the summary; what is named next would wait as well
		}
	}
	if errors.Is(err, errStoreDown) {
		return nil
	}
	return err
}

// declare seals one expiry entry; false if there was nothing to name.
func (k *Keeper) declare(ctx context.Context, chain evidence.ChainID, s *Summary) (bool, error) {
	var seqs []int64
	var held int64
	_, err := k.Collector.Enter(ctx, chain, func(ctx context.Context) ([]evidence.Entry, error) {
		windows, n, _, err := k.due(ctx, chain, batch)
		if seqs, held = nil, n; err != nil || len(windows) == 0 {
			return nil, err
		}
		for _, w := range windows {
			seqs = append(seqs, w.row.Seq)
		}
		return []evidence.Entry{{Kind: evidence.KindExpiry, Expiry: &evidence.Expiry{
			Seqs: seqs, Policy: k.Policy.Text, Reason: k.Policy.Reason,
		}}}, nil
	})
	if err != nil || len(seqs) == 0 {
		s.Held += held // the last look saw all that is held
		return false, err
	}
	s.Entries, s.Declared = s.Entries+1, s.Declared+int64(len(seqs))
	return true, nil
}

var errStoreDown = errors.New("store refuses one deletion after the other")

// remover removes expiring windows of a chain.
type remover struct {
	*Keeper
	chain  evidence.ChainID
	s      *Summary
	broken int // failures in a row
}

// remove deletes the objects of expiring windows from a start on, and returns
// where the last one looked at ended.
func (k *Keeper) remove(ctx context.Context, chain evidence.ChainID, from time.Time, s *Summary) (time.Time, error) {
	r := &remover{Keeper: k, chain: chain, s: s}
	for {
		rows, err := k.Catalog.Expiring(ctx, chain, from, removals)
		if err != nil || len(rows) == 0 {
			return from, err //nolint:wrapcheck // names the chain already
		}
		end := rows[len(rows)-1].Window.End
		_, err = k.Collector.Enter(ctx, chain, func(ctx context.Context) ([]evidence.Entry, error) {
			return nil, r.removeFrom(ctx, from)
		})
		if err != nil {
			return from, err //nolint:wrapcheck // names the chain already
		}
		if from = end; r.broken >= maxBroken {
			return from, errStoreDown
		}
	}
}

// removeFrom removes one stretch of expiring windows. The chain is at rest.
func (r *remover) removeFrom(ctx context.Context, from time.Time) error {
	rows, err := r.Catalog.Expiring(ctx, r.chain, from, removals) // again: another may have been here
	if err != nil {
		return err //nolint:wrapcheck // names the chain already
	}
	holds, err := r.Catalog.Holds(ctx, r.chain)
	if err != nil {
		return err //nolint:wrapcheck // names the chain already
	}
	windows, held, err := r.free(ctx, r.chain, rows, holds, len(rows))
	if err != nil {
		return err
	}
	r.s.Held += held
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
	r.Log.ErrorContext(ctx, "expired object cannot be removed", "key", key, "seq", seq, "error", err)
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
