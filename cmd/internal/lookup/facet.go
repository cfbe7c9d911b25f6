package lookup

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

// manyLines is the default of Config.ManyLines.
const manyLines = 1_000_000

// Facet returns a field's most frequent values: exactly, but for a field with a value of its own in nearly each
// record (RayID, a URI with a query). That has none to speak of, and to group millions of them takes seconds and
// hundreds of MiB: of a view of many lines, the last quarter million tell first whether a field is such.
func (l *Lookup) Facet(ctx context.Context, v inquiry.View, field string, top int) (investigate.Facet, error) {
	done, err := l.enter()
	if err != nil {
		return investigate.Facet{Field: field}, err
	}
	defer done()
	s, err := l.scope(ctx, v)
	if err != nil {
		return investigate.Facet{Field: field}, err
	}
	top = max(1, top)
	if r, many := s.probe(l.cfg.ManyLines); many {
		probed, err := l.values(ctx, s, r, field, top)
		if err != nil || probed.Distinct > l.cfg.ManyLines/10 {
			return l.rough(ctx, s, probed, err)
		}
	}
	return l.values(ctx, s, s.whole(), field, top)
}

// Facets counts the first field, and along with it those of the others that have not very many values either: the
// records are read and filtered once for all of them. An estimate is of windows that are spread over the range.
func (l *Lookup) Facets(ctx context.Context, v inquiry.View, fields []string, top int, estimate bool) ([]investigate.Facet, error) {
	done, err := l.enter()
	if err != nil {
		return nil, err
	}
	defer done()
	s, err := l.scope(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := l.learn(ctx, s, fields); err != nil {
		return nil, err
	}
	few := l.few(v.Dataset, fields)
	if len(few) < 2 || few[0] != fields[0] {
		f, err := l.Facet(ctx, v, fields[0], top)
		return []investigate.Facet{f}, err
	}
	if err := l.tallyFirst(ctx, s); err != nil {
		return nil, err
	}
	part, times := s.sample(l.cfg.ManyLines)
	if !estimate || times <= 1 {
		part = ""
	}
	out, err := l.together(ctx, s, few, top, part)
	for i := range out {
		if out[i].Estimated {
			scale(&out[i], times)
			continue
		}
		l.learnt(v.Dataset, out[i])
	}
	return out, err
}

// scale makes of counts in a part of the view how often each value is in all of it.
func scale(f *investigate.Facet, times float64) {
	f.Distinct, f.Total = 0, scaled(f.Total, times)
	for j := range f.Values {
		f.Values[j].Count = scaled(f.Values[j].Count, times)
	}
}

func scaled(n int64, times float64) int64 { return int64(math.Round(float64(n) * times)) }

// minSample is of how many windows a sample is at least.
const minSample = 8

// sample is the condition of windows that are spread evenly over the view's range and have some of half of
// manyLines, and how many times as many lines the whole range has: 1 where there is too little to part.
func (s *scope) sample(manyLines int64) (condition string, times float64) {
	entries, total := s.entries(), int64(0)
	for _, e := range entries {
		total += e.Content.Lines
	}
	every := int(min(total/max(1, manyLines/2), int64(len(entries)/minSample)))
	if total <= manyLines || every < 2 {
		return "", 1
	}
	seqs, sampled := map[string][]string{}, int64(0)
	for i := every / 2; i < len(entries); i += every {
		e := entries[i]
		sampled += e.Content.Lines
		seqs[e.Zone] = append(seqs[e.Zone], strconv.FormatInt(e.Seq, 10))
	}
	if sampled == 0 {
		return "", 1
	}
	var zones []string
	for _, zone := range slices.Sorted(maps.Keys(seqs)) {
		zones = append(zones, fmt.Sprintf("_zone = %s AND _seq IN (%s)", quoteText(zone), strings.Join(seqs[zone], ", ")))
	}
	return "(" + strings.Join(zones, " OR ") + ")", float64(total) / float64(sampled)
}

// together counts some fields in one pass over the view. Where that needs SQL, a part of it will do for which a condition
// holds; "" is the whole.
func (l *Lookup) together(ctx context.Context, s *scope, few []string, top int, part string) ([]investigate.Facet, error) {
	where, params, err := s.where()
	switch {
	case err != nil:
		return nil, err
	case part != "" && where == "":
		where = " WHERE " + part
	case part != "":
		where += " AND " + part
	}
	out := make([]investigate.Facet, len(few))
	names, sets, places, cases := make([]string, len(few)), make([]string, len(few)), "", ""
	for i, field := range few {
		out[i].Field = field
		// GROUPING has a bit for each field, the first one's highest, 0 where it is grouped by.
		set := int64(1)<<len(few) - 1 - int64(1)<<(len(few)-1-i)
		names[i] = quoteName(field)
		sets[i] = "(" + names[i] + ")"
		places += fmt.Sprintf(" WHEN %d THEN %d", set, i)
		cases += fmt.Sprintf(" WHEN %d THEN CAST(%s AS VARCHAR)", set, names[i])
	}
	group := "GROUPING(" + strings.Join(names, ", ") + ")"
	q := s.question(fmt.Sprintf(`WITH counted AS (SELECT CASE %s%s END AS field, CASE %s%s END AS v, count(*) AS n FROM logs%s GROUP BY GROUPING SETS (%s))
SELECT CAST(field AS BIGINT), left(v, %d), n, count(v) OVER (PARTITION BY field), CAST(sum(n) OVER (PARTITION BY field) AS BIGINT), %t FROM counted
QUALIFY row_number() OVER (PARTITION BY field ORDER BY n DESC, v) <= %d ORDER BY field, n DESC, v`,
		group, places, group, cases, where, strings.Join(sets, ", "), maxCell, part != "", max(1, top)), params)
	q.Counts = &query.Counts{Filters: s.view.Filters, Fields: few, Top: max(1, top), MaxText: maxCell}
	rows, err := l.rows(ctx, l.slow, q)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		f := &out[integer(row[0])]
		text, some := row[1].(string)
		f.Values = append(f.Values, investigate.Value{Text: text, Null: !some, Count: integer(row[2])})
		f.Distinct, f.Total = integer(row[3]), integer(row[4])
		f.Estimated, _ = row[5].(bool)
	}
	return out, nil
}

