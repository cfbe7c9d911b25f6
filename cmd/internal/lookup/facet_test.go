package lookup_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

// TestFacetsTogether: fields that are counted in one pass have the values that they have one by one.
func TestFacetsTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inMemory, false)
	fields := []string{"EdgeResponseStatus", "ClientIP", "ClientRequestUserAgent"}
	for i, v := range views(4, true)[:10] {
		var want []investigate.Facet
		for _, field := range fields {
			f, err := w.Facet(t.Context(), v, field, 3)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, f)
		}
		got, err := w.Facets(t.Context(), v, fields, 3, false)
		if err != nil {
			t.Fatal(err)
		}
		if len(w.of(v)) == 0 {
			continue
		}
		if diff := gocmp.Diff(want, got); diff != "" || len(got) != 3 {
			t.Fatalf("%d: %+v: %s", i, v, diff)
		}
	}
	if got, err := w.Facets(t.Context(), inquiry.View{Dataset: "http_requests"}, []string{"RayID", "ClientIP"}, 3, true); err != nil || len(got) != 1 || got[0].Field != "RayID" {
		t.Errorf("a field with many values: %+v, %v", got, err)
	}
}

// TestCountedWithoutSQL: over columns tally and facets are what SQL gives over lines, and no facet is estimated.
func TestCountedWithoutSQL(t *testing.T) {
	t.Parallel()
	lines, columns := newWorld(t, inMemory, false), newWorld(t, inMemory, true)
	if err := columns.Prepare(t.Context(), inquiry.View{Dataset: "http_requests"}, func(int64, int64) {}); err != nil {
		t.Fatal(err)
	}
	fields := []string{"EdgeResponseStatus", "ClientIP", "ClientRequestUserAgent"}
	for i, v := range views(8, false) {
		want, err := lines.Facets(t.Context(), v, fields, 3, false)
		if err != nil {
			t.Fatal(err)
		}
		got, err := columns.Facets(t.Context(), v, fields, 3, true)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(v.Filters, func(f inquiry.Filter) bool { return f.Op == inquiry.Like || f.Op == inquiry.Unlike }) {
			continue // which is asked of SQL, and estimated
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("%d: %+v: -lines +columns\n%s", i, v, diff)
		}
		before, err := lines.Histogram(t.Context(), v, 30)
		if err != nil {
			t.Fatal(err)
		}
		after, err := columns.Histogram(t.Context(), v, 30)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(before, after); diff != "" {
			t.Fatalf("%d: %+v: -lines +columns\n%s", i, v, diff)
		}
	}
}

// TestOnePass: table and histogram of a filtered view, asked for together, have the records counted once.
func TestOnePass(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inMemory, false)
	v := inquiry.View{Dataset: "http_requests", Filters: []inquiry.Filter{{Field: "ClientIP", Op: inquiry.Is, Value: ips[0]}}}
	if _, err := w.Histogram(t.Context(), inquiry.View{Dataset: "http_requests"}, 50); err != nil { // which tells how wide the screen is
		t.Fatal(err)
	}
	before := w.asked.Load()
	var both errgroup.Group
	both.Go(func() error {
		h, err := w.Histogram(t.Context(), v, 50)
		if h.Total != int64(len(w.of(v))) {
			t.Errorf("%d records", h.Total)
		}
		return err
	})
	both.Go(func() error {
		p, err := w.Rows(t.Context(), v, nil, 0, 10)
		if p.Total != int64(len(w.of(v))) || len(p.Rows) != 10 {
			t.Errorf("%d of %d rows", len(p.Rows), p.Total)
		}
		return err
	})
	if err := both.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := w.asked.Load() - before; n != 2 { // the tally, and the page
		t.Errorf("%d questions", n)
	}
}

// TestEstimatedFacets: of a view of many lines an estimate counts every fifth window, here by hand, and takes each line for five.
// Over columns all lines are counted.
func TestEstimatedFacets(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone, "EdgeStartTimestamp", "ClientIP", "EdgeResponseStatus")
	want, counted := map[string]int64{}, map[string]int64{}
	for i := range 40 {
		at, text := start.Add(time.Duration(i)*time.Hour), ""
		for n := range 20 {
			ip := ips[(i*n+n)%3]
			counted[ip]++
			if i%5 == 2 {
				want[ip] += 5
			}
			text += fmt.Sprintf(`{"EdgeStartTimestamp":%d,"ClientIP":%q,"EdgeResponseStatus":200}`+"\n", at.Add(time.Duration(n)*time.Minute).UnixNano(), ip)
		}
		a.Window(at, time.Hour, text)
	}
	l, _ := look(t, a, inMemory, false)
	v := inquiry.View{Dataset: "http_requests"}
	got, err := l.Facets(t.Context(), v, []string{"ClientIP", "EdgeResponseStatus"}, 3, true)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]int64{}
	for _, value := range got[0].Values {
		values[value.Text] = value.Count
	}
	if diff := gocmp.Diff(want, values); diff != "" || !got[0].Estimated || got[0].Distinct != 0 || got[0].Total != 800 {
		t.Errorf("%+v: %s", got[0], diff)
	}
	if want := (investigate.Facet{Field: "EdgeResponseStatus", Estimated: true, Total: 800, Values: []investigate.Value{{Text: "200", Count: 800}}}); gocmp.Diff(want, got[1]) != "" {
		t.Errorf("%+v", got[1])
	}
	v.Filters = []inquiry.Filter{{Field: "ClientIP", Op: inquiry.Is, Value: ips[0]}}
	if got, err = l.Facets(t.Context(), v, []string{"ClientIP", "EdgeResponseStatus"}, 3, true); err != nil || got[0].Values[0].Count != want[ips[0]] || len(got[0].Values) != 1 {
		t.Errorf("with a filter: %+v, %v", got, err)
	}
	if l, _ = look(t, a, inMemory, true); l.Prepare(t.Context(), v, func(int64, int64) {}) != nil {
		t.Fatal("no columns")
	}
	got, err = l.Facets(t.Context(), v, []string{"ClientIP", "EdgeResponseStatus"}, 3, true)
	if err != nil || got[0].Estimated || got[0].Values[0].Count != counted[ips[0]] || got[1].Total != counted[ips[0]] {
		t.Errorf("with columns: %+v, %v, want %d", got, err, counted[ips[0]])
	}
}

// TestRoughFacet: of a field with a value for each record some are counted, and that is said.
func TestRoughFacet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inMemory, false)
	f, err := w.Facet(t.Context(), inquiry.View{Dataset: "http_requests"}, "RayID", 3)
	if err != nil {
		t.Fatal(err)
	}
	if !f.Rough || f.Distinct != 0 || f.Total != int64(len(w.recs)) || len(f.Values) != 3 {
		t.Errorf("%+v", f)
	}
	for _, v := range f.Values {
		if n := len(w.of(inquiry.View{Filters: []inquiry.Filter{{Field: "RayID", Op: inquiry.Is, Value: v.Text}}})); int64(n) != v.Count || n != 1 {
			t.Errorf("%q is there %d times, not %d", v.Text, n, v.Count)
		}
	}
}
