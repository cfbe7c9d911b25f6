package storeset

import (
	"context"
	"errors"
	"fmt"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Delete removes an object from every store: see the package comment for what
// its errors mean.
func (s *Set) Delete(ctx context.Context, key string) error {
	if !storage.ValidKey(key) {
		return fmt.Errorf("delete %.80q: %w", key, storage.ErrInvalidKey)
	}
	unlock, err := s.keys.lock(ctx, key)
	if err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	defer unlock()
	if err := s.deleteAll(ctx, key); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

func (s *Set) deleteAll(ctx context.Context, key string) error {
	if s.ledger != nil {
		due := make([]catalog.Missed, len(s.members))
		for i, m := range s.members {
			due[i] = catalog.Missed{Store: m.name, Key: toDelete + key, Since: s.now().UTC()}
		}
		if err := s.record(ctx, due); err != nil {
			return err
		}
	}
	gone := false
	var errs []error
	for _, m := range s.members {
		err := s.deleteFrom(ctx, m, key)
		if !errors.Is(err, storage.ErrLocked) {
			s.forgetMissed(ctx, m, key)
		}
		switch {
		case errors.Is(err, storage.ErrLocked) && s.ledger != nil:
			// It keeps the object, and the caller is told: nothing is due.
			s.forget(ctx, m, toDelete+key)
		case errors.Is(err, storage.ErrNotFound):
			continue
		case err == nil:
			gone = true
			continue
		}
		errs = append(errs, err)
	}
	switch {
	case len(errs) > 0:
		return errors.Join(errs...)
	case !gone:
		return storage.ErrNotFound
	}
	return nil
}

// deleteFrom removes an object from one store and settles its records. The
// error is ErrNotFound if it was not there.
func (s *Set) deleteFrom(ctx context.Context, m *member, key string) error {
	err := m.call(ctx, true, func(ctx context.Context) error { return m.store.Delete(ctx, key) })
	if s.ledger != nil && (err == nil || errors.Is(err, storage.ErrNotFound)) {
		s.forget(ctx, m, toDelete+key)
	}
	return err
}

// forgetMissed drops the record of bytes that nobody wants any longer.
func (s *Set) forgetMissed(ctx context.Context, m *member, key string) {
	if s.ledger == nil {
		return
	}
	if found, err := s.has(ctx, m, key); err == nil && found { // Heal finds it otherwise
		s.forget(ctx, m, key)
	}
}
