package investigate

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/facets"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// How far to both sides of a record the views of a pivot go.
const (
	around  = 5 * time.Minute
	session = 30 * time.Minute
	ofRay   = time.Hour
)

// subjectHere is the field and the value under the cursor of the pane with the keys.
func (s *Screen) subjectHere() (f inquiry.Filter, what string) {
	switch s.focus {
	case onChips:
		if s.chips.At >= 0 && s.chips.At < len(s.view.Filters) {
			return s.view.Filters[s.chips.At], ""
		}
	case onFacets:
		i, v := s.facets.Here()
		if i >= 0 && v >= 0 && v < len(s.facets.Sections[i].Values) {
			section := &s.facets.Sections[i]
			if len(section.Values[v].Text) >= MaxCell {
				return f, "the value is too long to filter by: filter by a part of it with " + s.label(addFilter)
			}
			return valueFilter(section.Field, section.Values[v].Text, section.Values[v].Null), ""
		}
		return f, "there is no value under the cursor: go to one of the field's"
	case onRecord:
		e, ok := s.pane.Here()
		switch {
		case ok && e.Field:
			value := e.Value
			if kind, _ := s.kind(e.Name); kind == Time {
				value = readable(value)
			}
			return valueFilter(e.Name, value, false), ""
		case ok:
			return f, e.Name + " is of the evidence, not of the record: one cannot filter by it"
		}
	case onTable:
		return s.cellHere()
	}
	return f, "there is nothing under the cursor to filter by"
}

// readable is a time of a record as a filter takes it: records have nanoseconds or seconds since 1970 too.
func readable(text string) string {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return text
	case n > 1e15:
		return time.Unix(0, n).UTC().Format(time.RFC3339Nano)
	}
	return time.Unix(n, 0).UTC().Format(time.RFC3339Nano)
}

// cellHere is the field and the value of the table's cell under the cursor.
func (s *Screen) cellHere() (f inquiry.Filter, what string) {
	row, ok := s.row()
	if !ok {
		return f, "there is no record under the cursor"
	}
	field := s.columnField()
	switch field {
	case timeColumn:
		return f, "the cursor is on the time: " + s.label(around1) + " shows what is around it, ←→ go to a field"
	case zoneColumn:
		return f, "the cursor is on the zone: " + s.label(zones) + " chooses zones"
	}
	text, null, ok := s.value(row, field)
	switch {
	case !ok:
		return f, "the value is not here yet"
	case len(text) >= MaxCell:
		return f, "the value is too long for the table: open the record and filter by it there, or by a part of it with " + s.label(addFilter)
	}
	return valueFilter(field, text, null), ""
}

// filterHere adds the condition under the cursor.
func (s *Screen) filterHere(action func(v inquiry.View, f inquiry.Filter) inquiry.View) (screen.Intent, tea.Cmd) {
	f, what := s.subjectHere()
	if what != "" {
		return screen.Say{Text: what}, nil
	}
	if len(f.Value) > 16*MaxCell {
		return screen.Say{Level: screen.Warn, Text: fmt.Sprintf("a value of %d bytes is too long to filter by: filter by a part of it with %s, %s*=TEXT", len(f.Value), s.label(addFilter), f.Field)}, nil
	}
	if _, ok := s.kind(f.Field); !ok {
		return screen.Say{Text: safetext.Cut(f.Field, 40) + " is not a field of " + s.view.Dataset + " that can be asked"}, nil
	}
	v := action(s.view, f)
	if v.Equal(s.view) {
		return screen.Say{Text: "the view has that filter"}, nil
	}
	return nil, s.visit(v, s.here())
}

func included(v inquiry.View, f inquiry.Filter) inquiry.View { return v.With(f) }
func excluded(v inquiry.View, f inquiry.Filter) inquiry.View { return v.With(f.Not()) }
func only(v inquiry.View, f inquiry.Filter) inquiry.View {
	v.Filters = []inquiry.Filter{f}
	return v
}

// pivotRow goes to another view from the record under the cursor.
func (s *Screen) pivotRow(what string, long time.Duration, fields ...string) (screen.Intent, tea.Cmd) {
	row, ok := s.row()
	if !ok {
		return screen.Say{Text: "there is no record under the cursor"}, nil
	}
	if row.Time.IsZero() && len(fields) == 0 {
		return screen.Say{Text: "the record has no time"}, nil
	}
	v := s.view
	v.Filters = nil
	if !row.Time.IsZero() {
		v = v.Between(row.Time.Add(-long), row.Time.Add(long))
	}
	for _, f := range fields {
		text, null, ok := s.value(row, f)
		if !ok || len(text) >= MaxCell {
			return screen.Say{Text: f + " is not here in full: open the record and filter by it there"}, nil
		}
		if null && f == fields[0] {
			return screen.Say{Text: "the record has no " + f + ": there is no " + what + " to show"}, nil
		}
		v = v.With(valueFilter(f, text, null))
	}
	if v.Equal(s.view) {
		return screen.Say{Text: "this is the " + what}, nil
	}
	s.focus = onTable
	return nil, s.visit(v, &row)
}

// unfilter takes the filter under the chips' cursor away.
func (s *Screen) unfilter(i int) tea.Cmd {
	if i < 0 || i >= len(s.view.Filters) {
		return nil
	}
	return s.visit(s.view.Without(i), s.here())
}

