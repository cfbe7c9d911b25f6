package duckdb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func openEngine(t testing.TB, cfg duckdb.Config) *duckdb.Engine {
	t.Helper()
	if cfg.TempDir == "" {
		cfg.TempDir = t.TempDir()
	}
	e, err := duckdb.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// cells makes rows comparable and readable: each cell as "type:text".
func ask(t testing.TB, e *duckdb.Engine, d *dataset.Dataset, sql string) ([][]any, *query.Result) {
	t.Helper()
	res, err := e.Query(context.Background(), query.Request{SQL: sql, Dataset: d})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	t.Cleanup(func() {
		if err := res.Close(); err != nil {
			t.Error(err)
		}
	})
	var out [][]any
	for row, err := range res.Rows() {
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		out = append(out, append([]any(nil), row...))
	}
	return out, res
}

func lines(l ...string) string { return strings.Join(l, "\n") + "\n" }

func small(t testing.TB) *dataset.Dataset {
	a := datasettest.New(t, datasettest.Zone)
	a.Window(start, 5*time.Minute, lines(
		fmt.Sprintf(`{"EdgeStartTimestamp":%d,"ClientIP":"1.1.1.1","EdgeResponseStatus":200}`, start.UnixNano()),
		fmt.Sprintf(`{"EdgeStartTimestamp":%d,"ClientIP":"2.2.2.2","EdgeResponseStatus":404}`, start.Add(time.Second).UnixNano())))
	return a.Open(dataset.Options{})
}

func TestProgressCountsTheLinesRead(t *testing.T) {
	t.Parallel()
	e, last := openEngine(t, duckdb.Config{}), int64(0)
	res, err := e.Query(t.Context(), query.Request{
		SQL: "SELECT count(*) FROM logs", Dataset: small(t), Progress: func(lines int64) { last = max(last, lines) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range res.Rows() {
		if err != nil {
			t.Error(err)
		}
	}
	if err := res.Close(); err != nil {
		t.Error(err)
	}
	if last != 2 {
		t.Errorf("%d lines were told, want 2", last)
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone, "EdgeStartTimestamp", "NewField")
	a.Window(time.Unix(1699999800, 0), 10*time.Minute, lines(
		`{"EdgeStartTimestamp":1700000000123456789,"EdgeEndTimestamp":1700000000999999999,"ClientIP":"2001:db8::1","EdgeResponseStatus":200,`+
			`"ClientRequestUserAgent":"a \"quoted\" \u00e8 \ud83d\ude00 \\","EdgeResponseBytes":9007199254740993,"EdgeResponseCompressionRatio":1.25,`+
			`"CacheReserveUsed":true,"BotTags":["api","x\"y"],"BotDetectionIDs":[1,9223372036854775807],"Cookies":{"z":"1","a":12345678901234567890},`+
			`"MatchedRules":[{"product":"waf"}],"NewField":{"deep":[1]},"SecurityLevel":"med","ZoneID":77,"OtherNew":"o"}`,
		`{"EdgeStartTimestamp":1700000000123456790,"EdgeResponseStatus":"404","BotTags":null,"NewField":"text","ClientRequestReferer":""}`))
	d := a.Open(dataset.Options{})
	e := openEngine(t, duckdb.Config{})

	rows, res := ask(t, e, d, `SELECT EdgeStartTimestamp, EdgeEndTimestamp, ClientIP, EdgeResponseStatus, ClientRequestUserAgent,
		EdgeResponseBytes, EdgeResponseCompressionRatio, CacheReserveUsed, BotTags, BotDetectionIDs, Cookies, MatchedRules,
		NewField, SecurityLevel, ZoneID, OtherNew, ClientRequestReferer, _zone, _seq, _line, _error FROM logs ORDER BY 1`)
	want := [][]any{
		{time.Unix(0, 1700000000123456789).UTC(), time.Unix(0, 1700000000999999999).UTC(), "2001:db8::1", int64(200), `a "quoted" è 😀 \`,
			int64(9007199254740993), 1.25, true, query.JSON(`["api","x\"y"]`), query.JSON(`[1,9223372036854775807]`),
			query.JSON(`{"z":"1","a":12345678901234567890}`), query.JSON(`[{"product":"waf"}]`),
			query.JSON(`{"deep":[1]}`), "med", int64(77), query.JSON(`"o"`), nil, datasettest.Zone, int64(1), int64(1), nil},
		{time.Unix(0, 1700000000123456790).UTC(), nil, nil, int64(404), nil, nil, nil, nil, nil, nil, nil, nil,
			query.JSON(`"text"`), nil, nil, nil, "", datasettest.Zone, int64(1), int64(2), nil},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	var types []string
	for _, c := range res.Columns {
		types = append(types, c.Type)
	}
	wantTypes := strings.Fields(`TIMESTAMP_NS TIMESTAMP_NS VARCHAR BIGINT VARCHAR BIGINT DOUBLE BOOLEAN VARCHAR[] BIGINT[] JSON JSON
		JSON VARCHAR BIGINT JSON VARCHAR VARCHAR BIGINT BIGINT VARCHAR`)
	if diff := cmp.Diff(wantTypes, types); diff != "" {
		t.Error(diff)
	}
	if s := res.Provenance.Scan; s.Lines != 2 || s.Unreadable != 0 || len(s.Mistyped) != 0 || len(s.Unlisted) != 0 {
		t.Errorf("scan %+v", s)
	}
}

// Nineteen digits must survive comparing, grouping and computing.
func TestNanosecondTimes(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	a.Window(time.Unix(1699999800, 0), 10*time.Minute, lines(
		`{"EdgeStartTimestamp":1700000000123456788}`, `{"EdgeStartTimestamp":1700000000123456789}`, `{"EdgeStartTimestamp":1700000000123456790}`))
	d := a.Open(dataset.Options{})
	e := openEngine(t, duckdb.Config{})
	for sql, want := range map[string]any{
		`SELECT count(*) FROM logs WHERE EdgeStartTimestamp > '2023-11-14 22:13:20.123456788'`:                                           int64(2),
		`SELECT count(*) FROM logs WHERE EdgeStartTimestamp = TIMESTAMP_NS '2023-11-14 22:13:20.123456789'`:                              int64(1),
		`SELECT count(*) FROM logs WHERE EdgeStartTimestamp BETWEEN '2023-11-14 22:13:20.123456789' AND '2023-11-14 22:13:20.123456790'`: int64(2),
		`SELECT count(*) FROM logs WHERE EdgeStartTimestamp > TIMESTAMP '2023-11-14 22:13:20.123456'`:                                    int64(3),
		`SELECT count(DISTINCT EdgeStartTimestamp) FROM logs`:                                                                            int64(3),
		`SELECT epoch_ns(max(EdgeStartTimestamp)) FROM logs`:                                                                             int64(1700000000123456790),
		`SELECT strftime(min(EdgeStartTimestamp), '%H:%M:%S.%n') FROM logs`:                                                              "22:13:20.123456788",
		`SELECT min(date_trunc('minute', EdgeStartTimestamp)) FROM logs`:                                                                 time.Date(2023, 11, 14, 22, 13, 0, 0, time.UTC),
		`SELECT min(EdgeStartTimestamp + INTERVAL 1 HOUR) FROM logs`:                                                                     time.Date(2023, 11, 14, 23, 13, 20, 123456000, time.UTC),
		`SELECT min(time_bucket(INTERVAL '5 minutes', EdgeStartTimestamp)) FROM logs`:                                                    time.Date(2023, 11, 14, 22, 10, 0, 0, time.UTC),
		`SELECT current_setting('TimeZone')`:                                                                                             "UTC",
	} {
		rows, _ := ask(t, e, d, sql)
		if diff := cmp.Diff([][]any{{want}}, rows); diff != "" {
			t.Errorf("%s: %s", sql, diff)
		}
	}
}

func TestTimestampForms(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	a.Timestamps = "unix"
	a.Window(start, 5*time.Minute, lines(`{"EdgeStartTimestamp":1767268800}`))
	a.Timestamps = "rfc3339"
	a.Window(start.Add(5*time.Minute), 5*time.Minute, lines(`{"EdgeStartTimestamp":"2026-01-01T12:05:00.123456789Z","EdgeEndTimestamp":"2026-01-01T13:05:01+01:00"}`,
		`{"EdgeStartTimestamp":1767268800}`))
	d := a.Open(dataset.Options{})
	rows, res := ask(t, openEngine(t, duckdb.Config{}), d, `SELECT EdgeStartTimestamp, EdgeEndTimestamp FROM logs ORDER BY _seq, _line`)
	want := [][]any{{start, nil}, {start.Add(5*time.Minute + 123456789), start.Add(5*time.Minute + time.Second)}, {nil, nil}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	if n := res.Provenance.Scan.Mistyped["EdgeStartTimestamp"]; n != 1 {
		t.Errorf("%d mistyped times, want 1: a form that was not declared", n)
	}
}

// A strange value or line is a NULL and a count; it never costs a row or the query.
func TestStrangeRecords(t *testing.T) {
	t.Parallel()
	now := start.UnixNano()
	a := datasettest.New(t, datasettest.Zone)
	a.Window(start, 5*time.Minute, lines(
		fmt.Sprintf(`{"EdgeStartTimestamp":%d,"EdgeResponseStatus":"no number","ClientIP":17,"BotTags":"x","BotDetectionIDs":[1.5],"CacheReserveUsed":1,"EdgeResponseCompressionRatio":"y","Cookies":[1}}`, now),
		`not json`, ``, `{"ClientIP":"cut`, `[1,2]`, `{"EdgeResponseStatus":200.0,"EdgeResponseBytes":99999999999999999999}`,
		`{"ClientIP":"`+"\xff\xfe"+`","ClientIP":"second"}`, `{"LateField":1}`)+`{"ClientIP":"no line feed"}`)
	d := a.Open(dataset.Options{})
	e := openEngine(t, duckdb.Config{})
	rows, res := ask(t, e, d, `SELECT _line, ClientIP, EdgeResponseStatus, EdgeResponseBytes, BotTags, BotDetectionIDs, CacheReserveUsed, EdgeResponseCompressionRatio, Cookies, _error FROM logs ORDER BY _line`)
	none := func(line int64, ip, fault any) []any {
		return []any{line, ip, nil, nil, nil, nil, nil, nil, nil, fault}
	}
	want := [][]any{
		none(1, "17", nil), none(2, nil, "line is not a JSON object"), none(3, nil, "line is not a JSON object"),
		none(4, nil, "line is a JSON object that is cut short"), none(5, nil, "line is not a JSON object"), none(6, nil, nil),
		none(7, "\uFFFD", nil), none(8, nil, nil), none(9, "no line feed", nil),
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	scan := dataset.ScanStats{Lines: 9, Unreadable: 4, Unlisted: []string{"LateField"}, Mistyped: map[string]int64{
		"EdgeResponseStatus": 2, "BotTags": 1, "BotDetectionIDs": 1, "CacheReserveUsed": 1,
		"EdgeResponseCompressionRatio": 1, "Cookies": 1, "EdgeResponseBytes": 1}}
	if diff := cmp.Diff(scan, res.Provenance.Scan); diff != "" {
		t.Error(diff)
	}
	rows, _ = ask(t, e, d, `SELECT count(*), sum(length(line)), count(*) FILTER (line LIKE '%LateField%') FROM raw`)
	if n := rows[0][0]; n != int64(9) || rows[0][2] != int64(1) {
		t.Errorf("raw has %v", rows[0])
	}
	rows, _ = ask(t, e, d, `SELECT bytes, _offset FROM raw WHERE _line = 7`)
	if got := rows[0][0].([]byte); string(got) != `{"ClientIP":"`+"\xff\xfe"+`","ClientIP":"second"}` {
		t.Errorf("bytes %q", got)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	a.Window(start, 5*time.Minute, lines(
		`{"BotTags":[],"BotDetectionIDs":[]}`,
		`{"BotTags":["a",null,1,{"x":[1]},"\u00e8,\"]"],"BotDetectionIDs":[9223372036854775807,null,-1]}`,
		`{"BotTags":["a",],"BotDetectionIDs":["1"]}`,
		`{"BotTags":["\q"],"BotDetectionIDs":[9223372036854775808]}`,
		`{"BotTags":{"a":1},"BotDetectionIDs":[[1]]}`))
	rows, res := ask(t, openEngine(t, duckdb.Config{}), a.Open(dataset.Options{}),
		`SELECT BotTags, BotDetectionIDs, len(BotTags), BotDetectionIDs[1] FROM logs ORDER BY _line`)
	want := [][]any{
		{query.JSON(`[]`), query.JSON(`[]`), int64(0), nil},
		{query.JSON(`["a",null,"1","{\"x\":[1]}","è,\"]"]`), query.JSON(`[9223372036854775807,null,-1]`), int64(5), int64(9223372036854775807)},
		{nil, nil, nil, nil}, {nil, nil, nil, nil}, {nil, nil, nil, nil},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int64{"BotTags": 3, "BotDetectionIDs": 3}, res.Provenance.Scan.Mistyped); diff != "" {
		t.Error(diff)
	}
}

func TestPruning(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	for i := range 12 {
		at := start.Add(time.Duration(i) * time.Hour)
		// Received an hour after the event: the window says nothing of the event's time.
		a.Window(at.Add(time.Hour), 5*time.Minute, lines(fmt.Sprintf(`{"EdgeStartTimestamp":%d,"ClientIP":"hour %d"}`, at.UnixNano(), i),
			fmt.Sprintf(`{"EdgeStartTimestamp":%d,"ClientIP":"hour %d, later"}`, at.Add(time.Minute).UnixNano(), i)))
	}
	d := a.Open(dataset.Options{Range: dataset.Range{From: start.Add(3 * time.Hour), To: start.Add(5*time.Hour + time.Minute)}})
	rows, res := ask(t, openEngine(t, duckdb.Config{}), d, `SELECT ClientIP FROM logs ORDER BY EdgeStartTimestamp`)
	want := [][]any{{"hour 3"}, {"hour 3, later"}, {"hour 4"}, {"hour 4, later"}, {"hour 5"}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	if len(a.Store.Fetched) != 3 || res.Provenance.Objects.Selected != 3 || res.Provenance.Objects.Verified != 3 {
		t.Errorf("fetched %v of 12 objects, provenance %+v", a.Store.Fetched, res.Provenance.Objects)
	}
}

func TestChainAndWindows(t *testing.T) {
	t.Parallel()
	d := small(t)
	e := openEngine(t, duckdb.Config{})
	rows, _ := ask(t, e, d, `SELECT seq, kind, lines, object LIKE 'logs/%', window_start, first_event FROM chain ORDER BY seq`)
	want := [][]any{{int64(0), "observation", nil, nil, nil, nil}, {int64(1), "log", int64(2), true, start, start}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	rows, _ = ask(t, e, d, `SELECT start, "end", state, reason, seq, lines FROM windows`)
	want = [][]any{{start, start.Add(5 * time.Minute), "collected", nil, int64(1), int64(2)}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	// A view used twice in one statement reads twice.
	rows, _ = ask(t, e, d, `SELECT count(*) FROM logs a JOIN raw b USING (_seq, _line) JOIN chain c ON c.seq = a._seq JOIN logs x USING (_line)`)
	if rows[0][0] != int64(2) {
		t.Errorf("join has %v rows, want 2", rows[0][0])
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	d := small(t)
	e := openEngine(t, duckdb.Config{})
	rows, res := ask(t, e, d, `SELECT 170141183460469231731687303715884105727::HUGEINT, 18446744073709551615::UBIGINT, 1.10::DECIMAL(10,2),
		[TIMESTAMP_NS '2024-01-01 00:00:00.123456789'], {'b': 1, 'a': NULL}, MAP {'k': 1}, INTERVAL '1 day', DATE '2024-02-29',
		UUID '00112233-4455-6677-8899-aabbccddeeff', '\x00'::BLOB, NULL, 'inf'::DOUBLE, '{"a": 12345678901234567890123}'::JSON, ['inf'::DOUBLE], 1::TINYINT`)
	var got []string
	for i, v := range rows[0] {
		got = append(got, fmt.Sprintf("%s %v", res.Columns[i].Type, text(v)))
	}
	want := []string{
		"HUGEINT 170141183460469231731687303715884105727", "UBIGINT 18446744073709551615", "DECIMAL(10,2) 1.10",
		`TIMESTAMP_NS[] ["2024-01-01 00:00:00.123456789"]`, `STRUCT {"b":1,"a":null}`, `MAP {"k":1}`, "INTERVAL 1 day", "DATE 2024-02-29",
		"UUID 00112233-4455-6677-8899-aabbccddeeff", "BLOB [0]", "INTEGER <nil>", "DOUBLE +Inf", `JSON {"a":12345678901234567890123}`, "DOUBLE[] [Infinity]", "TINYINT 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The cast around a statement keeps its order.
	rows, _ = ask(t, e, d, `SELECT [range], range FROM range(50000) ORDER BY range DESC`)
	for i, row := range rows {
		if row[1] != int64(49999-i) {
			t.Fatalf("row %d is %v", i, row)
		}
	}
}

func text(v any) any {
	if j, ok := v.(query.JSON); ok {
		return string(j)
	}
	return v
}

func TestStatementsAndParams(t *testing.T) {
	t.Parallel()
	d := small(t)
	e := openEngine(t, duckdb.Config{})
	res, err := e.Query(context.Background(), query.Request{Dataset: d, Params: map[string]any{"status": "404", "unused": "x"},
		SQL: `CREATE TEMP TABLE bad AS SELECT * FROM logs WHERE EdgeResponseStatus = $status; -- a "comment"; with ;
			CREATE MACRO twice(x) AS x * 2; /* ; */ SELECT ClientIP, twice(21), ';', $$;$$, E'\';' FROM bad; `})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	for row, err := range res.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]any{"2.2.2.2", int64(42), ";", ";", "';"}, row); diff != "" {
			t.Error(diff)
		}
	}
	_, err = e.Query(context.Background(), query.Request{Dataset: d, SQL: `SELECT $missing`})
	if !errors.Is(err, query.ErrSQL) || !strings.Contains(err.Error(), "$missing") {
		t.Errorf("missing parameter: %v", err)
	}
	// Nothing of a request is left for the next one.
	_, err = e.Query(context.Background(), query.Request{Dataset: d, SQL: `SELECT * FROM bad`})
	if !errors.Is(err, query.ErrSQL) {
		t.Errorf("table of an earlier request: %v", err)
	}
}

func TestDamage(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	record := lines(fmt.Sprintf(`{"EdgeStartTimestamp":%d,"ClientIP":"1.1.1.1"}`, start.UnixNano()))
	first := a.Window(start, 5*time.Minute, record)
	a.Window(start.Add(5*time.Minute), 5*time.Minute, record+record)
	local := a.NewLocal()
	d, err := dataset.Open(context.Background(), local, []dataset.Chain{a.Chain()}, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	path := filepath.Join(local.Dir, first.Object.Key)
	b := append([]byte(nil), a.Store.Objects[first.Object.Key]...)
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	// Changed between the check and the use.
	_, err = openEngine(t, duckdb.Config{}).Query(context.Background(), query.Request{SQL: "SELECT count(*) FROM logs", Dataset: d})
	var damage *dataset.DamageError
	if !errors.As(err, &damage) || damage.Seq != first.Seq || damage.Key != first.Object.Key {
		t.Errorf("error %v, want a DamageError naming entry %d", err, first.Seq)
	}
}

func TestProvenance(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	record := lines(fmt.Sprintf(`{"EdgeStartTimestamp":%d}`, start.UnixNano()))
	first := a.Window(start, 5*time.Minute, record)
	a.Window(start.Add(5*time.Minute), 5*time.Minute, record)
	a.Store.Objects[first.Object.Key][9] ^= 1
	d := a.Open(dataset.Options{SkipDamaged: true, Range: dataset.Range{From: start, To: start.Add(time.Minute)}})
	now := start.Add(24 * time.Hour)
	e := openEngine(t, duckdb.Config{Program: "rainlogs test", Now: func() time.Time { return now }})
	_, res := ask(t, e, d, "SELECT count(*) FROM logs")
	b, err := json.Marshal(res.Provenance)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]any{
		"sql": "SELECT count(*) FROM logs", "engine": "duckdb v1.5.6", "program": "rainlogs test", "asked_at": "2026-01-02T12:00:00Z",
		"range.from": "2026-01-01T12:00:00Z", "range.to": "2026-01-01T12:01:00Z",
		"chains.0.size": 3.0, "chains.0.pinned": true, "chains.0.root": "cm9vdA==", "chains.0.key": "rainlogs/test",
		"objects.selected": 2.0, "objects.verified": 1.0, "objects.damaged.0.object": first.Object.Key, "objects.damaged.0.seq": 1.0,
		"coverage.complete": false, "coverage.incomplete.0.state": "damaged", "coverage.incomplete.1.state": "missing",
		"coverage.incomplete.1.start": "2026-01-01T12:10:00Z", "coverage.incomplete.1.end": "2026-01-01T12:16:00Z", "scan.lines": 1.0,
	} {
		if v := dig(got, path); v != want {
			t.Errorf("%s is %v, want %v", path, v, want)
		}
	}
}

func dig(v any, path string) any {
	for _, key := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[key]
		case []any:
			var i int
			fmt.Sscan(key, &i)
			if i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

func TestConcurrentQueries(t *testing.T) {
	t.Parallel()
	d := small(t)
	e := openEngine(t, duckdb.Config{Threads: 2})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			res, err := e.Query(context.Background(), query.Request{SQL: "SELECT ClientIP FROM logs ORDER BY 1", Dataset: d})
			if err != nil {
				t.Error(err)
				return
			}
			n := 0
			for range res.Rows() {
				n++
			}
			if err := res.Close(); err != nil || n != 2 {
				t.Errorf("%d rows, %v", n, err)
			}
		})
	}
	group.Wait()
}

// Texts around the length that stands in the vector itself, NULL and empty ones between, and more than a chunk gathers.
func TestTextsOfAllLengths(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	var content []string
	var want [][]any
	for i := range 3000 {
		n := i % 30
		if i%500 == 499 {
			n = 3 << 20
		}
		text := strings.Repeat(string(rune('a'+i%26)), n) + "è"[:i%2*2]
		member := fmt.Sprintf(`,"ClientIP":%q`, text)
		row := []any{int64(i + 1), text, int64(i)}
		if i%7 == 3 {
			member, row[1] = "", nil
		}
		content, want = append(content, fmt.Sprintf(`{"EdgeResponseStatus":%d%s}`, i, member)), append(want, row)
	}
	a.Window(start, 5*time.Minute, lines(content...))
	d := a.Open(dataset.Options{})
	rows, _ := ask(t, openEngine(t, duckdb.Config{}), d, "SELECT _line, ClientIP, EdgeResponseStatus FROM logs ORDER BY _line")
	if len(rows) != len(want) {
		t.Fatalf("%d rows", len(rows))
	}
	for i := range rows {
		if !cmp.Equal(want[i], rows[i]) {
			t.Fatalf("line %d differs", i+1)
		}
	}
	// DuckDB's own comparing and grouping see the same.
	rows, _ = ask(t, openEngine(t, duckdb.Config{}), d, "SELECT count(DISTINCT ClientIP), count(ClientIP), sum(length(ClientIP))::BIGINT, count(*) FILTER (ClientIP = 'bbb') FROM logs")
	distinct, count, length, equal := map[string]bool{}, int64(0), int64(0), int64(0)
	for _, row := range want {
		if text, ok := row[1].(string); ok {
			distinct[text] = true
			count, length = count+1, length+int64(utf8.RuneCountInString(text))
			if text == "bbb" {
				equal++
			}
		}
	}
	if diff := cmp.Diff([][]any{{int64(len(distinct)), count, length, equal}}, rows); diff != "" {
		t.Error(diff)
	}
}
