package evidence

import (
	"sort"
	"time"
)

// Classes of a tally row, by the first digit of the status code.
const (
	Class1xx = iota
	Class2xx
	Class3xx
	Class4xx
	Class5xx
	ClassOther // no status, or none of the above
	Classes
)

const (
	maxTallyRows = 360     // what an entry holds; about 12 kB
	maxTallyLive = 1 << 12 // what memory holds while counting
)

// Tally counts a window's lines by event time and status class, so that
// totals and histograms over months are answered from entries alone. Its
// bucket is a minute, or coarser where the lines are spread so widely that
// the entry would grow too long.
type Tally struct {
	Bucket int64     `json:"bucket"` // seconds
	From   time.Time `json:"from"`   // start of bucket 0, a multiple of Bucket since the epoch
	// Rows are [bucket, 1xx, 2xx, 3xx, 4xx, 5xx, other], ascending, without empty ones.
	Rows [][1 + Classes]int64 `json:"rows"`
	// Untimed counts lines without a readable event time, by class.
	Untimed [Classes]int64 `json:"untimed"`
}

// tallyLadder are the bucket lengths in seconds; past the last each step is tenfold.
var tallyLadder = []int64{60, 300, 900, 3600, 21600, 86400}

type tallyCounter struct {
	bucket  int64
	counts  map[int64]*[Classes]int64
	untimed [Classes]int64
	// The last bucket used: neighbours in a stream are neighbours in time.
	lastKey int64
	last    *[Classes]int64
}

func newTallyCounter() *tallyCounter {
	return &tallyCounter{bucket: tallyLadder[0], counts: map[int64]*[Classes]int64{}}
}

// add counts a line at an event time in nanoseconds.
func (t *tallyCounter) add(nanos int64, class int) {
	key := nanos / int64(time.Second) / t.bucket
	if t.last != nil && key == t.lastKey {
		t.last[class]++
		return
	}
	row := t.counts[key]
	if row == nil {
		if len(t.counts) >= maxTallyLive {
			t.coarsen()
			t.add(nanos, class)
			return
		}
		row = new([Classes]int64)
		t.counts[key] = row
	}
	row[class]++
	t.lastKey, t.last = key, row
}

func (t *tallyCounter) coarsen() {
	next := t.bucket * 10
	for _, b := range tallyLadder {
		if b > t.bucket {
			next = b
			break
		}
	}
	merged := map[int64]*[Classes]int64{}
	for key, row := range t.counts {
		k := key * t.bucket / next
		if merged[k] == nil {
			merged[k] = new([Classes]int64)
		}
		for class, n := range row {
			merged[k][class] += n
		}
	}
	t.bucket, t.counts, t.last = next, merged, nil
}

func (t *tallyCounter) tally() *Tally {
	for len(t.counts) > maxTallyRows {
		t.coarsen()
	}
	keys := make([]int64, 0, len(t.counts))
	for k := range t.counts {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	out := &Tally{Bucket: t.bucket, Rows: make([][1 + Classes]int64, len(keys)), Untimed: t.untimed}
	out.From = time.Unix(0, 0).UTC()
	if len(keys) > 0 {
		out.From = time.Unix(keys[0]*t.bucket, 0).UTC()
	}
	for i, k := range keys {
		out.Rows[i][0] = k - keys[0]
		copy(out.Rows[i][1:], t.counts[k][:])
	}
	return out
}

// Lines is the number of lines the tally counts.
func (t *Tally) Lines() int64 {
	var n int64
	for _, row := range t.Rows {
		for _, c := range row[1:] {
			n += c
		}
	}
	for _, c := range t.Untimed {
		n += c
	}
	return n
}
