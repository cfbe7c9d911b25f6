package sql

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
)

// layout is the lines at which the parts begin: the scope is at 0.
type layout struct {
	editor int // the text
	rule   int // the line between
	answer int // what came back
	basis  int // what it stands on, the last line
}

func (s *Screen) layout() layout {
	l := layout{editor: 1, basis: s.height - 1}
	room := s.height - 3 // without scope, rule and basis
	lines := max(4, min(s.editor.Lines(), room*2/5))
	if s.answer == nil && s.err == nil && !s.task.waiting {
		lines = max(lines, room*2/5)
	}
	l.rule = l.editor + max(1, min(lines, room-3))
	l.answer = l.rule + 1
	if s.err != nil {
		l.answer += len(s.failed())
	}
	return l
}

// lay gives the parts their sizes.
func (s *Screen) lay() {
	l := s.layout()
	s.editor.SetSize(s.width, max(1, l.rule-l.editor))
	s.table.SetSize(s.width, max(2, l.basis-l.answer))
	s.retoken()
	s.fill()
	if s.over != nil {
		s.over.lay(s.width, s.height)
	}
}

// View draws the scope, the text, what came back and what that stands on.
func (s *Screen) View() string {
	l := s.layout()
	lines := []string{s.scopeLine()}
	if s.over != nil {
		lines = s.over.lines(s, s.width)
		return s.finish(lines)
	}
	lines = append(lines, strings.Split(s.editor.View(s.theme, s.spans, s.focus == inEditor, s.fault), "\n")...)
	lines = append(lines, s.rule(s.state(), s.width, s.focus == inAnswer))
	lines = append(lines, s.failed()...)
	switch {
	case s.answer == nil:
		lines = append(lines, s.welcome()...)
	case s.charted && s.chartable():
		lines = append(lines, s.bars(s.width, max(1, l.basis-l.answer))...)
	case len(s.answer.Columns) > 0:
		lines = append(lines, strings.Split(s.table.View(s.theme, s.focus == inAnswer), "\n")...)
	}
	lines = s.exactly(lines, s.height-1)
	lines = append(lines, s.basisLine())
	return s.finish(s.offer(lines, l))
}

// exactly makes lines as many as n.
func (s *Screen) exactly(lines []string, n int) []string {
	n = max(0, n)
	for len(lines) < n {
		lines = append(lines, "")
	}
	return lines[:n]
}

// finish brings what was drawn to the size, whatever that is.
func (s *Screen) finish(lines []string) string {
	lines = s.exactly(lines, s.height)
	for i, line := range lines {
		if ansi.StringWidth(line) > s.width {
			lines[i] = ansi.Truncate(line, s.width, "")
		}
	}
	return s.theme.Draw(strings.Join(lines, "\n"))
}

// scopeLine is what a question would be asked of.
func (s *Screen) scopeLine() string {
	text := s.scopeWords
	if text == "" {
		text = s.scope.plain()
	}
	line := "asked of " + text
	if line2 := s.givenLine(); line2 != "" {
		line += " · " + line2
	}
	row, column := s.editor.Cursor()
	at := fmt.Sprintf("%d:%d", row, column)
	room := s.width - len(at) - 2
	if room < 10 {
		return s.theme.Bar.Render(safetext.Fit(" "+line, s.width))
	}
	return s.theme.Bar.Render(safetext.Fit(" "+line, room) + " " + at + " ")
}

// plain is a scope in words that nobody has checked yet.
func (s Scope) plain() string {
	out := "all zones"
	if len(s.Zones) > 0 {
		out = strings.Join(s.Zones, " ")
	}
	if s.From == "" && s.To == "" {
		return out + ", all times"
	}
	bound := func(text, none string) string {
		if text == "" {
			return none
		}
		return text
	}
	return out + ", from " + bound(s.From, "the beginning") + " to " + bound(s.To, "the end")
}

// givenLine are the values of the parameters that a run would use.
func (s *Screen) givenLine() string {
	var out []string
	for _, name := range s.wanted() {
		value, ok := s.given[name]
		if !ok {
			value = "?"
		}
		out = append(out, "$"+name+"="+safetext.Cut(value, 24))
	}
	return strings.Join(out, " ")
}

// rule is a line across with a text in it.
func (s *Screen) rule(text string, width int, on bool) string {
	style, ink := s.theme.Border, s.theme.Dim
	if on {
		style, ink = s.theme.BorderOn, s.theme.Title
	}
	r := s.theme.Glyphs.Rule
	if text == "" {
		return style.Render(strings.Repeat(r, width))
	}
	text = " " + safetext.Cut(text, max(0, width-6)) + " "
	return style.Render(strings.Repeat(r, min(2, width))) + ink.Render(text) + style.Render(strings.Repeat(r, max(0, width-2-safetext.Width(text))))
}

