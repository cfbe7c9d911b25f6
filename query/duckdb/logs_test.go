package duckdb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
)

// some gives the columns of those entries for which has is true.
type some struct {
	*columns.Cache
	has func(seq int64) bool
}

func (s some) Find(e *evidence.Entry) (columns.File, bool) {
	if !s.has(e.Seq) {
		return columns.File{}, false
	}
	return s.Cache.Find(e)
}

func openCache(t testing.TB) *columns.Cache {
	t.Helper()
	c, err := columns.Open(columns.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func build(t testing.TB, c *columns.Cache, d *dataset.Dataset) {
	t.Helper()
	if err := c.Build(t.Context(), d.Objects(), columns.BuildOptions{}); err != nil {
		t.Fatal(err)
	}
}

// strange has every kind of value, lines that are no record, and fields that come and go.
func strange(t testing.TB) *datasettest.Archive {
	a := datasettest.New(t, datasettest.Zone, "EdgeStartTimestamp", "NewField", "Only0", "Only1")
	for w := range 6 {
		at := start.Add(time.Duration(w) * 5 * time.Minute)
		var b strings.Builder
		for i := range 40 {
			now := at.Add(time.Duration(i) * 7 * time.Second).UnixNano()
			switch i % 8 {
			case 0:
				fmt.Fprintf(&b, `{"EdgeStartTimestamp":%d,"ClientIP":"10.0.0.%d","EdgeResponseStatus":%d,"BotTags":["api","x\"y",null],"BotDetectionIDs":[1,9223372036854775807],"Cookies":{"z":"1","a":12345678901234567890},"NewField":{"deep":[%d]}}`, now, i, 200+i, w)
			case 1:
				fmt.Fprintf(&b, `{"EdgeStartTimestamp":%d,"ClientIP":17,"EdgeResponseStatus":"404","BotTags":"x","BotDetectionIDs":[1.5],"CacheReserveUsed":1,"Only%d":true}`, now, w%2)
			case 2:
				b.WriteString("not json")
			case 3:
				fmt.Fprintf(&b, `{"EdgeStartTimestamp":"late","ClientRequestUserAgent":"\u00e8 \ud83d\ude00 `+"\xff"+`","EdgeResponseCompressionRatio":1.25}`)
			case 4:
				fmt.Fprintf(&b, `{"EdgeStartTimestamp":%d,"cut`, now)
			default:
				fmt.Fprintf(&b, `{"EdgeStartTimestamp":%d,"ClientIP":"10.0.0.%d","EdgeResponseStatus":%d,"EdgeResponseBytes":9007199254740993,"RayID":"ray%d-%d","Only%d":"%s"}`, now, i, 500+w, w, i, w%2, strings.Repeat("v", i))
			}
			b.WriteByte('\n')
		}
		a.Window(at, 5*time.Minute, b.String())
	}
	return a
}

// An answer is the same whether it comes from columns, from the lines, or from both.
func TestColumnsAnswerAsTheLinesDo(t *testing.T) {
	t.Parallel()
	a, cache := strange(t), openCache(t)
	whole := dataset.Range{}
	build(t, cache, a.Open(dataset.Options{}))
	lines := openEngine(t, duckdb.Config{})
	for name, has := range map[string]func(int64) bool{
		"all":  func(int64) bool { return true },
		"some": func(seq int64) bool { return seq%3 != 0 },
	} {
		from := openEngine(t, duckdb.Config{Columns: some{cache, has}})
		for _, r := range []dataset.Range{
			whole, {From: start.Add(3 * time.Minute), To: start.Add(17 * time.Minute)}, {From: start.Add(22 * time.Minute)},
			{To: start.Add(time.Second)}, {From: start.Add(time.Hour), To: start.Add(2 * time.Hour)},
		} {
			d := a.Open(dataset.Options{Range: r})
			for _, sql := range []string{
				"DESCRIBE logs",
				"SELECT * FROM logs ORDER BY _seq, _line",
				"SELECT count(*), count(EdgeStartTimestamp), min(EdgeStartTimestamp), max(EdgeStartTimestamp), count(_error) FROM logs",
				"SELECT EdgeResponseStatus, count(*), sum(EdgeResponseBytes)::VARCHAR FROM logs GROUP BY 1 ORDER BY 1",
				"SELECT RayID, _object, _line FROM logs WHERE RayID = 'ray2-5'",
				"SELECT Cookies->>'a', BotTags[2], BotDetectionIDs[2], len(BotTags) FROM logs WHERE BotTags IS NOT NULL ORDER BY _seq, _line",
				"SELECT l.ClientIP, r.line FROM logs l JOIN raw r USING (_object, _line) WHERE l.EdgeResponseStatus >= 500 ORDER BY 1, 2",
				"SELECT w.state, count(*) FROM logs l JOIN windows w ON w.seq = l._seq GROUP BY 1",
			} {
				want, wantRes := ask(t, lines, d, sql)
				got, res := ask(t, from, d, sql)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, %+v, %s: %s", name, r, sql, diff)
				}
				if diff := cmp.Diff(wantRes.Columns, res.Columns); diff != "" {
					t.Errorf("%s, %+v, %s: columns %s", name, r, sql, diff)
				}
			}
		}
	}
}

// The objects whose columns are there are not touched, and the provenance tells one from the other.
func TestProvenanceOfColumns(t *testing.T) {
	t.Parallel()
	a, cache := strange(t), openCache(t)
	build(t, cache, a.Open(dataset.Options{}))
	e := openEngine(t, duckdb.Config{Columns: some{cache, func(seq int64) bool { return seq <= 4 }}})
	for _, c := range []struct {
		sql                       string
		columns, verified, fetchd int
	}{
		{"SELECT count(*) FROM windows", 0, 0, 0},
		{"SELECT count(*) FROM chain -- not logs", 0, 0, 0},
		{"SELECT count(*) FROM logs", 4, 2, 2},
		{`SELECT count(*) FROM "LOGS"`, 4, 2, 2},
		{"SELECT count(*) FROM raw", 0, 6, 6},
		{"SELECT count(*) FROM logs, raw", 4, 6, 6},
		{"SELECT count(*) FROM E'lo\\x67s'", 0, 6, 6}, // not seen to be logs: read, and right
	} {
		d := a.Open(dataset.Options{})
		a.Store.Fetched = nil
		rows, res := ask(t, e, d, c.sql)
		if len(rows) != 1 {
			t.Errorf("%s: rows %v", c.sql, rows)
		}
		o := res.Provenance.Objects
		if o.Selected != 6 || o.Columns != c.columns || o.Verified != c.verified || len(a.Store.Fetched) != c.fetchd {
			t.Errorf("%s: objects %+v, fetched %d", c.sql, o, len(a.Store.Fetched))
		}
	}
	d := a.Open(dataset.Options{})
	_, res := ask(t, openEngine(t, duckdb.Config{Columns: cache}), d, "SELECT * FROM logs")
	if s := res.Provenance.Scan; s.Lines != 240 || s.Unreadable != 60 || s.Mistyped["BotTags"] != 30 {
		t.Errorf("scan %+v", s)
	}
}

// Damage in the store is met only where the store is read; what is answered without the object says so.
func TestDamageWithColumns(t *testing.T) {
	t.Parallel()
	a, cache := strange(t), openCache(t)
	build(t, cache, a.Open(dataset.Options{}))
	bad := a.Entries[3].Object.Key
	a.Store.Objects[bad][30] ^= 1
	without := some{cache, func(seq int64) bool { return seq != 3 }}
	for _, c := range []struct {
		name, sql string
		from      duckdb.Columns
		lines     int64 // with the damaged object skipped
		met       bool
	}{
		{"no columns", "SELECT count(*) FROM logs", nil, 200, true},
		{"columns of the others", "SELECT count(*) FROM logs", without, 200, true},
		{"columns of all", "SELECT count(*) FROM logs", cache, 240, false},
		{"raw", "SELECT count(*) FROM raw", cache, 200, true},
		{"chain", "SELECT 240 FROM chain LIMIT 1", cache, 240, false},
	} {
		e := openEngine(t, duckdb.Config{Columns: c.from})
		first, err := e.Query(t.Context(), query.Request{SQL: c.sql, Dataset: a.Open(dataset.Options{})})
		if err == nil {
			err = first.Close()
		}
		var damage *dataset.DamageError
		if errors.As(err, &damage) != c.met || c.met && (damage.Seq != 3 || !strings.Contains(err.Error(), bad)) || !c.met && err != nil {
			t.Errorf("%s: error %v", c.name, err)
		}
		d := a.Open(dataset.Options{SkipDamaged: true})
		rows, res := ask(t, e, d, c.sql)
		p := res.Provenance
		if rows[0][0] != c.lines && rows[0][0] != int32(c.lines) || (len(p.Objects.Damaged) == 1) != c.met || (d.Spans()[2].State == dataset.Damaged) != c.met {
			t.Errorf("%s: %v, objects %+v, windows %+v", c.name, rows, p.Objects, d.Spans())
		}
		if !c.met {
			continue
		}
		// The same statement sees the window as damaged.
		rows, _ = ask(t, e, a.Open(dataset.Options{SkipDamaged: true}), "SELECT state FROM windows WHERE seq = 3 AND (SELECT count(*) FROM "+c.sql[21:]+") > 0")
		if len(rows) != 1 || rows[0][0] != "damaged" {
			t.Errorf("%s: windows say %v", c.name, rows)
		}
	}
}

// A file of columns that was altered, or goes while it is asked, costs time and never an answer.
func TestAlteredColumns(t *testing.T) {
	t.Parallel()
	a, cache := strange(t), openCache(t)
	d := a.Open(dataset.Options{})
	e := openEngine(t, duckdb.Config{Columns: cache})
	want, _ := ask(t, openEngine(t, duckdb.Config{}), d, "SELECT * FROM logs ORDER BY _seq, _line")
	for name, harm := range map[string]func(path string) error{
		"a bit":   func(path string) error { return change(path, func(b []byte) []byte { b[len(b)/2] ^= 1; return b }) },
		"cut":     func(path string) error { return change(path, func(b []byte) []byte { return b[:len(b)-9] }) },
		"empty":   func(path string) error { return change(path, func([]byte) []byte { return nil }) },
		"removed": os.Remove,
	} {
		build(t, cache, d)
		if _, res := ask(t, e, d, "SELECT count(*) FROM logs"); res.Provenance.Objects.Columns != 6 {
			t.Fatalf("%s: objects %+v", name, res.Provenance.Objects)
		}
		f, ok := cache.Find(a.Entries[2])
		if !ok {
			t.Fatal("no columns")
		}
		f.Release()
		if err := harm(f.Path); err != nil {
			t.Fatal(err)
		}
		got, res := ask(t, e, d, "SELECT * FROM logs ORDER BY _seq, _line")
		if diff := cmp.Diff(want, got); diff != "" || res.Provenance.Objects.Columns != 5 || res.Provenance.Objects.Verified != 1 {
			t.Errorf("%s: objects %+v, %s", name, res.Provenance.Objects, diff)
		}
	}
	// It goes between finding and binding.
	build(t, cache, d)
	e = openEngine(t, duckdb.Config{Columns: vanishing{cache}})
	got, res := ask(t, e, d, "SELECT * FROM logs ORDER BY _seq, _line")
	if diff := cmp.Diff(want, got); diff != "" || res.Provenance.Objects.Columns != 0 {
		t.Errorf("vanished: objects %+v, %s", res.Provenance.Objects, diff)
	}
}

func change(path string, do func([]byte) []byte) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, do(bytes.Clone(b)), 0o600)
}

