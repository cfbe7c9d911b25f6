package publish

import (
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// live returns the log entries whose files may stand in a table: those with an
// object that have not expired, or that a hold in force covers.
func live(entries []*evidence.Entry, gone map[int64]bool) []*evidence.Entry {
	holds := holds(entries)
	var out []*evidence.Entry
	for _, e := range entries {
		if e.Kind == evidence.KindLog && e.Object != nil && (!gone[e.Seq] || held(e, holds)) {
			out = append(out, e)
		}
	}
	return out
}

// expired returns the seqs that the retention policy gave up.
func expired(entries []*evidence.Entry) map[int64]bool {
	gone := map[int64]bool{}
	for _, e := range entries {
		if e.Kind == evidence.KindExpiry {
			for _, seq := range e.Expiry.Seqs {
				gone[seq] = true
			}
		}
	}
	return gone
}

// holds returns the windows of the holds in force.
func holds(entries []*evidence.Entry) map[string]evidence.Window {
	out := map[string]evidence.Window{}
	for _, e := range entries {
		switch {
		case e.Kind != evidence.KindHold:
		case e.Hold.Placed && e.Window != nil:
			out[e.Hold.ID] = *e.Window
		default:
			delete(out, e.Hold.ID)
		}
	}
	return out
}

// held: a hold covers what was received in its time, and what happened in it.
func held(e *evidence.Entry, holds map[string]evidence.Window) bool {
	first, last := e.Content.FirstEvent, e.Content.LastEvent
	for _, w := range holds {
		if w.Overlaps(*e.Window) || first != nil && last != nil && first.Before(w.End) && !last.Before(w.Start) {
			return true
		}
	}
	return false
}
