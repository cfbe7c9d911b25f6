package welcome

import (
	"strings"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// choices are what can be done, in their order.
var choices = []struct {
	action      keymap.Action
	name, about string
}{
	{demo, "Try the demo", "An emulator of Cloudflare serves a day of traffic with an incident in it; two zones are collected, sealed and verified. No account is needed, and it takes about half a minute."},
	{create, "Make an archive", "A config, a signing key, a catalog and an archive in a folder of yours. Zones are added behind that: rainlogs zone add. For other stores than a folder there is rainlogs init --help."},
	{leave, "Leave", "rainlogs --config FOLDER tui opens an archive that is elsewhere."},
}

// maxWidth is how wide text is read well.
const maxWidth = 92

// View draws the choices, or what is being done.
func (s *Screen) View() string {
	lines := s.lead()
	switch {
	case s.working:
		lines = append(lines, s.progress()...)
	case s.done:
		lines = append(lines, s.result()...)
	default:
		lines = append(lines, s.choices()...)
	}
	out := make([]string, s.height)
	for i := range min(len(out), len(lines)) {
		out[i] = ansi.Truncate(lines[i], s.width, "")
	}
	return s.theme.Draw(strings.Join(out, "\n"))
}

func (s *Screen) column() int { return min(s.width, maxWidth) - 4 }

// text is a text from anywhere as lines in the column.
func (s *Screen) text(style theme.Style, indent int, text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, "\n") {
		width := max(1, s.column()-indent)
		for line := range strings.SplitSeq(lipgloss.Wrap(safetext.Cut(part, 8*width), width, " /"), "\n") {
			out = append(out, safetext.Cut(strings.Repeat(" ", 2+indent), s.width)+style.Render(safetext.Cut(line, s.width-2-indent)))
		}
	}
	return out
}

func (s *Screen) lead() []string {
	out := []string{"", s.theme.Title.Render(safetext.Cut("  RainLogs", s.width)), ""}
	if s.done {
		return out
	}
	out = append(out, s.text(s.theme.Text, 0, "Cloudflare logs, kept as evidence: sealed as they are collected, and asked as they were sealed.")...)
	if s.working {
		return append(out, "")
	}
	out = append(out, s.text(s.theme.Dim, 0, "There is no archive yet. A config was looked for at "+strings.Join(s.cfg.Looked, " and ")+".")...)
	return append(out, "")
}

func (s *Screen) choices() (out []string) {
	for i, c := range choices {
		out = append(out, s.choice(i)...)
		if c.action == create && s.typing {
			out = append(out, s.field()...)
		}
		out = append(out, "")
	}
	if s.err != nil {
		out = append(out, s.text(s.theme.Bad, 0, s.theme.Glyphs.Bad+" It was not made: "+s.err.Error())...)
	}
	return out
}

func (s *Screen) choice(i int) []string {
	c := choices[i]
	cursor, style := "  ", s.theme.Strong
	if i == s.at {
		cursor, style = s.theme.Glyphs.Cursor+" ", s.theme.Selected
	}
	label := s.cfg.Keys.Key(scope, c.action).Help().Key
	head := safetext.Cut(cursor, s.width) + s.theme.Key.Render(safetext.Cut(label, max(0, s.width-2))) + " " +
		style.Render(safetext.Cut(c.name, max(0, s.width-3-safetext.Width(label))))
	return append([]string{head}, s.text(s.theme.Dim, 2, c.about)...)
}

// field is the folder's name as it is typed; its end is what shows.
func (s *Screen) field() []string {
	width := max(1, s.column()-12)
	from := max(0, len(s.dir)-4*width)
	for from < len(s.dir) && !utf8.RuneStart(s.dir[from]) {
		from++
	}
	dir := []rune(safetext.Line(s.dir[from:]))
	for safetext.Width(string(dir)) > width-1 && len(dir) > 0 {
		dir = dir[1:]
	}
	return []string{safetext.Cut("    folder: ", s.width) + s.theme.Strong.Render(safetext.Cut(string(dir)+s.theme.Glyphs.Cursor, max(0, s.width-12)))}
}

// choiceAt is the choice on a line, -1 for none.
func (s *Screen) choiceAt(y int) int {
	if s.working || s.done {
		return -1
	}
	y -= len(s.lead())
	for i, c := range choices {
		n := len(s.choice(i)) + 1
		if c.action == create && s.typing {
			n++
		}
		if y >= 0 && y < n-1 {
			return i
		}
		y -= n
	}
	return -1
}

func (s *Screen) progress() []string {
	out := s.text(s.theme.Strong, 0, s.what+" "+s.theme.Glyphs.Ellipsis)
	room := max(0, s.height-len(s.lead())-len(out)-1)
	for _, line := range s.lines[max(0, len(s.lines)-room):] {
		out = append(out, s.theme.Dim.Render(safetext.Cut("  "+line, s.width)))
	}
	return out
}

func (s *Screen) result() []string {
	out := s.text(s.theme.Good, 0, s.theme.Glyphs.Good+" The archive is made. This is shown once more when the workstation ends.")
	out = append(out, "")
	out = append(out, s.text(s.theme.Text, 0, s.made.Text)...)
	return out
}