// vanishing finds files that are gone at once.
type vanishing struct{ *columns.Cache }

func (v vanishing) Find(e *evidence.Entry) (columns.File, bool) {
	f, ok := v.Cache.Find(e)
	if ok {
		_ = os.Remove(f.Path)
	}
	return f, ok
}

// DuckDB may open the files of the question and nothing else, whoever asks it.
func TestColumnsOpenNoOtherFile(t *testing.T) {
	t.Parallel()
	a, cache := strange(t), openCache(t)
	d := a.Open(dataset.Options{})
	build(t, cache, d)
	paths := map[int64]string{}
	for _, entry := range a.Entries[1:] {
		f, ok := cache.Find(entry)
		if !ok {
			t.Fatal("no columns")
		}
		paths[entry.Seq] = f.Path
		f.Release()
	}
	e := openEngine(t, duckdb.Config{Columns: some{cache, func(seq int64) bool { return seq != 6 }}})
	inside, beside := paths[1], paths[6]
	link := filepath.Join(t.TempDir(), "link.parquet")
	if err := os.Symlink(beside, link); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"SELECT * FROM read_parquet('" + inside + "')",
		"SELECT * FROM read_parquet('" + beside + "')",
		"SELECT * FROM parquet_scan(['" + inside + "'])",
		"SELECT * FROM parquet_metadata('" + inside + "')",
		"SELECT * FROM read_text('" + inside + "')",
		"SELECT * FROM read_blob('" + inside + "')",
		"SELECT * FROM glob('" + filepath.Dir(inside) + "/*')",
		"SELECT * FROM '" + inside + "'",
		"SELECT * FROM \"" + inside + "\"",
		"SELECT * FROM '" + beside + "'",
		"SELECT * FROM '" + filepath.Dir(inside) + "/*.parquet'",
		"SELECT * FROM '" + link + "'",
		"SELECT * FROM '" + filepath.Dir(inside) + "/../" + filepath.Base(filepath.Dir(inside)) + "/" + filepath.Base(beside) + "'",
		"SELECT * FROM '/etc/hosts.parquet'",
		"CREATE VIEW v AS FROM '" + inside + "'; SELECT * FROM v",
		"COPY (SELECT 1) TO '" + inside + "'",
		"COPY (SELECT 1) TO '" + filepath.Join(filepath.Dir(inside), "new.parquet") + "'",
		"FROM rainlogs_logs()", "FROM rainlogs_raw()",
		"SET allowed_paths = ['" + beside + "']",
		"SET allowed_directories = ['/']",
		"ATTACH '" + inside + "' AS x",
	} {
		for _, ask := range []string{sql, "SELECT count(*) FROM logs; " + sql} {
			res, err := e.Query(context.Background(), query.Request{SQL: ask, Dataset: d})
			if err == nil {
				err = drain(res)
			}
			if !errors.Is(err, query.ErrForbidden) && !errors.Is(err, query.ErrSQL) {
				t.Errorf("%.120s: error %v", ask, err)
			}
		}
	}
	if _, ok := cache.Find(a.Entries[1]); !ok {
		t.Error("a file of columns was changed")
	}
}

// A field that was not asked for and that the first line lacks is a column once the lines have been read for columns.
func TestLateFieldIsAColumnOfColumns(t *testing.T) {
	t.Parallel()
	a, cache := datasettest.New(t, datasettest.Zone), openCache(t)
	for i := range 3 {
		a.Window(start.Add(time.Duration(i)*5*time.Minute), 5*time.Minute, lines(`{"ClientIP":"a"}`, `{"Late":7}`))
	}
	d := a.Open(dataset.Options{})
	build(t, cache, d)
	_, res := ask(t, openEngine(t, duckdb.Config{}), d, "SELECT ClientIP FROM logs")
	if diff := cmp.Diff([]string{"Late"}, res.Provenance.Scan.Unlisted); diff != "" {
		t.Error(diff)
	}
	for name, from := range map[string]duckdb.Columns{"all": cache, "one": some{cache, func(seq int64) bool { return seq == 2 }}} {
		rows, res := ask(t, openEngine(t, duckdb.Config{Columns: from}), d, "SELECT count(Late) FROM logs")
		if rows[0][0] != int64(3) || len(res.Provenance.Scan.Unlisted) != 0 {
			t.Errorf("%s: %v, scan %+v", name, rows, res.Provenance.Scan)
		}
	}
}
