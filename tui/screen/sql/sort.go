package sql

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// sortable is a cell as it is compared: read once, not at each comparison.
type sortable struct {
	at     int // the row
	null   bool
	odd    bool // no number, in a column of them
	number float64
	text   string
}

// arrange sorts the rows by a column. NULL is last, whichever way.
func (s *Screen) arrange(column int, falling bool) {
	by := s.answer.Columns[column].Sort
	all := make([]sortable, len(s.order))
	for i := range all {
		c := s.answer.Rows[i][column]
		all[i] = sortable{at: i, null: c.Null, text: c.Text}
		switch by {
		case ByNumber:
			n, err := strconv.ParseFloat(c.Text, 64)
			all[i].number, all[i].odd = n, err != nil
		case ByTime: // its fraction is left out where it is zero: without the Z that sorts first
			all[i].text = strings.TrimSuffix(c.Text, "Z")
		}
	}
	slices.SortFunc(all, func(a, b sortable) int {
		order := 0
		switch {
		case a.null || b.null:
			return cmp.Or(flag(a.null)-flag(b.null), a.at-b.at)
		case by == ByNumber && !a.odd && !b.odd:
			order = numbers(a, b)
		default:
			order = strings.Compare(a.text, b.text)
		}
		if falling {
			order = -order
		}
		return cmp.Or(order, a.at-b.at) // rows that are equal keep their order
	})
	for i := range all {
		s.order[i] = all[i].at
	}
}

// numbers compares two numbers as the engine writes them, exactly. NaN is the largest, as the engine has it.
func numbers(a, b sortable) int {
	if math.IsNaN(a.number) || math.IsNaN(b.number) {
		return flag(math.IsNaN(a.number)) - flag(math.IsNaN(b.number))
	}
	if order := cmp.Compare(a.number, b.number); order != 0 || a.text == b.text {
		return order
	}
	x, okX := new(big.Rat).SetString(a.text)
	y, okY := new(big.Rat).SetString(b.text)
	if !okX || !okY {
		return 0
	}
	return x.Cmp(y)
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
