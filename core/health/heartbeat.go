package health

import (
	"sync/atomic"
	"time"
)

// Heartbeat is how a loop shows that it turns. It is for concurrent use.
type Heartbeat struct {
	now  func() time.Time
	max  time.Duration
	last atomic.Pointer[time.Time]
}

// NewHeartbeat is a heart that has just beaten and is dead once it has not for
// longer than limit. A nil now is time.Now.
func NewHeartbeat(limit time.Duration, now func() time.Time) *Heartbeat {
	if now == nil {
		now = time.Now
	}
	h := &Heartbeat{now: now, max: limit}
	h.Beat()
	return h
}

// Beat says: still turning.
func (h *Heartbeat) Beat() {
	t := h.now()
	h.last.Store(&t)
}

// Age is how long ago the last beat was.
func (h *Heartbeat) Age() time.Duration { return h.now().Sub(*h.last.Load()) }

// Alive reports whether the last beat is recent enough.
func (h *Heartbeat) Alive() bool { return h.Age() <= h.max }
