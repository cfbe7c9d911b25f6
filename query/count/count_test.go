package count_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/core/filter"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/count"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC)

// agents are texts at the edges of what a filter compares.
var agents = []string{"Mozilla/5.0", "mozilla/5.0", "ÈÀ É", "èà é", "İstanbul", "\u212a", "", "a\x00b", "it's", "日本", strings.Repeat("long ", 700), "9", "10"}

// record is one by chance: members are absent, null, and of another type than their column's.
func record(r *rand.Rand, at time.Time, n int, timed bool) string {
	m := map[string]any{"EdgeStartTimestamp": at.UnixNano(), "RayID": fmt.Sprintf("%016x", r.Uint64())}
	for name, value := range map[string]any{
		"ClientIP":               fmt.Sprintf("10.%d.%d.%d", r.IntN(3), r.IntN(40), r.IntN(200)), // hardly worth a dictionary
		"ClientRequestUserAgent": agents[r.IntN(len(agents))],
		"EdgeResponseStatus":     []any{200, 200, 404, 503, -7, "404", 99.5, 1000}[r.IntN(8)],
		"ClientASN":              r.Int64() - r.Int64(),
		"ClientCountry":          []string{"it", "de", "fr"}[min(2, n/1500)], // of runs
		"Cookies":                map[string]int{"a": r.IntN(3)},
		"ClientTCPRTTMs":         r.IntN(50),
	} {
		switch r.IntN(12) {
		case 0:
		case 1:
			m[name] = nil
		default:
			m[name] = value
		}
	}
	if r.IntN(100) == 0 && !timed {
		delete(m, "EdgeStartTimestamp")
	}
	b, _ := json.Marshal(m)
	if r.IntN(200) == 0 && !timed {
		b = b[:len(b)/2]
	}
	return string(b) + "\n"
}

// bare is the window of one record with an address alone.
const bare = 4

// world is an archive with columns, and engines over it.
type world struct {
	*datasettest.Archive
	counting *count.Engine
	cramped  []*count.Engine // with room for little between questions, and for nothing
	sql      *duckdb.Engine
	cache    *columns.Cache
}

func newWorld(t *testing.T) *world {
	t.Helper()
	r := rand.New(rand.NewPCG(8, 8))
	w := &world{Archive: datasettest.New(t, datasettest.Zone, "EdgeStartTimestamp", "ClientIP", "RayID", "ClientRequestUserAgent", "EdgeResponseStatus", "ClientASN", "ClientCountry")}
	for h := range 5 {
		at, lines := start.Add(time.Duration(h)*time.Hour), ""
		if h == 3 { // of records without the other members
			lines = fmt.Sprintf("{\"EdgeStartTimestamp\":%d,\"ClientIP\":\"10.0.0.1\"}\n", at.UnixNano())
		}
		for n := range []int{4000, 1, 700, 0, 2500}[h] {
			lines += record(r, at.Add(time.Duration(r.Int64N(int64(62*time.Minute)))-time.Minute), n, h == 2) // the third hour's statistics tell its times
		}
		w.Window(at, time.Hour, lines)
	}
	var err error
	if w.cache, err = columns.Open(columns.Config{Dir: t.TempDir() + "/columns"}); err != nil {
		t.Fatal(err)
	}
	if err := w.cache.Build(t.Context(), w.Open(dataset.Options{}).Objects(), columns.BuildOptions{}); err != nil {
		t.Fatal(err)
	}
	if w.sql, err = duckdb.Open(t.Context(), duckdb.Config{TempDir: t.TempDir(), Columns: w.cache, Threads: 2}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.sql.Close(); err != nil {
			t.Error(err)
		}
	})
	engine := func(room int) *count.Engine {
		return &count.Engine{Engine: refusing{}, Columns: w.cache, Kept: count.NewKept(room), Threads: 2, Program: "test", Now: time.Now}
	}
	w.counting, w.cramped = engine(count.Room), []*count.Engine{engine(8 << 10), engine(-1)}
	return w
}

// refusing is the engine behind, where nothing should come.
type refusing struct{}

var errRefused = errors.New("left to SQL")

func (refusing) Query(context.Context, query.Request) (*query.Result, error) {
	return nil, errRefused
}
func (refusing) Close() error { return nil }

// ask returns an answer's rows, without the last columns that the SQL of a test does not have.
func ask(t *testing.T, e query.Engine, req query.Request) ([][]any, error) {
	t.Helper()
	res, err := e.Query(t.Context(), req)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	for row, err := range res.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, slices.Clone(row))
	}
	return rows, res.Close()
}

