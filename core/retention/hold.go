package retention

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Hold places a legal hold over a window of receive time and returns it. id is
// [a-z0-9][a-z0-9-]{0,63}, "" for one of our making; reason names the matter,
// and no person. Placing the same hold again changes nothing; an id that is in
// force otherwise is ErrHoldExists. When it returns, nothing that the hold
// covers is deleted any more.
func (k *Keeper) Hold(ctx context.Context, chain evidence.ChainID, w evidence.Window, id, reason string) (catalog.Hold, error) {
	if id == "" {
		id = k.NewID()
	}
	w, err := evidence.NewWindow(w.Start, w.End)
	if err == nil {
		err = errors.Join(checkID(id), checkText("reason", reason))
	}
	if err != nil {
		return catalog.Hold{}, fmt.Errorf("place hold: %w: %w", ErrInvalid, err)
	}
	placed := catalog.Hold{Chain: chain, ID: id, Window: w, Reason: reason, Seq: -1}
	_, err = k.Collector.Enter(ctx, chain, func(ctx context.Context) ([]evidence.Entry, error) {
		there, err := k.hold(ctx, chain, id)
		switch {
		case errors.Is(err, ErrNoHold):
			return []evidence.Entry{holdEntry(placed, true, reason)}, nil
		case err != nil:
			return nil, err
		case !there.Window.Start.Equal(w.Start) || !there.Window.End.Equal(w.End) || there.Reason != reason:
			return nil, fmt.Errorf("%w: %s, over %s", ErrHoldExists, id, there.Window)
		}
		return nil, nil
	})
	if err != nil {
		return catalog.Hold{}, fmt.Errorf("place hold: %w", err)
	}
	if placed, err = k.hold(ctx, chain, id); err != nil {
		return catalog.Hold{}, fmt.Errorf("place hold: %w", err)
	}
	return placed, nil
}

// Lift ends a hold, with a reason, and returns it; ErrNoHold. What the policy
// gave up meanwhile is removed by the next Expire.
func (k *Keeper) Lift(ctx context.Context, chain evidence.ChainID, id, reason string) (catalog.Hold, error) {
	if err := errors.Join(checkID(id), checkText("reason", reason)); err != nil {
		return catalog.Hold{}, fmt.Errorf("lift hold: %w", err)
	}
	var lifted catalog.Hold
	_, err := k.Collector.Enter(ctx, chain, func(ctx context.Context) ([]evidence.Entry, error) {
		var err error
		if lifted, err = k.hold(ctx, chain, id); err != nil {
			return nil, err
		}
		return []evidence.Entry{holdEntry(lifted, false, reason)}, nil
	})
	if err != nil {
		return catalog.Hold{}, fmt.Errorf("lift hold: %w", err)
	}
	return lifted, nil
}

// hold finds a hold in force; ErrNoHold.
func (k *Keeper) hold(ctx context.Context, chain evidence.ChainID, id string) (catalog.Hold, error) {
	holds, err := k.Catalog.Holds(ctx, chain)
	if err != nil {
		return catalog.Hold{}, err //nolint:wrapcheck // names the chain already
	}
	i := slices.IndexFunc(holds, func(h catalog.Hold) bool { return h.ID == id })
	if i < 0 {
		return catalog.Hold{}, fmt.Errorf("%w: %s", ErrNoHold, id)
	}
	return holds[i], nil
}

func holdEntry(h catalog.Hold, placed bool, reason string) evidence.Entry {
	w := h.Window
	return evidence.Entry{Kind: evidence.KindHold, Window: &w, Hold: &evidence.Hold{ID: h.ID, Placed: placed, Reason: reason}}
}

// checkID: [a-z0-9][a-z0-9-]{0,63}.
func checkID(id string) error {
	ok := len(id) >= 1 && len(id) <= 64 && id[0] != '-'
	for _, c := range []byte(id) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok {
		return fmt.Errorf("%w: hold id %.80q is not made of 1 to 64 of a-z, 0-9 and, not first, -", ErrInvalid, id)
	}
	return nil
}

// heldRow reports whether a hold overlaps a window's receive time.
func heldRow(holds []catalog.Hold, w evidence.Window) bool {
	return slices.ContainsFunc(holds, func(h catalog.Hold) bool { return h.Window.Overlaps(w) })
}

// heldEvents reports whether events of an entry happened in a hold's time:
// records come in minutes after they happened, in a window that may begin
// when the hold's time is over.
func heldEvents(holds []catalog.Hold, e *evidence.Entry) bool {
	first, last := e.Content.FirstEvent, e.Content.LastEvent
	return first != nil && last != nil && slices.ContainsFunc(holds, func(h catalog.Hold) bool {
		return first.Before(h.Window.End) && !last.Before(h.Window.Start)
	})
}