// learnt keeps how many values a field has: a narrow view has few of each.
func (l *Lookup) learnt(dataset string, f investigate.Facet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := dataset + "/" + f.Field
	l.distinct[name] = max(l.distinct[name], f.Distinct)
}

// learn estimates how many values fields have of which that is not known, by the view's last quarter million lines.
func (l *Lookup) learn(ctx context.Context, s *scope, fields []string) error {
	var unknown, counts []string
	l.mu.Lock()
	for _, f := range fields {
		if _, known := l.distinct[s.view.Dataset+"/"+f]; !known {
			unknown, counts = append(unknown, f), append(counts, "approx_count_distinct("+quoteName(f)+")")
		}
	}
	l.mu.Unlock()
	if len(unknown) == 0 {
		return nil
	}
	q := s.question("SELECT "+strings.Join(counts, ", ")+" FROM logs", nil)
	q.Range, _ = s.probe(l.cfg.ManyLines)
	rows, err := l.rows(ctx, l.slow, q)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, f := range unknown {
		l.distinct[s.view.Dataset+"/"+f] = integer(rows[0][i])
	}
	return nil
}

// few are those fields that had no more values when they were last counted than are counted exactly. They may have
// more by now: then this costs time, once.
func (l *Lookup) few(dataset string, fields []string) (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range fields {
		if n, known := l.distinct[dataset+"/"+f]; known && n <= l.cfg.ManyLines/10 && len(out) < 32 {
			out = append(out, f)
		}
	}
	return out
}

// probe is a part of a view of many lines.
func (s *scope) probe(manyLines int64) (r dataset.Range, many bool) {
	var total, probed int64
	var windows []window
	for _, e := range slices.Backward(s.entries()) {
		if total += e.Content.Lines; probed < manyLines/4 {
			probed += e.Content.Lines
			windows = append(windows, window{entry: e})
		}
	}
	return s.around(windows), total > manyLines
}

// values counts a field's values in a part of the range.
func (l *Lookup) values(ctx context.Context, s *scope, r dataset.Range, field string, top int) (investigate.Facet, error) {
	f := investigate.Facet{Field: field}
	where, params, err := s.where()
	if err != nil {
		return f, err
	}
	q := s.question(fmt.Sprintf(`WITH counted AS (SELECT %s AS v, count(*) AS n FROM logs%s GROUP BY ALL)
SELECT left(CAST(v AS VARCHAR), %d), n, count(v) OVER (), CAST(sum(n) OVER () AS BIGINT) FROM counted ORDER BY n DESC, v LIMIT %d`,
		quoteName(field), where, maxCell, top), params)
	q.Range = r
	rows, err := l.rows(ctx, l.slow, q)
	if err != nil {
		return f, err
	}
	for _, row := range rows {
		text, some := row[0].(string)
		f.Values = append(f.Values, investigate.Value{Text: text, Null: !some, Count: integer(row[1])})
		f.Distinct, f.Total = integer(row[2]), integer(row[3])
	}
	l.learnt(s.view.Dataset, f)
	return f, nil
}

// rough counts the values that a probe has found frequent over the whole view.
func (l *Lookup) rough(ctx context.Context, s *scope, probed investigate.Facet, err error) (investigate.Facet, error) {
	f := investigate.Facet{Field: probed.Field, Rough: true}
	if err != nil {
		return f, err
	}
	where, params, err := s.where()
	if err != nil {
		return f, err
	}
	if params == nil {
		params = map[string]any{}
	}
	text := s.text(f.Field)
	var list []string
	for i, v := range probed.Values {
		if !v.Null && len(v.Text) < maxCell {
			name := fmt.Sprintf("v%d", i)
			params[name] = v.Text
			list = append(list, "$"+name)
		}
	}
	among := "false"
	if len(list) > 0 {
		among = text + " IN (" + strings.Join(list, ", ") + ")"
	}
	rows, err := l.rows(ctx, l.slow, s.question(fmt.Sprintf(
		"SELECT CASE WHEN %s THEN %s END, %s IS NULL, count(*) FROM logs%s GROUP BY ALL", among, text, quoteName(f.Field), where), params))
	if err != nil {
		return f, err
	}
	for _, row := range rows {
		n := integer(row[2])
		f.Total += n
		value, some := row[0].(string)
		if null, _ := row[1].(bool); some || null {
			f.Values = append(f.Values, investigate.Value{Text: value, Null: null, Count: n})
		}
	}
	slices.SortFunc(f.Values, func(a, b investigate.Value) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	return f, nil
}

// text is a field as an expression of type VARCHAR.
func (s *scope) text(field string) string {
	if kind, known := s.kinds[field]; known && (kind == investigate.Text || kind == investigate.Address) {
		return quoteName(field)
	}
	return "CAST(" + quoteName(field) + " AS VARCHAR)"
}