// negate turns the filter under the chips' cursor into its opposite.
func (s *Screen) negate(i int) tea.Cmd {
	if i < 0 || i >= len(s.view.Filters) {
		return nil
	}
	v := s.view.Without(i)
	v.Filters = append(v.Filters[:i:i], append([]inquiry.Filter{s.view.Filters[i].Not()}, v.Filters[i:]...)...)
	return s.visit(v, s.here())
}

// copyValue copies what is under the cursor.
func (s *Screen) copyValue() screen.Intent {
	switch s.focus {
	case onRecord:
		if e, ok := s.pane.Here(); ok {
			return screen.Copy{Text: e.Value, What: "the value of " + e.Name}
		}
	case onChips:
		if f, what := s.subjectHere(); what == "" {
			return screen.Copy{Text: f.String(), What: "the filter"}
		}
	case onTable:
		row, ok := s.row()
		switch field := s.columnField(); {
		case !ok:
		case field == timeColumn:
			return screen.Copy{Text: row.Time.UTC().Format(time.RFC3339Nano), What: "the time"}
		case field == zoneColumn:
			return screen.Copy{Text: row.Ref.Zone, What: "the zone's id"}
		default:
			text, _, _ := s.value(row, field)
			if len(text) >= MaxCell {
				return screen.Say{Text: "the value is too long for the table: open the record and copy it there"}
			}
			return screen.Copy{Text: text, What: "the value of " + field}
		}
	case onFacets:
		if f, what := s.subjectHere(); what == "" {
			return screen.Copy{Text: f.Value, What: "the value of " + f.Field}
		}
	}
	return screen.Say{Text: "there is nothing under the cursor to copy"}
}

// copied is a record with where it is from and the question that it was found by.
type copied struct {
	question string
	record   Record
}

// copyRecord fetches the record under the cursor to copy it.
func (s *Screen) copyRecord() (screen.Intent, tea.Cmd) {
	row, ok := s.row()
	switch {
	case s.focus == onRecord && s.record.Ref == s.wantedRef && s.record.Ref != (inquiry.Ref{}):
		return s.copyOf(copied{s.question(), s.record}), nil
	case !ok:
		return screen.Say{Text: "there is no record under the cursor"}, nil
	case s.record.Ref == row.Ref:
		return s.copyOf(copied{s.question(), s.record}), nil
	}
	data, question, ctx := s.cfg.Data, s.question(), s.ctx
	return screen.Say{Text: "reading the record to copy it " + safetext.Ellipsis}, func() tea.Msg {
		return readToCopy(ctx, data, row.Ref, question)
	}
}

func readToCopy(ctx context.Context, data Data, ref inquiry.Ref, question string) tea.Msg {
	r, err := data.Record(ctx, ref)
	if err != nil {
		return kept{err: fmt.Errorf("read the record: %w", err)}
	}
	return copied{question, r}
}

func (s *Screen) copyOf(c copied) screen.Intent {
	r := c.record
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nfound by: %s\n", r.Ref.Permalink(), c.question)
	fmt.Fprintf(&b, "evidence: object %s sha256 %s line %d, window %s\n", r.Object, r.SHA256, r.Ref.Line, r.Window)
	b.WriteString(r.Raw + "\n")
	return screen.Copy{Text: b.String(), What: "the record, its address and the question"}
}

// stands is what the histogram, and so the view, stands on.
func (s *Screen) stands() string {
	switch {
	case s.hist.Complete && strings.HasPrefix(s.hist.Evidence, "complete"):
		return s.hist.Evidence
	case s.hist.Complete:
		return "complete: " + s.hist.Evidence
	}
	return "not complete: " + s.hist.Evidence
}

// question is the view in words, with what its answer stands on.
func (s *Screen) question() string {
	var names []string
	for _, z := range s.zonesOf(s.view) {
		names = append(names, s.zoneOf(z.ID))
	}
	text := fmt.Sprintf("%s of %s, event time [%s, %s)", s.view.Dataset, strings.Join(names, ", "), s.view.From.UTC().Format(time.RFC3339Nano), s.view.To.UTC().Format(time.RFC3339Nano))
	for i, f := range s.view.Filters {
		if i == 0 {
			text += " where "
		} else {
			text += " and "
		}
		text += f.String()
	}
	if s.total >= 0 {
		text += "; " + records(s.total)
	}
	if s.hist.Evidence != "" && s.hist.view.Equal(s.view) {
		text += "; " + s.stands()
	}
	return text
}

// unfold opens a facet, or closes it, or shows more of its values; on a value it filters by it.
func (s *Screen) unfold() (screen.Intent, tea.Cmd) {
	i, v := s.facets.Here()
	if i < 0 {
		return nil, nil
	}
	f := &s.facets.Sections[i]
	switch v {
	case facets.Heading:
		f.Open = !f.Open
		s.folds[f.Field] = !f.Open
		if f.Open && f.State == facets.Failed {
			f.State = facets.Waiting
		}
	case facets.More:
		s.tops[f.Field] = min(facetsMost, max(s.tops[f.Field], facetsShown)*4)
		f.Shown = s.tops[f.Field]
		if len(f.Values) < f.Shown && f.Distinct > int64(len(f.Values)) {
			if s.top(f.Field) <= len(f.Values) {
				return screen.Say{Text: "the rest is too many for a list: " + s.label(sqlKey) + " opens the view as SQL"}, nil
			}
			f.State = facets.Waiting
		}
	default:
		return s.filterHere(included)
	}
	return nil, nil
}
