package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/format"
	"github.com/fabriziosalmi/rainlogs/query/tally"
)

func writeStats(w io.Writer, f format.Format, a *tally.Answer, loc *time.Location, g statGlyphs) error {
	switch f {
	case format.Table:
		return writeStatsTable(w, a, loc, g)
	case format.JSON:
		return site.PrintJSON(w, a)
	}
	res := statsResult(a)
	if err := format.Write(w, f, res); err != nil {
		return fmt.Errorf("print counts: %w", err)
	}
	return res.Close()
}

// statsResult is the histogram as rows: least and most of each count.
func statsResult(a *tally.Answer) *query.Result {
	columns := []query.Column{{Name: "from", Type: "TIMESTAMP_NS"}, {Name: "to", Type: "TIMESTAMP_NS"}}
	count := func(name string) {
		columns = append(columns, query.Column{Name: name, Type: "BIGINT"}, query.Column{Name: name + "_max", Type: "BIGINT"})
	}
	count("lines")
	for class := range evidence.Classes {
		count(tally.ClassName(class))
	}
	count("unsplit")
	columns = append(columns, query.Column{Name: "exact", Type: "BOOLEAN"}, query.Column{Name: "covered", Type: "BOOLEAN"})
	rows := func(yield func([]any, error) bool) {
		for i := range a.Buckets {
			b := &a.Buckets[i]
			row := []any{b.Start, b.End, b.Lines.Min, b.Lines.Max}
			for _, c := range b.Classes {
				row = append(row, c.Min, c.Max)
			}
			if !yield(append(row, b.Unsplit.Min, b.Unsplit.Max, b.Exact, b.Covered), nil) {
				return
			}
		}
	}
	return query.NewResult(columns, query.Provenance{}, rows, nil)
}
