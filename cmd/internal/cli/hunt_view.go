package cli

import (
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/format"
	"github.com/fabriziosalmi/rainlogs/query/schema"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/hunt"
)

// viewOf is the view of a hit's records: columns that are named after fields
// become filters, and its times the range. A RayID says all. Without a filter nothing is known of them.
func viewOf(columns []query.Column, row []any, q hunt.Question) inquiry.View {
	view := inquiry.View{Zones: q.Zones, Dataset: datasetHTTP, From: q.From, To: q.To}
	view.From, view.To = hitRange(columns, row, view.From, view.To)
	for i, c := range columns {
		if !pivot(c.Name) {
			continue
		}
		f := inquiry.Filter{Field: c.Name, Op: inquiry.Is}
		text, null := format.Text(row[i])
		switch {
		case null:
			f.Op = inquiry.Absent
		case c.Name == "RayID" && text != "":
			f.Value = text
			view.Filters = []inquiry.Filter{f}
			return view
		default:
			f.Value = text
		}
		view.Filters = append(view.Filters, f)
	}
	return view
}

// pivot reports whether a column is a field that tells records apart: a text,
// or the status. Measures (bytes, scores, times) do not.
func pivot(name string) bool {
	return name == "EdgeResponseStatus" || slices.ContainsFunc(schema.Columns(datasetHTTP, nil, nil), func(f schema.Field) bool {
		return f.Name == name && f.Type == schema.String
	})
}

// hitRange is the time of a hit, the question's own range where it does not say.
func hitRange(columns []query.Column, row []any, from, to time.Time) (time.Time, time.Time) {
	at := func(name string) (time.Time, bool) {
		i := slices.IndexFunc(columns, func(c query.Column) bool { return c.Name == name })
		if i < 0 {
			return time.Time{}, false
		}
		t, ok := row[i].(time.Time)
		return t.UTC(), ok
	}
	first, begins := at("first_seen")
	last, ends := at("last_seen")
	if t, ok := at(schema.TimeField(datasetHTTP)); ok {
		return t.Truncate(time.Minute).Add(-time.Minute), t.Truncate(time.Minute).Add(2 * time.Minute)
	}
	if begins {
		from = first.Truncate(time.Second)
	}
	if ends {
		to = last.Truncate(time.Second).Add(time.Second)
	}
	return from, to
}
