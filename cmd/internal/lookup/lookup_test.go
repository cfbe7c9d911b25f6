package lookup_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/lookup"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/count"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/worker"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC)

// rec is a record as the test knows it.
type rec struct {
	seq, line int64
	at        time.Time
	status    int
	ip, agent string
	ray       string
	text      string
}

// world is an archive, its records in the order of the table, and a Lookup over it.
type world struct {
	*datasettest.Archive
	recs []rec
	*lookup.Lookup
	asked *atomic.Int64 // questions
}

var (
	ips    = []string{"192.0.2.7", "192.0.2.8", "198.51.100.23", "2001:db8::1", "2001:db8:1::2"}
	agents = []string{"Mozilla/5.0", "curl/8.0", "it's'; DROP TABLE logs; --", "$f0 $1 \x1b[2J", ""}
	rounds = []int{200, 200, 200, 301, 404, 503}
)

// newWorld seals six hours of records whose event times are in no order, and lie before and behind their windows' edges; the
// fourth hour is a gap, the fifth has no line.
func newWorld(t *testing.T, store func(*datasettest.Archive) dataset.Objects, cache bool) *world {
	t.Helper()
	r := rand.New(rand.NewPCG(6, 6))
	w := &world{Archive: datasettest.New(t, datasettest.Zone, "EdgeStartTimestamp", "ClientIP", "ClientRequestUserAgent", "EdgeResponseStatus", "RayID")}
	for h := range 6 {
		at := start.Add(time.Duration(h) * time.Hour)
		switch h {
		case 3:
			continue
		case 4:
			w.Window(at, time.Hour, "")
			continue
		}
		var lines []string
		var recs []rec
		seq := int64(len(w.Entries))
		for n := range 40 + r.IntN(60) {
			c := rec{
				seq: seq, line: int64(n + 1), at: at.Add(time.Duration(r.Int64N(int64(62*time.Minute))) - time.Minute), status: rounds[r.IntN(len(rounds))],
				ip: ips[r.IntN(len(ips))], agent: agents[r.IntN(len(agents))], ray: fmt.Sprintf("%016x", r.Uint64()),
			}
			b, err := json.Marshal(map[string]any{
				"EdgeStartTimestamp": c.at.UnixNano(), "ClientIP": c.ip, "ClientRequestUserAgent": c.agent, "EdgeResponseStatus": c.status, "RayID": c.ray,
			})
			if err != nil {
				t.Fatal(err)
			}
			c.text = string(b)
			lines, recs = append(lines, c.text), append(recs, c)
		}
		w.Window(at, time.Hour, strings.Join(lines, "\n")+"\n")
		slices.SortFunc(recs, func(a, b rec) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.line, b.line)) })
		w.recs = append(w.recs, recs...)
	}
	w.Lookup, w.asked = look(t, w.Archive, store, cache)
	return w
}

// look is a Lookup over an archive, and how many questions it has asked.
func look(t *testing.T, a *datasettest.Archive, store func(*datasettest.Archive) dataset.Objects, cache bool) (*lookup.Lookup, *atomic.Int64) {
	t.Helper()
	objects := store(a)
	chains := []dataset.Chain{a.Chain()}
	cfg := duckdb.Config{TempDir: t.TempDir(), Threads: 2}
	var kept *columns.Cache
	if cache {
		var err error
		if kept, err = columns.Open(columns.Config{Dir: t.TempDir(), Limit: 1 << 30}); err != nil {
			t.Fatal(err)
		}
		cfg.Columns = kept
	}
	e, err := duckdb.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	asked := &atomic.Int64{}
	var engine query.Engine = e
	if cache {
		engine = &count.Engine{Engine: e, Columns: kept, Threads: 2, Now: time.Now}
	}
	answer := asker(t, engine, objects, chains)
	ask := func(ctx context.Context, q worker.Question) (*query.Result, error) {
		asked.Add(1)
		return answer(ctx, q)
	}
	l := lookup.New(lookup.Config{
		Archive: "5f", ManyLines: 200, Quick: ask, Slow: ask, Store: objects, TempDir: t.TempDir(), Columns: kept,
		Chains: func(context.Context) ([]dataset.Chain, error) { return chains, nil },
		Names:  func(context.Context) map[string]string { return map[string]string{datasettest.Zone: "shop.example"} },
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l, asked
}

// asker answers in this process what a worker answers in its own.
func asker(t *testing.T, e query.Engine, store dataset.Objects, chains []dataset.Chain) lookup.Asker {
	t.Helper()
	return func(ctx context.Context, q worker.Question) (*query.Result, error) {
		if diff := gocmp.Diff([]string{datasettest.Zone + "/http_requests"}, q.Zones); diff != "" {
			return nil, errors.New(diff)
		}
		d, err := dataset.Open(ctx, store, chains, dataset.Options{Range: q.Range, SkipDamaged: q.SkipDamaged, TempDir: t.TempDir()})
		if err != nil {
			return nil, err
		}
		res, err := e.Query(ctx, query.Request{SQL: q.SQL, Params: q.Params, Counts: q.Counts, Dataset: d})
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, q.SQL)
		}
		return res, nil
	}
}

