package duckdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// Lines yields the records of a dataset for which a condition over the columns
// of logs holds, as stored, in the order of dataset.Lines. An empty condition
// holds for all. The condition is answered first, with 8 bytes of memory a match; then
// only the objects with matches are read for their bytes. told, if not nil, learns
// behind the last line what they stand on.
func (e *Engine) Lines(ctx context.Context, d *dataset.Dataset, where string, params map[string]any, told func(query.Provenance)) iter.Seq2[dataset.Line, error] {
	return func(yield func(dataset.Line, error) bool) {
		started := e.cfg.Now()
		use, lines := dataset.Use{Read: d.Objects()}, d.Lines(ctx)
		p := query.Provenance{Engine: "rainlogs"}
		if where != "" {
			matches, used, err := e.matches(ctx, d, where, params)
			if err != nil {
				yield(dataset.Line{}, err)
				return
			}
			use, lines = reading(d, used, matches), d.Pick(ctx, matches)
			p.SQL, p.Params, p.Engine = matching(where), params, e.Version()
		}
		for line, err := range lines {
			if !yield(line, err) || err != nil {
				return
			}
		}
		if told == nil {
			return
		}
		now := e.cfg.Now()
		p.Provenance, p.Program, p.AskedAt, p.ElapsedMillis = d.Provenance(use), e.cfg.Program, started.UTC(), now.Sub(started).Milliseconds()
		told(p)
	}
}

// reading adds the objects with matches to those that the condition used.
func reading(d *dataset.Dataset, use dataset.Use, matches map[int][]int64) dataset.Use {
	use.Read = slices.Clone(use.Read)
	for _, o := range d.Objects() {
		if len(matches[o.Index]) > 0 {
			use.Read = append(use.Read, o)
		}
	}
	return use
}

func matching(where string) string {
	return "SELECT _object, _line FROM logs WHERE (\n" + where + "\n)"
}

// matches returns the numbers of the matching lines by their object's index, and the objects that told them.
func (e *Engine) matches(ctx context.Context, d *dataset.Dataset, where string, params map[string]any) (_ map[int][]int64, use dataset.Use, err error) {
	sql := matching(where)
	if statements, err := parse(sql, e.denied); err != nil || len(statements) != 1 {
		return nil, use, errors.Join(fmt.Errorf("%w: the condition is not one expression", query.ErrForbidden), err)
	}
	res, r, err := e.query(ctx, query.Request{SQL: sql, Params: params, Dataset: d})
	if err != nil {
		return nil, use, err
	}
	defer func() { err = errors.Join(err, res.Close()) }()
	index := map[string]int{}
	for _, o := range d.Objects() {
		index[o.Entry.Object.Key] = o.Index
	}
	matches := map[int][]int64{}
	for row, err := range res.Rows() {
		if err != nil {
			return nil, use, err
		}
		key, isKey := row[0].(string)
		number, isNumber := row[1].(int64)
		i, known := index[key]
		if !isKey || !isNumber || !known {
			return nil, use, fmt.Errorf("%w: the condition is not one expression", query.ErrForbidden)
		}
		matches[i] = append(matches[i], number)
	}
	for i, numbers := range matches {
		slices.Sort(numbers) // threads may have read parts of a range
		matches[i] = slices.Compact(numbers)
	}
	return matches, r.use, nil
}
