package overview

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// The columns of the zones, in cells; the name gets what is left.
const (
	lagWidth, openWidth, gapsWidth, linesWidth, sparkWidth = 6, 5, 5, 6, 14
	minNameWidth                                           = 16
)

// layout is how wide the columns are that are wider where there is room.
type layout struct {
	name, state, sealed int
	stamp               string // of the time until which a zone is sealed
	spark               bool
}

func (s *Screen) layout() layout {
	l := layout{state: 22, sealed: 16, stamp: "2006-01-02 15:04"}
	rest := func() int {
		return s.width - 2 - (l.state + l.sealed + lagWidth + openWidth + gapsWidth + linesWidth + 6)
	}
	if rest() < minNameWidth {
		l.state, l.sealed, l.stamp = 17, 11, "01-02 15:04"
	}
	l.name = max(minNameWidth, rest())
	if l.name >= minNameWidth+sparkWidth+1 {
		l.name, l.spark = l.name-sparkWidth-1, true
	}
	return l
}

// rows is how many zones are shown: no more than a third of the height, so
// that the map below has room.
func (s *Screen) rows() int {
	return max(1, min(len(s.now.Zones), (s.height-3)/3))
}

// View draws the zones, what needs an operator, and the hours of the zone under the cursor.
func (s *Screen) View() string {
	var lines []string
	switch {
	case !s.loaded && s.err != nil:
		lines = s.failed()
	case !s.loaded:
		lines = []string{"", s.theme.Dim.Render("  looking at the archive " + s.theme.Glyphs.Ellipsis)}
	case len(s.now.Zones) == 0:
		lines = []string{"", s.theme.Text.Render("  The archive has no zone yet."), "", s.theme.Dim.Render(safetext.Cut("  rainlogs zone add NAME adds one; rainlogs demo makes an archive to try.", s.width))}
	default:
		lines = append(s.zones(), s.attention()...)
		lines = append(lines, s.hours(s.height-len(lines)-1)...)
	}
	for len(lines) < s.height-1 {
		lines = append(lines, "")
	}
	return s.theme.Draw(strings.Join(append(lines[:max(0, s.height-1)], s.foot()), "\n"))
}

func (s *Screen) failed() []string {
	lines := []string{"", s.theme.Bad.Render(safetext.Cut("  "+s.theme.Glyphs.Bad+" The archive cannot be looked at:", s.width)), ""}
	for _, line := range safetext.Wrap(s.err.Error(), s.width-4) {
		lines = append(lines, "  "+line)
	}
	return lines
}

func (s *Screen) zones() []string {
	l := s.layout()
	head := "  " + safetext.Fit("ZONE", l.name) + " " + safetext.Fit("STATE", l.state) + " " + safetext.Fit("SEALED TO", l.sealed) + " " +
		safetext.FitRight("LAG", lagWidth) + " " + safetext.FitRight("OPEN", openWidth) + " " + safetext.FitRight("GAPS", gapsWidth) + " " + safetext.FitRight("LINES", linesWidth)
	if l.spark {
		head += " " + safetext.Fit("BY DAY", sparkWidth)
	}
	lines := []string{s.theme.Title.Render(safetext.Fit(head, s.width))}
	for i := s.top; i < min(len(s.now.Zones), s.top+s.rows()); i++ {
		lines = append(lines, s.zone(i, l))
	}
	return lines
}

