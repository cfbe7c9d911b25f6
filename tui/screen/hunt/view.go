package hunt

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// headLines are above the list or the hits, and listTop is the line of the first rule.
const (
	headLines = 2
	listTop   = 3
)

// detailHeight is the lines below the list, with the rule above them.
func (s *Screen) detailHeight() int { return max(0, min(12, (s.height-listTop)/3)) }

// listHeight is how many rules are shown; the last line is the foot's.
func (s *Screen) listHeight() int { return max(1, s.height-listTop-s.detailHeight()-1) }

// View draws the rules or a rule's hits, exactly as wide and high as was set.
func (s *Screen) View() string {
	var lines []string
	switch {
	case !s.loaded && s.err != nil:
		lines = append([]string{"", s.theme.Bad.Render(s.cut("  " + s.theme.Glyphs.Bad + " The rules cannot be read:")), ""}, s.wrapped(s.err.Error(), s.theme.Text, 2, 8)...)
	case !s.loaded:
		lines = []string{"", s.theme.Dim.Render(s.cut("  reading the rules " + s.theme.Glyphs.Ellipsis))}
	case len(s.ground.Rules) == 0:
		lines = append([]string{"", s.theme.Strong.Render(s.cut("  There is no rule.")), ""},
			s.wrapped("A rule is a saved query with a line \"-- severity: high\" at its head; docs/query.md says where they lie.", s.theme.Dim, 2, 4)...)
	case s.inside:
		lines = append(s.insideHead(), strings.Split(s.hits.View(s.theme, true), "\n")...)
	default:
		lines = append(append(s.head(), s.list()...), s.detail()...)
	}
	for len(lines) < s.height-1 {
		lines = append(lines, "")
	}
	return s.theme.Draw(strings.Join(append(lines[:max(0, s.height-1)], s.foot()), "\n"))
}

// head says over what is hunted, and what has come of it.
func (s *Screen) head() []string {
	what := "Hunt in " + s.zoneText() + "  " + s.bound(s.from, "the beginning") + " to " + s.bound(s.to, "the end") + " " + s.clock()
	return []string{s.theme.Strong.Render(s.fit(what)), s.standing()}
}

// standing is how many rules of which severity hit.
func (s *Screen) standing() string {
	hit, failed, holes := s.count()
	ran := 0
	bySeverity := map[string]int{}
	for _, r := range s.ground.Rules {
		o, ok := s.found[r.Name]
		if !ok || o.stale {
			continue
		}
		ran++
		if o.err == nil && o.Hits > 0 {
			bySeverity[r.Severity]++
		}
	}
	if ran == 0 {
		return s.theme.Dim.Render(s.fit(fmt.Sprintf("%d rules; r runs them", len(s.ground.Rules))))
	}
	parts := []string{fmt.Sprintf("%d of %d rules run", ran, len(s.ground.Rules))}
	for _, r := range s.ground.Rules { // the gravest first, each once
		if n := bySeverity[r.Severity]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, r.Severity))
			delete(bySeverity, r.Severity)
		}
	}
	style := s.theme.Text
	switch {
	case failed > 0:
		parts, style = append(parts, fmt.Sprintf("%s %d failed", s.theme.Glyphs.Bad, failed)), s.theme.Bad
	case holes > 0:
		parts, style = append(parts, s.theme.Glyphs.Warn+" coverage incomplete"), s.theme.Warn
	case hit == 0:
		parts, style = append(parts, s.theme.Glyphs.Good+" no hit"), s.theme.Good
	}
	return style.Render(s.fit(strings.Join(parts, "  ")))
}

func (s *Screen) zoneText() string {
	for _, z := range s.ground.Zones {
		if z.ID == s.zone || len(s.ground.Zones) == 1 {
			return z.Name
		}
	}
	return fmt.Sprintf("all %d zones", len(s.ground.Zones))
}

func (s *Screen) insideHead() []string {
	rule, _ := s.rule()
	o := s.found[rule.Name]
	hits := fmt.Sprintf("%d hits", o.Hits)
	if o.More {
		hits = "more than " + hits
	}
	if int64(len(o.Rows)) < o.Hits {
		hits += fmt.Sprintf(", the first %d shown", len(o.Rows))
	}
	style, glyph := s.theme.Dim, ""
	if !o.Complete {
		style, glyph = s.theme.Warn, s.theme.Glyphs.Warn+" "
	}
	return []string{s.theme.Strong.Render(s.fit(rule.Title + "  " + hits)), style.Render(s.fit(glyph + strings.ReplaceAll(o.Evidence, "\n", "; ")))}
}

// foot is the field, what is under way, or what went wrong.
func (s *Screen) foot() string {
	g := s.theme.Glyphs
	switch {
	case s.field != nil:
		label := safetext.Cut(s.field.label+": ", s.width/2)
		if s.field.err != nil {
			note := safetext.Cut("  "+s.field.err.Error(), s.width/2)
			room := max(0, s.width-safetext.Width(label)-safetext.Width(note))
			return s.theme.Key.Render(label) + s.field.View(room, s.theme.Text, s.theme.Text.Reverse(true)) + s.theme.Bad.Render(note)
		}
		return s.theme.Key.Render(label) + s.field.View(s.width-safetext.Width(label), s.theme.Text, s.theme.Text.Reverse(true))
	case s.running != "":
		return s.theme.Strong.Render(s.fit(s.runningText()))
	case s.loaded && s.err != nil:
		return s.theme.Bad.Render(s.fit(g.Bad + " reading the rules: " + s.err.Error()))
	case s.loading && s.loaded:
		return s.theme.Dim.Render(s.fit("reading the rules " + g.Ellipsis))
	}
	return ""
}

func (s *Screen) runningText() string {
	g := s.theme.Glyphs
	text := fmt.Sprintf("%s %d of %d: %s", g.Pending, s.total-len(s.queue), s.total, s.running)
	if p := s.progress; p.Total > 0 {
		text += fmt.Sprintf("  %s %d%%", p.Phase, min(100, p.Done*100/p.Total))
	}
	return text + " " + g.Ellipsis + " esc stops"
}

func (s *Screen) fit(text string) string { return safetext.Fit(text, s.width) }
func (s *Screen) cut(text string) string { return safetext.Cut(text, s.width) }

func (s *Screen) bound(t time.Time, open string) string {
	if t.IsZero() {
		return open
	}
	return s.stamp(t).Format("2006-01-02 15:04")
}

func (s *Screen) stamp(t time.Time) time.Time {
	if s.isLocal && s.cfg.Local != nil {
		return t.In(s.cfg.Local)
	}
	return t.UTC()
}

func (s *Screen) clock() string {
	if s.isLocal && s.cfg.Local != nil {
		return "local"
	}
	return "UTC"
}

// rangeText is the range as it is typed.
func (s *Screen) rangeText() string {
	text := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	if s.from.IsZero() && s.to.IsZero() {
		return ""
	}
	return text(s.from) + " .. " + text(s.to)
}

// wrapped parts a text from anywhere into at most so many lines, indented by cells.
func (s *Screen) wrapped(text string, style theme.Style, indent, most int) []string {
	width := max(1, s.width-indent)
	text = safetext.Cut(text, width*most*2)
	var out []string
	for line := range strings.SplitSeq(lipgloss.Wrap(text, width, " /&?"), "\n") {
		if len(out) == most {
			out[most-1] = ansi.Truncate(out[most-1], max(0, s.width-1), "") + s.theme.Glyphs.Ellipsis
			break
		}
		out = append(out, strings.Repeat(" ", min(indent, s.width-1))+style.Render(ansi.Truncate(line, width, "")))
	}
	return out
}
