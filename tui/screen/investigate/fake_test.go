package investigate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

var (
	end   = time.Date(2026, 3, 14, 15, 9, 26, 535e6, time.UTC)
	zone  = strings.Repeat("5e", 16)
	quiet = strings.Repeat("0f", 16)
)

const archive = "7b1c"

// fake answers from records in memory.
type fake struct {
	ground  investigate.Ground
	records []investigate.Record // in the table's order
	err     map[string]error
	asked   []string // what was asked, in order
	views   []inquiry.View
	marks   []inquiry.Bookmark
	stands  string // the evidence in words
}

var fields = []investigate.Field{
	{Name: "ClientIP", Kind: investigate.Address}, {Name: "ClientRequestHost"}, {Name: "ClientRequestMethod"}, {Name: "ClientRequestURI"},
	{Name: "ClientRequestUserAgent"}, {Name: "ClientCountry"}, {Name: "EdgeStartTimestamp", Kind: investigate.Time}, {Name: "EdgeResponseStatus", Kind: investigate.Number},
	{Name: "EdgeResponseBytes", Kind: investigate.Number}, {Name: "RayID"}, {Name: "SecurityAction"}, {Name: "Cookies", Kind: investigate.Other},
	{Name: "ClientRequestPath"},
}

// newFake returns n records over so long until the end, a scanner's among them.
func newFake(n int, long time.Duration) *fake {
	f := &fake{err: map[string]error{}, stands: "1440 windows, 1 gap of 12m, by the pinned key"}
	for i := range n {
		at := end.Add(-long + time.Duration(i+1)*(long/time.Duration(n)))
		scan := i%97 > 90 && i > n/2
		status, ip, uri, agent, country := "200", fmt.Sprintf("198.51.100.%d", i%7), fmt.Sprintf("/products/%d?page=%d", i%23, i%4), "Mozilla/5.0 (X11; Linux x86_64) Firefox/148.0", []string{"IT", "DE", "FR"}[i%3]
		switch {
		case scan:
			status, ip, uri, agent, country = "403", "203.0.113.66", "/wp-login.php", "python-requests/2.31", "NL"
		case i%29 == 3:
			status = "502"
		case i%11 == 5:
			status = "304"
		}
		values := []string{ip, "shop.example", []string{"GET", "POST"}[min(1, i%13/12)], uri, agent, country, at.Format(time.RFC3339Nano), status, strconv.Itoa(300 + i*37%9000), fmt.Sprintf("8f%014x", i), "", "", strings.Split(uri, "?")[0]}
		f.add(i, at, values)
	}
	f.ground = investigate.Ground{
		Archive: archive, Fields: map[string][]investigate.Field{"http_requests": fields, "dns_logs": {{Name: "QueryName"}, {Name: "SourceIP", Kind: investigate.Address}, {Name: "ResponseCode", Kind: investigate.Number}}},
		Zones: []investigate.Zone{
			{ID: quiet, Name: "old.example", Dataset: "dns_logs", First: end.Add(-90 * 24 * time.Hour), Last: end.Add(-30 * 24 * time.Hour), Lines: 12},
			{ID: zone, Name: "shop.example", Dataset: "http_requests", First: end.Add(-long), Last: end, Lines: int64(n)},
		},
	}
	return f
}

func (f *fake) add(i int, at time.Time, values []string) {
	r := investigate.Record{
		Ref:  inquiry.Ref{Archive: archive, Zone: zone, Dataset: "http_requests", Seq: int64(i / 50), Line: int64(i%50 + 1)},
		Time: at, Object: fmt.Sprintf("zones/%s/http_requests/2026/03/14/%06d.zst", zone[:8], i/50), SHA256: strings.Repeat("ab12", 16), Window: "2026-03-14T15:00Z to 15:01Z",
	}
	for k, v := range values {
		if v != "" {
			r.Fields = append(r.Fields, investigate.FieldValue{Name: fields[k].Name, Value: v})
		}
	}
	r.Raw = fmt.Sprintf(`{"ClientIP":%q,"ClientRequestURI":%q}`, values[0], values[3])
	f.records = append(f.records, r)
}

func (f *fake) note(ctx context.Context, what string, v inquiry.View) error {
	f.asked, f.views = append(f.asked, what), append(f.views, v)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	name, _, _ := strings.Cut(what, " ")
	return f.err[name]
}

func value(r investigate.Record, field string) (string, bool) {
	for _, f := range r.Fields {
		if f.Name == field {
			return f.Value, true
		}
	}
	return "", false
}

func meets(r investigate.Record, v inquiry.View) bool {
	if len(v.Zones) > 0 && !slices.Contains(v.Zones, r.Ref.Zone) || r.Ref.Dataset != v.Dataset || r.Time.Before(v.From) || !r.Time.Before(v.To) {
		return false
	}
	for _, f := range v.Filters {
		text, ok := value(r, f.Field)
		hit := map[inquiry.Op]bool{
			inquiry.Is: ok && text == f.Value, inquiry.Differs: text != f.Value, inquiry.Contains: strings.Contains(text, f.Value), inquiry.Lacks: !strings.Contains(text, f.Value),
			inquiry.Absent: !ok, inquiry.Present: ok, inquiry.AtLeast: len(text) == len(f.Value) && text >= f.Value,
		}
		if !hit[f.Op] {
			return false
		}
	}
	return true
}

func (f *fake) of(v inquiry.View) (out []investigate.Record) {
	for _, r := range f.records {
		if meets(r, v) {
			out = append(out, r)
		}
	}
	return out
}

