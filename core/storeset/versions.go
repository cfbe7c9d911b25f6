package storeset

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

var _ storage.Versioner = (*Set)(nil)

// GetFirst opens a key's first version in the store that Get reads it from, or
// would if it were not hidden there. It fails with errors.ErrUnsupported if
// that store keeps no versions: what another has does not heal it.
func (s *Set) GetFirst(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	var body io.ReadCloser
	none := false // one of those that could have it keeps no versions
	err := s.find(ctx, key, nil, func(m *member) error {
		v, ok := m.store.(storage.Versioner)
		if ok {
			var err error
			body, err = m.opening(ctx, func(ctx context.Context) (io.ReadCloser, error) {
				return v.GetFirst(ctx, key, offset, length) //nolint:wrapcheck // opening names the store
			})
			if !errors.Is(err, errors.ErrUnsupported) {
				return err
			}
		}
		none = true
		err := m.call(ctx, true, func(ctx context.Context) error {
			_, err := m.store.Stat(ctx, key)
			return err
		})
		if err == nil { // readers get what it has
			body = nil
		}
		return err
	})
	switch {
	case err == nil && body != nil:
		return body, nil
	case err == nil, none && errors.Is(err, storage.ErrNotFound):
		err = errors.ErrUnsupported
	}
	return nil, fmt.Errorf("get first version of %.80s: %w", key, err)
}

// Uncover uncovers a key in every store that has its first version. Each
// compares that with the SHA-256 for itself; ErrNotFound if none has it.
func (s *Set) Uncover(ctx context.Context, key, sha256 string) error {
	if !storage.ValidKey(key) {
		return fmt.Errorf("uncover %.80q: %w", key, storage.ErrInvalidKey)
	}
	unlock, err := s.keys.lock(ctx, key)
	if err != nil {
		return fmt.Errorf("uncover %s: %w", key, err)
	}
	defer unlock()
	done, asked := false, false
	var errs []error
	for _, m := range s.members {
		err := m.uncover(ctx, key, sha256)
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			continue
		case err == nil:
			done = true
		case !errors.Is(err, storage.ErrNotFound):
			errs = append(errs, err)
		}
		asked = true
	}
	switch {
	case len(errs) > 0:
		err = errors.Join(errs...)
	case done:
		return nil
	case asked:
		err = storage.ErrNotFound
	default:
		err = errors.ErrUnsupported
	}
	return fmt.Errorf("uncover %s: %w", key, err)
}

// uncover has no timeout of its own: the first version is read whole before.
func (m *member) uncover(ctx context.Context, key, sha256 string) error {
	v, ok := m.store.(storage.Versioner)
	if !ok {
		return errors.ErrUnsupported
	}
	return m.call(ctx, false, func(ctx context.Context) error { return v.Uncover(ctx, key, sha256) })
}
