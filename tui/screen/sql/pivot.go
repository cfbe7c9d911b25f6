package sql

import (
	"strconv"
	"strings"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// pivot is the way from what is under the cursor to Investigate: to the record
// that a row is, if it says which, or else to all records with a field's value. nil is none.
func (s *Screen) pivot() screen.Intent {
	row, at, ok := s.here()
	if !ok || s.answer.Ground.Dataset == "" {
		return nil
	}
	if ref, ok := s.ref(row); ok {
		return screen.Go{To: screen.Investigate, Arg: ref}
	}
	c, name := row[at], s.answer.Columns[at].Name
	if kind, known := s.kinds[strings.ToLower(name)]; !known || kind != Field || c.Cut {
		return nil
	}
	f := inquiry.Filter{Field: name, Op: inquiry.Is, Value: c.Text}
	if c.Null {
		f = inquiry.Filter{Field: name, Op: inquiry.Absent}
	}
	return screen.Go{To: screen.Investigate, Arg: s.answer.Ground.With(f)}
}

// ref is the record that a row is one of.
func (s *Screen) ref(row []Cell) (r inquiry.Ref, ok bool) {
	r = inquiry.Ref{Archive: s.answer.Archive, Dataset: s.answer.Ground.Dataset, Seq: -1}
	for i, c := range s.answer.Columns {
		n, err := strconv.ParseInt(row[i].Text, 10, 64)
		switch {
		case c.Name == "_zone" && row[i].Text != "":
			r.Zone = row[i].Text
		case c.Name == "_seq" && err == nil:
			r.Seq = n
		case c.Name == "_line" && err == nil:
			r.Line = n
		}
	}
	return r, r.Zone != "" && r.Seq >= 0 && r.Line > 0
}
