package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// lateStore is a store of several whose plugin could not be started: the
// others work without it, and each use tries to start it again. How often
// that is, the set's circuit breaker decides.
type lateStore struct {
	start func(ctx context.Context) (storage.Storage, error)

	mu    sync.Mutex
	store storage.Storage // nil until it was started
}

var (
	_ storage.Storage   = (*lateStore)(nil)
	_ storage.Locker    = (*lateStore)(nil)
	_ storage.Versioner = (*lateStore)(nil)
)

func (l *lateStore) use(ctx context.Context) (storage.Storage, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.store != nil {
		return l.store, nil
	}
	store, err := l.start(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
	}
	l.store = store
	return store, nil
}

func (l *lateStore) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	s, err := l.use(ctx)
	if err != nil {
		return storage.Info{}, err
	}
	return s.Put(ctx, req, body) //nolint:wrapcheck // names the plugin already
}

func (l *lateStore) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	s, err := l.use(ctx)
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, key, offset, length) //nolint:wrapcheck // names the plugin already
}

func (l *lateStore) Stat(ctx context.Context, key string) (storage.Info, error) {
	s, err := l.use(ctx)
	if err != nil {
		return storage.Info{}, err
	}
	return s.Stat(ctx, key) //nolint:wrapcheck // names the plugin already
}

func (l *lateStore) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		s, err := l.use(ctx)
		if err != nil {
			yield(storage.Info{}, err)
			return
		}
		s.List(ctx, prefix, after)(yield)
	}
}

func (l *lateStore) Delete(ctx context.Context, key string) error {
	s, err := l.use(ctx)
	if err != nil {
		return err
	}
	return s.Delete(ctx, key) //nolint:wrapcheck // names the plugin already
}

func (l *lateStore) LockedUntil(ctx context.Context, key string) (time.Time, error) {
	s, err := l.use(ctx)
	if err != nil {
		return time.Time{}, err
	}
	p, ok := s.(storage.Locker)
	if !ok {
		return time.Time{}, errors.ErrUnsupported
	}
	return p.LockedUntil(ctx, key) //nolint:wrapcheck // names the plugin already
}

func (l *lateStore) GetFirst(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	s, err := l.use(ctx)
	if err != nil {
		return nil, err
	}
	p, ok := s.(storage.Versioner)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return p.GetFirst(ctx, key, offset, length) //nolint:wrapcheck // names the plugin already
}

func (l *lateStore) Uncover(ctx context.Context, key, sha256 string) error {
	s, err := l.use(ctx)
	if err != nil {
		return err
	}
	p, ok := s.(storage.Versioner)
	if !ok {
		return errors.ErrUnsupported
	}
	return p.Uncover(ctx, key, sha256) //nolint:wrapcheck // names the plugin already
}
