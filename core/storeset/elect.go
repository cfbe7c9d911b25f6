package storeset

import (
	"context"
	"errors"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// elect settles who decides about a key on which every member is behind: a
// Put that no store answered, or that died in the middle. All members must answer
// now. The one with the greatest pointer, or the first that holds the key, or
// the first of all is in step from here on; the others stay on record. The
// caller holds the key's lock.
func (s *Set) elect(ctx context.Context, key string) (*member, error) {
	var first, best *member
	size := int64(-1)
	for _, m := range s.members {
		if !m.enrolled.Load() {
			continue
		}
		if st, err := s.standing(ctx, m, key); err != nil || st.deleted {
			return nil, errors.Join(unavailable("a deletion is still due", nil), err)
		}
		if first == nil {
			first = m
		}
		n, err := m.weigh(ctx, key)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			continue
		case err != nil:
			return nil, unavailable("not every store that could hold it has answered", []error{err})
		}
		if best == nil || n > size {
			best, size = m, n
		}
	}
	if best == nil {
		best = first
	}
	if best == nil {
		return nil, unavailable("no store is a member", nil)
	}
	s.log.InfoContext(ctx, "every store was behind on a key; all have answered and one decides again", "key", key, "store", best.name)
	return best, s.ledger.DropMissed(ctx, best.name, key) //nolint:wrapcheck // by the caller
}

// weigh returns what speaks for a store's bytes: the tree's size of a pointer.
func (m *member) weigh(ctx context.Context, key string) (int64, error) {
	if isPointer(key) {
		b, err := m.read(ctx, key)
		return treeSize(key, b), err
	}
	return 0, m.call(ctx, true, func(ctx context.Context) error {
		_, err := m.store.Stat(ctx, key)
		return err
	})
}
