package status

import (
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

// Cell is what became of an hour: the worst of what is in it.
type Cell uint8

// The cells, from good to bad.
const (
	Outside Cell = iota // before the zone, or not due yet
	Empty               // collected, without a line
	Sealed              // collected
	Expired             // removed by the retention policy
	Pending             // to be collected, or at work
	Blocked             // waits for an operator
	Missing             // not in the ledger
	Gap                 // lost, and sealed as such
)

// Cells are all that a legend explains.
func Cells() []Cell { return []Cell{Sealed, Empty, Pending, Blocked, Gap, Missing, Expired} }

func (c Cell) String() string {
	return [...]string{"outside", "empty", "sealed", "expired", "pending", "blocked", "missing", "gap"}[c]
}

// Glyph is the cell without colours.
func (c Cell) Glyph() string { return [...]string{"", "·", "■", "-", "◌", "!", "?", "✗"}[c] }

// cellOf is a window's.
func cellOf(w catalog.Window) Cell {
	switch {
	case w.State == catalog.Lost:
		return Gap
	case w.State == catalog.Blocked:
		return Blocked
	case w.State != catalog.Sealed:
		return Pending
	case w.Object == catalog.Expiring || w.Object == catalog.Removed:
		return Expired
	case w.Lines == 0:
		return Empty
	}
	return Sealed
}

// Hour is a cell of a map.
type Hour struct {
	At      time.Time
	Cell    Cell
	Lines   int64 // of the windows that begin in it
	Windows int
	covered time.Duration
}

// Says is the cell in words.
func (h Hour) Says() string {
	said := h.At.Format("2006-01-02 15:04 UTC: ") + h.Cell.String()
	if h.Windows > 0 {
		said += fmt.Sprintf(", %d windows, %d lines", h.Windows, h.Lines)
	}
	return said
}

// grace is how far behind planning may be before what it has not planned is missing.
const grace = time.Hour

// Hours draws n hours from a full one on, of windows by start. Nothing is
// missing before since, where the zone begins.
func Hours(rows []catalog.Window, from time.Time, n int, since, now time.Time) []Hour {
	hours := make([]Hour, n)
	for i := range hours {
		hours[i].At = from.Add(time.Duration(i) * time.Hour)
	}
	for _, w := range rows {
		first := max(0, int(w.Window.Start.Sub(from)/time.Hour))
		for i := first; i < n && hours[i].At.Before(w.Window.End); i++ {
			h := &hours[i]
			h.Cell = max(h.Cell, cellOf(w))
			h.covered += overlap(w.Window.Start, w.Window.End, h.At, h.At.Add(time.Hour))
			if !w.Window.Start.Before(h.At) {
				h.Windows++
				h.Lines += w.Lines
			}
		}
	}
	for i := range hours {
		h := &hours[i]
		if overlap(h.At, h.At.Add(time.Hour), since, now.Add(-grace)) > h.covered {
			h.Cell = max(h.Cell, Missing)
		}
	}
	return hours
}

func overlap(a, b, from, to time.Time) time.Duration {
	if a.Before(from) {
		a = from
	}
	if b.After(to) {
		b = to
	}
	return max(0, b.Sub(a))
}

// Day is a row of a map.
type Day struct {
	Date  time.Time
	Lines int64
	Hours []Hour
}

// Days parts hours that begin with a day, the latest day first.
func Days(hours []Hour) []Day {
	var days []Day
	for i := len(hours) - 24; i >= 0; i -= 24 {
		d := Day{Date: hours[i].At, Hours: hours[i : i+24]}
		for _, h := range d.Hours {
			d.Lines += h.Lines
		}
		days = append(days, d)
	}
	return days
}