func (f *fake) Ground(ctx context.Context) (investigate.Ground, error) {
	return f.ground, f.note(ctx, "ground", inquiry.View{})
}

func (f *fake) Prepare(ctx context.Context, v inquiry.View, progress func(done, total int64)) error {
	progress(3, 8)
	return f.note(ctx, "prepare", v)
}

func (f *fake) Histogram(ctx context.Context, v inquiry.View, n int) (investigate.Histogram, error) {
	h := investigate.Histogram{From: v.From, To: v.To, Evidence: f.stands, Buckets: make([]investigate.Bucket, n)}
	h.Step = (v.To.Sub(v.From) + time.Duration(n) - 1) / time.Duration(n)
	for _, r := range f.of(v) {
		h.Total++
		status, _ := value(r, "EdgeResponseStatus")
		class := 0
		if status != "" {
			class = int(status[0] - '0')
		}
		h.Buckets[int(r.Time.Sub(h.From)/h.Step)].Counts[class]++
	}
	h.Buckets[n/3].State, h.Buckets[n-1].State = investigate.Gap, investigate.Pending
	return h, f.note(ctx, "histogram", v)
}

func (f *fake) Stack(ctx context.Context, v inquiry.View, n int, field string) (investigate.Stack, error) {
	h, _ := f.Histogram(ctx, v, n)
	top, _ := f.Facet(ctx, v, field, investigate.MostStacked)
	f.asked, f.views = f.asked[:len(f.asked)-2], f.views[:len(f.views)-2]
	out := investigate.Stack{Values: top.Values, Counts: make([][6]int64, n)}
	for _, r := range f.of(v) {
		text, ok := value(r, field)
		rank := 1 + slices.IndexFunc(top.Values, func(v investigate.Value) bool { return v.Text == text && v.Null == !ok })
		out.Counts[int(r.Time.Sub(h.From)/h.Step)][rank]++
	}
	return out, f.note(ctx, "stack "+field, v)
}

func (f *fake) Facet(ctx context.Context, v inquiry.View, field string, top int) (investigate.Facet, error) {
	counts := map[investigate.Value]int64{}
	out := investigate.Facet{Field: field}
	for _, r := range f.of(v) {
		text, ok := value(r, field)
		counts[investigate.Value{Text: text, Null: !ok}]++
		out.Total++
	}
	for v, n := range counts {
		v.Count = n
		out.Values = append(out.Values, v)
	}
	slices.SortFunc(out.Values, func(a, b investigate.Value) int {
		if a.Count != b.Count {
			return int(b.Count - a.Count)
		}
		return strings.Compare(a.Text, b.Text)
	})
	out.Distinct = int64(len(out.Values))
	out.Values = out.Values[:min(top, len(out.Values))]
	return out, f.note(ctx, "facet "+field, v)
}

func (f *fake) Rows(ctx context.Context, v inquiry.View, columns []string, first int64, n int) (investigate.Page, error) {
	all := f.of(v)
	p := investigate.Page{Total: int64(len(all)), First: first}
	for _, r := range all[min(first, p.Total):min(first+int64(n), p.Total)] {
		row := investigate.Row{Ref: r.Ref, Time: r.Time}
		for _, c := range columns {
			text, ok := value(r, c)
			row.Cells, row.Nulls = append(row.Cells, text), append(row.Nulls, !ok)
		}
		status, _ := value(r, "EdgeResponseStatus")
		row.Status, _ = strconv.Atoi(status)
		p.Rows = append(p.Rows, row)
	}
	return p, f.note(ctx, fmt.Sprintf("rows %d+%d", first, n), v)
}

func (f *fake) Record(ctx context.Context, ref inquiry.Ref) (investigate.Record, error) {
	if err := f.note(ctx, "record", inquiry.View{}); err != nil {
		return investigate.Record{}, err
	}
	for _, r := range f.records {
		if r.Ref == ref {
			return r, nil
		}
	}
	return investigate.Record{}, errors.New("there is no such record")
}

func (f *fake) Marks(context.Context) ([]inquiry.Bookmark, error) { return f.marks, f.err["marks"] }

func (f *fake) Mark(_ context.Context, b inquiry.Bookmark) error {
	f.marks = append(slices.DeleteFunc(f.marks, func(o inquiry.Bookmark) bool { return o.Ref == b.Ref }), b)
	return f.err["mark"]
}

func (f *fake) Unmark(_ context.Context, ref inquiry.Ref) error {
	f.marks = slices.DeleteFunc(f.marks, func(o inquiry.Bookmark) bool { return o.Ref == ref })
	return f.err["unmark"]
}

// Find is by the order of the records.
func (f *fake) Find(ctx context.Context, v inquiry.View, ref inquiry.Ref, _ time.Time) (row int64, exact bool, err error) {
	err = f.note(ctx, "find", v)
	for i, r := range f.of(v) {
		if !r.Ref.Before(ref) {
			return int64(i), r.Ref == ref, err
		}
		row = int64(i) + 1
	}
	return row, false, err
}

// estimating is a fake that counts fields together, and tells half at first.
type estimating struct {
	*fake
	during func(estimate bool)
}

func (f estimating) Facets(ctx context.Context, v inquiry.View, fields []string, top int, estimate bool) (out []investigate.Facet, err error) {
	f.during(estimate)
	for _, field := range fields {
		got, err := f.Facet(ctx, v, field, top)
		if err != nil {
			return nil, err
		}
		if got.Estimated = estimate; estimate {
			for i := range got.Values {
				got.Values[i].Count /= 2
			}
		}
		out = append(out, got)
	}
	return out, f.note(ctx, fmt.Sprintf("together %d %t", len(fields), estimate), v)
}
