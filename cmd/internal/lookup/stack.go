package lookup

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

var _ investigate.Stacker = (*Lookup)(nil)

// Stack learns a field's most frequent values, and counts them in the histogram's buckets: two passes, so that a
// field with very many values costs no more memory than another.
func (l *Lookup) Stack(ctx context.Context, v inquiry.View, n int, field string) (investigate.Stack, error) {
	top, err := l.Facet(ctx, v, field, investigate.MostStacked)
	if err != nil {
		return investigate.Stack{}, err
	}
	done, err := l.enter()
	if err != nil {
		return investigate.Stack{}, err
	}
	defer done()
	s, err := l.scope(ctx, v)
	if err != nil {
		return investigate.Stack{}, err
	}
	from, to := s.bounds()
	if !from.Before(to) {
		return investigate.Stack{}, nil
	}
	g := newGrid(from, to, max(1, n))
	out := investigate.Stack{Rough: top.Rough, Counts: make([][6]int64, g.n)}
	for _, v := range top.Values {
		if len(v.Text) < maxCell { // else it may be cut
			out.Values = append(out.Values, v)
		}
	}
	where, params, err := s.where()
	if err != nil {
		return investigate.Stack{}, err
	}
	rank, values := s.rank(field, out.Values)
	maps.Copy(values, params)
	rows, err := l.rows(ctx, l.slow, s.question(fmt.Sprintf("SELECT (epoch_ns(%s) - %d) // %d, %s, count(*) FROM logs%s GROUP BY ALL",
		timeOf(s.meter, s.view.Dataset), g.start, int64(g.step), rank, where), values))
	if err != nil {
		return investigate.Stack{}, err
	}
	for _, row := range rows {
		at, timed := row[0].(int64)
		if part := integer(row[1]); timed && at >= 0 && at < int64(g.n) && part >= 0 && part < 6 {
			out.Counts[at][part] += integer(row[2])
		}
	}
	return out, nil
}

// rank is an expression of type BIGINT: which of some values a field has, from 1 on, or 0.
func (s *scope) rank(field string, values []investigate.Value) (expression string, params map[string]any) {
	params = map[string]any{}
	var cases strings.Builder
	for i, v := range values {
		if v.Null {
			fmt.Fprintf(&cases, " WHEN %s IS NULL THEN %d", quoteName(field), i+1)
			continue
		}
		name := fmt.Sprintf("rank%d", i+1)
		params[name] = v.Text
		fmt.Fprintf(&cases, " WHEN %s = $%s THEN %d", s.text(field), name, i+1)
	}
	if cases.Len() == 0 {
		return "CAST(0 AS BIGINT)", params
	}
	return "CAST(CASE" + cases.String() + " ELSE 0 END AS BIGINT)", params
}
