// Package theme holds how screens look: styles and glyphs for dark and light
// terminals, with colour or without, in Unicode or in ASCII.
//
// State is never colour alone: each state has a glyph and an attribute too.
package theme

import (
	"image/color"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Options choose a theme.
type Options struct {
	Dark  bool // the terminal's background is dark
	Plain bool // no colour: NO_COLOR, or a terminal without
	ASCII bool // no character beyond ASCII
}

// Theme is what a screen draws with. Its styles have no width and no border.
type Theme struct {
	Options
	Glyphs Glyphs

	Text, Dim, Strong Style
	Title             Style // a pane's name
	Bar               Style // the lines at the top and the bottom
	Tab, TabHere      Style
	Key               Style // a key in a hint
	Selected          Style // the row under the cursor
	Cell              Style // the cell under the cursor, in that row
	Marked            Style // bookmarked, matched
	Escaped           Style // what safetext has made visible
	Border, BorderOn  Style // the edge of a pane, and of the one that has the keys
	Include, Exclude  Style // filter chips
	Good, Warn, Bad   Style
	Status            [6]Style // by the first digit of a status, 0 for what has none
	Parts             [6]Style // of a whole, by rank from 1 on, 0 for the rest
}

// New returns the theme of options.
func New(o Options) *Theme {
	t := &Theme{Options: o, Glyphs: glyphs(o.ASCII)}
	base := newStyle(lipgloss.NewStyle())
	pick := lipgloss.LightDark(o.Dark)
	ink := func(light, dark string) Style {
		if o.Plain {
			return base
		}
		return newStyle(base.of.Foreground(pick(lipgloss.Color(light), lipgloss.Color(dark))))
	}
	paper := func(light, dark string) color.Color { return pick(lipgloss.Color(light), lipgloss.Color(dark)) }
	on := func(s Style, light, dark string) Style {
		if o.Plain {
			return s
		}
		return newStyle(s.of.Background(paper(light, dark)))
	}

	t.Text, t.Dim, t.Strong = base, ink("#6c6f85", "#8087a2"), base.Bold(true)
	t.Title = ink("#1e66f5", "#8aadf4").Bold(true)
	t.Bar = on(ink("#4c4f69", "#cad3f5"), "#dce0e8", "#1e2030")
	t.Tab, t.TabHere = t.Bar, on(ink("#eff1f5", "#181926"), "#1e66f5", "#8aadf4").Bold(true)
	t.Key = ink("#8839ef", "#c6a0f6").Bold(true)
	t.Selected = on(base, "#ccd0da", "#363a4f").Bold(true)
	t.Cell = on(ink("#eff1f5", "#181926"), "#1e66f5", "#8aadf4").Bold(true)
	t.Marked = ink("#df8e1d", "#eed49f").Bold(true)
	t.Escaped = ink("#fe640b", "#f5a97f").Reverse(true)
	t.Border, t.BorderOn = ink("#bcc0cc", "#494d64"), ink("#1e66f5", "#8aadf4").Bold(true)
	t.Include = on(ink("#40a02b", "#a6da95"), "#e6e9ef", "#24273a").Bold(true)
	t.Exclude = on(ink("#d20f39", "#ed8796"), "#e6e9ef", "#24273a").Bold(true)
	t.Good, t.Warn, t.Bad = ink("#40a02b", "#a6da95"), ink("#df8e1d", "#eed49f").Bold(true), ink("#d20f39", "#ed8796").Bold(true)
	t.Status = [6]Style{t.Dim, t.Dim, t.Good, ink("#04a5e5", "#91d7e3"), ink("#df8e1d", "#eed49f"), t.Bad}
	t.Parts = [6]Style{t.Dim, ink("#1e66f5", "#8aadf4"), ink("#fe640b", "#f5a97f"), ink("#40a02b", "#a6da95"), ink("#8839ef", "#c6a0f6"), ink("#df8e1d", "#eed49f")}
	if o.Plain { // what colour says elsewhere
		t.Selected, t.TabHere = base.Reverse(true), base.Reverse(true).Bold(true)
		t.Cell = base.Bold(true).Underline(true)
		t.Exclude, t.Bad = base.Bold(true).Underline(true), base.Bold(true).Underline(true)
	}
	return t
}

// Draw is a finished view as the terminal can show it: with ASCII, other
// characters become ones that are near, or question marks, of the same width.
func (t *Theme) Draw(view string) string {
	if !t.ASCII {
		return view
	}
	var b strings.Builder
	for _, r := range view {
		switch near, ok := nearest[r]; {
		case r < 0x80:
			b.WriteRune(r)
		case ok:
			b.WriteByte(near)
		default:
			b.WriteString(strings.Repeat("?", ansi.StringWidth(string(r))))
		}
	}
	return b.String()
}

var nearest = map[rune]byte{'…': '~', '·': '.', '→': '>', '←': '<', '↑': '^', '↓': 'v', '×': 'x', '–': '-'}

// Glyphs are the characters that stand for things.
type Glyphs struct {
	Bars             [9]string // from nothing to full, for a histogram's top cells
	Block, Half      string
	Across           [9]string // from nothing to full, for bars that lie
	Good, Warn, Bad  string    // a state, each of one cell
	Pending, Empty   string
	Gap              string // a notch where evidence is missing
	Cursor, Bookmark string
	Note             string
	Up, Down, To     string
	Bullet, Ellipsis string
	Rule, Pillar     string
	Times            string // between numbers
	Border           lipgloss.Border
	Spinner          []string
}

func glyphs(ascii bool) Glyphs {
	if ascii {
		return Glyphs{
			Bars: [9]string{" ", ".", ".", ":", "-", "=", "+", "*", "#"}, Block: "#", Half: "-", Across: [9]string{" ", "-", "-", "-", "-", "=", "=", "=", "#"},
			Good: "+", Warn: "!", Bad: "X", Pending: "~", Empty: ".", Gap: "!", Cursor: ">", Bookmark: "*", Note: "\"",
			Up: "^", Down: "v", To: ">", Bullet: "*", Ellipsis: "~", Rule: "-", Pillar: "|", Times: "x",
			Border: lipgloss.ASCIIBorder(), Spinner: []string{"|", "/", "-", `\`},
		}
	}
	return Glyphs{
		Bars: [9]string{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}, Block: "█", Half: "▄", Across: [9]string{" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"},
		Good: "✓", Warn: "!", Bad: "✗", Pending: "◌", Empty: "·", Gap: "▼", Cursor: "▌", Bookmark: "★", Note: "✎",
		Up: "↑", Down: "↓", To: "→", Bullet: "•", Ellipsis: "…", Rule: "─", Pillar: "│", Times: "×",
		Border: lipgloss.RoundedBorder(), Spinner: []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"},
	}
}
