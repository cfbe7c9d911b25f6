package count

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
)

// instants are a row group's times.
type instants struct {
	nanos  []int64
	levels []int16
	all    bool // each row has one
}

func (t *instants) timed(i int) bool { return t.all || t.levels[i] == 1 }

// read reads a column of times.
func (t *instants) read(g group, place int) error {
	n := int(g.NumRows())
	t.nanos, t.levels, t.all = sized(t.nanos, n), sized(t.levels, n), false
	if place < 0 {
		clear(t.levels)
		return nil
	}
	column, err := g.Column(place)
	if err != nil {
		return fmt.Errorf("read columns: %w", err)
	}
	times, ok := column.(*file.Int64ColumnChunkReader)
	if !ok {
		return errPage
	}
	some := 0
	for at := 0; at < n; {
		total, values, err := times.ReadBatch(int64(n-at), t.nanos[some:], t.levels[at:], nil)
		if err != nil {
			return fmt.Errorf("read columns: %w", err)
		}
		if total == 0 {
			return errPage
		}
		at, some = at+int(total), some+values
	}
	if t.all = some == n; t.all {
		return nil
	}
	for i := n - 1; i >= 0; i-- {
		if t.levels[i] == 1 {
			some--
			t.nanos[i] = t.nanos[some]
		}
	}
	return nil
}

// one is the only bucket of a group's times, as far as the file's own statistics tell.
func (c *counter) one(g group) (bucket int64, ok bool) {
	if g.time < 0 {
		return 0, false
	}
	of, err := g.MetaData().ColumnChunk(g.time)
	if err != nil {
		return 0, false
	}
	stats, err := of.Statistics()
	if err != nil {
		return 0, false
	}
	known, ok := stats.(*metadata.Int64Statistics)
	if !ok || !known.HasMinMax() || !known.HasNullCount() || known.NullCount() != 0 {
		return 0, false
	}
	first, last := c.bucket(known.Min()), c.bucket(known.Max())
	return first, first == last
}

func (c *counter) bucket(nanos int64) int64 {
	return (nanos - c.plan.ask.Grid.Start) / c.plan.ask.Grid.Step
}

// classes are the hundreds of a group's statuses.
type classes struct {
	of   []uint32 // the status column's numbers of the rows; nil without one
	each []int    // of each number its class, a place in all
	all  []any    // the first is NULL
}

func (c *counter) classes(g group, r rows) (k classes, err error) {
	k = classes{each: []int{0}, all: []any{nil}}
	if c.plan.status < 0 {
		return k, nil
	}
	of, err := c.chunk(g, c.plan.status, r)
	if err != nil {
		return k, err
	}
	for code := 1; code < of.values(); code++ {
		class := any(integer(of.value(code)) / 100)
		at := slices.Index(k.all, class)
		if at < 0 {
			at = len(k.all)
			k.all = append(k.all, class)
		}
		k.each = append(k.each, at)
	}
	k.of = of.codes
	return k, nil
}

// grid counts the rows by bucket and class.
func (c *counter) grid(g group, r rows) error {
	k, err := c.classes(g, r)
	if err != nil {
		return err
	}
	if bucket, ok := c.one(g); ok {
		counts := make([]int64, len(k.all))
		if k.of == nil {
			counts[0] = int64(r.count())
		} else {
			for code, n := range c.tally(&c.chunks[c.plan.status], r) {
				counts[k.each[code]] += n
			}
		}
		c.cell(g, bucket, k, counts)
		return nil
	}
	if err := c.times.read(g, g.time); err != nil {
		return err
	}
	c.spread(g, r, k)
	return nil
}

// spread counts rows of several buckets. Rows that follow one another are mostly of one.
func (c *counter) spread(g group, r rows, k classes) {
	type column struct {
		bucket int64
		timed  bool
	}
	found := map[column][]int64{}
	var last column
	var counts []int64
	add := func(i int) {
		at := column{timed: c.times.timed(i)}
		if at.timed {
			at.bucket = c.bucket(c.times.nanos[i])
		}
		if counts == nil || at != last {
			if counts = found[at]; counts == nil {
				counts = make([]int64, len(k.all))
				found[at] = counts
			}
			last = at
		}
		if k.of == nil {
			counts[0]++
			return
		}
		counts[k.each[k.of[i]]]++
	}
	if r.all {
		for i := range r.n {
			add(i)
		}
	}
	for _, i := range r.chosen {
		add(int(i))
	}
	for at, counts := range found {
		var bucket any
		if at.timed {
			bucket = at.bucket
		}
		c.cell(g, bucket, k, counts)
	}
}

// cell keeps what a bucket has of a window.
func (c *counter) cell(g group, bucket any, k classes, counts []int64) {
	for at, n := range counts {
		if n > 0 {
			c.cells = append(c.cells, []any{g.object.Entry.Zone, g.object.Entry.Seq, bucket, k.all[at], n})
		}
	}
}