func (s *Screen) zone(i int, l layout) string {
	z, g := s.now.Zones[i], s.theme.Glyphs
	cursor := " "
	if i == s.at {
		cursor = g.Cursor
	}
	glyph, style := s.look(z)
	sealed := "-"
	if !z.SealedUntil.IsZero() {
		sealed = z.SealedUntil.UTC().Format(l.stamp)
	}
	line := cursor + glyph + safetext.Fit(z.Name, l.name) + " " + safetext.Fit(z.StateText, l.state) + " " + safetext.Fit(sealed, l.sealed) + " " +
		safetext.FitRight(short(z.Lag), lagWidth) + " " + safetext.FitRight(fmt.Sprint(z.Open), openWidth) + " " +
		safetext.FitRight(fmt.Sprint(z.Gaps+z.Missing), gapsWidth) + " " + safetext.FitRight(count(z.Lines), linesWidth)
	if l.spark {
		line += " " + s.spark(z.Days)
	}
	if i == s.at {
		style = s.theme.Selected
	}
	return style.Render(safetext.Fit(line, s.width))
}

// look is how a zone's state is shown: by a glyph as well as a colour.
func (s *Screen) look(z Zone) (string, theme.Style) {
	switch {
	case z.Damage != "":
		return s.theme.Glyphs.Bad, s.theme.Bad
	case z.State == Blocked, z.Gaps > 0:
		return s.theme.Glyphs.Warn, s.theme.Warn
	case z.State != Collecting:
		return s.theme.Glyphs.Pending, s.theme.Dim
	}
	return s.theme.Glyphs.Good, s.theme.Text
}

// spark draws the lines of the last days.
func (s *Screen) spark(days []Day) string {
	days = days[max(0, len(days)-sparkWidth):]
	top := int64(1)
	for _, d := range days {
		top = max(top, d.Lines)
	}
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", sparkWidth-len(days)))
	for _, d := range days {
		step := int((d.Lines*8 + top - 1) / top)
		b.WriteString(s.theme.Glyphs.Bars[step])
	}
	return b.String()
}

// attention is what needs an operator, in words, with the remedy.
func (s *Screen) attention() []string {
	var out []string
	for _, z := range s.now.Zones {
		switch {
		case z.Damage != "":
			out = append(out, s.theme.Bad.Render(safetext.Cut(s.theme.Glyphs.Bad+" "+z.Name+": "+z.Damage+"; rainlogs verify tells all of it", s.width)))
		case z.State == Blocked:
			text := z.Name + ": " + z.StateText
			if z.Detail != "" {
				text += ": " + z.Detail
			}
			if z.Remedy != "" {
				text += " → " + z.Remedy
			}
			out = append(out, s.theme.Warn.Render(safetext.Cut(s.theme.Glyphs.Warn+" "+text, s.width)))
		}
	}
	const most = 4
	if len(out) > most {
		out = append(out[:most-1], s.theme.Warn.Render(safetext.Cut(fmt.Sprintf("%s and %d more", s.theme.Glyphs.Warn, len(out)-most+1), s.width)))
	}
	if len(out) > 0 {
		out = append([]string{""}, out...)
	}
	return out
}

// foot says what the screen stands on.
func (s *Screen) foot() string {
	if !s.loaded {
		return ""
	}
	z := Zone{}
	if s.at < len(s.now.Zones) {
		z = s.now.Zones[s.at]
	}
	text := fmt.Sprintf("as of %s", s.now.At.UTC().Format("15:04:05 UTC"))
	if z.Entries > 0 {
		key := "its key was not known beforehand"
		if z.Pinned {
			key = "by the pinned key"
		}
		text += fmt.Sprintf(" · chain of %s verified: %d entries, %s", z.Name, z.Entries, key)
	}
	switch {
	case s.err != nil:
		return s.theme.Bad.Render(safetext.Cut(s.theme.Glyphs.Bad+" since then: "+s.err.Error(), s.width))
	case s.waiting:
		text += " · looking again " + s.theme.Glyphs.Ellipsis
	}
	return s.theme.Dim.Render(safetext.Cut(text, s.width))
}

func count(n int64) string {
	return strings.ReplaceAll(humanize.SIWithDigits(float64(n), 1, ""), " ", "")
}

// short leaves out what nobody looks at: the seconds of hours, the minutes of days.
func short(d time.Duration) string {
	switch {
	case d < 0:
		return "-"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}
