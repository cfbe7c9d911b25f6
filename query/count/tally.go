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
	is        schema.Type
	numbering *numbering
	numbered  []int64 // of the numbering's values, 0 for those behind
	all       *dictionary
	counts    []int64 // of the thread's values, likewise
	null      int64
}

// add adds a column's counts, by the numbers of its values.
func (t *tally) add(of *chunk, counts []int64) error {
	t.null += counts[0]
	if of.numbers != nil {
		t.known(of.numbers, counts)
	} else {
		for code := 1; code < of.own; code++ {
			if counts[code] > 0 {
				t.more(t.all.number(of.value(code)), counts[code])
			}
		}
	}
	for n, count := range counts[of.own:] {
		if count > 0 {
			t.more(n, count)
		}
	}
	if t.all.full() {
		return errElsewhere
	}
	return nil
}

// known adds counts of values with a number.
func (t *tally) known(numbers []uint32, counts []int64) {
	t.fit()
	for code := 1; code < len(numbers); code++ {
		t.numbered[numbers[code]] += counts[code]
	}
}

// fit has room for all values that have a number.
func (t *tally) fit() {
	if short := t.numbering.values() - len(t.numbered); short > 0 {
		t.numbered = append(t.numbered, make([]int64, short)...)
	}
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
	t.fit()
	for n, count := range o.numbered {
		t.numbered[n] += count
	}
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

// settle gives counts of the thread's values to those that have a number in some file too.
func (t *tally) settle() {
	t.fit()
	t.numbering.mu.RLock()
	defer t.numbering.mu.RUnlock()
	for n := range t.counts {
		if number, ok := t.numbering.all.find(t.all.value(n)); ok && number < len(t.numbered) {
			t.numbered[number], t.counts[n] = t.numbered[number]+t.counts[n], 0
		}
	}
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

// ranking is the most frequent values, and how many there are.
type ranking struct {
	top             int
	values          []value // the most frequent first
	distinct, total int64
}

// add adds values of a dictionary.
func (r *ranking) add(all *dictionary, counts []int64, is schema.Type) {
	for n, count := range counts {
		if count == 0 {
			continue
		}
		r.distinct, r.total = r.distinct+1, r.total+count
		if len(r.values) < r.top || r.top > 0 && count >= r.values[r.top-1].n {
			r.put(value{text: string(appendText(nil, all.value(n), is)), n: count})
		}
	}
}

// put puts a value in its place.
func (r *ranking) put(v value) {
	at, _ := slices.BinarySearchFunc(r.values, v, compare)
	r.values = slices.Insert(r.values, at, v)
	r.values = r.values[:min(len(r.values), r.top)]
}

// rank are the most frequent values.
func (t *tally) rank(top int) ranking {
	t.settle()
	r := ranking{top: max(0, top)}
	if t.null > 0 {
		r.total = t.null
		r.put(value{null: true, n: t.null})
	}
	t.numbering.mu.RLock()
	defer t.numbering.mu.RUnlock()
	r.add(t.numbering.all, t.numbered, t.is)
	r.add(t.all, t.counts, t.is)
	return r
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
		r := sum.rank(p.ask.Top)
		for _, v := range r.values {
			row := []any{int64(i), nil, v.n, r.distinct, r.total, false}
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
