// Package picker is a list to choose from, narrowed by typing.
package picker

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/prompt"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Item is one to choose.
type Item struct {
	Name   string // from anywhere
	Detail string
	Indent int
	On     bool
}

// Picker is the state.
type Picker struct {
	Title string
	Items []Item
	Many  bool // several can be on, and their order matters
	typed prompt.Prompt
	at    int // in shown
	top   int
}

// Shown are the items that what was typed leaves.
func (p *Picker) shown() []int {
	var out []int
	for i, it := range p.Items {
		if strings.Contains(strings.ToLower(it.Name+" "+it.Detail), strings.ToLower(p.typed.Text())) {
			out = append(out, i)
		}
	}
	return out
}

// Here is the item under the cursor, -1 if none is left.
func (p *Picker) Here() int {
	shown := p.shown()
	if p.at >= len(shown) {
		return -1
	}
	return shown[p.at]
}

// To puts the cursor on an item.
func (p *Picker) To(item int) { p.at = max(0, slices.Index(p.shown(), item)) }

// Move moves the cursor.
func (p *Picker) Move(by int) { p.at = max(0, min(p.at+by, len(p.shown())-1)) }

// Toggle puts the item under the cursor on or off.
func (p *Picker) Toggle() {
	if i := p.Here(); i >= 0 && p.Many {
		p.Items[i].On = !p.Items[i].On
	}
}

// Shift moves the item under the cursor among the items.
func (p *Picker) Shift(by int) {
	i := p.Here()
	if j := i + by; p.Many && i >= 0 && j >= 0 && j < len(p.Items) {
		p.Items[i], p.Items[j] = p.Items[j], p.Items[i]
		p.To(j)
	}
}

// On are the names of the items that are on, in their order.
func (p *Picker) On() []string {
	var out []string
	for _, it := range p.Items {
		if it.On {
			out = append(out, it.Name)
		}
	}
	return out
}

// Key types into the field that narrows the list.
func (p *Picker) Key(msg tea.KeyPressMsg) {
	if p.typed.Key(msg) {
		p.at = 0
	}
}

// View draws the list: at most height lines of exactly width cells.
func (p *Picker) View(th *theme.Theme, width, height int) []string {
	shown := p.shown()
	p.typed.Label = safetext.Cut(p.Title, width/2) + ": "
	lines := []string{p.typed.View(th, width)}
	rows := max(1, height-2)
	p.top = max(0, min(p.top, p.at, len(shown)-rows))
	if p.at >= p.top+rows {
		p.top = p.at - rows + 1
	}
	for row := p.top; row < min(len(shown), p.top+rows); row++ {
		lines = append(lines, p.line(th, p.Items[shown[row]], row == p.at, width))
	}
	if len(shown) == 0 {
		lines = append(lines, th.Dim.Render(safetext.Fit("  nothing is called so", width)))
	}
	if more := len(shown) - rows; more > 0 {
		lines = append(lines, th.Dim.Render(safetext.Fit(fmt.Sprintf("  %d of %d", p.at+1, len(shown)), width)))
	}
	return lines[:min(len(lines), max(1, height))]
}

func (p *Picker) line(th *theme.Theme, it Item, here bool, width int) string {
	cursor, on := " ", ""
	if here {
		cursor = th.Glyphs.Cursor
	}
	if p.Many {
		on = "[ ] "
		if it.On {
			on = "[x] "
		}
	}
	text := cursor + on + strings.Repeat("  ", min(it.Indent, 8)) + it.Name
	detail := safetext.Cut(it.Detail, width/2)
	line := safetext.Fit(text, width-safetext.Width(detail)-1) + " "
	switch {
	case here:
		return th.Selected.Render(safetext.Fit(line+detail, width))
	case it.On:
		return th.Strong.Render(safetext.Fit(line+detail, width))
	}
	return safetext.Fit(line, width-safetext.Width(detail)) + th.Dim.Render(detail)
}
