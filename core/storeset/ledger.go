package storeset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

// Ledger is the set's durable memory, a part of catalog.Memory. What it has
// accepted MUST survive power loss.
type Ledger interface {
	PutMissed(ctx context.Context, missed []catalog.Missed) error
	ListMissed(ctx context.Context, store, after string, limit int) ([]catalog.Missed, error)
	DropMissed(ctx context.Context, store, key string) error
	PutNote(ctx context.Context, key string, value []byte) error
	Note(ctx context.Context, key string) ([]byte, error)
}

const (
	// toDelete and replaced mark records that are not about missing bytes. A
	// colon is in no object's key.
	toDelete = "delete:"
	replaced = "replace:"
	// membersNote is the note that says who is a member.
	membersNote = "storeset"
	page        = 256
)

// standing is what the ledger says of a store and a key.
type standing struct{ missed, deleted bool }

func (s *Set) standing(ctx context.Context, m *member, key string) (st standing, err error) {
	if s.ledger == nil {
		return standing{}, nil
	}
	if st.missed, err = s.has(ctx, m, key); err != nil {
		return st, err
	}
	st.deleted, err = s.has(ctx, m, toDelete+key)
	return st, err
}

// inStep: the member's word on a key counts.
func (m *member) inStep(st standing) bool { return m.enrolled.Load() && !st.missed && !st.deleted }

func (s *Set) has(ctx context.Context, m *member, key string) (bool, error) {
	found, err := s.ledger.ListMissed(ctx, m.name, before(key), 1)
	if err != nil {
		return false, fmt.Errorf("look up what store %q missed: %w", m.name, err)
	}
	return len(found) == 1 && found[0].Key == key, nil
}

// before returns a string that sorts before key, and between which and key
// there is no record's key: keys hold no byte above 'z'.
func before(key string) string {
	n := len(key) - 1
	return key[:n] + string(key[n]-1) + "\x7f"
}

// records yields a store's records whose key begins with prefix.
func (s *Set) records(ctx context.Context, m *member, prefix string) iter.Seq2[catalog.Missed, error] {
	return func(yield func(catalog.Missed, error) bool) {
		after := ""
		if prefix != "" {
			after = before(prefix)
		}
		for {
			found, err := s.ledger.ListMissed(ctx, m.name, after, page)
			if err != nil {
				yield(catalog.Missed{}, fmt.Errorf("list what store %q missed: %w", m.name, err))
				return
			}
			for _, r := range found {
				if r.Key <= after {
					continue
				}
				if !strings.HasPrefix(r.Key, prefix) || !yield(r, nil) {
					return
				}
				after = r.Key
			}
			if len(found) < page {
				return
			}
		}
	}
}

// Missing counts the records of a store: the objects that it may lack, or
// still has to delete.
func (s *Set) Missing(ctx context.Context, store string) (n int64, err error) {
	if s.ledger == nil {
		return 0, nil
	}
	for _, m := range s.members {
		if m.name != store {
			continue
		}
		for _, err := range s.records(ctx, m, "") {
			if err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// anyRecord reports whether a store has a record whose key begins with prefix.
func (s *Set) anyRecord(ctx context.Context, m *member, prefix string) (bool, error) {
	if s.ledger == nil {
		return false, nil
	}
	for _, err := range s.records(ctx, m, prefix) {
		return err == nil, err
	}
	return false, nil
}

func (s *Set) record(ctx context.Context, missed []catalog.Missed) error {
	if len(missed) == 0 {
		return nil
	}
	if err := s.ledger.PutMissed(ctx, missed); err != nil {
		return fmt.Errorf("record what stores miss: %w", err)
	}
	return nil
}

// forget drops a record whose matter is settled. One that stays costs Heal a
// comparison and nothing else, so that an error is no reason to fail a Put.
func (s *Set) forget(ctx context.Context, m *member, key string) {
	if err := s.ledger.DropMissed(ctx, m.name, key); err != nil {
		s.log.WarnContext(ctx, "settled record stays in the ledger", "store", m.name, "key", key, "error", err)
	}
}

// roll is the note of the members.
type roll struct {
	Stores []rollEntry `json:"stores"`
}

// rollEntry: Full says that the store was compared as one that holds every
// object, and not as a stand-in.
type rollEntry struct {
	Name string `json:"name"`
	Full bool   `json:"full"`
}

func readRoll(ctx context.Context, l Ledger) (roll, error) {
	var r roll
	b, err := l.Note(ctx, membersNote)
	if errors.Is(err, catalog.ErrNotFound) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("read members of the store set: %w", err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("read members of the store set: %w: %w", catalog.ErrCorrupt, err)
	}
	return r, nil
}

func writeRoll(ctx context.Context, l Ledger, r roll) error {
	b, err := json.Marshal(r)
	if err == nil {
		err = l.PutNote(ctx, membersNote, b)
	}
	if err != nil {
		return fmt.Errorf("write members of the store set: %w", err)
	}
	return nil
}

// Disband forgets who is a member. It is for an archive that is written with
// one store and no Set: others that were members miss what is written then
// without any record, and have to be compared again when they come back.
func Disband(ctx context.Context, l Ledger) error {
	r, err := readRoll(ctx, l)
	if err != nil || len(r.Stores) == 0 {
		return err
	}
	return writeRoll(ctx, l, roll{})
}
