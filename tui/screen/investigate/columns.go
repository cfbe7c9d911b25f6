package investigate

import (
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/tui/component/chips"
	"github.com/fabriziosalmi/rainlogs/tui/component/facets"
	"github.com/fabriziosalmi/rainlogs/tui/component/table"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// layColumns makes the table's columns; rows that are here are forgotten if they were asked with others.
func (s *Screen) layColumns() {
	at := s.table.Column()
	s.table.Columns = []table.Column{{Name: "TIME " + s.zoneName(), Width: s.stampWidth()}}
	if len(s.zonesOf(s.view)) > 1 {
		s.table.Columns = append(s.table.Columns, table.Column{Name: "ZONE", Width: 14})
	}
	for _, f := range s.shownColumns() {
		kind, _ := s.kind(f)
		w := widths[f]
		switch {
		case w > 0:
		case kind == Number:
			w = max(8, min(len(f), 12))
		case kind == Time:
			w = 20
		case kind == Address:
			w = s.addressWidth()
		default:
			w = max(16, min(len(f), 24))
		}
		name := f
		if h, ok := heads[f]; ok {
			name = h
		}
		s.table.Columns = append(s.table.Columns, table.Column{Name: name, Width: w, Right: kind == Number && widths[f] == 0})
	}
	s.table.ToColumn(at)
	if !slices.Equal(s.asked, s.askColumns()) && s.total >= 0 {
		at := s.table.Cursor()
		s.questions[ofRows].stop()
		s.table.Reset(s.total)
		s.table.To(at)
	}
}

// addressWidth is room for an IPv4 address, or where there is room for an IPv6 one.
func (s *Screen) addressWidth() int {
	if s.width >= veryWide {
		return 39
	}
	return 15
}

// lead is how many columns of the table are not fields.
func (s *Screen) lead() int {
	if len(s.zonesOf(s.view)) > 1 {
		return 2
	}
	return 1
}

// tableRows are rows as the table draws them.
func (s *Screen) tableRows(rows []Row) []table.Row {
	out := make([]table.Row, len(rows))
	shown, lead := s.shownColumns(), s.lead()
	for i, r := range rows {
		cells := make([]string, 0, lead+len(shown))
		cells = append(cells, s.stamp(r.Time))
		if lead == 2 {
			cells = append(cells, s.zoneOf(r.Ref.Zone))
		}
		for _, f := range shown {
			text, _, _ := s.value(r, f)
			cells = append(cells, text)
		}
		out[i] = table.Row{Cells: cells, Status: r.Status, Of: &rows[i], Mark: s.markOf(r.Ref)}
	}
	return out
}

func (s *Screen) markOf(ref inquiry.Ref) table.Mark {
	b, ok := s.marks[ref]
	switch {
	case ok && b.Note != "":
		return table.Noted
	case ok:
		return table.Bookmarked
	}
	return table.None
}

// drawMarks puts bookmarks on the rows that are here.
func (s *Screen) drawMarks() {
	s.table.Each(func(i int64, r *table.Row) {
		if row, ok := r.Of.(*Row); ok {
			r.Mark = s.markOf(row.Ref)
		}
	})
}

// redrawTimes writes the times of the rows that are here in another zone.
func (s *Screen) redrawTimes() {
	s.table.Each(func(_ int64, r *table.Row) {
		if row, ok := r.Of.(*Row); ok {
			r.Cells[0] = s.stamp(row.Time)
		}
	})
}

// zoneOf is a zone's name.
func (s *Screen) zoneOf(id string) string {
	for _, z := range s.ground.Zones {
		if z.ID == id && z.Name != "" {
			return z.Name
		}
	}
	return id
}

// row is the record under the cursor.
func (s *Screen) row() (Row, bool) {
	r, ok := s.table.Row(s.table.Cursor())
	if !ok {
		return Row{}, false
	}
	row, ok := r.Of.(*Row)
	if !ok {
		return Row{}, false
	}
	return *row, true
}

// value is a row's value of a field, if the row was asked with it.
func (s *Screen) value(r Row, field string) (text string, null, ok bool) {
	i := slices.Index(s.asked, field)
	if i < 0 || i >= len(r.Cells) {
		return "", false, false
	}
	kind, _ := s.kind(field)
	null = i < len(r.Nulls) && r.Nulls[i] || r.Nulls == nil && r.Cells[i] == "" && kind != Text
	return r.Cells[i], null, true
}

// columnField is the field of the table's column under the cursor, or timeColumn or zoneColumn.
func (s *Screen) columnField() string {
	at, lead := s.table.Column(), s.lead()
	switch fields := s.shownColumns(); {
	case at == 0:
		return timeColumn
	case at < lead:
		return zoneColumn
	case at-lead < len(fields):
		return fields[at-lead]
	}
	return timeColumn
}

// location is where times are shown in.
func (s *Screen) location() *time.Location {
	if s.local && s.cfg.Local != nil {
		return s.cfg.Local
	}
	return time.UTC
}

func (s *Screen) zoneName() string {
	if s.local && s.cfg.Local != nil {
		return "local"
	}
	return "UTC"
}

// stampLayout is how the table writes times: with the day where there is room, or need.
func (s *Screen) stampLayout() string {
	if s.width >= 100 || s.view.To.Sub(s.view.From) > 24*time.Hour {
		return "01-02 15:04:05.000"
	}
	return "15:04:05.000"
}

func (s *Screen) stampWidth() int { return len(s.stampLayout()) }

func (s *Screen) stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(s.location()).Format(s.stampLayout())
}

// layFacets makes the facets' sections anew, all of them waiting; what was folded stays
// so, and the values of the view before are shown until the new ones are here.
func (s *Screen) layFacets() {
	old := map[string]facets.Section{}
	for _, f := range s.facets.Sections {
		old[f.Field] = f
	}
	s.facets.Sections = nil
	_, chosen := s.fields[s.view.Dataset]
	for i, f := range s.pickFields(s.fields, favourites.facets, 8) {
		section, known := old[f]
		if !known {
			section = facets.Section{Field: f, Open: i < 6 || chosen}
		}
		if folded, chosen := s.folds[f]; chosen {
			section.Open = !folded
		}
		section.State, section.Shown = facets.Waiting, max(facetsShown, s.tops[f])
		s.facets.Sections = append(s.facets.Sections, section)
	}
	s.facets.Settle()
}

// signFacets marks the values that filters ask for or against.
func (s *Screen) signFacets() {
	for i := range s.facets.Sections {
		f := &s.facets.Sections[i]
		for j := range f.Values {
			v := &f.Values[j]
			v.Sign = ""
			for _, g := range s.view.Filters {
				if g.Field != f.Field {
					continue
				}
				switch want := valueFilter(f.Field, v.Text, v.Null); {
				case g == want:
					v.Sign = "+"
				case g == want.Not():
					v.Sign = "-"
				}
			}
		}
	}
}

// layChips makes the chips of the view's filters.
func (s *Screen) layChips() {
	s.chips.Chips = nil
	for _, f := range s.view.Filters {
		s.chips.Chips = append(s.chips.Chips, chips.Chip{Text: f.String(), Excludes: f.Excludes()})
	}
	s.chips.At = min(s.chips.At, len(s.chips.Chips)-1)
	if s.focus == onChips && len(s.chips.Chips) == 0 {
		s.focus = onTable
	}
}

// valueFilter is the condition that a field has a value.
func valueFilter(field, text string, null bool) inquiry.Filter {
	if null {
		return inquiry.Filter{Field: field, Op: inquiry.Absent}
	}
	return inquiry.Filter{Field: field, Op: inquiry.Is, Value: text}
}
