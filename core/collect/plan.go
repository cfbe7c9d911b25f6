package collect

import (
	"context"
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Tile parts [from, to) into windows of at most size, cut at multiples of
// size since the epoch, so that two plans of the same range agree.
func Tile(from, to time.Time, size time.Duration) []evidence.Window {
	var out []evidence.Window
	for start := from; start.Before(to); {
		end := start.Truncate(size).Add(size)
		if end.After(to) {
			end = to
		}
		out = append(out, evidence.Window{Start: start.UTC(), End: end.UTC()})
		start = end
	}
	return out
}

// uncovered returns what of [from, to) no row covers. Rows are sorted by start
// and do not overlap.
func uncovered(from, to time.Time, rows []catalog.Window) []evidence.Window {
	var out []evidence.Window
	for _, r := range rows {
		if r.Window.Start.After(from) {
			out = append(out, evidence.Window{Start: from.UTC(), End: minTime(r.Window.Start, to).UTC()})
		}
		if r.Window.End.After(from) {
			from = r.Window.End
		}
		if !from.Before(to) {
			return out
		}
	}
	if from.Before(to) {
		out = append(out, evidence.Window{Start: from.UTC(), End: to.UTC()})
	}
	return out
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// plan enters what the ledger lacks of [from, to).
func (r *run) plan(ctx context.Context, from, to time.Time, size time.Duration) error {
	rows, err := r.c.Catalog.Windows(ctx, r.id, from, to)
	if err != nil {
		return fmt.Errorf("plan %s: %w", r.id, err)
	}
	var windows []evidence.Window
	for _, hole := range uncovered(from, to, rows) {
		windows = append(windows, Tile(hole.Start, hole.End, size)...)
	}
	if len(windows) == 0 {
		return nil
	}
	if err := r.c.Catalog.Plan(ctx, r.id, windows); err != nil {
		return fmt.Errorf("plan %s: %w", r.id, err)
	}
	return nil
}

// halves parts a window in two of whole seconds, or returns nil if it cannot be parted.
func halves(w evidence.Window) []evidence.Window {
	half := (w.Duration() / 2).Truncate(time.Second)
	if half < time.Second {
		return nil
	}
	mid := w.Start.Add(half)
	return []evidence.Window{{Start: w.Start, End: mid}, {Start: mid, End: w.End}}
}
