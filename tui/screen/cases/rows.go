package cases

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// wide and veryWide are from which width rows have more columns.
const (
	wide     = 110
	veryWide = 150
)

// column is a text of a width in a row; 0 takes what is left.
type column struct {
	text  string
	width int
	right bool
}

// line puts columns beside one another, behind the two cells of cursor and mark.
func (s *Screen) line(lead string, columns ...column) string {
	rest := s.width - safetext.Width(lead) - len(columns) + 1
	for _, c := range columns {
		rest -= c.width
	}
	parts := make([]string, len(columns))
	for i, c := range columns {
		width := c.width
		if width == 0 {
			width = max(1, rest)
		}
		if c.right {
			parts[i] = safetext.FitRight(c.text, width)
		} else {
			parts[i] = safetext.Fit(c.text, width)
		}
	}
	return s.fit(lead + strings.Join(parts, " "))
}

// row draws a row of the list in its style, with the cursor if it is there.
func (s *Screen) row(i int, mark string, style theme.Style, columns ...column) string {
	cursor := " "
	if i == s.here().at {
		cursor, style = s.theme.Glyphs.Cursor, s.theme.Selected
	}
	return style.Render(s.line(cursor+mark, columns...))
}

// columns are the header of the list that is looked at, and what draws its rows.
func (s *Screen) columns() (head string, row func(i int) string) {
	if s.choosing {
		return s.caseColumns()
	}
	switch s.part {
	case notes:
		return s.line("  ", column{"TIME (" + s.zone() + ")", timeWidth, false}, column{"WHO", whoWidth, false}, column{text: "NOTE"}), func(i int) string {
			n := s.now.Notes[i]
			return s.row(i, s.theme.Glyphs.Note, s.theme.Text, column{s.stamp(n.Time, time.DateTime), timeWidth, false}, column{n.Who, whoWidth, false}, column{text: n.Text})
		}
	case queries:
		return s.queryColumns()
	case log:
		return s.line("  ", column{"N", 5, true}, column{"TIME (" + s.zone() + ")", timeWidth, false}, column{"WHO", whoWidth, false}, column{"WHAT", 12, false}, column{text: ""}), func(i int) string {
			e := s.now.Log[i]
			return s.row(i, " ", s.theme.Text, column{fmt.Sprint(e.N), 5, true}, column{s.stamp(e.Time, time.DateTime), timeWidth, false},
				column{e.Who, whoWidth, false}, column{e.Kind, 12, false}, column{text: e.Text})
		}
	case records, parts:
	}
	return s.recordColumns()
}

const (
	timeWidth    = 19
	whoWidth     = 16
	elapsedWidth = 9
	noteWidth    = 32
	zoneWidth    = 18
)

func (s *Screen) recordColumns() (string, func(i int) string) {
	layout := "01-02 15:04:05.000"
	if s.width >= wide {
		layout = "2006-01-02 15:04:05.000"
	}
	noted := slices.ContainsFunc(s.now.Bookmarks, func(b inquiry.Bookmark) bool { return b.Note != "" })
	draw := func(at, elapsed, zone, line, note string) []column {
		out := []column{{at, len(layout), false}, {elapsed, elapsedWidth, true}}
		if s.width < wide {
			return append(out, column{text: line})
		}
		if s.width >= veryWide && len(s.zonesOfRecords()) > 1 {
			out = append(out, column{zone, zoneWidth, false})
		}
		out = append(out, column{text: line})
		if noted {
			out = append(out, column{note, noteWidth, false})
		}
		return out
	}
	head := s.line("  ", draw("TIME ("+s.zone()+")", "ELAPSED", "ZONE", "RECORD", "NOTE")...)
	return head, func(i int) string {
		b := s.now.Bookmarks[i]
		mark := s.theme.Glyphs.Bookmark
		if b.Note != "" {
			mark = s.theme.Glyphs.Note
		}
		elapsed := ""
		if i > 0 {
			elapsed = between(s.now.Bookmarks[i-1].Time, b.Time)
		}
		return s.row(i, mark, s.theme.Text, draw(s.stamp(b.Time, layout), elapsed, s.zoneName(b.Ref.Zone), b.Line, b.Note)...)
	}
}

func (s *Screen) zonesOfRecords() map[string]bool {
	out := map[string]bool{}
	for _, b := range s.now.Bookmarks {
		out[b.Ref.Zone] = true
	}
	return out
}

func (s *Screen) zoneName(id string) string {
	if name := s.now.Zones[id]; name != "" {
		return name
	}
	return id
}

func (s *Screen) queryColumns() (string, func(i int) string) {
	return s.line("  ", column{"TIME (" + s.zone() + ")", timeWidth, false}, column{"ROWS", 8, true}, column{text: "QUERY"}), func(i int) string {
		q := s.now.Queries[i]
		mark := s.theme.Glyphs.Good
		if !q.Complete {
			mark = s.theme.Glyphs.Warn
		}
		return s.row(i, mark, s.theme.Text, column{s.stamp(q.Time, time.DateTime), timeWidth, false}, column{fmt.Sprint(q.Rows), 8, true}, column{text: q.text()})
	}
}