// typed are filters with the SQL that says the same.
var typed = [][2]string{
	{"EdgeResponseStatus>=404", `EdgeResponseStatus >= 404`}, {"EdgeResponseStatus<404", `EdgeResponseStatus < 404`}, {"EdgeResponseStatus=-7", `EdgeResponseStatus = -7`},
	{"EdgeResponseStatus!=404", `EdgeResponseStatus IS DISTINCT FROM 404`}, {"EdgeResponseStatus*=0", `contains(CAST(EdgeResponseStatus AS VARCHAR), '0')`},
	{"EdgeResponseStatus!*=0", `NOT coalesce(contains(CAST(EdgeResponseStatus AS VARCHAR), '0'), false)`},
	{"EdgeResponseStatus absent", `EdgeResponseStatus IS NULL`}, {"EdgeResponseStatus present", `EdgeResponseStatus IS NOT NULL`}, {"EdgeResponseStatus>5000", `false`},
	{"ClientASN>0", `ClientASN > 0`}, {"ClientASN<=-5", `ClientASN <= -5`}, {"ClientCountry=de", `ClientCountry = 'de'`}, {"ClientCountry!=it", `ClientCountry IS DISTINCT FROM 'it'`},
	{"ClientIP in 10.1.0.0/16", `ip_in(ClientIP, '10.1.0.0/16')`}, {"ClientIP !in 10.1.3.0/24", `NOT coalesce(ip_in(ClientIP, '10.1.3.0/24'), false)`},
	{"ClientIP in 10.1.3.7", `ip_in(ClientIP, '10.1.3.7/32')`}, {"ClientRequestUserAgent in 0.0.0.0/0", `ip_in(ClientRequestUserAgent, '0.0.0.0/0')`},
	{"ClientIP>10.1", `ClientIP > '10.1'`}, {"ClientRequestUserAgent<9", `ClientRequestUserAgent < '9'`}, {"ClientRequestUserAgent>=É", `ClientRequestUserAgent >= 'É'`},
	{"ClientRequestUserAgent*=MOZ", `contains(lower(ClientRequestUserAgent), lower('MOZ'))`}, {"ClientRequestUserAgent!*=èÀ", `NOT coalesce(contains(lower(ClientRequestUserAgent), lower('èÀ')), false)`},
	{"ClientRequestUserAgent*=IST", `contains(lower(ClientRequestUserAgent), lower('IST'))`}, {"ClientRequestUserAgent*=k", `contains(lower(ClientRequestUserAgent), 'k')`},
	{"ClientRequestUserAgent=", `ClientRequestUserAgent = ''`}, {"RayID absent", `RayID IS NULL`}, {"RayID<8", `RayID < '8'`},
}

// chance is a condition of some filters, and the range of a view.
func chance(t *testing.T, r *rand.Rand) (filters []filter.Filter, where string, in dataset.Range) {
	t.Helper()
	conditions := []string{"true"}
	for range r.IntN(3) {
		pair := typed[r.IntN(len(typed))]
		f, err := filter.Parse(pair[0])
		if err != nil {
			t.Fatal(err)
		}
		filters, conditions = append(filters, f), append(conditions, pair[1])
	}
	if r.IntN(3) > 0 {
		in.From = start.Add(time.Duration(r.Int64N(int64(4 * time.Hour))))
		in.To = in.From.Add(1 + time.Duration(r.Int64N(int64(2*time.Hour))))
	}
	return filters, strings.Join(conditions, " AND "), in
}

// TestFieldsAsSQL: counts are what SQL finds over the same records.
func TestFieldsAsSQL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := rand.New(rand.NewPCG(9, 9))
	fields := []string{"EdgeResponseStatus", "ClientIP", "ClientRequestUserAgent", "ClientASN", "ClientCountry", "RayID"}
	for range 60 {
		filters, where, in := chance(t, r)
		ask1 := &query.Counts{Filters: filters, Top: 1 + r.IntN(20), MaxText: 4096}
		var parts []string
		for _, i := range r.Perm(len(fields))[:1+r.IntN(3)] {
			parts = append(parts, fmt.Sprintf(`(SELECT %d, v, n, count(v) OVER (), CAST(sum(n) OVER () AS BIGINT), false
FROM (SELECT CAST(%s AS VARCHAR) AS v, count(*) AS n FROM logs WHERE %s GROUP BY ALL) ORDER BY n DESC, v LIMIT %d)`,
				len(ask1.Fields), fields[i], where, ask1.Top))
			ask1.Fields = append(ask1.Fields, fields[i])
		}
		w.compare(t, ask1, "SELECT * FROM ("+strings.Join(parts, " UNION ALL ")+") AS t(f, v, n, d, s, e) ORDER BY f, n DESC, v", in)
	}
}

// TestGridAsSQL: likewise by window, time and status.
func TestGridAsSQL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := rand.New(rand.NewPCG(10, 10))
	for i := range 60 {
		filters, where, in := chance(t, r)
		g := &query.Grid{Time: "EdgeStartTimestamp", Start: start.Add(-time.Hour).UnixNano(), Step: []int64{3600e9 * 24, 3600e9, 60e9}[i%3]}
		class := "CAST(NULL AS BIGINT)"
		if i%4 > 0 {
			g.Status, class = "EdgeResponseStatus", "EdgeResponseStatus // 100"
		}
		sql := fmt.Sprintf("SELECT _zone, _seq, (epoch_ns(EdgeStartTimestamp) - %d) // %d, %s, count(*) FROM logs WHERE %s GROUP BY ALL", g.Start, g.Step, class, where)
		w.compare(t, &query.Counts{Filters: filters, Grid: g}, sql, in)
	}
}