func inMemory(a *datasettest.Archive) dataset.Objects { return a.Store }

// holds says independently what a filter says of a record.
func holds(f inquiry.Filter, r rec) bool {
	text := map[string]string{"ClientIP": r.ip, "ClientRequestUserAgent": r.agent, "RayID": r.ray, "EdgeResponseStatus": strconv.Itoa(r.status)}[f.Field]
	number := func() int { n, _ := strconv.Atoi(f.Value); return n }
	switch f.Op {
	case inquiry.Is:
		return text == f.Value
	case inquiry.Contains:
		return strings.Contains(strings.ToLower(text), strings.ToLower(f.Value))
	case inquiry.Like:
		return regexp.MustCompile(f.Value).MatchString(text)
	case inquiry.Inside:
		p, err := netip.ParsePrefix(f.Value)
		if err != nil {
			a := netip.MustParseAddr(f.Value)
			p = netip.PrefixFrom(a, a.BitLen())
		}
		return p.Contains(netip.MustParseAddr(text))
	case inquiry.AtLeast:
		return r.status >= number()
	case inquiry.More:
		return r.status > number()
	case inquiry.Present:
		return true
	default:
		return !holds(f.Not(), r)
	}
}

func filters() []inquiry.Filter {
	out := []inquiry.Filter{
		{Field: "EdgeResponseStatus", Op: inquiry.AtLeast, Value: "400"}, {Field: "EdgeResponseStatus", Op: inquiry.More, Value: "301"},
		{Field: "EdgeResponseStatus", Op: inquiry.Is, Value: "200"}, {Field: "EdgeResponseStatus", Op: inquiry.Contains, Value: "0"},
		{Field: "ClientIP", Op: inquiry.Inside, Value: "192.0.2.0/24"}, {Field: "ClientIP", Op: inquiry.Inside, Value: "2001:db8::/32"},
		{Field: "ClientIP", Op: inquiry.Inside, Value: "198.51.100.23"}, {Field: "ClientIP", Op: inquiry.Is, Value: "192.0.2.7"},
		{Field: "ClientRequestUserAgent", Op: inquiry.Like, Value: "^(curl|Mozilla)/[0-9]"}, {Field: "RayID", Op: inquiry.Contains, Value: "AB"},
		{Field: "RayID", Op: inquiry.Present},
	}
	for _, a := range agents {
		out = append(out, inquiry.Filter{Field: "ClientRequestUserAgent", Op: inquiry.Is, Value: a})
	}
	for _, f := range slices.Clone(out) {
		out = append(out, f.Not())
	}
	return out
}

// views are ranges and filters by chance, and every other filter alone.
func views(n int, odd bool) (out []inquiry.View) {
	r := rand.New(rand.NewPCG(7, 7))
	all := filters()
	for i := range n {
		v := inquiry.View{Dataset: "http_requests"}
		if i%4 > 0 {
			v.From = start.Add(time.Duration(r.Int64N(int64(5 * time.Hour))))
			v.To = v.From.Add(1 + time.Duration(r.Int64N(int64(2*time.Hour))))
		}
		if i%8 == 3 {
			v.From, v.To = start, start.Add(6*time.Hour)
		}
		for range r.IntN(3) {
			v = v.With(all[r.IntN(len(all))])
		}
		out = append(out, v)
	}
	for i, f := range all {
		if (i%2 > 0) == odd {
			continue
		}
		out = append(out, inquiry.View{Dataset: "http_requests", Filters: []inquiry.Filter{f}})
	}
	return out
}

func (w *world) of(v inquiry.View) (out []rec) {
	for _, r := range w.recs {
		if (v.From.IsZero() || !r.at.Before(v.From)) && (v.To.IsZero() || r.at.Before(v.To)) &&
			!slices.ContainsFunc(v.Filters, func(f inquiry.Filter) bool { return !holds(f, r) }) {
			out = append(out, r)
		}
	}
	return out
}

