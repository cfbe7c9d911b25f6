package selfcheck

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"
)

// Days is the length of a cycle, and the number of its buckets.
const Days = 28

const day = 24 * time.Hour

// place is a day of a cycle.
type place struct {
	Cycle int64 `json:"cycle"` // whole cycles since 1970
	Day   int   `json:"day"`   // 0 to 27
}

// placeOf finds the day of an instant, in UTC.
func placeOf(t time.Time) place {
	days := t.Unix() / int64(day/time.Second)
	return place{days / Days, int(days % Days)}
}

// Bucket is the day of a cycle on which an object is read, 0 to 27.
func Bucket(archive string, cycle int64, key string) int {
	h := sha256.New()
	_, _ = h.Write([]byte(archive)) // a hash never fails
	_, _ = h.Write(binary.BigEndian.AppendUint64([]byte{0}, uint64(cycle)))
	_, _ = h.Write([]byte(key))
	return int(binary.BigEndian.Uint64(h.Sum(nil)) % Days) // 2^64 is so much more that no bucket is favoured
}

// done are the buckets of one cycle that were read, a bit each.
type done struct {
	Cycle   int64  `json:"cycle"`
	Buckets uint32 `json:"buckets"`
}

func (d done) has(bucket int) bool { return d.Buckets&(1<<bucket) != 0 }

// progress is what was read of this cycle and of the one before.
type progress struct {
	Before done `json:"before"`
	Now    done `json:"now"`
}

// at brings the progress to a cycle. Who never checked, or not for a whole
// cycle, has nothing to make up of the cycle before: all comes in this one.
func (p progress) at(cycle int64) progress {
	switch {
	case p.Now.Cycle == cycle:
		return p
	case p.Now.Cycle == cycle-1 && p.Now.Buckets != 0:
		return progress{Before: p.Now, Now: done{Cycle: cycle}}
	}
	return progress{Before: done{Cycle: cycle - 1, Buckets: 1<<Days - 1}, Now: done{Cycle: cycle}}
}

// due are the buckets to be read at a place: the day's own, and at most limit
// of those that were missed, oldest first.
func (p progress) due(at place, limit int) []place {
	var missed, out []place
	for b := range Days {
		if !p.Before.has(b) {
			missed = append(missed, place{p.Before.Cycle, b})
		}
	}
	for b := range at.Day {
		if !p.Now.has(b) {
			missed = append(missed, place{p.Now.Cycle, b})
		}
	}
	if !p.Now.has(at.Day) {
		out = append(out, at)
	}
	return append(out, missed[:min(len(missed), limit)]...)
}

// mark enters buckets as read.
func (p progress) mark(read []place) progress {
	for _, b := range read {
		for _, d := range []*done{&p.Before, &p.Now} {
			if d.Cycle == b.Cycle {
				d.Buckets |= 1 << b.Day
			}
		}
	}
	return p
}

// sampler takes the objects of these buckets.
func sampler(archive string, buckets []place) func(key string) bool {
	days := map[int64][]int{}
	for _, b := range buckets {
		days[b.Cycle] = append(days[b.Cycle], b.Day)
	}
	return func(key string) bool {
		for cycle, wanted := range days {
			if slices.Contains(wanted, Bucket(archive, cycle, key)) {
				return true
			}
		}
		return false
	}
}
