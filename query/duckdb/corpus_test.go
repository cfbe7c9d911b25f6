package duckdb_test

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

//go:embed testdata/corpus.sql
var corpus string

// questions are the corpus by name.
func questions(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, part := range strings.Split(corpus, "-- @ ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		if out[name] != "" {
			t.Fatalf("two questions are called %s", name)
		}
		out[name] = strings.TrimSuffix(strings.TrimSpace(text), ";")
	}
	return out
}

// corpusRecord is one record as the generator means it; what is nil is absent.
type corpusRecord map[string]any

// corpusLines are n records of a window's start, from a fixed seed: well-typed, for
// DuckDB's own reader refuses a file for one value that is not.
func corpusLines(rng *rand.Rand, from time.Time, first, n int) (records []corpusRecord, text string) {
	pick := func(list ...any) any { return list[rng.IntN(len(list))] }
	var b strings.Builder
	for i := range n {
		k := first + i
		at := from.UnixNano() + int64(i)*123456789 + rng.Int64N(1000)
		r := corpusRecord{
			"RayID": fmt.Sprintf("%016x", k), "EdgeStartTimestamp": at, "EdgeEndTimestamp": at + rng.Int64N(5e9),
			"ClientIP":          pick("192.0.2.1", "192.0.2.2", "198.51.100.7", "203.0.113.9", "2001:db8::1", "2001:db8::2", fmt.Sprintf("10.0.%d.%d", k%7, k%251)),
			"ClientRequestHost": pick("shop.example", "www.example", "api.example"), "ClientRequestMethod": pick("GET", "GET", "POST", "HEAD"),
			"EdgeResponseStatus": pick(200, 200, 200, 304, 403, 404, 500, 503), "EdgeResponseBytes": rng.Int64N(1 << 40),
			"ClientRequestPath":      pick("/", "/login", "/è/日本", "/😀", "/a\tb", `/"q"\`, "/İstanbul", fmt.Sprintf("/p/%d", k%40)),
			"ClientRequestURI":       pick("/?q=1", "/s?q=%27+UNION+SELECT+1", "/x?a=1&q=zz&b", "/?q="+fmt.Sprint(k%11), "/a?id=1 union/**/select 2"),
			"ClientRequestUserAgent": pick("curl/8.4.0", "Googlebot/2.1", "Mozilla/5.0", ""), "ClientCity": pick("Zürich", "東京", "São Paulo", "", nil),
			"ClientRequestReferer":  pick("", nil, "https://è.example/\u2028x", "a\\b\"c", "tab\tnew\nline"),
			"EdgeTimeToFirstByteMs": rng.IntN(900), "WAFAttackScore": pick(1, 19, 50, 99, nil), "ClientCountry": pick("it", "de", "fr", nil),
			"CacheCacheStatus": pick("hit", "miss", "dynamic", nil), "EdgeResponseCompressionRatio": pick(1.0, 1.25, 2.5, nil, 0),
			"CacheReserveUsed": pick(true, false, nil), "CacheTieredFill": pick(true, false), "ParentRayID": pick(nil, nil, fmt.Sprintf("%016x", rng.IntN(k+1))),
			"Cookies":        pick(nil, map[string]any{"session": fmt.Sprint(k % 9), "deep": map[string]any{"er": []any{1, "è"}}}, map[string]any{}),
			"RequestHeaders": pick(nil, map[string]any{"x-forwarded-for": "10.1.1.1"}, map[string]any{"accept": "*/*", "x-é": "1"}),
			"BotTags":        pick(nil, []any{}, []any{"api"}, []any{"api", "x\"y", "è"}), "BotDetectionIDs": pick(nil, []any{1, 2}, []any{1 << 53}),
		}
		if k%5 == 0 {
			r["SomethingNew"] = pick("s", 7, []any{1}, map[string]any{"a": nil}, true)
		}
		if k%401 == 400 {
			r["ClientRequestURI"] = "/" + strings.Repeat("é/", 100_000) + fmt.Sprint(k)
		}
		for name, v := range r {
			if v == nil && k%2 == 0 {
				delete(r, name) // absent and null are the same to a question
			}
		}
		line, _ := json.Marshal(r) // of values that JSON has
		b.Write(line)
		b.WriteByte('\n')
		records = append(records, r)
	}
	return records, b.String()
}

// sealedCorpus is an archive and the same lines in a file.
func sealedCorpus(t *testing.T) (d *dataset.Dataset, file string, records []corpusRecord) {
	t.Helper()
	a := datasettest.New(t, datasettest.Zone, "SomethingNew")
	rng := rand.New(rand.NewPCG(5, 7)) //nolint:gosec // a fixed seed
	var all strings.Builder
	for w := range 4 {
		from := start.Add(time.Duration(w) * 5 * time.Minute)
		some, text := corpusLines(rng, from, 300*w, 300)
		a.Window(from, 5*time.Minute, text)
		all.WriteString(text)
		records = append(records, some...)
	}
	file = filepath.Join(t.TempDir(), "lines.ndjson")
	if err := os.WriteFile(file, []byte(all.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return a.Open(dataset.Options{}), file, records
}

// plainDuckDB is DuckDB's own reading of a file of lines.
func plainDuckDB(t *testing.T, d *dataset.Dataset, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	fields, err := d.Columns(t.Context(), nil, func(*dataset.Object) ([]string, bool) { return nil, false })
	if err != nil {
		t.Fatal(err)
	}
	var types, list []string
	for _, f := range fields {
		is, value := f.Type.SQL(), f.Name
		if f.Type == schema.Time {
			is, value = "BIGINT", "make_timestamp_ns("+f.Name+") AS "+f.Name
		}
		types, list = append(types, fmt.Sprintf("%s: '%s'", f.Name, is)), append(list, value)
	}
	view := fmt.Sprintf("CREATE VIEW logs AS SELECT %s FROM read_json('%s', format = 'newline_delimited', maximum_object_size = 67108864, columns = {%s})",
		strings.Join(list, ", "), file, strings.Join(types, ", "))
	for _, statement := range []string{"SET TimeZone = 'UTC'", view} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// inWords makes any question's answer comparable: NULL, or what DuckDB's cast to text gives.
func inWords(question string) string {
	return "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (" + question + ")"
}

func plainAnswer(t *testing.T, db *sql.DB, question string) [][]any {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), inWords(question))
	if err != nil {
		t.Fatalf("DuckDB: %v", err)
	}
	defer rows.Close() //nolint:errcheck // read to its end
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]any
	for rows.Next() {
		row, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			targets[i] = &row[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("DuckDB: %v", err)
	}
	return out
}

// TestAnswersAsDuckDB: the corpus has the answers that DuckDB gives for the lines in a file.
func TestAnswersAsDuckDB(t *testing.T) {
	t.Parallel()
	d, file, _ := sealedCorpus(t)
	db, e := plainDuckDB(t, d, file), openEngine(t, duckdb.Config{})
	all := questions(t)
	if len(all) < 40 {
		t.Fatalf("%d questions", len(all))
	}
	for name, question := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := plainAnswer(t, db, question)
			got, _ := ask(t, e, d, inWords(question))
			if len(want) == 0 {
				t.Error("nobody finds anything: the question tests nothing")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-DuckDB +ours:\n%.2000s", diff)
			}
		})
	}
}

// TestAnswersAsCounted: ten answers computed from the records themselves, without SQL.
func TestAnswersAsCounted(t *testing.T) {
	t.Parallel()
	d, _, records := sealedCorpus(t)
	e := openEngine(t, duckdb.Config{})
	for name, c := range counted {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := e.Query(context.Background(), request(d, c.sql))
			if err != nil {
				t.Fatal(err)
			}
			var rows [][]any
			for row, err := range got.Rows() {
				if err != nil {
					t.Fatal(err)
				}
				rows = append(rows, append([]any(nil), row...))
			}
			if err := got.Close(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.count(records), rows); diff != "" {
				t.Errorf("-counted +answered:\n%.2000s", diff)
			}
		})
	}
}
