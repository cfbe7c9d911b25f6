package storeset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// HealResult is what a Heal did for a store.
type HealResult struct {
	Copied  int   // objects
	Bytes   int64 // of them
	Present int   // were there already: an answer was lost, or another healed them
	Deleted int
	// Left are records that stay: their objects can be had nowhere at the moment, are
	// conflicts, or wait for another. Heal again later.
	Left int
	// Conflicts name keys under which the store holds other bytes; at most
	// maxConflicts of them.
	Conflicts []Conflict
}

// Conflict is a write-once key under which two stores hold different bytes.
// Nothing is overwritten: which of them is right, the chain says (verify each store).
type Conflict struct {
	Key    string
	Store  string // the healed one
	SHA256 string // what it holds
	Other  string // the store it was compared with
	Wanted string // what that one holds
	Reason string
}

const maxConflicts = 100

// healPasses are the records of one pass after the other.
var healPasses = []struct {
	prefix string
	takes  func(key string) bool
}{
	{toDelete, func(string) bool { return true }},
	{"", func(key string) bool {
		return !strings.Contains(key, ":") && !isCheckpoint(key) && key != evidence.DescriptorKey
	}},
	{evidence.ChainsPrefix, func(key string) bool { return isCheckpoint(key) && !isPointer(key) }},
	{evidence.ChainsPrefix, isPointer},
	{evidence.DescriptorKey, func(string) bool { return true }},
}

// isCheckpoint: a chain's signed head, the latest or of one size.
func isCheckpoint(key string) bool {
	id, ok := evidence.ParseChainPrefix(key)
	return ok && (key == id.CheckpointKey() || strings.HasPrefix(key, id.CheckpointKey()+"s/"))
}

// Heal brings a store up to what the others have, as far as there are records
// of what it missed. The error is for what ended it early, the store being unavailable
// again above all; what was done until then stays done.
func (s *Set) Heal(ctx context.Context, store string) (HealResult, error) {
	h := &healing{s: s, waits: map[string]bool{}}
	for _, m := range s.members {
		if m.name == store {
			h.m = m
		}
	}
	if h.m == nil {
		return HealResult{}, fmt.Errorf("heal: the set has no store %q", store)
	}
	if s.ledger == nil {
		return HealResult{}, fmt.Errorf("heal store %q: the set has no ledger", store)
	}
	err := h.run(ctx)
	if err != nil {
		err = fmt.Errorf("heal store %q: %w", store, err)
	}
	return h.sum, err
}

// healing is a Heal under way.
type healing struct {
	s     *Set
	m     *member
	sum   HealResult
	waits map[string]bool // chains some of whose tiles are still missing
}

func (h *healing) run(ctx context.Context) error {
	if !h.m.enrolled.Load() {
		if err := h.s.compare(ctx); err != nil {
			return err
		}
	}
	for _, pass := range healPasses {
		for r, err := range h.s.records(ctx, h.m, pass.prefix) {
			if err != nil {
				return err
			}
			if !pass.takes(r.Key) {
				continue
			}
			if err := h.record(ctx, r); err != nil {
				return fmt.Errorf("%s: %w", r.Key, err)
			}
		}
	}
	return h.sweep(ctx)
}

// record settles one record under the key's lock.
func (h *healing) record(ctx context.Context, r catalog.Missed) error {
	key := strings.TrimPrefix(r.Key, toDelete)
	if !storage.ValidKey(key) {
		h.sum.Left++
		return nil // somebody else's record, or damage
	}
	id, inChain := evidence.ParseChainPrefix(key)
	if inChain && isCheckpoint(key) && h.waits[id.String()] {
		h.sum.Left++
		return nil
	}
	unlock, err := h.s.keys.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	if still, err := h.s.has(ctx, h.m, r.Key); err != nil || !still {
		return err
	}
	if key != r.Key {
		return h.delete(ctx, key)
	}
	ok, err := h.copy(ctx, r)
	if inChain && !ok {
		h.waits[id.String()] = true
	}
	return err
}

func (h *healing) delete(ctx context.Context, key string) error {
	err := h.s.deleteFrom(ctx, h.m, key)
	switch {
	case err == nil:
		h.sum.Deleted++
		return nil
	case errors.Is(err, storage.ErrNotFound):
		return nil
	case errors.Is(err, storage.ErrLocked):
		h.conflict(Conflict{Key: key, Store: h.m.name, Reason: "is to be deleted, and the store has locked it"})
		return nil
	}
	return err
}

