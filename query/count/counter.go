package count

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// counter is what one thread has counted, and what it counts with.
type counter struct {
	plan       *plan
	conditions []condition
	found      []tally // of the counted fields
	cells      [][]any // of the grid

	props  *parquet.ReaderProperties
	chunks []chunk
	have   []bool // which of the chunks are the group's
	pass   []bool
	chosen []uint32
	counts []int64
	times  instants
	event  instants
}

func newCounter(p *plan, numberings []*numbering) *counter {
	c := &counter{plan: p, conditions: slices.Clone(p.conditions), have: make([]bool, len(p.names))}
	c.props = parquet.NewReaderProperties(&buffers{})
	c.props.BufferedStreamEnabled = true // a page's bytes go to where it is unpacked from
	for i, is := range p.types {
		c.chunks = append(c.chunks, chunk{is: is, numbering: numberings[i], all: newDictionary()})
	}
	for _, at := range p.fields {
		c.found = append(c.found, tally{is: p.types[at], numbering: numberings[at], all: c.chunks[at].all})
	}
	return c
}

// group is a row group of a file.
type group struct {
	*file.RowGroupReader
	part
	index       int   // in its file
	places      []int // of the plan's columns in the file, -1 for one that it lacks
	event, time int   // those of the times
}

// rows are rows of a group: all of so many, or those chosen, ascending.
type rows struct {
	n      int
	all    bool
	chosen []uint32
	first  uint32 // the row that a part of them begins with
}

// from are those from a row on.
func (r rows) from(row int) rows {
	at, _ := slices.BinarySearch(r.chosen, uint32(row))
	r.first, r.chosen = uint32(row), r.chosen[at:]
	return r
}

func (r rows) count() int {
	if r.all {
		return r.n
	}
	return len(r.chosen)
}

// group counts a row group.
func (c *counter) group(g group) error {
	clear(c.have)
	r := rows{n: int(g.NumRows()), all: true}
	r, err := c.inRange(g, r)
	if err != nil {
		return err
	}
	for i := range c.conditions {
		of, err := c.chunk(g, c.plan.of[i], r)
		if err != nil {
			return err
		}
		c.pass = c.conditions[i].passing(of, c.pass)
		if r = c.keep(r, of.codes, c.pass); r.count() == 0 {
			return nil
		}
	}
	if c.plan.ask.Grid != nil {
		return c.grid(g, r)
	}
	for i, at := range c.plan.fields {
		of, err := c.chunk(g, at, r)
		if err != nil {
			return err
		}
		if err := c.found[i].add(of, c.tally(of, r)); err != nil {
			return err
		}
	}
	return nil
}

// chunk is a column of the group, read once: later questions are of fewer rows.
func (c *counter) chunk(g group, at int, wanted rows) (*chunk, error) {
	of := &c.chunks[at]
	if c.have[at] {
		return of, nil
	}
	c.have[at] = true
	if g.places[at] < 0 {
		of.absent(wanted.n)
		return of, nil
	}
	pages, err := g.GetColumnPageReader(g.places[at])
	if err != nil {
		return nil, fmt.Errorf("read columns: %w", err)
	}
	defer pages.Close() //nolint:errcheck // only read from
	return of, of.read(pages, chunkOf{g.Path, g.index}, wanted)
}

// inRange are the rows that belong to the range, as dataset.Object.Holds has it.
func (c *counter) inRange(g group, r rows) (rows, error) {
	if g.object.All() {
		return r, nil
	}
	if err := c.event.read(g, g.event); err != nil {
		return r, err
	}
	r.all, c.chosen = false, c.chosen[:0]
	for i, at := range c.event.nanos {
		if g.object.Holds(at, c.event.timed(i)) {
			c.chosen = append(c.chosen, uint32(i))
		}
	}
	r.chosen = c.chosen
	return r, nil
}

// keep are those of the rows whose value passes.
func (c *counter) keep(r rows, codes []uint32, pass []bool) rows {
	if !slices.Contains(pass, false) {
		return r
	}
	if !r.all {
		kept := r.chosen[:0]
		for _, i := range r.chosen {
			if pass[codes[i]] {
				kept = append(kept, i)
			}
		}
		r.chosen = kept
		return r
	}
	c.chosen = sized(c.chosen, len(codes))
	n := 0
	for i, code := range codes {
		c.chosen[n] = uint32(i)
		if pass[code] {
			n++
		}
	}
	return rows{n: r.n, chosen: c.chosen[:n]}
}

// tally is how many of the rows have each of a column's values.
func (c *counter) tally(of *chunk, r rows) []int64 {
	c.counts = sized(c.counts, of.values())
	clear(c.counts)
	if r.all {
		for _, code := range of.codes {
			c.counts[code]++
		}
		return c.counts
	}
	for _, i := range r.chosen {
		c.counts[of.codes[i]]++
	}
	return c.counts
}
