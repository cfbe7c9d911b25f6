package duckdb_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// wideLines returns NDJSON of n records with all registered fields.
func wideLines(n int, start time.Time) string {
	fields := schema.Columns("http_requests", nil, nil)
	var b strings.Builder
	for i := range n {
		b.WriteByte('{')
		for j, f := range fields {
			if j > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%q:", f.Name)
			switch f.Type {
			case schema.Time:
				fmt.Fprint(&b, start.Add(time.Duration(i)*time.Millisecond).UnixNano())
			case schema.Int:
				fmt.Fprint(&b, (i*7+j)%600)
			case schema.Float:
				b.WriteString("1.25")
			case schema.Bool:
				b.WriteString("false")
			case schema.StringList:
				b.WriteString(`["a","b"]`)
			case schema.IntList:
				b.WriteString(`[1,2,3]`)
			case schema.JSON:
				b.WriteString(`{"k":"v"}`)
			default:
				fmt.Fprintf(&b, `"value %d of %d"`, i%97, j)
			}
		}
		b.WriteString("}\n")
	}
	return b.String()
}

func BenchmarkQuery(b *testing.B) {
	a := datasettest.New(b, datasettest.Zone)
	size := 0
	for i := range 8 {
		start := time.Date(2026, 1, 1, 0, 5*i, 0, 0, time.UTC)
		content := wideLines(8000, start)
		size += len(content)
		a.Window(start, 5*time.Minute, content)
	}
	d, err := dataset.Open(context.Background(), a.NewLocal(), []dataset.Chain{a.Chain()}, dataset.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	e, err := duckdb.Open(context.Background(), duckdb.Config{TempDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	for _, bench := range []struct{ name, sql string }{
		{"nothing", "SELECT 1"},
		{"count", "SELECT count(*) FROM logs"},
		{"top_clients", "SELECT ClientIP, count(*) FROM logs GROUP BY 1 ORDER BY 2 DESC LIMIT 10"},
		{"by_time_status", "SELECT date_trunc('minute', EdgeStartTimestamp) m, EdgeResponseStatus, count(*), sum(EdgeResponseBytes) FROM logs WHERE ClientRequestPath LIKE '%value 3%' GROUP BY ALL"},
		{"one_ray", "SELECT * FROM logs WHERE RayID = 'nope'"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				res, err := e.Query(context.Background(), query.Request{SQL: bench.sql, Dataset: d})
				if err != nil {
					b.Fatal(err)
				}
				for _, err := range res.Rows() {
					if err != nil {
						b.Fatal(err)
					}
				}
				if err := res.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
