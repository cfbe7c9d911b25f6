package storeset

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Mode says where evidence objects go.
type Mode string

// The modes.
const (
	Failover Mode = "failover" // to the first store that takes them
	Mirror   Mode = "mirror"   // to all stores
)

// Named is a store under its name in the config.
type Named struct {
	Name  string // evidence.ValidStoreName
	Store storage.Storage
}

// Config are a Set's parts and settings.
type Config struct {
	Stores []Named // 1 to evidence.MaxStores, in order of preference
	Mode   Mode    // default Failover
	Ledger Ledger  // nil: for reading, and for a Put that reaches all stores

	Timeout  time.Duration // for one answer, and for a Put of up to 1 MiB; default 1 min
	Trip     int           // failures in a row that open a store's breaker; default 3
	OpenFor  time.Duration // how long it stays open; default 30 s
	Now      func() time.Time
	Log      *slog.Logger
	OnChange func(Health)  // may be nil; called when a breaker changes, must not call back into the set
	Retain   time.Duration // for how long Heal asks for locks: evidence.RetainUntil; 0: not
	Grace    time.Duration // age from which a record of what no store holds is dropped; default 10 min
}

func (c Config) withDefaults() Config {
	if c.Mode == "" {
		c.Mode = Failover
	}
	if c.Timeout <= 0 {
		c.Timeout = time.Minute
	}
	if c.Trip <= 0 {
		c.Trip = 3
	}
	if c.OpenFor <= 0 {
		c.OpenFor = 30 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.OnChange == nil {
		c.OnChange = func(Health) {}
	}
	if c.Grace <= 0 {
		c.Grace = 10 * time.Minute
	}
	return c
}

func (c Config) validate() error {
	if len(c.Stores) == 0 || len(c.Stores) > evidence.MaxStores {
		return fmt.Errorf("store set has %d stores: want 1 to %d", len(c.Stores), evidence.MaxStores)
	}
	if c.Mode != Failover && c.Mode != Mirror {
		return fmt.Errorf("store set has mode %q: want %s or %s", c.Mode, Failover, Mirror)
	}
	seen := map[string]bool{}
	for _, n := range c.Stores {
		switch {
		case !evidence.ValidStoreName(n.Name):
			return fmt.Errorf("store name %.64q is not of lower-case letters, digits and hyphens", n.Name)
		case n.Store == nil:
			return fmt.Errorf("store %q is nil", n.Name)
		case seen[n.Name]:
			return fmt.Errorf("store name %q is given twice", n.Name)
		}
		seen[n.Name] = true
	}
	return nil
}

// Set is several stores as one. It starts nothing and need not be closed.
type Set struct {
	members []*member
	mode    Mode
	ledger  Ledger
	keys    keyLocks
	now     func() time.Time
	log     *slog.Logger
	grace   time.Duration
	retain  time.Duration
}

// LocalSet is a Set whose first store keeps its objects as local files.
type LocalSet struct{ *Set }

var (
	_ storage.Storage     = (*Set)(nil)
	_ storage.LocalPather = (*LocalSet)(nil)
)

// Open makes a set of the stores. With a ledger it compares stores that are
// not members yet with the others (see the package comment): that lists every
// key once. It fails with storage.ErrUnavailable if nobody is a member and not all can be reached.
func Open(ctx context.Context, cfg Config) (*Set, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	s := &Set{mode: cfg.Mode, ledger: cfg.Ledger, now: cfg.Now, log: cfg.Log, grace: cfg.Grace, retain: cfg.Retain}
	for i, n := range cfg.Stores {
		s.members = append(s.members, newMember(n, cfg, i))
	}
	if s.ledger == nil {
		return s, nil
	}
	if err := s.enrol(ctx); err != nil {
		return nil, fmt.Errorf("open store set: %w", err)
	}
	return s, nil
}

// Storage returns the set as a storage that is a storage.LocalPather if the
// first store is one.
func (s *Set) Storage() storage.Storage {
	if _, ok := s.members[0].store.(storage.LocalPather); ok {
		return &LocalSet{s}
	}
	return s
}

// LocalPath returns the path of an object in the first store. ErrNotFound if
// it is not to be had there: Get may still have it.
func (s *LocalSet) LocalPath(ctx context.Context, key string) (string, error) {
	m := s.members[0]
	st, err := s.standing(ctx, m, key)
	if err != nil {
		return "", err
	}
	local, ok := m.store.(storage.LocalPather)
	if !ok || st.missed || st.deleted {
		return "", fmt.Errorf("local path of %s in store %q: %w", key, m.name, storage.ErrNotFound)
	}
	var path string
	err = m.call(ctx, true, func(ctx context.Context) (err error) {
		path, err = local.LocalPath(ctx, key)
		return err
	})
	return path, err
}

// Located names the stores that hold an object's bytes, in the config's order,
// for the entry that says where it went. A set of one store says nothing.
func (s *Set) Located(ctx context.Context, key string) ([]string, error) {
	if len(s.members) == 1 {
		return nil, nil
	}
	var names []string
	var errs []error
	for _, m := range s.members {
		st, err := s.standing(ctx, m, key)
		if err != nil {
			return nil, err
		}
		if !m.inStep(st) {
			continue
		}
		err = m.call(ctx, true, func(ctx context.Context) error {
			_, err := m.store.Stat(ctx, key)
			return err
		})
		switch {
		case err == nil:
			names = append(names, m.name)
		case ctx.Err() != nil:
			return nil, err
		case !errors.Is(err, storage.ErrNotFound):
			errs = append(errs, err)
		}
	}
	if len(names) == 0 {
		return nil, unavailable("locate "+key, errs)
	}
	return names, nil
}

// LockedUntil returns until when the last of the stores refuses to delete an
// object. It fails with errors.ErrUnsupported if none of those that hold the object can tell.
func (s *Set) LockedUntil(ctx context.Context, key string) (time.Time, error) {
	var until time.Time
	var errs []error
	told := false
	for _, m := range s.members {
		l, ok := m.store.(storage.Locker)
		if !ok {
			continue
		}
		var at time.Time
		err := m.call(ctx, true, func(ctx context.Context) (err error) {
			at, err = l.LockedUntil(ctx, key)
			return err
		})
		switch {
		case err == nil:
			told = true
			if at.After(until) {
				until = at
			}
		case ctx.Err() != nil:
			return time.Time{}, err
		case !errors.Is(err, storage.ErrNotFound) && !errors.Is(err, errors.ErrUnsupported):
			errs = append(errs, err)
		}
	}
	switch {
	case told:
		return until, nil // what the others would say can only be later; they will refuse by themselves
	case len(errs) > 0:
		return time.Time{}, unavailable("ask for the lock of "+key, errs)
	}
	return time.Time{}, fmt.Errorf("locked until: %w", errors.ErrUnsupported)
}

// isObject: an evidence object, whose place the mode decides.
func isObject(key string) bool { return strings.HasPrefix(key, evidence.LogsPrefix) }

// everywhere: every store is to hold the key.
func (s *Set) everywhere(key string) bool { return s.mode == Mirror || !isObject(key) }

// isPointer: a chain's latest checkpoint, the only key that is overwritten.
func isPointer(key string) bool {
	id, ok := evidence.ParseChainPrefix(key)
	return ok && key == id.CheckpointKey()
}

// unavailable joins what kept a question from being answered.
func unavailable(what string, errs []error) error {
	if len(errs) == 0 {
		return fmt.Errorf("%s: %w: no store that is in step can be asked", what, storage.ErrUnavailable)
	}
	return fmt.Errorf("%s: %w: %w", what, storage.ErrUnavailable, errors.Join(errs...))
}
