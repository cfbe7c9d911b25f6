package lookup

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

var _ investigate.Finder = (*Lookup)(nil)

// Find returns the row of a record in a view, or where it would be: its window tells
// nearly all, and the rows of that window are counted.
func (l *Lookup) Find(ctx context.Context, v inquiry.View, ref inquiry.Ref, at time.Time) (row int64, exact bool, err error) {
	done, err := l.enter()
	if err != nil {
		return 0, false, err
	}
	defer done()
	s, err := l.scope(ctx, v)
	if err != nil {
		return 0, false, err
	}
	x, err := l.index(ctx, s)
	if err != nil {
		return 0, false, err
	}
	i := slices.IndexFunc(x.windows, func(w window) bool { return w.entry.Zone == ref.Zone && w.entry.Seq == ref.Seq })
	if i < 0 {
		return s.beside(x, ref), false, nil
	}
	w := x.windows[i]
	where, params, err := s.where()
	if err != nil {
		return 0, false, err
	}
	before := fmt.Sprintf("_line < %d", ref.Line)
	if event := timeOf(s.meter, v.Dataset); at.IsZero() { // those without a time are the last
		before = fmt.Sprintf("%s IS NOT NULL OR %s", event, before)
	} else {
		before = fmt.Sprintf("%s < %s OR %s = %s AND %s", event, timestamp(at), event, timestamp(at), before)
	}
	q := s.question(fmt.Sprintf("SELECT count(*) FILTER (%s), count(*) FILTER (_line = %d) FROM (SELECT * FROM logs%s) WHERE _zone = %s AND _seq = %d",
		before, ref.Line, where, quoteText(ref.Zone), ref.Seq), params)
	q.Range = s.around([]window{w})
	rows, err := l.rows(ctx, l.quick, q)
	if err != nil || len(rows) == 0 {
		return w.first, false, err
	}
	return w.first + integer(rows[0][0]), integer(rows[0][1]) > 0, nil
}

// beside is the first row of the windows behind one that has no row of the view.
func (s *scope) beside(x *index, ref inquiry.Ref) int64 {
	entries := s.entries()
	at := slices.IndexFunc(entries, func(e *evidence.Entry) bool { return e.Zone == ref.Zone && e.Seq == ref.Seq })
	row := int64(0)
	for _, w := range x.windows {
		if i := slices.Index(entries, w.entry); at >= 0 && i > at {
			break
		}
		row = w.first + w.n
	}
	if at < 0 { // it is of another range
		return 0
	}
	return min(row, max(0, x.total-1))
}
