package retention

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// The errors of a Keeper, beside its parts' own.
var (
	// ErrInvalid: a hold's id, window or reason, or the policy, is not what it has to be.
	ErrInvalid = errors.New("not valid")
	// ErrHoldExists: another hold in force has the id.
	ErrHoldExists = errors.New("hold is in force already, over another window or for another reason")
	// ErrNoHold: no hold in force has the id.
	ErrNoHold = errors.New("no such hold is in force")
	// ErrDisagree: the catalog names a window that the chain knows otherwise.
	ErrDisagree = errors.New("catalog and chain disagree (rainlogs archive rebuild-catalog)")
)

// Policy says for how long objects are kept.
type Policy struct {
	Keep   time.Duration // from a window's end on; 0 is for ever
	Text   string        // "400d": as it is sealed with each expiry
	Reason string        // why; sealed too, and so without personal data
}

// Text writes a duration as policies do: in days where it is of whole ones.
func Text(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}

// Collector seals statements; collect.Collector does.
type Collector interface {
	// Enter seals the entries that draft makes with the chain at rest, and
	// returns how many.
	Enter(ctx context.Context, chain evidence.ChainID, draft func(ctx context.Context) ([]evidence.Entry, error)) (sealed int, err error)
}

// Reader reads single entries, proven to be in the signed chain; chain.Lookup does.
type Reader interface {
	// At returns the entries with these seqs, in their order.
	At(ctx context.Context, chain evidence.ChainID, seqs []int64) ([]*evidence.Entry, error)
}

// Store is the part of storage.Storage that retention needs.
type Store interface {
	// Delete removes an object: storage.ErrNotFound, storage.ErrLocked.
	Delete(ctx context.Context, key string) error
}

// LockTeller is the optional power of a store that knows until when an object
// is locked.
type LockTeller interface {
	// LockedUntil returns the zero time for an object that is not locked.
	LockedUntil(ctx context.Context, key string) (time.Time, error)
}

// Config are a Keeper's parts and settings.
type Config struct {
	Catalog   catalog.Retention
	Collector Collector
	Reader    Reader
	Store     Store
	Policy    Policy
	Now       func() time.Time
	NewID     func() string // of a hold that is given none; default: random
	Log       *slog.Logger
}

// Keeper applies one policy. It is safe for concurrent use, and beside other
// processes' Keepers.
type Keeper struct{ Config }

// maxText bounds the policy's and the holds' texts, so that an expiry entry
// of a full batch stays below evidence.MaxEntry.
const maxText = 2000

// New checks the parts and the policy.
func New(cfg Config) (*Keeper, error) {
	if cfg.Catalog == nil || cfg.Collector == nil || cfg.Reader == nil || cfg.Store == nil {
		return nil, errors.New("retention lacks a catalog, collector, reader or store")
	}
	if cfg.Policy.Keep < 0 {
		return nil, fmt.Errorf("%w: objects cannot be kept for %s", ErrInvalid, cfg.Policy.Keep)
	}
	if cfg.Policy.Keep > 0 {
		if cfg.Policy.Text == "" {
			cfg.Policy.Text = Text(cfg.Policy.Keep)
		}
		if err := checkText("reason of the policy", cfg.Policy.Reason); err != nil {
			return nil, err
		}
		if err := checkText("text of the policy", cfg.Policy.Text); err != nil {
			return nil, err
		}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.NewID == nil {
		cfg.NewID = func() string { return "hold-" + strings.ToLower(rand.Text()[:10]) }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Keeper{cfg}, nil
}

// checkText holds what is sealed to one line of a reasonable length.
func checkText(what, s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return fmt.Errorf("%w: the %s is empty", ErrInvalid, what)
	case len(s) > maxText:
		return fmt.Errorf("%w: the %s has %d bytes, more than %d", ErrInvalid, what, len(s), maxText)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("%w: the %s is not one line of text", ErrInvalid, what)
	}
	return nil
}

// before is the latest end of a window that the policy gives up; false: none.
func (k *Keeper) before() (time.Time, bool) {
	return k.Now().Add(-k.Policy.Keep), k.Policy.Keep > 0
}
