package app

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// dialog stands above the screen and has all keys until it is closed.
type dialog interface {
	key(msg tea.KeyPressMsg) (closed bool, intent screen.Intent, cmd tea.Cmd)
	// lines are its content, at most width cells wide and height lines.
	lines(t *theme.Theme, width, height int) (title string, lines []string)
}

// question is answered with y, and with nothing else.
type question struct{ ask screen.Ask }

func (q *question) key(msg tea.KeyPressMsg) (bool, screen.Intent, tea.Cmd) {
	if msg.String() != "y" {
		return true, screen.Say{Text: "nothing was done"}, nil
	}
	then := q.ask.Then
	return true, nil, func() tea.Msg { return then }
}

func (q *question) lines(t *theme.Theme, width, _ int) (string, []string) {
	var out []string
	for line := range strings.SplitSeq(q.ask.Text, "\n") {
		out = append(out, safetext.Cut(line, width))
	}
	return q.ask.Title, append(out, "", t.Key.Render("y")+" yes   "+t.Key.Render("any other key")+" no")
}

// palette takes the name of a screen.
type palette struct {
	names []screen.Name
	typed string
}

func newPalette(names []screen.Name) *palette { return &palette{names: names} }

func (p *palette) match() []screen.Name {
	var out []screen.Name
	for _, n := range p.names {
		if strings.HasPrefix(string(n), p.typed) {
			out = append(out, n)
		}
	}
	return out
}

func (p *palette) key(msg tea.KeyPressMsg) (bool, screen.Intent, tea.Cmd) {
	switch {
	case msg.Code == tea.KeyEscape:
		return true, nil, nil
	case msg.Code == tea.KeyEnter:
		if found := p.match(); len(found) > 0 {
			return true, screen.Go{To: found[0]}, nil
		}
		return true, screen.Say{Level: screen.Warn, Text: "there is no screen " + p.typed}, nil
	case msg.Code == tea.KeyBackspace:
		p.typed = p.typed[:max(0, len(p.typed)-1)]
	case len(msg.Text) == 1 && msg.Text >= "a" && msg.Text <= "z" && len(p.typed) < 20:
		p.typed += msg.Text
	}
	return false, nil, nil
}

func (p *palette) lines(t *theme.Theme, width, _ int) (string, []string) {
	out := []string{safetext.Cut(":"+p.typed, width)}
	found := p.match()
	for i, n := range p.names {
		mark, style := "  ", t.Dim
		if slices.Contains(found, n) {
			style = t.Text
		}
		if len(found) > 0 && n == found[0] {
			mark, style = t.Glyphs.Cursor+" ", t.Strong
		}
		out = append(out, style.Render(safetext.Cut(mark+string(rune('1'+i))+" "+string(n), width)))
	}
	return "go to", out
}

// keyHelp lists the keys that work, from the live map.
type keyHelp struct {
	entries []helpLine
	top     int
}

type helpLine struct{ key, does string }

func newKeyHelp(m *keymap.Map, live []key.Binding) *keyHelp {
	h := &keyHelp{}
	for _, b := range live {
		if b.Enabled() {
			h.entries = append(h.entries, helpLine{b.Help().Key, b.Help().Desc})
		}
	}
	h.entries = append(h.entries, helpLine{"", ""})
	for _, e := range m.Entries(keymap.Global) {
		if b := m.Key(keymap.Global, e.Action); b.Enabled() {
			h.entries = append(h.entries, helpLine{b.Help().Key, b.Help().Desc})
		}
	}
	return h
}

func (h *keyHelp) key(msg tea.KeyPressMsg) (bool, screen.Intent, tea.Cmd) {
	switch msg.String() {
	case "down", "j":
		h.top++
	case "up", "k":
		h.top--
	case "pgdown", "space":
		h.top += 10
	case "pgup":
		h.top -= 10
	default:
		return true, nil, nil
	}
	return false, nil, nil
}

func (h *keyHelp) lines(t *theme.Theme, width, height int) (string, []string) {
	h.top = max(0, min(h.top, len(h.entries)-height))
	var out []string
	for _, e := range h.entries[h.top:min(len(h.entries), h.top+height)] {
		if t.ASCII {
			e.key = keymap.Spell(e.key)
		}
		out = append(out, t.Key.Render(safetext.Fit(e.key, 16))+" "+safetext.Cut(e.does, max(1, width-17)))
	}
	title := "keys"
	if n := len(h.entries); n > len(out) {
		title = fmt.Sprintf("keys, %d to %d of %d: %s and %s for more", h.top+1, h.top+len(out), n, t.Glyphs.Up, t.Glyphs.Down)
	}
	return title, out
}