// text is a question on one line.
func (q Query) text() string {
	switch {
	case q.Title != "":
		return q.Title
	case q.View != nil:
		return filters(*q.View)
	}
	return strings.Join(strings.Fields(q.SQL), " ")
}

// filters are a view's, as they are typed.
func filters(v inquiry.View) string {
	out := []string{v.Dataset}
	for _, f := range v.Filters {
		out = append(out, f.String())
	}
	return strings.Join(out, "  ")
}

func (s *Screen) caseColumns() (string, func(i int) string) {
	return s.line("  ", column{text: "CASE"}, column{"RECORDS", 7, true}, column{"NOTES", 5, true}, column{"CHANGED (" + s.zone() + ")", timeWidth, false}), func(i int) string {
		c := s.all[i]
		mark, style := " ", s.theme.Text
		switch {
		case c.Damage != "":
			mark, style = s.theme.Glyphs.Bad, s.theme.Bad
		case c.Current:
			mark, style = s.theme.Glyphs.Bookmark, s.theme.Marked
		}
		return s.row(i, mark, style, column{text: c.Title}, column{fmt.Sprint(c.Bookmarks), 7, true}, column{fmt.Sprint(c.Notes), 5, true}, column{s.stamp(c.Updated, time.DateTime), timeWidth, false})
	}
}

// between is the time from one record to the next.
func between(a, b time.Time) string {
	if a.IsZero() || b.IsZero() {
		return ""
	}
	switch d := b.Sub(a); {
	case d < 0:
		return ""
	case d < time.Second:
		return fmt.Sprintf("+%dms", d/time.Millisecond)
	case d < time.Minute:
		return fmt.Sprintf("+%.1fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("+%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("+%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("+%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
}

// detail is what is under the cursor, whole as far as there is room.
func (s *Screen) detail() []string {
	height := s.detailHeight()
	if height < 2 {
		return nil
	}
	lines := append([]string{s.theme.Border.Render(strings.Repeat(s.theme.Glyphs.Rule, s.width))}, s.under(height-1)...)
	for len(lines) < height {
		lines = append(lines, "")
	}
	return lines[:height]
}

func (s *Screen) under(height int) []string {
	at := s.here().at
	if at >= s.rows() {
		return nil
	}
	switch s.part {
	case records:
		return s.recordDetail(s.now.Bookmarks[at], height)
	case notes:
		return s.wrapped(s.now.Notes[at].Text, s.theme.Text, 0, height)
	case queries:
		return s.queryDetail(s.now.Queries[at], height)
	case log, parts:
	}
	e := s.now.Log[at]
	return append([]string{s.theme.Dim.Render(s.cut(fmt.Sprintf("%s by %s at %s %s", e.Kind, e.Who, s.stamp(e.Time, "2006-01-02 15:04:05.000"), s.zone())))},
		s.wrapped(e.Text, s.theme.Text, 0, height-1)...)
}

func (s *Screen) recordDetail(b inquiry.Bookmark, height int) []string {
	lines := []string{s.theme.Dim.Render(s.cut(fmt.Sprintf("%s  %s  entry %d, line %d  kept %s", s.zoneName(b.Ref.Zone), b.Ref.Dataset, b.Ref.Seq, b.Ref.Line, s.stamp(b.Added, "2006-01-02 15:04"))))}
	if b.Note != "" {
		lines = append(lines, s.wrapped(s.theme.Glyphs.Note+" "+b.Note, s.theme.Marked, 0, max(1, (height-1)/2))...)
	}
	lines = append(lines, s.wrapped(b.Line, s.theme.Text, 0, max(1, height-len(lines)-2))...)
	return append(lines, s.wrapped(b.Ref.Permalink(), s.theme.Dim, 0, 2)...)
}

// statement is SQL without the comment lines that it begins with: a saved query's head.
func statement(sql string) string {
	rest := sql
	for {
		line, more, ok := strings.Cut(rest, "\n")
		if !ok || !strings.HasPrefix(strings.TrimSpace(line), "--") {
			break
		}
		rest = more
	}
	if strings.TrimSpace(rest) == "" {
		return sql
	}
	return rest
}

func (s *Screen) bound(t time.Time, open string) string {
	if t.IsZero() {
		return open
	}
	return s.stamp(t, time.DateTime)
}

func (s *Screen) queryDetail(q Query, height int) []string {
	what := statement(q.SQL)
	if q.View != nil {
		what = filters(*q.View)
		if !q.View.From.IsZero() || !q.View.To.IsZero() {
			what += "  from " + s.bound(q.View.From, "the beginning") + " to " + s.bound(q.View.To, "the end") + " " + s.zone()
		}
	}
	stood := s.theme.Good.Render(s.cut(s.theme.Glyphs.Good + " coverage complete"))
	if !q.Complete {
		stood = s.theme.Warn.Render(s.cut(s.theme.Glyphs.Warn + " coverage incomplete: absence of a record proves nothing"))
	}
	lines := append([]string{stood}, s.wrapped(strings.ReplaceAll(q.Evidence, "\n", "; "), s.theme.Dim, 0, 2)...)
	return append(lines, s.wrapped(what, s.theme.Text, 0, max(1, height-len(lines)))...)
}