func (w *world) compare(t *testing.T, counts *query.Counts, sql string, in dataset.Range) {
	t.Helper()
	d := w.Open(dataset.Options{Range: in})
	defer d.Close() //nolint:errcheck // nothing was fetched
	sorted := func(rows [][]any) [][]any {
		if counts.Grid != nil {
			slices.SortFunc(rows, func(a, b []any) int { return strings.Compare(fmt.Sprint(a...), fmt.Sprint(b...)) })
		}
		return rows
	}
	got, err := ask(t, w.counting, query.Request{Counts: counts, Dataset: d})
	if !slices.ContainsFunc(d.Objects(), func(o *dataset.Object) bool { return o.Entry.Seq != bare }) && errors.Is(err, errRefused) {
		return // nothing here says what fields there are
	}
	if err != nil {
		t.Fatalf("%+v: %v", counts, err)
	}
	want, err := ask(t, w.sql, query.Request{SQL: sql, Dataset: d})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	for i := range want {
		if n, ok := want[i][0].(int32); ok {
			want[i][0] = int64(n)
		}
	}
	if diff := gocmp.Diff(sorted(want), sorted(got)); diff != "" {
		t.Fatalf("%+v\n%s\n%v: -SQL +counts\n%s", counts, sql, in, diff)
	}
	for _, e := range w.cramped {
		again, err := ask(t, e, query.Request{Counts: counts, Dataset: d})
		if diff := gocmp.Diff(got, sorted(again)); diff != "" || err != nil {
			t.Fatalf("%+v\n%s\n%v: %v: -with room +without\n%s", counts, sql, in, err, diff)
		}
	}
}

// TestLeftToSQL: what cannot surely be told from columns is asked of the engine behind.
func TestLeftToSQL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grid := func(g query.Grid) query.Counts { return query.Counts{Grid: &g} }
	for what, c := range map[string]query.Counts{
		"a regular expression":     {Filters: []filter.Filter{{Field: "ClientIP", Op: filter.Like, Value: "^1"}}, Fields: []string{"ClientIP"}},
		"a number with a fraction": {Filters: []filter.Filter{{Field: "ClientASN", Op: filter.More, Value: "1.5"}}, Fields: []string{"ClientIP"}},
		"a time":                   {Filters: []filter.Filter{{Field: "EdgeStartTimestamp", Op: filter.More, Value: "2026-03-14"}}, Fields: []string{"ClientIP"}},
		"a filter that is none":    {Filters: []filter.Filter{{Field: "ClientIP", Op: "?"}}, Fields: []string{"ClientIP"}},
		"JSON":                     {Fields: []string{"ClientIP", "Cookies"}},
		"an unknown field":         {Fields: []string{"Unheard"}},
		"a column of ours":         {Fields: []string{"_zone"}},
		"a long text":              {Fields: []string{"ClientRequestUserAgent"}, MaxText: 100},
		"no time":                  grid(query.Grid{Time: "ClientIP", Step: 1}),
		"no step":                  grid(query.Grid{Time: "EdgeStartTimestamp"}),
		"no number":                grid(query.Grid{Time: "EdgeStartTimestamp", Step: 1, Status: "ClientIP"}),
	} {
		if c.Top = 50; c.MaxText == 0 {
			c.MaxText = 4096
		}
		if rows, err := ask(t, w.counting, query.Request{Counts: &c, Dataset: w.Open(dataset.Options{})}); !errors.Is(err, errRefused) {
			t.Errorf("%s: %v, %v", what, rows, err)
		}
	}
	if _, err := ask(t, w.counting, query.Request{SQL: "SELECT 1", Dataset: w.Open(dataset.Options{})}); !errors.Is(err, errRefused) {
		t.Errorf("SQL: %v", err)
	}
	w.Window(start.Add(5*time.Hour), time.Hour, record(rand.New(rand.NewPCG(1, 1)), start.Add(5*time.Hour), 0, true)) // which has no columns
	if _, err := ask(t, w.counting, query.Request{Counts: &query.Counts{Fields: []string{"ClientIP"}, Top: 1}, Dataset: w.Open(dataset.Options{})}); !errors.Is(err, errRefused) {
		t.Errorf("an object without columns: %v", err)
	}
}

// TestCancelled: counting ends with its context, and is not left to the engine behind.
func TestCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.counting.Query(ctx, query.Request{Counts: &query.Counts{Fields: []string{"ClientIP"}, Top: 1}, Dataset: w.Open(dataset.Options{})})
	if !errors.Is(err, query.ErrInterrupted) {
		t.Error(err)
	}
}
