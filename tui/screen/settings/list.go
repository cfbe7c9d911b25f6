package settings

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
)

// The columns of the keys, in cells: what an action does has what is left.
const keysWidth, actionWidth, maxDoes = 20, 14, 36

func doesWidth(width int) int { return max(1, min(maxDoes, width-keysWidth-actionWidth-2)) }

// keys are all keys of the live map that the search finds, by scope.
func (s *Screen) keys(width int) []line {
	head := safetext.Fit("KEYS", keysWidth+2) + safetext.Fit("", doesWidth(width)) + "ACTION"
	out := []line{{text: s.theme.Title.Render(safetext.Cut(head, width))}}
	rebound := false
	for _, name := range s.cfg.Keys.Scopes() {
		var rows []line
		for _, e := range s.cfg.Keys.Entries(name) {
			if !s.matches(e) {
				continue
			}
			rebound = rebound || s.cfg.Keys.Rebound(e.Scope, e.Action)
			rows = append(rows, line{text: s.row(e, width)})
		}
		if len(rows) > 0 {
			out = append(append(out, line{text: s.title(name, width)}), rows...)
		}
	}
	if rebound {
		out = append(out, line{}, line{text: s.theme.Marked.Render(safetext.Cut(s.theme.Glyphs.Bookmark+" is rebound in the config", width))})
	}
	return out
}

// title is a scope's, with how the config names what is in it.
func (s *Screen) title(name keymap.Scope, width int) string {
	title := string(name)
	if name == keymap.Global {
		title = "everywhere"
	}
	named := safetext.Cut("in tui.keys: "+string(name)+".ACTION", max(0, width-keysWidth-2))
	return safeWidth(s.theme.Strong.Render(" "+safetext.Fit(title, keysWidth+1))+s.theme.Dim.Render(named), width)
}

func (s *Screen) row(e keymap.Entry, width int) string {
	mark := "  "
	if s.cfg.Keys.Rebound(e.Scope, e.Action) {
		mark = s.theme.Marked.Render(s.theme.Glyphs.Bookmark + " ")
	}
	does := doesWidth(width)
	text := mark + s.theme.Key.Render(safetext.Fit(s.spell(strings.Join(e.Keys, " ")), keysWidth-1)) + " " +
		safetext.Fit(e.Help, does-1) + " " + s.theme.Dim.Render(safetext.Cut(string(e.Action), max(0, width-keysWidth-does-2)))
	return safeWidth(text, width)
}

// spell writes keys as this terminal can show them.
func (s *Screen) spell(keys string) string {
	if s.theme.ASCII {
		return keymap.Spell(keys)
	}
	return keys
}

// matches reports whether each word of the search is in an entry.
func (s *Screen) matches(e keymap.Entry) bool {
	text := strings.ToLower(string(e.Scope) + "." + string(e.Action) + " " + strings.Join(e.Keys, " ") + " " + e.Help + " " + e.Group)
	for word := range strings.FieldsSeq(strings.ToLower(s.query)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func (s *Screen) found() (n int) {
	for _, name := range s.cfg.Keys.Scopes() {
		for _, e := range s.cfg.Keys.Entries(name) {
			if s.matches(e) {
				n++
			}
		}
	}
	return n
}

// safeWidth cuts what is styled already.
func safeWidth(text string, width int) string { return ansi.Truncate(text, max(0, width), "") }