// TestAnswers compares rows, histograms and facets of many views with an
// independent reading, over lines and over columns.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, cached := range map[string]bool{"lines": false, "columns": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, inMemory, cached)
			var last int64
			if err := w.Prepare(t.Context(), inquiry.View{Dataset: "http_requests"}, func(done, total int64) { last = total - done }); err != nil || last != 0 {
				t.Fatalf("prepare: %v, %d lines left", err, last)
			}
			for _, v := range views(10, cached) {
				want := w.of(v)
				w.rows(t, v, want)
				w.find(t, v, want)
				w.histogram(t, v, want)
				w.facet(t, v, want)
				w.stack(t, v, want)
				if t.Failed() {
					t.Fatalf("%+v", v)
				}
			}
		})
	}
}

// rows pages through a view.
func (w *world) rows(t *testing.T, v inquiry.View, want []rec) {
	t.Helper()
	var got []rec
	for first := int64(0); ; first += 97 {
		page, err := w.Rows(t.Context(), v, []string{"ClientIP", "ClientRequestUserAgent", "RayID"}, first, 97)
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != int64(len(want)) {
			t.Fatalf("%d rows, want %d", page.Total, len(want))
		}
		for _, r := range page.Rows {
			got = append(got, rec{seq: r.Ref.Seq, line: r.Ref.Line, at: r.Time, status: r.Status, ip: r.Cells[0], agent: r.Cells[1], ray: r.Cells[2]})
		}
		if len(page.Rows) < 97 {
			break
		}
	}
	plain := slices.Clone(want)
	for i := range plain {
		plain[i].text = ""
	}
	if diff := gocmp.Diff(plain, got, gocmp.AllowUnexported(rec{})); diff != "" {
		t.Fatalf("rows: -want +got\n%s", diff)
	}
}

// find looks for records that the view has, and for ones that it does not have.
func (w *world) find(t *testing.T, v inquiry.View, want []rec) {
	t.Helper()
	for i := 0; i < len(w.recs); i += 41 {
		r := w.recs[i]
		at, before, beside := -1, 0, false
		for k, o := range want {
			if o.seq == r.seq && o.line == r.line {
				at = k
			}
			beside = beside || o.seq == r.seq
			if n := cmp.Or(cmp.Compare(o.seq, r.seq), o.at.Compare(r.at), cmp.Compare(o.line, r.line)); n < 0 {
				before++
			}
		}
		ref := inquiry.Ref{Zone: datasettest.Zone, Dataset: "http_requests", Seq: r.seq, Line: r.line}
		row, exact, err := w.Find(t.Context(), v, ref, r.at)
		switch {
		case err != nil:
			t.Fatal(err)
		case at >= 0 && (!exact || row != int64(at)):
			t.Errorf("record %d/%d is found in row %d, %t; it is in %d", r.seq, r.line, row, exact, at)
		case at < 0 && exact, at < 0 && beside && row != int64(before), row < 0 || row > int64(len(want)):
			t.Errorf("record %d/%d, which is not there, is found in row %d, %t; it would be in %d", r.seq, r.line, row, exact, before)
		}
	}
}

func (w *world) histogram(t *testing.T, v inquiry.View, want []rec) {
	t.Helper()
	for _, n := range []int{7, 100} {
		h, err := w.Histogram(t.Context(), v, n)
		if err != nil {
			t.Fatal(err)
		}
		counts := make([][6]int64, len(h.Buckets))
		for _, r := range want {
			counts[r.at.Sub(h.From)/h.Step][r.status/100]++
		}
		got := make([][6]int64, len(h.Buckets))
		for i, b := range h.Buckets {
			got[i] = b.Counts
		}
		if diff := gocmp.Diff(counts, got); diff != "" || h.Total != int64(len(want)) || len(h.Buckets) > n || h.Evidence == "" {
			t.Fatalf("histogram of %d buckets (%s, %d records): %s", n, h.Step, h.Total, diff)
		}
	}
}

