package chain

import (
	"fmt"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// strip draws the whole chain in a line, a cell for as many entries as it
// takes, each the most notable of them; below it where the cursor is, and from
// which day to which the windows are.
func (s *Screen) strip() []string {
	if s.book == nil || len(s.book.Entries) == 0 {
		return []string{"", ""}
	}
	n := len(s.book.Entries)
	cells := min(s.width, n)
	var b strings.Builder
	var run strings.Builder
	last := -1
	flush := func() {
		if run.Len() > 0 {
			b.WriteString(s.paint(last).Render(run.String()))
			run.Reset()
		}
	}
	for i := range s.width {
		from, to := i*n/s.width, (i+1)*n/s.width
		if cells < s.width { // fewer entries than cells: each is as wide as it may be
			to = max(to, from+1)
		}
		glyph, status := s.worst(from, min(to, n))
		if status != last {
			flush()
			last = status
		}
		run.WriteString(glyph)
	}
	flush()
	return []string{b.String(), s.scale()}
}

// paint is the style of a status' class; findings have no class of their own.
func (s *Screen) paint(status int) theme.Style {
	switch {
	case status >= 500:
		return s.theme.Bad
	case status >= 100:
		return s.theme.Status[status/100]
	}
	return s.theme.Dim
}

func (s *Screen) worst(from, to int) (string, int) {
	worst := Sealed
	for seq := from; seq < to; seq++ {
		if len(s.hurt) > 0 && s.damaged(int64(seq)) {
			return s.theme.Glyphs.Bad, 500
		}
		worst = max(worst, s.book.Entries[seq])
	}
	return s.look(worst)
}

// scale is the line below the strip: the cursor, and the ends in time.
func (s *Screen) scale() string {
	from, to := s.ends()
	line := []rune(strings.Repeat(" ", s.width))
	put := func(at int, text string) {
		for i, r := range []rune(text) {
			if at+i >= 0 && at+i < len(line) {
				line[at+i] = r
			}
		}
	}
	mark := -1
	if row := s.table.Cursor(); row >= 0 {
		mark = min(s.width-1, int(s.seqAt(row)*int64(s.width)/int64(len(s.book.Entries))))
	}
	left, right := 0, s.width-len(to)
	if mark >= 0 && mark < len(from)+1 { // the dates make way for the cursor
		left = mark + 2
	}
	if mark >= right-1 {
		right = mark - 1 - len(to)
	}
	put(left, from)
	put(right, to)
	put(mark, s.theme.Glyphs.Up)
	return s.theme.Dim.Render(string(line))
}

// ends are the first and the last day of the windows.
func (s *Screen) ends() (from, to string) {
	if s.firstStart == 0 {
		return "", ""
	}
	day := func(at int64) string { return s.in(time.Unix(at, 0)).Format("2006-01-02") }
	return day(s.firstStart), day(s.lastStart)
}

// legend names the states that there are, the most notable first, as far as they fit.
func (s *Screen) legend(width int) string {
	var parts []string
	used := 0
	if len(s.hurt) > 0 {
		parts, used = append(parts, s.theme.Glyphs.Bad+" finding"), 11
	}
	for i := range int(states) {
		state := int(states) - 1 - i
		if !s.here[state] {
			continue
		}
		glyph, _ := s.look(State(state))
		part := fmt.Sprintf("%s %s", glyph, stateNames[state])
		if used += safetext.Width(part) + 2; used > width {
			break
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "  ")
}