// copy brings the bytes that the other stores hold under a key into the
// store. ok is false if the store still lacks them.
func (h *healing) copy(ctx context.Context, r catalog.Missed) (ok bool, err error) {
	const attempts = 3 // a pointer may be moved while it is copied
	copied := false
	for range attempts {
		from, want, err := h.origin(ctx, r.Key)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			h.nowhere(ctx, r)
			return true, nil
		case ctx.Err() != nil:
			return false, err
		case err != nil:
			return false, h.later(ctx, r.Key, err)
		}
		have, _, err := h.s.digest(ctx, h.m, r.Key)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return false, err
		}
		if have == want.SHA256 {
			h.settled(ctx, r.Key, copied, want.Size)
			return true, nil
		}
		if want.Replaces = have; have != "" {
			switch verdict, err := h.compare(ctx, r.Key, from, have); {
			case err != nil:
				return false, err
			case verdict == differs:
				h.conflict(Conflict{Key: r.Key, Store: h.m.name, SHA256: have, Other: from.name, Wanted: want.SHA256, Reason: "two stores hold different bytes"})
				return false, nil
			case verdict == newer:
				h.settled(ctx, r.Key, copied, want.Size)
				return true, nil
			}
		}
		var broken *bodyError
		switch err := h.put(ctx, from, want); {
		case errors.Is(err, storage.ErrExists), errors.Is(err, storage.ErrChanged):
			continue // somebody else was at work on it
		case errors.As(err, &broken), errors.Is(err, storage.ErrCorrupt):
			return false, h.later(ctx, r.Key, err)
		case err != nil:
			return false, err
		}
		if copied = true; !isPointer(r.Key) {
			h.settled(ctx, r.Key, copied, want.Size)
			return true, nil
		}
	}
	return false, h.later(ctx, r.Key, errors.New("it is being written"))
}

// settled drops the record of what is there now.
func (h *healing) settled(ctx context.Context, key string, copied bool, size int64) {
	if copied {
		h.sum.Copied++
		h.sum.Bytes += size
	} else {
		h.sum.Present++
	}
	h.s.forget(ctx, h.m, key)
}

// later leaves a record for another Heal.
func (h *healing) later(ctx context.Context, key string, cause error) error {
	if ctx.Err() != nil {
		return cause
	}
	h.s.log.WarnContext(ctx, "object cannot be healed yet", "store", h.m.name, "key", key, "error", cause)
	h.sum.Left++
	return nil
}

// origin finds a store that holds the key, and what it holds.
func (h *healing) origin(ctx context.Context, key string) (*member, storage.PutRequest, error) {
	var from *member
	want := storage.PutRequest{Key: key}
	err := h.s.find(ctx, key, h.m, func(m *member) (err error) {
		from = m
		want.SHA256, want.Size, err = h.s.digest(ctx, m, key)
		return err
	})
	return from, want, err
}

// verdict is what bytes in the healed store, other than those in another, are.
type verdict int

const (
	differs verdict = iota // nobody can say: a conflict
	older                  // they were replaced since
	newer                  // the other store is the one that is behind
)

// compare judges what the store holds under a key against what from holds.
func (h *healing) compare(ctx context.Context, key string, from *member, have string) (verdict, error) {
	if !isPointer(key) {
		known, err := h.s.has(ctx, h.m, replacedKey(have, key))
		if known {
			return older, err
		}
		return differs, err
	}
	var sizes [2]int64
	for i, m := range []*member{h.m, from} {
		b, err := m.read(ctx, key)
		if err != nil {
			return differs, err
		}
		sizes[i] = treeSize(key, b)
	}
	st, err := h.s.standing(ctx, from, key)
	switch {
	case err != nil:
		return differs, err
	case sizes[0] < sizes[1], sizes[0] == sizes[1] && from.inStep(st):
		return older, nil
	case sizes[0] > sizes[1] && !from.inStep(st):
		return newer, nil // all are behind since a swap of which no answer came: this one has seen it
	}
	return differs, nil
}

// put streams the object from one store into the other, which compares its
// SHA-256 before it keeps it.
func (h *healing) put(ctx context.Context, from *member, req storage.PutRequest) error {
	body, err := from.open(ctx, req.Key, 0, -1)
	if err != nil {
		return err
	}
	req.RetainUntil = evidence.RetainUntil(req.Key, h.s.now(), h.s.retain)
	in := &tap{r: body}
	err = h.m.call(ctx, req.Size <= smallPut, func(ctx context.Context) error {
		_, err := h.m.store.Put(ctx, req, in)
		if in.err != nil {
			err = &bodyError{err}
		}
		return err
	})
	if closeErr := body.Close(); err == nil && closeErr != nil {
		return fmt.Errorf("read %s: %w", req.Key, io.ErrUnexpectedEOF)
	}
	return err
}

// nowhere settles a record of what no other store holds: a Put that came to
// nothing, or whose only copy is in this very store, by a lost answer. A young
// record may be of a Put that another process is at.
func (h *healing) nowhere(ctx context.Context, r catalog.Missed) {
	if h.s.now().Sub(r.Since) < h.s.grace {
		h.sum.Left++
		return
	}
	h.s.forget(ctx, h.m, r.Key)
}

func (h *healing) conflict(c Conflict) {
	h.sum.Left++
	if len(h.sum.Conflicts) < maxConflicts {
		h.sum.Conflicts = append(h.sum.Conflicts, c)
	}
}

// sweep drops the records of replaced bytes whose key is settled.
func (h *healing) sweep(ctx context.Context) error {
	for r, err := range h.s.records(ctx, h.m, replaced) {
		if err != nil {
			return err
		}
		_, key, _ := strings.Cut(strings.TrimPrefix(r.Key, replaced), ":")
		if key == "" {
			continue
		}
		if due, err := h.s.has(ctx, h.m, key); err != nil {
			return err
		} else if !due {
			h.s.forget(ctx, h.m, r.Key)
		}
	}
	return nil
}
