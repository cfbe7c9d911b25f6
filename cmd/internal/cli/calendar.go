package cli

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

// The lengths that a calendar is made of, in seconds. It counts in Unix time:
// a time.Duration ends after 292 years, and what an archive says may not.
const (
	hourSeconds = 60 * 60
	daySeconds  = 24 * hourSeconds
	// longRange is the range from which on a row is a week and a cell a day.
	longRange = 62 * daySeconds
)

// mark is what a cell shows: the worst of what is in it.
type mark uint8

// The marks, from good to bad.
const (
	markOutside mark = iota
	markEmpty
	markCollected
	markPart // whole as far as the range goes, which ends or begins in the cell
	markExpired
	markTwice
	markGap
	markMissing
	marks
)

// glyphs are what the marks look like.
type glyphs [marks]string

var (
	unicodeGlyphs = glyphs{" ", "·", "█", "▒", "-", "=", "✗", "?"}
	asciiGlyphs   = glyphs{" ", ".", "#", "+", "-", "=", "G", "?"}
	markNames     = [marks]string{"outside the range", "empty", "collected", "range ends within", "expired", "covered twice", "gap", "missing"}
)

func glyphsFor(env *site.Env) glyphs {
	if env.Unicode() {
		return unicodeGlyphs
	}
	return asciiGlyphs
}

// legend tells the marks in one line.
func (g glyphs) legend() string {
	var parts []string
	for _, m := range []mark{markCollected, markEmpty, markPart, markExpired, markTwice, markGap, markMissing} {
		parts = append(parts, g[m]+" "+markNames[m])
	}
	return strings.Join(parts, "  ")
}

func markOf(s verify.State) mark {
	switch s {
	case verify.Collected:
		return markCollected
	case verify.Empty:
		return markEmpty
	case verify.Expired:
		return markExpired
	case verify.Overlapping:
		return markTwice
	case verify.Gap:
		return markGap
	case verify.Missing:
	}
	return markMissing // a state that is not known here is nothing to rely on
}

// calendar is a grid over a range: a row a day with a cell an hour, or a row a
// week with a cell a day. Its cost grows with segments and cells, each once.
type calendar struct {
	first, last int64 // the range
	start       int64 // of the first row
	cell        int64 // length of one
	columns     int64
	cells       []mark
	lines       []int64 // by row
	notes       []note  // by row
}

// note is what of a row is not whole: the first such stretch, and how many there are.
type note struct {
	of *verify.Segment
	n  int
}

// newCalendar fills a grid. Segments tile their range in order, and are not none.
func newCalendar(segments []verify.Segment) *calendar {
	c := &calendar{first: segments[0].From.Unix(), last: segments[len(segments)-1].To.Unix(), cell: hourSeconds, columns: 24}
	day := floorDiv(c.first, daySeconds)
	if c.last-c.first > longRange {
		c.cell, c.columns = daySeconds, 7
		day -= (day%7 + 10) % 7 // to Monday: day 0 was a Thursday
	}
	c.start = day * daySeconds
	rows := c.row(c.last-1) + 1
	c.cells, c.lines, c.notes = make([]mark, rows*c.columns), make([]int64, rows), make([]note, rows)
	for i := range segments {
		c.paint(&segments[i])
	}
	c.cut(c.first)
	c.cut(c.last)
	return c
}

func (c *calendar) row(at int64) int64 { return (at - c.start) / (c.cell * c.columns) }

func (c *calendar) paint(s *verify.Segment) {
	m, from, to := markOf(s.State), s.From.Unix(), s.To.Unix()
	for i := (from - c.start) / c.cell; i <= (to-1-c.start)/c.cell; i++ {
		c.cells[i] = max(c.cells[i], m)
	}
	if m < markTwice {
		return
	}
	for i := c.row(from); i <= c.row(to-1); i++ {
		if c.notes[i].n++; c.notes[i].n == 1 {
			c.notes[i].of = s
		}
	}
}

// cut marks the cell that a bound of the range falls into.
func (c *calendar) cut(at int64) {
	if i := (at - c.start) / c.cell; (at-c.start)%c.cell != 0 && c.cells[i] < markPart {
		c.cells[i] = markPart
	}
}

// count adds the lines of windows that reach into the range to the row that
// they begin in.
func (c *calendar) count(entries []*evidence.Entry) {
	for _, e := range entries {
		if e.Kind != evidence.KindLog || e.Content == nil {
			continue
		}
		if from, to := e.Window.Start.Unix(), e.Window.End.Unix(); from < c.last && to > c.first {
			c.lines[c.row(max(from, c.first))] += e.Content.Lines
		}
	}
}

// draw writes the grid, and below it each stretch that is not whole.
func (c *calendar) draw(w io.Writer, g glyphs, segments []verify.Segment) error {
	out := bufio.NewWriter(w) // its Flush reports what the lines could
	head := "            00    06    12    18"
	if c.columns == 7 {
		head = "            MTWTFSS"
	}
	const date = len(time.DateOnly)
	width := max(len("LINES"), len(site.Count(slices.Max(c.lines))))
	_, _ = fmt.Fprintf(out, "%-*s  %*s\n", date+2+int(c.columns), head, width, "LINES")
	for i, n := range c.notes {
		from := c.start + int64(i)*c.cell*c.columns
		var cells strings.Builder
		for _, m := range c.cells[int64(i)*c.columns : int64(i+1)*c.columns] {
			cells.WriteString(g[m])
		}
		row := fmt.Sprintf("%s  %s  %*s  %s", time.Unix(from, 0).UTC().Format(time.DateOnly), cells.String(), width, site.Count(c.lines[i]), c.text(n, from))
		_, _ = fmt.Fprintln(out, strings.TrimRight(site.SafeLine(row), " "))
	}
	drawStretches(out, segments)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("print calendar: %w", err)
	}
	return nil
}

func drawStretches(out *bufio.Writer, segments []verify.Segment) {
	begun := false
	for i := range segments {
		s := &segments[i]
		if markOf(s.State) < markTwice {
			continue
		}
		if !begun {
			begun = true
			_, _ = fmt.Fprintln(out)
		}
		_, _ = fmt.Fprintf(out, "%s to %s  %s\n", site.RFC3339(s.From), site.RFC3339(s.To), site.SafeLine(stateText(s)))
	}
}

// text says what of the row that begins at from is not whole.
func (c *calendar) text(n note, from int64) string {
	if n.n == 0 {
		return ""
	}
	end := from + c.cell*c.columns
	begins, ends := max(n.of.From.Unix(), from), min(n.of.To.Unix(), end)
	text := fmt.Sprintf("%s %s-%s", n.of.State, c.clock(begins, false), c.clock(ends, ends == end))
	if n.of.Reason != "" {
		text += " " + n.of.Reason
	}
	if n.n > 1 {
		text += fmt.Sprintf(" (+%d more)", n.n-1)
	}
	return text
}

// clock is a time within a row; the row's end belongs to the day that ends there.
func (c *calendar) clock(at int64, rowEnds bool) string {
	t := time.Unix(at, 0).UTC()
	day, text := "", t.Format("15:04")
	if t.Second() != 0 {
		text = t.Format(time.TimeOnly)
	}
	if rowEnds {
		t, text = t.AddDate(0, 0, -1), "24:00"
	}
	if c.columns == 7 {
		day = t.Format("Jan 2 ")
	}
	return day + text
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// stateText is a segment's state, and the reason where it has one.
func stateText(s *verify.Segment) string {
	if s.Reason != "" {
		return string(s.State) + " (" + s.Reason + ")"
	}
	return string(s.State)
}
