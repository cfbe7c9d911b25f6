package sql

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// sortable is a cell as it is compared: read once, not at each comparison.
type sortable struct {
	at     int // the row
	null   bool
	odd    bool // no number, in a column of them
	number float64
	text   string
}

// sorting is the order that is on its way: sorting a hundred thousand rows takes longer than a frame.
type sorting struct {
	number  int // of the latest
	waiting bool
	by      int // column from 1
	falling bool
}

// sorted are an answer's rows in the order that was asked for.
type sorted struct {
	number int
	answer *Answer
	order  []int
}

// sort goes from rising to falling to the answer's own order, by the column under the cursor.
func (s *Screen) sort() (screen.Intent, tea.Cmd) {
	if s.answer.More {
		return screen.Say{Level: screen.Warn, Text: "not all rows are here: ORDER BY in the question sorts all of them"}, nil
	}
	by, falling, cell := s.sortBy, s.falling, s.table.Column()+1
	if s.sorting.waiting {
		by, falling = s.sorting.by, s.sorting.falling
	}
	switch first := s.answer.Columns[cell-1].Sort == ByNumber; {
	case by != cell:
		by, falling = cell, first
	case falling == first:
		falling = !falling
	default:
		by, falling = 0, false
	}
	s.sorting = sorting{s.sorting.number + 1, by > 0, by, falling}
	if by == 0 {
		s.ordered(inOrder(len(s.order)))
		return nil, nil
	}
	number, answer := s.sorting.number, s.answer
	return nil, func() tea.Msg { return sorted{number, answer, arranged(answer, by-1, falling)} }
}

func (s *Screen) takeSorted(msg sorted) {
	if s.sorting.waiting && msg.number == s.sorting.number && msg.answer == s.answer {
		s.sorting.waiting = false
		s.ordered(msg.order)
	}
}

// ordered shows the rows in another order, from the first on.
func (s *Screen) ordered(order []int) {
	s.order, s.sortBy, s.falling = order, s.sorting.by, s.sorting.falling
	s.table.To(0)
	s.again()
}

func inOrder(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// arranged are the rows sorted by a column. NULL is last, whichever way.
func arranged(a *Answer, column int, falling bool) []int {
	by := a.Columns[column].Sort
	all := make([]sortable, len(a.Rows))
	for i := range all {
		c := a.Rows[i][column]
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
	out := make([]int, len(all))
	for i := range all {
		out[i] = all[i].at
	}
	return out
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
