package lookup_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

// stack parts the histogram by a field of text, some of it hostile, of numbers, or of a value for each record: a view by one of them.
func (w *world) stack(t *testing.T, v inquiry.View, want []rec) {
	t.Helper()
	fields := []string{"ClientRequestUserAgent", "EdgeResponseStatus", "RayID"}
	values := []func(rec) string{func(r rec) string { return r.agent }, func(r rec) string { return strconv.Itoa(r.status) }, func(r rec) string { return r.ray }}
	field, value := fields[len(want)%3], values[len(want)%3]
	h, err := w.Histogram(t.Context(), v, 30)
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Stack(t.Context(), v, 30, field)
	if err != nil {
		t.Fatal(err)
	}
	ranks, seen := map[string]int{}, map[string]int64{}
	for i, v := range s.Values {
		ranks[v.Text] = i + 1
	}
	counts := make([][6]int64, len(h.Buckets))
	for _, r := range want {
		counts[r.at.Sub(h.From)/h.Step][ranks[value(r)]]++
		seen[value(r)]++
	}
	if diff := gocmp.Diff(counts, s.Counts); diff != "" || s.Rough && field != "RayID" {
		t.Fatalf("by %s, rough is %t: %s", field, s.Rough, diff)
	}
	for i, v := range s.Values {
		if seen[v.Text] != v.Count || i > 0 && v.Count > s.Values[i-1].Count || !s.Rough && len(ranks) != min(5, len(seen)) {
			t.Errorf("by %s: %+v of %d values", field, s.Values, len(seen))
		}
	}
}

// TestStackAbsent: that records lack a field is one of its values.
func TestStackAbsent(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone, "EdgeStartTimestamp", "ClientCountry")
	lines := ""
	for i, country := range []string{`,"ClientCountry":"it"`, `,"ClientCountry":""`, "", "", ""} {
		lines += fmt.Sprintf("{\"EdgeStartTimestamp\":%d%s}\n", start.Add(time.Duration(i)*time.Minute).UnixNano(), country)
	}
	a.Window(start, time.Hour, lines)
	l, _ := look(t, a, inMemory, false)
	v := inquiry.View{Dataset: "http_requests", From: start, To: start.Add(time.Hour)}
	s, err := l.Stack(t.Context(), v, 1, "ClientCountry")
	want := investigate.Stack{Values: []investigate.Value{{Null: true, Count: 3}, {Count: 1}, {Text: "it", Count: 1}}, Counts: [][6]int64{{0, 3, 1, 1}}}
	if diff := gocmp.Diff(want, s); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
}
