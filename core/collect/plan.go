package collect

import (
	"context"
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
)

// plan enters what the ledger lacks of [from, to).
func (r *run) plan(ctx context.Context, from, to time.Time, size time.Duration) error {
	rows, err := r.c.Catalog.Windows(ctx, r.id, from, to)
	if err != nil {
		return fmt.Errorf("plan %s: %w", r.id, err)
	}
	var windows []evidence.Window
	for _, hole := range schedule.Uncovered(from, to, rows) {
		windows = append(windows, schedule.Tile(hole.Start, hole.End, size)...)
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
