package count

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// tally is how often a field has which value.
type tally struct {
	is     schema.Type
	all    *dictionary
	counts []int64 // of the dictionary's values, 0 for those behind
	null   int64
}

// add adds a column's counts, by the numbers of its values.
func (t *tally) add(of *chunk, counts []int64) error {
	t.null += counts[0]
	own := len(of.ends)
	for code := 1; code < own; code++ {
		if counts[code] > 0 {
			t.more(t.all.number(of.value(code)), counts[code])
		}
	}
	for n, count := range counts[own:] {
		if count > 0 {
			t.more(n, count)
		}
	}
	if t.all.full() {
		return errElsewhere
	}
	return nil
}

func (t *tally) more(n int, count int64) {
	if short := t.all.values() - len(t.counts); n >= len(t.counts) {
		t.counts = append(t.counts, make([]int64, short)...)
	}
	t.counts[n] += count
}

// merge adds what another thread has counted.
func (t *tally) merge(o tally) error {
	t.null += o.null
	for n, count := range o.counts {
		if count > 0 {
			t.more(t.all.number(o.all.value(n)), count)
		}
	}
	if t.all.full() {
		return errElsewhere
	}
	return nil
}

// value is a value with how often it is there.
type value struct {
	text string
	null bool
	n    int64
}

func compare(a, b value) int {
	null := 0
	switch {
	case a.null && !b.null:
		null = 1
	case b.null && !a.null:
		null = -1
	}
	return cmp.Or(cmp.Compare(b.n, a.n), null, cmp.Compare(a.text, b.text))
}

// sorted are the values, the most frequent first, and how many records there are.
func (t *tally) sorted() (out []value, total int64) {
	for n, count := range t.counts {
		if count > 0 {
			out = append(out, value{text: string(appendText(nil, t.all.value(n), t.is)), n: count})
			total += count
		}
	}
	if t.null > 0 {
		out = append(out, value{null: true, n: t.null})
	}
	slices.SortFunc(out, compare)
	return out, total + t.null
}

// frequent are the most frequent values of each field, as query.Counts has them.
func (p *plan) frequent(counters []*counter) (out [][]any, err error) {
	for i := range p.fields {
		sum := &counters[0].found[i]
		for _, c := range counters[1:] {
			if err := sum.merge(c.found[i]); err != nil {
				return nil, err
			}
		}
		values, total := sum.sorted()
		distinct := int64(len(values))
		if sum.null > 0 {
			distinct--
		}
		for _, v := range values[:min(len(values), p.ask.Top)] {
			row := []any{int64(i), nil, v.n, distinct, total, false}
			if !v.null {
				if row[1] = v.text; utf8.RuneCountInString(v.text) > p.ask.MaxText {
					return nil, errElsewhere
				}
			}
			out = append(out, row)
		}
	}
	return out, nil
}

// integer is an integer from its eight bytes.
func integer(value []byte) int64 { return int64(binary.LittleEndian.Uint64(value)) }

// appendText appends a value as text.
func appendText(b, value []byte, is schema.Type) []byte {
	if is == schema.Int {
		return strconv.AppendInt(b, integer(value), 10)
	}
	return append(b, value...)
}
