package overview

import (
	"fmt"
	"strings"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// cells are what the hours look like: each state has a glyph of its own.
func (s *Screen) cells() (glyphs [Gap + 1]string, styles [Gap + 1]theme.Style) {
	g, t := s.theme.Glyphs, s.theme
	glyphs = [Gap + 1]string{Outside: " ", Empty: g.Empty, Collected: g.Block, Expired: "-", Partial: g.Half, Missing: "?", Gap: g.Bad}
	styles = [Gap + 1]theme.Style{Outside: t.Dim, Empty: t.Good, Collected: t.Good, Expired: t.Dim, Partial: t.Warn, Missing: t.Warn, Gap: t.Bad}
	return glyphs, styles
}

var cellNames = [Gap + 1]string{Empty: "empty", Collected: "collected", Expired: "expired", Partial: "partial", Missing: "missing", Gap: "gap"}

// hours draws the days of the zone under the cursor, a row a day and a cell an
// hour, the latest at the bottom, in at most so many lines.
func (s *Screen) hours(height int) []string {
	if s.at >= len(s.now.Zones) || height < 5 {
		return nil
	}
	z := s.now.Zones[s.at]
	wide := 1
	if s.width >= 11+24*2+12 {
		wide = 2
	}
	lines := []string{"", s.theme.Title.Render(safetext.Cut("coverage of "+z.Name+", hours in UTC", s.width)), s.scale(wide)}
	days := z.Days[max(0, len(z.Days)-(height-4)):]
	glyphs, styles := s.cells()
	for _, d := range days {
		var b strings.Builder
		b.WriteString(s.theme.Dim.Render(d.Date.Format("Mon 02 Jan")) + " ")
		for _, c := range d.Hours {
			b.WriteString(styles[c].Render(strings.Repeat(glyphs[c], wide)))
		}
		b.WriteString(" " + safetext.FitRight(count(d.Lines), 8))
		lines = append(lines, b.String())
	}
	return append(lines, s.legend())
}

// scale is the line of the hours above the map.
func (s *Screen) scale(wide int) string {
	var b strings.Builder
	for h := 0; h < 24; h += 6 {
		b.WriteString(safetext.Fit(fmt.Sprintf("%02d", h), 6*wide))
	}
	return s.theme.Dim.Render(strings.Repeat(" ", 11) + b.String() + " " + safetext.FitRight("LINES", 8))
}

func (s *Screen) legend() string {
	glyphs, styles := s.cells()
	var parts []string
	used := 0
	for c := Empty; c <= Gap; c++ {
		part := glyphs[c] + " " + cellNames[c]
		if used += len(cellNames[c]) + 4; used > s.width {
			break
		}
		parts = append(parts, styles[c].Render(glyphs[c])+s.theme.Dim.Render(strings.TrimPrefix(part, glyphs[c])))
	}
	return strings.Join(parts, "  ")
}