func (w *world) facet(t *testing.T, v inquiry.View, want []rec) {
	t.Helper()
	counts := map[string]int64{}
	for _, r := range want {
		counts[r.ip]++
	}
	f, err := w.Facet(t.Context(), v, "ClientIP", 3)
	if err != nil {
		t.Fatal(err)
	}
	var list []investigate.Value
	for ip, n := range counts {
		list = append(list, investigate.Value{Text: ip, Count: n})
	}
	slices.SortFunc(list, func(a, b investigate.Value) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	expected := investigate.Facet{Field: "ClientIP", Distinct: int64(len(list)), Total: int64(len(want)), Values: list[:min(3, len(list))]}
	if len(want) == 0 {
		expected.Values = nil
	}
	if diff := gocmp.Diff(expected, f); diff != "" {
		t.Fatalf("facet: %s", diff)
	}
}

// TestEvidence: what is lost, late or not there is seen at its place, and said.
func TestEvidence(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inMemory, false)
	h, err := w.Histogram(t.Context(), inquiry.View{Dataset: "http_requests", From: start, To: start.Add(8 * time.Hour)}, 8)
	if err != nil {
		t.Fatal(err)
	}
	var states []investigate.State
	for _, b := range h.Buckets {
		states = append(states, b.State)
	}
	c, g, p := investigate.Collected, investigate.Gap, investigate.Pending
	if diff := gocmp.Diff([]investigate.State{c, c, c, g, c, c, p, p}, states); diff != "" || h.Complete {
		t.Errorf("complete is %t, states: %s", h.Complete, diff)
	}
	if !strings.Contains(h.Evidence, "in doubt: missing 03-14 09:00–03-14 10:00") || !strings.Contains(h.Evidence, "key pinned") {
		t.Errorf("evidence: %s", h.Evidence)
	}
	beyond, err := w.Histogram(t.Context(), inquiry.View{Dataset: "http_requests", From: start.Add(5 * time.Hour), To: start.Add(6 * time.Hour)}, 8)
	if err != nil || beyond.Complete || !strings.Contains(beyond.Evidence, "lines may still come from 03-14 11:45 on ·") {
		t.Errorf("%v, complete is %t: %s", err, beyond.Complete, beyond.Evidence)
	}
	before, err := w.Histogram(t.Context(), inquiry.View{Dataset: "http_requests", From: start.Add(-time.Hour), To: start.Add(time.Hour)}, 8)
	if err != nil || before.Complete || !strings.Contains(before.Evidence, "nothing was collected before 03-14 06:00 ·") {
		t.Errorf("%v, complete is %t: %s", err, before.Complete, before.Evidence)
	}
	whole, err := w.Histogram(t.Context(), inquiry.View{Dataset: "http_requests", From: start, To: start.Add(time.Hour)}, 8)
	if err != nil || !whole.Complete || !strings.Contains(whole.Evidence, "complete: 2 windows") {
		t.Errorf("%v, complete is %t: %s", err, whole.Complete, whole.Evidence)
	}
}

// TestRecord reads each record of the first page whole, from the object.
func TestRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inMemory, false)
	for _, r := range []rec{w.recs[0], w.recs[1], w.recs[len(w.recs)-1], w.recs[2]} {
		ref := inquiry.Ref{Archive: "5f", Zone: datasettest.Zone, Dataset: "http_requests", Seq: r.seq, Line: r.line}
		got, err := w.Record(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		if got.Raw != r.text || !got.Time.Equal(r.at) || len(got.Fields) != 5 || got.Fields[0] != (investigate.FieldValue{Name: "ClientIP", Value: r.ip}) ||
			got.SHA256 != w.Entries[r.seq].Object.SHA256.String() || got.Fault != "" {
			t.Errorf("%s: %+v", ref.Permalink(), got)
		}
	}
	for _, ref := range []inquiry.Ref{{Seq: 0, Line: 1}, {Seq: 1, Line: 4000}, {Seq: 99, Line: 1}, {Seq: 4, Line: 1}} {
		ref.Zone, ref.Dataset = datasettest.Zone, "http_requests"
		if got, err := w.Record(t.Context(), ref); err == nil {
			t.Errorf("%s is %+v", ref.Permalink(), got)
		}
	}
}

