package investigate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/fabriziosalmi/rainlogs/tui/component/record"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// title is a pane's name, told by a sign and a style if it has the keys.
func (s *Screen) title(p pane, name, right string, width int) string {
	sign, style := "  ", s.theme.Title
	if s.focus == p {
		sign, style = s.theme.Glyphs.Cursor+" ", s.theme.TabHere
	}
	right = safetext.Cut(right, width/2)
	return style.Render(safetext.Fit(sign+name, max(0, width-safetext.Width(right))) + right)
}

func (s *Screen) facetsPane(a area) []string {
	lines := []string{s.title(onFacets, "FIELDS", "", a.w)}
	return append(lines, s.facets.View(s.theme, a.w, max(0, a.h-1), s.focus == onFacets)...)[:a.h]
}

// tablePane draws the rows, or why there are none.
func (s *Screen) tablePane(a area) []string {
	switch {
	case s.rowsErr != nil:
		return s.told(a, s.theme.Bad, s.theme.Glyphs.Bad+" records: "+s.rowsErr.Error(), s.label(reload)+" asks again")
	case s.total < 0:
		return s.told(a, s.theme.Dim, "asking for records "+s.theme.Glyphs.Ellipsis, s.label(cancel)+" stops it")
	case s.total == 0:
		hint := s.label(zoomOut) + " looks at more time"
		if len(s.view.Filters) > 0 {
			hint = s.label(back) + " goes back, " + s.label(clear) + " takes all filters away, " + hint
		}
		if s.hist.cells > 0 && !s.hist.Complete {
			hint += "; the range is not complete, so that this proves nothing"
		}
		return s.told(a, s.theme.Text, "no records", hint)
	}
	return strings.Split(s.table.View(s.theme, s.focus == onTable), "\n")
}

// told fills a pane with what is the matter and what to do.
func (s *Screen) told(a area, style theme.Style, text, hint string) []string {
	lines := []string{s.title(onTable, "RECORDS", "", a.w), ""}
	for _, l := range safetext.Wrap(text, a.w-4) {
		lines = append(lines, style.Render(safetext.Fit("  "+l, a.w)))
	}
	for _, l := range safetext.Wrap(hint, a.w-4) {
		lines = append(lines, s.theme.Dim.Render(safetext.Fit("  "+l, a.w)))
	}
	for len(lines) < a.h {
		lines = append(lines, "")
	}
	lines = lines[:max(0, a.h)]
	for i := range lines {
		lines[i] = fit(lines[i], a.w)
	}
	return lines
}

// recordPane draws the record whole.
func (s *Screen) recordPane(a area) []string {
	name := "RECORD"
	if r := s.record.Ref; r != (inquiry.Ref{}) {
		name = fmt.Sprintf("RECORD %d/%d", r.Seq, r.Line)
	}
	right := ""
	switch {
	case s.pane.Searched() != "":
		right = "with " + s.pane.Searched() + " "
	case s.waiting(ofRecord):
		right = s.theme.Glyphs.Ellipsis + " "
	case s.markOf(s.record.Ref) != 0:
		right = s.theme.Glyphs.Bookmark + " "
	}
	lines := []string{s.title(onRecord, name, right, a.w)}
	if s.recordErr != nil {
		for _, l := range safetext.Wrap(s.theme.Glyphs.Bad+" "+s.recordErr.Error()+"; "+s.label(reload)+" asks again", a.w-2) {
			lines = append(lines, s.theme.Bad.Render(safetext.Fit(" "+l, a.w)))
		}
	}
	if note := s.marks[s.record.Ref].Note; note != "" {
		lines = append(lines, s.theme.Marked.Render(safetext.Fit(" "+s.theme.Glyphs.Note+" "+note, a.w)))
	}
	if rest := a.h - len(lines); rest > 0 {
		lines = append(lines, s.pane.View(s.theme, a.w, rest, s.focus == onRecord)...)
	}
	for len(lines) < a.h {
		lines = append(lines, strings.Repeat(" ", a.w))
	}
	return lines[:a.h]
}

