package theme

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// Style is how a text looks, without width, padding or border. A frame has hundreds of styled texts, and what the library does
// for each of them was a third of a frame's cost: what comes before and behind a text is made once.
type Style struct {
	of          lipgloss.Style
	open, close string
	quick       bool // a line is as it is between open and close
}

// newStyle is a style of the library's.
func newStyle(of lipgloss.Style) Style {
	s := Style{of: of}
	const sample = "a b"
	s.open, s.close, s.quick = strings.Cut(of.Render(sample), sample) // not so where spaces are styled for themselves
	return s
}

// Render is a text in the style.
func (s Style) Render(text string) string {
	if !s.quick || text == "" || strings.ContainsAny(text, "\n\r\t") {
		return s.of.Render(text)
	}
	return s.open + text + s.close
}

// Reverse is the style with its two colours exchanged, or not.
func (s Style) Reverse(on bool) Style { return newStyle(s.of.Reverse(on)) }

// Bold is the style in bold letters, or not.
func (s Style) Bold(on bool) Style { return newStyle(s.of.Bold(on)) }

// Underline is the style with a line below, or not.
func (s Style) Underline(on bool) Style { return newStyle(s.of.Underline(on)) }

// Inherit is the style with what another one has beyond it.
func (s Style) Inherit(o Style) Style { return newStyle(s.of.Inherit(o.of)) }

// Lipgloss is the style as the library has it.
func (s Style) Lipgloss() lipgloss.Style { return s.of }
