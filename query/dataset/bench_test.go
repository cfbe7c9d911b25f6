package dataset_test

import (
	"context"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
)

// An hour of a day and of thirteen months of hourly objects: what selecting
// and the ledger cost must not be felt in a query.
func BenchmarkHour(b *testing.B) {
	for _, bench := range []struct {
		name    string
		objects int
	}{{"of a day", 24}, {"of 13 months", 9500}} {
		b.Run(bench.name, func(b *testing.B) {
			a := datasettest.New(b, datasettest.Zone)
			for i := range bench.objects {
				begin := start.Add(time.Duration(i) * time.Hour)
				a.Window(begin, time.Hour, record(begin, "first")+record(begin.Add(time.Hour-1), "last"))
			}
			last := start.Add(time.Duration(bench.objects-1) * time.Hour)
			opts := dataset.Options{Range: dataset.Range{From: last, To: last.Add(time.Hour)}}
			for b.Loop() {
				d, err := dataset.Open(context.Background(), a.Store, []dataset.Chain{a.Chain()}, opts)
				if err != nil {
					b.Fatal(err)
				}
				if p := d.Provenance(dataset.Use{}); p.Objects.Selected != 1 {
					b.Fatalf("%d objects", p.Objects.Selected)
				}
				if err := d.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
