// Package chips draws conditions in a line, each told from the others by a
// sign and a colour.
package chips

import (
	"fmt"
	"strings"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Chip is one condition.
type Chip struct {
	Text     string // from anywhere
	Excludes bool
}

// longest is how many cells a chip has at most.
const longest = 40

// Chips is the state. The zero value is empty.
type Chips struct {
	Chips []Chip
	At    int // under the cursor, -1 for none
}

// place is where a chip is drawn.
type place struct{ chip, x, width int }

func (c *Chips) text(i int) string {
	sign := "+ "
	if c.Chips[i].Excludes {
		sign = "- "
	}
	return " " + sign + safetext.Cut(c.Chips[i].Text, longest) + " "
}

// places finds room for the chips, those around the cursor first; hidden is how many have none.
func (c *Chips) places(width int) (out []place, hidden int) {
	first := 0
	for first < c.At && c.span(first, c.At) > width-6 {
		first++
	}
	x := 0
	for i := first; i < len(c.Chips); i++ {
		w := safetext.Width(c.text(i))
		last := i == len(c.Chips)-1 && first == 0 // no count of hidden ones behind it
		if x+w > width-6 && (!last || x+w > width) {
			if w = width - x - 6; w < 12 && i > first {
				break
			}
			w = max(1, w)
		}
		out = append(out, place{i, x, w})
		x += w + 1
	}
	return out, len(c.Chips) - len(out)
}

func (c *Chips) span(from, to int) int {
	n := 0
	for i := from; i <= to; i++ {
		n += safetext.Width(c.text(i)) + 1
	}
	return n
}

// ChipAt is the chip at a cell of the line.
func (c *Chips) ChipAt(x, width int) (int, bool) {
	places, _ := c.places(width)
	for _, p := range places {
		if x >= p.x && x < p.x+p.width {
			return p.chip, true
		}
	}
	return 0, false
}

// View draws the line in exactly width cells.
func (c *Chips) View(th *theme.Theme, width int, focused bool) string {
	if width <= 6 {
		return safetext.Fit(fmt.Sprintf("%d", len(c.Chips)), max(0, width))
	}
	places, hidden := c.places(width)
	var b strings.Builder
	used := 0
	for _, p := range places {
		style := th.Include
		if c.Chips[p.chip].Excludes {
			style = th.Exclude
		}
		if focused && p.chip == c.At {
			style = th.TabHere
		}
		b.WriteString(style.Render(safetext.Fit(c.text(p.chip), p.width)) + " ")
		used = p.x + p.width + 1
	}
	if hidden > 0 && used < width {
		more := safetext.Cut(fmt.Sprintf("+%d", hidden), width-used)
		b.WriteString(th.Dim.Render(more))
		used += safetext.Width(more)
	}
	if used > width { // the blank behind the last one
		return strings.TrimSuffix(b.String(), " ")
	}
	return b.String() + strings.Repeat(" ", width-used)
}