// TestDamaged: an object that was altered is left out everywhere, its hour is
// a gap, and the rest goes on.
func TestDamaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inMemory, false)
	key := w.Entries[2].Object.Key
	w.Store.Objects[key] = append(slices.Clone(w.Store.Objects[key]), 0)
	v := inquiry.View{Dataset: "http_requests", Filters: []inquiry.Filter{{Field: "EdgeResponseStatus", Op: inquiry.AtLeast, Value: "100"}}}
	if _, err := w.Facet(t.Context(), v, "ClientIP", 3); err != nil { // finds it
		t.Fatal(err)
	}
	w.recs = slices.DeleteFunc(w.recs, func(r rec) bool { return r.seq == 2 })
	for _, v := range []inquiry.View{v, {Dataset: "http_requests"}} {
		w.rows(t, v, w.of(v))
		w.histogram(t, v, w.of(v))
		h, err := w.Histogram(t.Context(), v.Between(start, start.Add(6*time.Hour)), 6)
		if err != nil || h.Complete || h.Buckets[1].State != investigate.Gap || !strings.Contains(h.Evidence, "1 damaged left out: entry 2") {
			t.Errorf("%v, complete is %t, %v: %s", err, h.Complete, h.Buckets[1].State, h.Evidence)
		}
	}
	ref := inquiry.Ref{Zone: datasettest.Zone, Dataset: "http_requests", Seq: 2, Line: 1}
	var damage *dataset.DamageError
	if _, err := w.Record(t.Context(), ref); !errors.As(err, &damage) {
		t.Errorf("a record of it: %v", err)
	}
}

// TestGround names zones and the fields that the source was asked for.
func TestGround(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inMemory, false)
	g, err := w.Ground(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, last := w.recs[0].at, w.recs[0].at
	for _, r := range w.recs {
		if r.at.Before(first) {
			first = r.at
		}
		if r.at.After(last) {
			last = r.at
		}
	}
	want := investigate.Ground{Archive: "5f", Zones: []investigate.Zone{
		{ID: datasettest.Zone, Name: "shop.example", Dataset: "http_requests", First: first, Last: last, From: start, Until: start.Add(6*time.Hour - dataset.DefaultTail), Lines: int64(len(w.recs))},
	}, Fields: map[string][]investigate.Field{"http_requests": {
		{Name: "ClientIP", Kind: investigate.Address}, {Name: "ClientRequestUserAgent", Kind: investigate.Text}, {Name: "EdgeResponseStatus", Kind: investigate.Number},
		{Name: "EdgeStartTimestamp", Kind: investigate.Time}, {Name: "RayID", Kind: investigate.Text},
	}}}
	slices.SortFunc(g.Fields["http_requests"], func(a, b investigate.Field) int { return cmp.Compare(a.Name, b.Name) })
	if diff := gocmp.Diff(want, g); diff != "" {
		t.Error(diff)
	}
}

// TestBadFilters are said what is wrong with, and reach no engine.
func TestBadFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inMemory, false)
	for _, f := range []inquiry.Filter{
		{Field: "EdgeResponseStatus", Op: inquiry.AtLeast, Value: "many"}, {Field: "EdgeStartTimestamp", Op: inquiry.Less, Value: "yesterday"},
		{Field: "ClientIP", Op: inquiry.Inside, Value: "nowhere"}, {Field: "RayID", Op: inquiry.Like, Value: "("}, {Field: "RayID", Op: "; DROP", Value: "x"},
	} {
		_, err := w.Facet(t.Context(), inquiry.View{Dataset: "http_requests", Filters: []inquiry.Filter{f}}, "ClientIP", 1)
		if !errors.Is(err, inquiry.ErrFilter) {
			t.Errorf("%s: %v", f, err)
		}
	}
	if _, err := w.Rows(t.Context(), inquiry.View{Dataset: "firewall_events"}, nil, 0, 1); err == nil || !strings.Contains(err.Error(), "no chain of firewall_events") {
		t.Errorf("a dataset that is not there: %v", err)
	}
	_, err := w.Facet(t.Context(), inquiry.View{Dataset: "http_requests", Filters: []inquiry.Filter{{Field: `x" OR 1=1 --`, Op: inquiry.Is}}}, "ClientIP", 1)
	if err == nil || !errors.Is(err, query.ErrSQL) {
		t.Errorf("a field that is SQL: %v", err)
	}
}

// TestStatement: the SQL that a person gets finds what the view holds.
func TestStatement(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inMemory, false)
	e, err := duckdb.Open(t.Context(), duckdb.Config{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, f := range filters() {
		v := inquiry.View{Dataset: "http_requests", Filters: []inquiry.Filter{f}}
		sql, err := w.Statement(v)
		if err != nil {
			t.Fatal(err)
		}
		res, err := e.Query(t.Context(), query.Request{SQL: sql, Dataset: w.Open(dataset.Options{})})
		if err != nil {
			t.Fatalf("%v\n%s", err, sql)
		}
		n := 0
		for range res.Rows() {
			n++
		}
		if err := res.Close(); err != nil {
			t.Error(err)
		}
		if want := min(1000, len(w.of(v))); n != want {
			t.Errorf("%d rows, want %d:\n%s", n, want, sql)
		}
	}
}
