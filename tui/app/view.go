package app

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// View draws the frame.
func (a *App) View() tea.View {
	v := tea.NewView(a.Content())
	v.AltScreen = true
	v.WindowTitle = "rainlogs " + safetext.Cut(a.cfg.Title, 60)
	if a.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	return v
}

// Content is the frame as text: exactly the lines and cells of the terminal.
func (a *App) Content() string {
	if a.drawn == "" {
		a.drawn = a.draw()
	}
	return a.drawn
}

func (a *App) draw() string {
	if a.ended || a.fault != nil {
		return ""
	}
	if a.width < 40 || a.height < 10 {
		return frame(safetext.Cut("too small: 40x10 at least", a.width), a.width, a.height)
	}
	var view, bottom string
	a.guarded(a.here, func() { view, bottom = a.front().View(), a.bottom() })
	content := strings.Join([]string{a.tabs(), frame(view, a.width, a.height-chrome), bottom}, "\n")
	if a.dialog != nil {
		content = frame(a.above(content), a.width, a.height)
	}
	return a.theme.Draw(content)
}

// frame makes content exactly as wide and high as its place: what a screen
// drew beyond is cut, which its tests find.
func frame(content string, width, height int) string {
	lines := strings.Split(content, "\n")
	out := make([]string, height)
	for i := range out {
		line := ""
		if i < len(lines) {
			line = lines[i]
		}
		switch w := safetext.Drawn(line); {
		case w > width:
			line = ansi.Truncate(line, width, "")
		case w < width:
			line += strings.Repeat(" ", width-w)
		}
		out[i] = line
	}
	return strings.Join(out, "\n")
}

// tab is one in the line at the top.
func (a *App) tab(i int, wide bool) string {
	label := string(rune('1'+i)) + " " + string(a.order[i])
	if !wide && a.order[i] != a.here {
		label = string(rune('1'+i)) + " " + string(a.order[i])[:3]
	}
	return " " + label + " "
}

// room is what the top line leaves for the archive's name.
const room = 24

// wide reports whether all tabs fit with their whole names.
func (a *App) wide() bool {
	n := 0
	for i := range a.order {
		n += len(a.tab(i, true))
	}
	return n+room <= a.width
}

func (a *App) tabs() string {
	var b strings.Builder
	used, wide := 0, a.wide()
	for i, name := range a.order {
		label := a.tab(i, wide)
		style := a.theme.Tab
		if name == a.here {
			style = a.theme.TabHere
		}
		used += len(label)
		b.WriteString(style.Render(label))
	}
	mark := ""
	if a.cfg.ReadOnly {
		mark = " read-only "
	}
	title := safetext.Cut(a.cfg.Title, max(0, a.width-used-len(mark)-1))
	pad := max(0, a.width-used-len(mark)-safetext.Width(title)-1)
	return ansi.Truncate(b.String()+a.theme.Bar.Render(strings.Repeat(" ", pad))+a.theme.Marked.Render(mark)+a.theme.Bar.Render(title+" "), a.width, "")
}

// tabAt is the tab at a cell of the top line.
func (a *App) tabAt(x int) (screen.Name, bool) {
	wide := a.wide()
	for i, name := range a.order {
		w := len(a.tab(i, wide))
		if x < w {
			return name, true
		}
		x -= w
	}
	return "", false
}

// bottom is what was last said, or else the keys that work.
func (a *App) bottom() string {
	if a.say.Text != "" {
		glyph, style := a.theme.Glyphs.Bullet, a.theme.Text
		switch a.say.Level {
		case screen.Good:
			glyph, style = a.theme.Glyphs.Good, a.theme.Good
		case screen.Warn:
			glyph, style = a.theme.Glyphs.Warn, a.theme.Warn
		case screen.Bad:
			glyph, style = a.theme.Glyphs.Bad, a.theme.Bad
		}
		return style.Render(safetext.Fit(glyph+" "+a.say.Text, a.width))
	}
	tail, tailWidth := a.everywhere()
	var b strings.Builder
	used := 0
	for _, k := range a.front().Keys() {
		hint, w := a.hint(k, k.Help().Desc)
		if w == 0 {
			continue
		}
		if used+w+tailWidth > a.width {
			break
		}
		used += w
		b.WriteString(hint)
	}
	return b.String() + tail + strings.Repeat(" ", max(0, a.width-used-tailWidth))
}

// everywhere are the hints that are there whatever else there is room for: of the keys' list and, while
// figures are typed, of what other screens are reached by.
func (a *App) everywhere() (drawn string, width int) {
	if first, last := a.cfg.Keys.Key("global", screenAction(0)), a.cfg.Keys.Key("global", screenAction(len(a.order)-1)); a.typing() && a.width >= 60 && first.Enabled() && last.Enabled() {
		from, to := shortest(first, true), shortest(last, true)
		if n := len(to) - 1; n >= 0 && len(from) == len(to) && from[:n] == to[:n] {
			from += "–" + to[n:]
		}
		drawn, width = a.theme.Key.Render(from)+" "+a.theme.Dim.Render("screens")+"  ", lipgloss.Width(from)+len(" screens  ")
	}
	hint, w := a.hint(a.cfg.Keys.Key("global", HelpKeys), "keys")
	return drawn + hint, width + w
}

// hint is a key and what it does, nothing for one that is off.
func (a *App) hint(k key.Binding, text string) (drawn string, width int) {
	if !k.Enabled() {
		return "", 0
	}
	name := shortest(k, a.typing())
	if a.theme.ASCII {
		name = keymap.Spell(name)
	}
	return a.theme.Key.Render(name) + " " + a.theme.Dim.Render(text) + "  ", lipgloss.Width(name) + 1 + lipgloss.Width(text) + 2
}

// shortest is the first of a binding's keys, as it is shown; while text is typed, the first that is no text.
func shortest(k key.Binding, typing bool) string {
	keys := k.Keys()
	for i, name := range keys {
		if !typing || len(name) > 1 {
			return keymap.Label(keys[i : i+1])
		}
	}
	return keymap.Label(keys[:min(1, len(keys))])
}

// above draws the dialog over the content.
func (a *App) above(content string) string {
	width := min(a.width-4, 72)
	title, lines := a.dialog.lines(a.theme, width-4, a.height-6)
	style := a.theme.Text.Lipgloss().Border(a.theme.Glyphs.Border).BorderForeground(a.theme.BorderOn.Lipgloss().GetForeground()).Padding(0, 1).Width(width)
	box := style.Render(a.theme.Title.Render(safetext.Cut(title, width-4)) + "\n" + strings.Join(lines, "\n"))
	x, y := (a.width-lipgloss.Width(box))/2, max(0, (a.height-lipgloss.Height(box))/2)
	return lipgloss.NewCompositor(lipgloss.NewLayer(content), lipgloss.NewLayer(box).X(x).Y(y).Z(1)).Render()
}
