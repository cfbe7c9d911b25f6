package logpull

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// maxWait is how long a request waits for its turn. It keeps a Pull that
	// waits, asks for the fields and then for the records within the two
	// minutes that a host gives a plugin that makes no progress.
	maxWait = 45 * time.Second
	// margin allows for a service whose clock runs a little slower than ours.
	margin = 500 * time.Millisecond
	// recheck is what a caller is told to wait if nobody knows how long.
	recheck = 5 * time.Second
)

// window admits at most limit events in any period of time.
//
// The service counts a request at some moment between its sending and the
// beginning of its answer. An event is therefore open, and counted, from
// before the sending until it is settled, and for a period from then on.
type window struct {
	name   string // for people: "15 requests a minute of the zone"
	limit  int
	period time.Duration
	open   int
	ends   []time.Time // when settled events fall out, ascending
	paused time.Time   // the service asked for quiet until then
}

// delay says whether an event must wait, and for how long: 0 is until an open
// event settles, nobody knows when.
func (w *window) delay(now time.Time) (d time.Duration, must bool) {
	old := 0
	for old < len(w.ends) && !w.ends[old].After(now) {
		old++
	}
	w.ends = w.ends[old:]
	if w.paused.After(now) {
		return w.paused.Sub(now), true
	}
	if w.open+len(w.ends) < w.limit {
		return 0, false
	}
	if len(w.ends) == 0 {
		return 0, true
	}
	return w.ends[0].Sub(now), true
}

// zoneBudget is what one zone may spend.
type zoneBudget struct {
	requests *window
	timeouts *window // an event is a stream; it stays counted only if it timed out
}

// budget is shared by all requests of a Source.
type budget struct {
	cfg Config

	mu      sync.Mutex
	minute  *window
	five    *window
	zones   map[string]*zoneBudget
	changed chan struct{} // closed and replaced when an event settles
}

func newBudget(cfg Config) *budget {
	return &budget{
		cfg: cfg, zones: map[string]*zoneBudget{}, changed: make(chan struct{}),
		minute: newWindow(cfg.UserPerMinute, time.Minute, "requests a minute of this token"),
		five:   newWindow(cfg.UserPerFiveMinutes, 5*time.Minute, "requests in five minutes of this token"),
	}
}

func newWindow(limit int, period time.Duration, name string) *window {
	return &window{limit: limit, period: period, name: fmt.Sprintf("%d %s", limit, name)}
}

// zone returns the budget of a zone.
func (b *budget) zone(id string) *zoneBudget {
	b.mu.Lock()
	defer b.mu.Unlock()
	z := b.zones[id]
	if z == nil {
		z = &zoneBudget{
			requests: newWindow(b.cfg.ZonePerMinute, time.Minute, "requests a minute of the zone"),
			timeouts: newWindow(b.cfg.ZoneTimeoutsPerHour, time.Hour, "timeouts an hour of the zone"),
		}
		b.zones[id] = z
	}
	return z
}

// busyError is a wait longer than maxWait.
type busyError struct {
	name  string
	after time.Duration
}

func (e *busyError) Error() string {
	return fmt.Sprintf("the budget of %s is spent for %s", e.name, e.after.Round(time.Second))
}

// take waits until one more event fits into every window and opens it in all
// of them. The error is the context's or a *busyError.
func (b *budget) take(ctx context.Context, windows ...*window) error {
	deadline := time.Now().Add(maxWait)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		busy, changed := b.tryTake(windows)
		if busy == nil {
			return nil
		}
		left := time.Until(deadline)
		if left <= 0 || busy.after > left {
			if busy.after <= 0 {
				busy.after = recheck
			}
			return busy
		}
		if busy.after > 0 {
			left = busy.after
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// tryTake opens an event in all windows or in none. If none, it says which
// window has the longest wait, and gives a channel that tells of a change.
func (b *budget) tryTake(windows []*window) (*busyError, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var busy *busyError
	now := time.Now()
	for _, w := range windows {
		d, must := w.delay(now)
		if must && (busy == nil || d > busy.after) {
			busy = &busyError{name: w.name, after: d}
		}
	}
	if busy != nil {
		return busy, b.changed
	}
	for _, w := range windows {
		w.open++
	}
	return nil, nil
}

// settle closes an event in each window: counted from now on for the
// window's period, or not at all.
func (b *budget) settle(counted bool, windows ...*window) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range windows {
		w.open--
		if counted {
			w.ends = append(w.ends, time.Now().Add(w.period+margin))
		}
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// pause keeps a window shut for d from now.
func (b *budget) pause(w *window, d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until := time.Now().Add(d); until.After(w.paused) {
		w.paused = until
	}
}
