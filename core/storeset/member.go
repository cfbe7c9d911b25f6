package storeset

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Health is how a store is doing.
type Health struct {
	Name  string
	State string    // of its breaker: "closed", "open", "half-open"
	Since time.Time // of State; zero if it never changed
	// Trouble is why the last call failed: "unavailable", "full",
	// "permission", "error"; "" if it did not.
	Trouble string
	// Member is false for a store that was not compared with the others yet.
	Member bool
}

// Health returns the stores' health in the config's order.
func (s *Set) Health() []Health {
	out := make([]Health, len(s.members))
	for i, m := range s.members {
		out[i] = m.snapshot()
	}
	return out
}

// member is one store of the set behind its circuit breaker.
type member struct {
	name     string
	store    storage.Storage
	full     bool // holds every object, and is not a stand-in
	timeout  time.Duration
	breaker  *gobreaker.TwoStepCircuitBreaker[struct{}]
	enrolled atomic.Bool

	mu     sync.Mutex
	health Health
}

func newMember(n Named, cfg Config, i int) *member {
	m := &member{
		name: n.Name, store: n.Store, full: i == 0 || cfg.Mode == Mirror, timeout: cfg.Timeout,
		health: Health{Name: n.Name, State: gobreaker.StateClosed.String()},
	}
	m.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: n.Name, MaxRequests: 1, Timeout: cfg.OpenFor,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= cfg.Trip },
		IsSuccessful: func(err error) bool { return !errors.Is(err, storage.ErrUnavailable) },
		IsExcluded:   isGivenUp,
		// Called under the breaker's lock: it must not be asked anything here.
		OnStateChange: func(_ string, from, to gobreaker.State) {
			m.mu.Lock()
			m.health.State, m.health.Since = to.String(), cfg.Now().UTC()
			m.mu.Unlock()
			cfg.Log.Warn("store's circuit breaker changed", "store", n.Name, "from", from.String(), "to", to.String())
			cfg.OnChange(m.snapshot())
		},
	})
	return m
}

func (m *member) snapshot() Health {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.health
	h.Member = m.enrolled.Load()
	return h
}

// errSkipped: the breaker is open and the store was not asked.
var errSkipped = errors.New("not asked, it failed before")

// allow asks the breaker. done must be called with the call's outcome.
func (m *member) allow() (done func(error), err error) {
	settle, err := m.breaker.Allow()
	if err != nil {
		return nil, fmt.Errorf("store %q: %w: %w", m.name, storage.ErrUnavailable, errSkipped)
	}
	return func(err error) {
		m.note(err)
		settle(err)
	}, nil
}

// note remembers the trouble that the last call met.
func (m *member) note(err error) {
	trouble := ""
	switch {
	case isGivenUp(err):
		return
	case errors.Is(err, storage.ErrUnavailable):
		trouble = "unavailable"
	case errors.Is(err, storage.ErrFull):
		trouble = "full"
	case errors.Is(err, storage.ErrPermission):
		trouble = "permission"
	case err != nil && !isAnswer(err):
		trouble = "error"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.health.Trouble = trouble
}

// isGivenUp: the caller went away before there was an outcome.
func isGivenUp(err error) bool {
	return !errors.Is(err, storage.ErrUnavailable) &&
		(errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}

// isAnswer: the store did what it was asked, and this is what it has to say.
func isAnswer(err error) bool {
	for _, answer := range []error{
		storage.ErrNotFound, storage.ErrExists, storage.ErrChanged, storage.ErrLocked, storage.ErrCorrupt, storage.ErrInvalidKey,
		errors.ErrUnsupported,
	} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

// call runs op if the breaker lets it, within the timeout if it is bounded.
// The error names the store.
func (m *member) call(ctx context.Context, bounded bool, op func(ctx context.Context) error) error {
	done, err := m.allow()
	if err != nil {
		return err
	}
	limited, cancel := ctx, context.CancelFunc(func() {})
	if bounded {
		limited, cancel = context.WithTimeout(ctx, m.timeout)
	}
	defer cancel()
	err = m.explain(ctx, limited, op(limited))
	done(err)
	return err
}

// explain names the store, and takes silence past the timeout for what it is.
func (m *member) explain(ctx, limited context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil: // the caller's own end says nothing of the store
		return fmt.Errorf("store %q: %w: %v", m.name, ctx.Err(), err) //nolint:errorlint // whatever it was, it is the caller's doing
	case limited.Err() != nil:
		return fmt.Errorf("store %q: %w: no answer in %s: %w", m.name, storage.ErrUnavailable, m.timeout, err)
	case errors.Is(err, context.DeadlineExceeded) && !isAnswer(err):
		return fmt.Errorf("store %q: %w: %w", m.name, storage.ErrUnavailable, err)
	}
	return fmt.Errorf("store %q: %w", m.name, err)
}