// state is what is under way, or how what is shown came about.
func (s *Screen) state() string {
	switch {
	case s.task.waiting:
		return s.going()
	case s.answer == nil:
		return ""
	}
	text := s.count() + ", " + counted(len(s.answer.Columns), "column") + ", " + seconds(s.answer.Took)
	if s.err != nil && !s.errOfExport {
		text += ", of the question before"
	}
	if s.local && s.hasTimes() {
		text += ", times in " + s.zone()
	}
	if s.sorting.waiting {
		text += ", sorting " + s.theme.Glyphs.Ellipsis
	} else if s.sortBy > 0 {
		text += ", by " + s.answer.Columns[s.sortBy-1].Name + " " + map[bool]string{true: s.theme.Glyphs.Down, false: s.theme.Glyphs.Up}[s.falling]
	}
	if _, column, ok := s.here(); ok && s.focus == inAnswer {
		text += fmt.Sprintf(" · row %s, %s", group(int(s.table.Cursor())+1), s.answer.Columns[column].Name)
	}
	return text
}

// seconds is a time that somebody waited.
func seconds(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// going is how far what is under way has come.
func (s *Screen) going() string {
	t, g := s.task, s.theme.Glyphs
	text := g.Spinner[int((t.now-t.began)/100)%len(g.Spinner)] + " "
	if t.exporting {
		text += "export: "
	}
	phase := t.progress.Phase
	if phase == "" {
		phase = "asking"
	}
	text += phase
	if t.progress.Total > 0 {
		text += fmt.Sprintf(" %s of %s (%d%%)", group(int(t.progress.Done)), group(int(t.progress.Total)), 100*t.progress.Done/t.progress.Total)
	}
	if t.began > 0 {
		text += fmt.Sprintf(" · %.1f s", float64(t.now-t.began)/1000)
	}
	return text + " · " + s.cfg.Keys.Key(scope, stop).Help().Key + " stops it"
}

// failed is the error of the last question, and what to do about it.
func (s *Screen) failed() []string {
	if s.err == nil {
		return nil
	}
	most := max(1, min(9, (s.height-4)/2))
	var out []string
	mark := s.theme.Glyphs.Bad
	for _, line := range wrap(s.err.Error(), s.width-4, most) {
		out = append(out, mark+" "+s.theme.Bad.Render(line))
		mark = " "
	}
	var fault *Fault
	if !errors.As(s.err, &fault) {
		return out
	}
	mark = "→"
	for _, line := range wrap(s.todo(fault), s.width-6, 2) {
		out = append(out, s.theme.Text.Render(safetext.Cut("  "+mark+" "+line, s.width)))
		mark = " "
	}
	return out
}

// todo is what to do about a fault.
func (s *Screen) todo(f *Fault) string {
	if f.Damage {
		return s.cfg.Keys.Key(scope, ground).Help().Key + ", damaged: yes, answers without it and says so; the chain screen and rainlogs verify tell all of it"
	}
	return f.Hint
}

// welcome is what can be done while there is no answer.
func (s *Screen) welcome() []string {
	if s.err != nil || s.task.waiting {
		return nil
	}
	name := func(a string) string { return s.theme.Key.Render(safetext.Fit(a, 10)) }
	help := func(key, text string) string {
		return "  " + name(key) + " " + s.theme.Dim.Render(safetext.Cut(text, max(0, s.width-14)))
	}
	keys := s.cfg.Keys
	out := []string{
		"",
		help(keys.Key(scope, run).Help().Key, "runs the statement at the cursor, behind what was CREATEd before it"),
		help(keys.Key(inEditor, complete).Help().Key, "completes views, fields, functions and keywords"+map[bool]string{true: ", once they are learned", false: ""}[s.asksWords]),
		help(keys.Key(scope, library).Help().Key, fmt.Sprintf("has %d saved questions, %s those that were asked before", len(s.desk.Saved), keys.Key(scope, past).Help().Key)),
		help(keys.Key(scope, ground).Help().Key, "chooses the range of event time, and zones"),
		"",
		"  " + s.theme.Dim.Render(safetext.Cut("Views: logs (fields), raw (lines), windows (what was collected), chain.", max(0, s.width-4))),
	}
	if s.wordsErr != nil {
		out = append(out, "", s.theme.Warn.Render(safetext.Cut("  "+s.theme.Glyphs.Warn+" fields cannot be completed: "+s.wordsErr.Error(), s.width)))
	}
	for _, note := range s.desk.Notes {
		out = append(out, s.theme.Warn.Render(safetext.Cut("  "+s.theme.Glyphs.Warn+" "+note, s.width)))
	}
	return out
}

// basisLine says in one line what the answer stands on.
func (s *Screen) basisLine() string {
	if s.answer == nil {
		return ""
	}
	glyph, style := s.theme.Glyphs.Good, s.theme.Good
	if !s.answer.Evidence.Sound {
		glyph, style = s.theme.Glyphs.Warn, s.theme.Warn
	}
	return style.Render(safetext.Fit(glyph+" "+s.answer.Evidence.Line, s.width))
}
