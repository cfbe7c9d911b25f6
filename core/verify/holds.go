package verify

import (
	"slices"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// holds are the legal holds in force at a point of the walk, by id.
type holds map[string]evidence.Window

// record places or lifts a hold.
func (h *holds) record(e *evidence.Entry) {
	if !e.Hold.Placed {
		delete(*h, e.Hold.ID)
		return
	}
	if *h == nil {
		*h = holds{}
	}
	(*h)[e.Hold.ID] = *e.Window
}

// over names the holds that cover a part of a window.
func (h holds) over(w span) []string {
	var ids []string
	for id, held := range h {
		if w.start < held.End.Unix() && held.Start.Unix() < w.end {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// checkHolds finds windows that an expiry names while a hold that the chain
// placed before it is in force. The chain is none the worse for it, so that
// its entries can still be read; but somebody gave up what had to be kept.
func (c *chainCheck) checkHolds(e *evidence.Entry, seq int64) {
	if len(c.holds) == 0 || c.run.quick {
		return
	}
	for _, s := range e.Expiry.Seqs {
		i, ok := slices.BinarySearchFunc(c.spans, s, func(w span, seq int64) int { return int(max(-1, min(1, w.seq-seq))) })
		if !ok || c.spans[i].state != Collected {
			continue
		}
		if ids := c.holds.over(c.spans[i]); len(ids) > 0 {
			c.findObject(CodeHoldBroken, s, "", "", "", "entry %d declares entry %d expired, which was under the legal hold %s", seq, s, strings.Join(ids, ", "))
		}
	}
}