// show puts a record into its pane.
func (s *Screen) show(r Record) {
	s.record = r
	var out []record.Entry
	if r.Fault != "" {
		out = append(out, record.Entry{Name: "fault", Value: r.Fault})
	}
	out = append(out, s.fieldEntries(r.Fields)...)
	if r.Ref != (inquiry.Ref{}) {
		out = append(out, record.Entry{Name: "EVIDENCE", Heading: true},
			record.Entry{Name: "address", Value: r.Ref.Permalink()},
			record.Entry{Name: "time", Value: s.moment(r.Time)},
			record.Entry{Name: "window", Value: r.Window},
			record.Entry{Name: "object", Value: r.Object},
			record.Entry{Name: "sha256", Value: r.SHA256},
			record.Entry{Name: "line", Value: fmt.Sprintf("%d of entry %d", r.Ref.Line, r.Ref.Seq)},
			record.Entry{Name: "THE LINE AS SEALED", Heading: true},
			record.Entry{Name: "raw", Value: r.Raw})
	}
	s.pane.Set(out)
}

// fieldEntries are a record's fields: those of the table first, then the others in the record's order, those
// that say nothing last.
func (s *Screen) fieldEntries(fields []FieldValue) []record.Entry {
	var shown, some, none []record.Entry
	columns := s.shownColumns()
	for _, f := range fields {
		e := record.Entry{Name: f.Name, Value: f.Value, Field: true}
		if kind, _ := s.kind(f.Name); kind == Time {
			e.Aside = s.aside(f.Value)
		}
		switch {
		case slices.Contains(columns, f.Name):
			shown = append(shown, e)
		case slices.Contains([]string{"", "[]", "{}", "null"}, f.Value):
			none = append(none, e)
		default:
			some = append(some, e)
		}
	}
	slices.SortStableFunc(shown, func(a, b record.Entry) int {
		return slices.Index(columns, a.Name) - slices.Index(columns, b.Name)
	})
	return slices.Concat(shown, some, none)
}

// aside is the time that a number of seconds, or of nanoseconds, stands for; "" for what can be read as it is.
func (s *Screen) aside(value string) string {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil || n <= 0:
		return ""
	case n < 1<<33:
		return s.moment(time.Unix(n, 0))
	case n >= 1e18:
		return s.moment(time.Unix(0, n))
	}
	return ""
}

func (s *Screen) moment(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.In(s.location()).Format("2006-01-02 15:04:05.000000 MST")
}

// foot says what the numbers stand on, and where the cursor is.
func (s *Screen) foot() string {
	t := s.theme
	where := s.where()
	room := max(0, s.width-safetext.Width(where)-2)
	h := &s.hist
	text, style := "", t.Dim
	switch {
	case s.histErr != nil && h.cells == 0:
		text = "what the range stands on is not known"
	case h.cells == 0 || !h.view.Equal(s.view):
		text = "asking " + t.Glyphs.Ellipsis
	case h.Complete:
		text, style = t.Glyphs.Good+" "+s.stands(), t.Good
	default:
		text, style = t.Glyphs.Warn+" "+s.stands(), t.Warn
	}
	return style.Render(safetext.Fit(text, room)) + "  " + t.Text.Render(safetext.Cut(where, s.width-room-2))
}

// where is the row under the cursor, and the time between it and the marked one.
func (s *Screen) where() string {
	if s.total <= 0 {
		return ""
	}
	text := fmt.Sprintf("row %s of %s", humanize.Comma(s.table.Cursor()+1), humanize.Comma(s.total))
	if row, ok := s.row(); ok && s.mark != nil && !row.Time.IsZero() {
		text = "mark " + elapsed(row.Time.Sub(s.mark.Time)) + "  " + text
	}
	return safetext.Cut(text, max(20, s.width*3/5))
}

// elapsed is a time between rows, with its sign.
func elapsed(d time.Duration) string {
	sign := "+"
	if d < 0 {
		sign, d = "-", -d
	}
	if days := d / (24 * time.Hour); days > 0 {
		return fmt.Sprintf("%s%dd %s", sign, days, (d % (24 * time.Hour)).Round(time.Second))
	}
	return sign + d.Round(time.Millisecond).String()
}
