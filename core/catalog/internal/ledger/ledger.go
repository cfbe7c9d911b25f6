package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// ErrFinal is the answer to whoever would change a window that stands in the chain.
var ErrFinal = errors.New("window is sealed or lost, which is final")

// Rows are one chain's windows as a transaction sees them. No other
// transaction changes them before this one has ended.
type Rows interface {
	// In returns those that overlap w, by start.
	In(ctx context.Context, w evidence.Window) ([]catalog.Window, error)
	Insert(ctx context.Context, ws ...catalog.Window) error
	Delete(ctx context.Context, w evidence.Window) error
}

// Plan inserts windows as Planned with so many attempts; those that are there
// already stay. It asks once for each run of windows that touch.
func Plan(ctx context.Context, rows Rows, chain evidence.ChainID, windows []evidence.Window, attempts int) error {
	for len(windows) > 0 {
		n := 1
		for n < len(windows) && windows[n].Start.Equal(windows[n-1].End) {
			n++
		}
		if err := planRun(ctx, rows, chain, windows[:n], attempts); err != nil {
			return err
		}
		windows = windows[n:]
	}
	return nil
}

func planRun(ctx context.Context, rows Rows, chain evidence.ChainID, run []evidence.Window, attempts int) error {
	have, err := rows.In(ctx, evidence.Window{Start: run[0].Start, End: run[len(run)-1].End})
	if err != nil {
		return err
	}
	var missing []catalog.Window
	for _, w := range run {
		for len(have) > 0 && !have[0].Window.End.After(w.Start) {
			have = have[1:]
		}
		switch {
		case len(have) == 0 || !have[0].Window.Overlaps(w):
			missing = append(missing, catalog.Window{
				Chain: chain, Window: w, State: catalog.Planned, Attempts: attempts, Seq: -1, Object: catalog.Kept,
			})
		case !same(have[0].Window, w):
			return fmt.Errorf("window %s: %w: %s", w, catalog.ErrOverlap, have[0].Window)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return rows.Insert(ctx, missing...)
}

// same compares instants: the caller's times may be of any time zone.
func same(a, b evidence.Window) bool { return a.Start.Equal(b.Start) && a.End.Equal(b.End) }

// Split replaces an open window by parts that tile it exactly.
func Split(ctx context.Context, rows Rows, w evidence.Window, parts []evidence.Window) error {
	have, err := rows.In(ctx, w)
	if err != nil {
		return err
	}
	if len(have) != 1 || !same(have[0].Window, w) {
		return catalog.ErrNotFound
	}
	return replace(ctx, rows, have[0], parts)
}

// replace puts parts, as Planned and with its attempts, in an open row's place.
func replace(ctx context.Context, rows Rows, row catalog.Window, parts []evidence.Window) error {
	if Final(row.State) {
		return ErrFinal
	}
	if err := rows.Delete(ctx, row.Window); err != nil {
		return err
	}
	return Plan(ctx, rows, row.Chain, parts, row.Attempts)
}

// Seal enters a window that the chain holds. What the chain says goes over what
// was planned: an open window that it overlaps, planned with other bounds, is
// cut back to what remains of it.
func Seal(ctx context.Context, rows Rows, w catalog.Window) error {
	have, err := rows.In(ctx, w.Window)
	if err != nil {
		return err
	}
	for _, row := range have {
		if same(row.Window, w.Window) {
			if w.Object == "" && row.Seq == w.Seq && hasObject(w) {
				w.Object = row.Object // said again, the entry does not bring an object back
			}
			err = rows.Delete(ctx, row.Window)
		} else {
			err = replace(ctx, rows, row, without(row.Window, w.Window))
		}
		if errors.Is(err, ErrFinal) {
			return fmt.Errorf("%w: %s, entry %d", catalog.ErrOverlap, row.Window, row.Seq)
		}
		if err != nil {
			return err
		}
	}
	if w.Object == "" {
		w.Object = catalog.Kept
	}
	return rows.Insert(ctx, w)
}

// without returns what of w lies before and behind the part taken from it.
func without(w, taken evidence.Window) []evidence.Window {
	var rest []evidence.Window
	if w.Start.Before(taken.Start) {
		rest = append(rest, evidence.Window{Start: w.Start, End: taken.Start})
	}
	if taken.End.Before(w.End) {
		rest = append(rest, evidence.Window{Start: taken.End, End: w.End})
	}
	return rest
}
