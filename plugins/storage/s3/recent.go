package s3

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const (
	maxRecent = 4096
	looks     = 4 // for what should be there
)

// recent remembers what this process has just written, for a while.
type recent struct {
	now   func() time.Time
	trust time.Duration

	mu   sync.Mutex
	keys map[string]time.Time
}

// wrote notes an object; forgetting the others costs a guarantee that few
// stores need.
func (r *recent) wrote(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys == nil || len(r.keys) >= maxRecent {
		r.keys = map[string]time.Time{}
	}
	r.keys[key] = r.now()
}

func (r *recent) forget(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.keys, key)
}

func (r *recent) has(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.keys[key]
	return ok && r.now().Sub(at) < r.trust
}

// believing asks again after what this process has just written, if the store
// says that there is no such object.
func (s *Store) believing(ctx context.Context, key string, ask func() error) error {
	for pause, n := s.cfg.limits.settle, 1; ; n, pause = n+1, 2*pause {
		err := ask()
		switch {
		case !errors.Is(err, storage.ErrNotFound) || !s.recent.has(key):
			return err
		case n == looks:
			return fmt.Errorf("%w: the store does not show yet what was written a moment ago", storage.ErrUnavailable)
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}

// held are the keys that a Put of this process is about to write without the
// store's help.
type held struct {
	mu   sync.Mutex
	keys map[string]chan struct{} // closed when the key is free again
}

// hold waits until no other Put has the key; release must be called.
func (h *held) hold(ctx context.Context, key string) (release func(), err error) {
	for {
		h.mu.Lock()
		other, taken := h.keys[key]
		if !taken {
			if h.keys == nil {
				h.keys = map[string]chan struct{}{}
			}
			mine := make(chan struct{})
			h.keys[key] = mine
			h.mu.Unlock()
			return func() {
				h.mu.Lock()
				delete(h.keys, key)
				h.mu.Unlock()
				close(mine)
			}, nil
		}
		h.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
