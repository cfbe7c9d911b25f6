package settings

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
)

// leftWidth is the width of the archive and the look where the keys stand beside them.
const leftWidth, wideEnough = 50, 110

// line is one of what is shown.
type line struct {
	text   string        // styled, at most as wide as its column
	action keymap.Action // what a click on it does
}

func (s *Screen) wide() bool { return s.width >= wideEnough }

// rows is how many lines scroll: all but the foot.
func (s *Screen) rows() int { return max(1, s.height-1) }

// scrolled is what scrolls: the keys, below the rest where they do not fit beside it.
func (s *Screen) scrolled() []line {
	if s.wide() {
		return s.keys(s.width - leftWidth - 2)
	}
	return append(append(s.left(), line{}), s.keys(s.width)...)
}

// View draws the archive, the look and the keys.
func (s *Screen) View() string {
	lines := make([]string, 0, s.height)
	shown := s.scrolled()
	first := max(0, min(s.first, len(shown)-s.rows()))
	left := s.left()
	for i := range s.height - 1 {
		right := ""
		if first+i < len(shown) {
			right = shown[first+i].text
		}
		if !s.wide() {
			lines = append(lines, right)
			continue
		}
		beside := ""
		if i < len(left) {
			beside = left[i].text
		}
		pad := strings.Repeat(" ", max(0, leftWidth-lipgloss.Width(beside)))
		lines = append(lines, beside+pad+s.theme.Border.Render(s.theme.Glyphs.Pillar)+" "+right)
	}
	return s.theme.Draw(strings.Join(append(lines, s.foot(first, len(shown))), "\n"))
}

// left is the archive and the look.
func (s *Screen) left() []line {
	width := s.width
	if s.wide() {
		width = leftWidth - 1
	}
	out := []line{{text: s.theme.Title.Render(safetext.Cut("ARCHIVE", width))}}
	for _, text := range s.about(width) {
		out = append(out, line{text: text})
	}
	out = append(out, line{}, line{text: s.theme.Title.Render(safetext.Cut("LOOK", width))})
	for _, c := range []struct {
		action keymap.Action
		name   string
		values []string
		at     int
	}{
		{hue, "theme", []string{"auto", "dark", "light"}, map[string]int{"dark": 1, "light": 2}[s.look.Theme]},
		{ascii, "characters", []string{"Unicode", "ASCII"}, number(s.look.ASCII)},
		{zone, "times", []string{"UTC", "local"}, number(s.look.Local)},
	} {
		label := s.cfg.Keys.Key(scope, c.action).Help().Key
		text := s.theme.Key.Render(safetext.Fit(s.spell(label), 3)) + safetext.Fit(c.name, nameWidth-2)
		out = append(out, line{text: safeWidth(text+s.choice(c.values, c.at), width), action: c.action})
	}
	return out
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// choice shows values, and which of them it is.
func (s *Screen) choice(values []string, at int) string {
	var out []string
	for i, v := range values {
		if i == at {
			out = append(out, s.theme.Strong.Render("("+s.theme.Glyphs.Bullet+") "+v))
		} else {
			out = append(out, s.theme.Dim.Render("( ) "+v))
		}
	}
	return strings.Join(out, "  ")
}

// nameWidth is the column of a fact's name.
const nameWidth = 13

// about is the archive's facts, or why they are not known.
func (s *Screen) about(width int) []string {
	switch {
	case !s.loaded && s.err != nil:
		return s.failed(width)
	case !s.loaded && s.waiting:
		return []string{s.theme.Dim.Render(safetext.Cut(" looking at the archive "+s.theme.Glyphs.Ellipsis, width))}
	case !s.loaded:
		return []string{s.theme.Dim.Render(safetext.Cut(" not looked at: "+s.cfg.Keys.Key(scope, reload).Help().Key+" looks", width))}
	}
	a := s.archive
	out := s.fact(width, "name", a.Name)
	out = append(out, s.fact(width, "id", a.ID)...)
	out = append(out, s.fact(width, "purpose", a.Purpose)...)
	out = append(out, s.fact(width, "made", s.stamp(a.Created))...)
	out = append(out, s.fact(width, "config", a.Config)...)
	for _, store := range a.Stores {
		out = append(out, s.fact(width, "store", store)...)
	}
	for _, k := range a.Keys {
		out = append(out, s.fact(width, "key", k.VKey)...)
		style, glyph := s.theme.Good, s.theme.Glyphs.Good
		if !k.Known {
			style, glyph = s.theme.Warn, s.theme.Glyphs.Warn
		}
		for i, text := range safetext.Wrap(k.Trust, width-nameWidth-3) {
			if i > 0 {
				glyph = " "
			}
			out = append(out, safeWidth(strings.Repeat(" ", nameWidth+1)+style.Render(glyph+" "+text), width))
		}
	}
	session := a.Session
	if session == "" {
		session = "not kept"
	}
	out = append(out, s.fact(width, "session", session)...)
	if a.ReadOnly != "" {
		out = append(out, s.fact(width, "read-only", a.ReadOnly)...)
	}
	return append(out, s.fact(width, "program", a.Version)...)
}

func (s *Screen) stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// fact is a name and a value, which may take several lines; none without a value.
func (s *Screen) fact(width int, name, value string) []string {
	if value == "" {
		return nil
	}
	var out []string
	for _, text := range safetext.Wrap(value, width-nameWidth-1) {
		out = append(out, safeWidth(s.theme.Dim.Render(" "+safetext.Fit(name, nameWidth))+text, width))
		name = ""
	}
	return out
}

func (s *Screen) failed(width int) []string {
	out := []string{s.theme.Bad.Render(safetext.Cut(" "+s.theme.Glyphs.Bad+" The archive cannot be looked at:", width))}
	for _, text := range safetext.Wrap(s.err.Error(), width-3) {
		out = append(out, safeWidth("   "+text, width))
	}
	return append(out, s.theme.Dim.Render(safetext.Cut("   "+s.cfg.Keys.Key(scope, reload).Help().Key+" looks again", width)))
}

// foot says where one is, and what is the matter.
func (s *Screen) foot(first, all int) string {
	switch {
	case s.typing, s.query != "":
		cursor := ""
		if s.typing {
			cursor = s.theme.Glyphs.Cursor
		}
		found := "no key is found"
		if n := s.found(); n == 1 {
			found = "1 key"
		} else if n > 1 {
			found = fmt.Sprintf("%d keys", n)
		}
		return s.theme.Strong.Render(safetext.Cut("/"+s.query+cursor, s.width-16)) + " " + s.theme.Dim.Render(safetext.Cut(found, min(15, s.width-1)))
	case s.loaded && s.err != nil:
		return s.theme.Bad.Render(safetext.Cut(s.theme.Glyphs.Bad+" since then: "+s.err.Error(), s.width))
	case s.loaded && s.waiting:
		return s.theme.Dim.Render(safetext.Cut("looking again "+s.theme.Glyphs.Ellipsis, s.width))
	}
	if all <= s.rows() {
		return ""
	}
	return s.theme.Dim.Render(safetext.Cut(fmt.Sprintf("lines %d to %d of %d", first+1, min(all, first+s.rows()), all), s.width))
}
