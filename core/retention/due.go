package retention

import (
	"context"
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// batch is how many windows one expiry entry names: at 19 digits a seq they
// are 40 kB of the 65,535 bytes that an entry may have.
const batch = 2000

// window is a row with its entry, as the chain has it.
type window struct {
	row   catalog.Window
	entry *evidence.Entry
}

// due returns at most limit windows that the policy gives up and no hold
// covers, oldest first, each proven to be sealed as the catalog says; and how
// many are kept by holds among those that were looked at: all, if fewer than
// limit are found.
func (k *Keeper) due(ctx context.Context, chain evidence.ChainID, limit int) (found []window, held int64, err error) {
	before, ok := k.before()
	if !ok {
		return nil, 0, nil
	}
	holds, err := k.Catalog.Holds(ctx, chain)
	if err != nil {
		return nil, 0, err //nolint:wrapcheck // names the chain already
	}
	// What is held stays expirable and comes first each time: look behind it.
	for look := limit; ; look *= 2 {
		rows, err := k.Catalog.Expirable(ctx, chain, before, look)
		if err != nil {
			return nil, 0, err //nolint:wrapcheck // names the chain already
		}
		if found, held, err = k.free(ctx, chain, rows, holds, limit); err != nil {
			return nil, 0, err
		}
		if len(rows) < look || len(found) == limit {
			return found, held, nil
		}
	}
}

// free takes the first limit of the rows that no hold covers.
func (k *Keeper) free(ctx context.Context, chain evidence.ChainID, rows []catalog.Window, holds []catalog.Hold, limit int) (found []window, held int64, err error) {
	for len(rows) > 0 && len(found) < limit {
		var ask []catalog.Window
		for len(rows) > 0 && len(ask) < limit-len(found) {
			if heldRow(holds, rows[0].Window) {
				held++
			} else {
				ask = append(ask, rows[0])
			}
			rows = rows[1:]
		}
		windows, err := k.lookUp(ctx, chain, ask)
		if err != nil {
			return nil, 0, err
		}
		for _, w := range windows {
			if heldEvents(holds, w.entry) {
				held++
			} else {
				found = append(found, w)
			}
		}
	}
	return found, held, nil
}

// lookUp reads the rows' entries, and refuses a row of which the chain says
// something else.
func (k *Keeper) lookUp(ctx context.Context, chain evidence.ChainID, rows []catalog.Window) ([]window, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	seqs := make([]int64, len(rows))
	for i, r := range rows {
		seqs[i] = r.Seq
	}
	entries, err := k.Reader.At(ctx, chain, seqs)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the chain already
	}
	windows := make([]window, len(rows))
	for i, e := range entries {
		r := rows[i]
		if e.Kind != evidence.KindLog || e.Object == nil || e.Content == nil || e.Window == nil || e.Seq != r.Seq || e.Chain() != chain ||
			!e.Window.Start.Equal(r.Window.Start) || !e.Window.End.Equal(r.Window.End) {
			return nil, fmt.Errorf("%w: entry %d of chain %s does not seal window %s with an object", ErrDisagree, r.Seq, chain, r.Window)
		}
		windows[i] = window{r, e}
	}
	return windows, nil
}

// Plan is what an Expire would do as things are.
type Plan struct {
	Windows  int64     `json:"windows"` // to be given up
	Objects  int64     `json:"objects"` // to be deleted, those of Expiring too
	Bytes    int64     `json:"bytes"`   // stored bytes of these
	From     time.Time `json:"from,omitzero"`
	To       time.Time `json:"to,omitzero"`
	Held     int64     `json:"held"`     // old enough, and kept by a hold
	Expiring int64     `json:"expiring"` // given up before, and not removed yet
	Locked   []Locked  `json:"locked"`   // where the store can tell; at most maxListed
	MoreLock int64     `json:"more_locked,omitempty"`
}

// Plan tells what an Expire would do. It changes nothing.
func (k *Keeper) Plan(ctx context.Context, chain evidence.ChainID) (Plan, error) {
	p := Plan{Locked: []Locked{}}
	holds, err := k.Catalog.Holds(ctx, chain)
	if err != nil {
		return p, fmt.Errorf("plan expiry: %w", err)
	}
	if err := k.planExpiring(ctx, chain, holds, &p); err != nil {
		return p, fmt.Errorf("plan expiry: %w", err)
	}
	before, ok := k.before()
	if !ok {
		return p, nil
	}
	rows, err := k.Catalog.Expirable(ctx, chain, before, maxPlanned)
	if err != nil {
		return p, fmt.Errorf("plan expiry: %w", err)
	}
	for len(rows) > 0 {
		n := min(len(rows), batch)
		windows, held, err := k.free(ctx, chain, rows[:n], holds, n)
		if err != nil {
			return p, fmt.Errorf("plan expiry: %w", err)
		}
		rows, p.Held, p.Windows = rows[n:], p.Held+held, p.Windows+int64(len(windows))
		for _, w := range windows {
			k.planOne(ctx, w, &p)
		}
	}
	return p, nil
}

// maxPlanned bounds a plan: 95 years of five-minute windows.
const maxPlanned = 10_000_000

func (k *Keeper) planExpiring(ctx context.Context, chain evidence.ChainID, holds []catalog.Hold, p *Plan) error {
	for from := (time.Time{}); ; {
		rows, err := k.Catalog.Expiring(ctx, chain, from, batch)
		if err != nil || len(rows) == 0 {
			return err //nolint:wrapcheck // names the chain already
		}
		from = rows[len(rows)-1].Window.End
		windows, held, err := k.free(ctx, chain, rows, holds, len(rows))
		if err != nil {
			return err
		}
		p.Held, p.Expiring = p.Held+held, p.Expiring+int64(len(windows))
		for _, w := range windows {
			k.planOne(ctx, w, p)
		}
	}
}

func (k *Keeper) planOne(ctx context.Context, w window, p *Plan) {
	p.From, p.To = widen(p.From, p.To, w.row.Window)
	p.Bytes += w.entry.Object.Bytes
	p.Objects += 1 + int64(len(w.entry.Object.Displaced))
	if until := k.lockedUntil(ctx, w.entry.Object.Key); until.After(k.Now()) {
		if len(p.Locked) < maxListed {
			p.Locked = append(p.Locked, Locked{Key: w.entry.Object.Key, Until: until})
		} else {
			p.MoreLock++
		}
	}
}

func widen(from, to time.Time, w evidence.Window) (time.Time, time.Time) {
	if from.IsZero() || w.Start.Before(from) {
		from = w.Start
	}
	if w.End.After(to) {
		to = w.End
	}
	return from, to
}
