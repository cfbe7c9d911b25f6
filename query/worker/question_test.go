package worker

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/filter"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// TestQuestionCrosses: a worker is asked what the client was.
func TestQuestionCrosses(t *testing.T) {
	t.Parallel()
	q := Question{
		SQL: "SELECT $a", Params: map[string]any{"a": int64(1), "b": nil}, Zones: []string{"z/d"}, SkipDamaged: true,
		Range:  dataset.Range{From: time.Unix(1, 2).UTC()},
		Limits: Limits{Memory: 1, Threads: 2, Timeout: 3},
		Counts: &query.Counts{
			Filters: []filter.Filter{{Field: "f", Op: filter.AtLeast, Value: "1"}}, Fields: []string{"a", "b"}, Top: 4, MaxText: 5,
			Grid: &query.Grid{Time: "t", Status: "s", Start: 6, Step: 7},
		},
	}
	var b bytes.Buffer
	a, err := newAsked(1, q)
	if err != nil {
		t.Fatal(err)
	}
	if err := (&frameWriter{w: &b}).message(frameAsk, a); err != nil {
		t.Fatal(err)
	}
	r := frameReader{r: &b}
	_, payload, err := r.read()
	if err != nil {
		t.Fatal(err)
	}
	var crossed asked
	if err := decode(payload, &crossed); err != nil {
		t.Fatal(err)
	}
	got, err := crossed.question()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(q, got); diff != "" {
		t.Error(diff)
	}
}
