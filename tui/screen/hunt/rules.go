package hunt

import (
	"fmt"
	"strings"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

const (
	severityWidth = 8
	hitsWidth     = 7
	stateWidth    = 22
)

// list is the columns and the rules.
func (s *Screen) list() []string {
	lines := []string{s.theme.Title.Render(s.line("  ", "SEVERITY", "RULE", "HITS", "STATE"))}
	for i := s.top; i < s.top+s.listHeight(); i++ {
		if i < len(s.ground.Rules) {
			lines = append(lines, s.ruleLine(i))
		} else {
			lines = append(lines, "")
		}
	}
	return lines
}

func (s *Screen) line(lead, severity, title, hits, state string) string {
	room := max(8, s.width-safetext.Width(lead)-severityWidth-hitsWidth-stateWidth-3)
	return s.fit(lead + safetext.Fit(severity, severityWidth) + " " + safetext.Fit(title, room) + " " + safetext.FitRight(hits, hitsWidth) + " " + safetext.Fit(state, stateWidth))
}

// ruleLine is a rule's: what it weighs, what it has found, how it stands.
func (s *Screen) ruleLine(i int) string {
	r, g := s.ground.Rules[i], s.theme.Glyphs
	cursor := " "
	if i == s.at {
		cursor = g.Cursor
	}
	mark, hits, state, style := s.look(r)
	title := r.Title
	if given := s.given(r); given != "" {
		title += "  " + given
	}
	if i == s.at {
		style = s.theme.Selected
	}
	return style.Render(s.line(cursor+mark, r.Severity, title, hits, state))
}

// look is how a rule stands: by a glyph and a word as well as a colour.
func (s *Screen) look(r Rule) (mark, hits, state string, style theme.Style) {
	g, t := s.theme.Glyphs, s.theme
	o, ran := s.found[r.Name]
	switch {
	case s.running == r.Name:
		return g.Pending, "", "running", t.Strong
	case ran && o.err != nil:
		return g.Bad, "", "failed", t.Bad
	case ran:
		return s.lookRan(r, o)
	case s.lacks(r) != "":
		return " ", "", "needs " + s.lacks(r), t.Dim
	case s.skipped[r.Name]:
		return "-", "", "left out", t.Dim
	}
	return g.Empty, "", "", t.Text
}

func (s *Screen) lookRan(r Rule, o outcome) (mark, hits, state string, style theme.Style) {
	g, t := s.theme.Glyphs, s.theme
	hits = fmt.Sprint(o.Hits)
	if o.More {
		hits += "+"
	}
	mark, style, state = g.Good, t.Good, "none"
	if o.Hits > 0 {
		mark, style, state = g.Warn, weight(s, r.Severity), "hit"
	}
	switch {
	case o.stale:
		return g.Pending, hits, state + ", asked before", t.Dim
	case !o.Complete:
		state += ", gaps in range"
		if o.Hits == 0 { // silence over a hole is no finding
			mark, style = "?", t.Warn
		}
	}
	return mark, hits, state, style
}

// weight is a severity's style.
func weight(s *Screen, severity string) theme.Style {
	switch severity {
	case "critical", "high":
		return s.theme.Bad
	case "medium":
		return s.theme.Warn
	}
	return s.theme.Text
}

// detail is the rule under the cursor.
func (s *Screen) detail() []string {
	height := s.detailHeight()
	rule, ok := s.rule()
	if height < 2 || !ok {
		return nil
	}
	lines := []string{s.theme.Border.Render(strings.Repeat(s.theme.Glyphs.Rule, s.width))}
	o, ran := s.found[rule.Name]
	switch {
	case ran && o.err != nil:
		lines = append(lines, s.wrapped(s.theme.Glyphs.Bad+" "+o.err.Error(), s.theme.Bad, 0, max(1, height-3))...)
	case ran:
		style, glyph := s.theme.Good, s.theme.Glyphs.Good
		if !o.Complete {
			style, glyph = s.theme.Warn, s.theme.Glyphs.Warn
		}
		lines = append(lines, s.wrapped(glyph+" "+strings.ReplaceAll(o.Evidence, "\n", "; "), style, 0, 2)...)
	}
	lines = append(lines, s.wrapped(rule.Description, s.theme.Text, 0, max(1, height-len(lines)-1))...)
	for _, p := range rule.Params {
		value := p.Default
		if given, ok := s.params[rule.Name][p.Name]; ok {
			value = given
		}
		lines = append(lines, s.theme.Dim.Render(s.cut(p.Name+"="+value+"  "+p.Help)))
	}
	lines = append(lines, s.theme.Dim.Render(s.cut(rule.Name+" of "+rule.From)))
	for len(lines) < height {
		lines = append(lines, "")
	}
	return lines[:height]
}
