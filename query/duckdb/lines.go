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
// only the objects with matches are read for their bytes.
func (e *Engine) Lines(ctx context.Context, d *dataset.Dataset, where string, params map[string]any) iter.Seq2[dataset.Line, error] {
	if where == "" {
		return d.Lines(ctx)
	}
	return func(yield func(dataset.Line, error) bool) {
		matches, err := e.matches(ctx, d, where, params)
		if err != nil {
			yield(dataset.Line{}, err)
			return
		}
		for line, err := range d.Pick(ctx, matches) {
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}

// matches returns the numbers of the matching lines by their object's index.
func (e *Engine) matches(ctx context.Context, d *dataset.Dataset, where string, params map[string]any) (_ map[int][]int64, err error) {
	sql := "SELECT _object, _line FROM logs WHERE (\n" + where + "\n)"
	if statements, err := parse(sql, e.denied); err != nil || len(statements) != 1 {
		return nil, errors.Join(fmt.Errorf("%w: the condition is not one expression", query.ErrForbidden), err)
	}
	res, err := e.Query(ctx, query.Request{SQL: sql, Params: params, Dataset: d})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, res.Close()) }()
	index := map[string]int{}
	for _, o := range d.Objects() {
		index[o.Entry.Object.Key] = o.Index
	}
	matches := map[int][]int64{}
	for row, err := range res.Rows() {
		if err != nil {
			return nil, err
		}
		key, isKey := row[0].(string)
		number, isNumber := row[1].(int64)
		i, known := index[key]
		if !isKey || !isNumber || !known {
			return nil, fmt.Errorf("%w: the condition is not one expression", query.ErrForbidden)
		}
		matches[i] = append(matches[i], number)
	}
	for i, numbers := range matches {
		slices.Sort(numbers) // threads may have read parts of a range
		matches[i] = slices.Compact(numbers)
	}
	return matches, nil
}
